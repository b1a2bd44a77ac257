"""Does the journal agree with what was sent? It is read while it grows: it forgets the oldest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.soak_plan import Ask, fault_name, owed

Entry = tuple[int, int, str | None, str | None]
"""Number of a call, status, fault, and the number that its request brought."""


@dataclass(slots=True)
class Journal:
    """All entries that there were. `after`: gives those after a number, as the journal has them."""

    after: Callable[[int], Sequence[Sequence[object]]]
    entries: list[Entry] = field(default_factory=list)

    def look(self) -> None:
        """Reads what is new."""
        last = self.entries[-1][0] if self.entries else 0
        self.entries += [entry(row) for row in self.after(last)]

    def numbers(self) -> int:
        """Numbers from 1 on that are missing, and entries too many for their numbers."""
        numbers = {number for number, *_ in self.entries}
        last = max(numbers, default=0)
        return last - len(numbers) + len(self.entries) - len(numbers)

    def requests(self, sent: Mapping[int, Ask]) -> int:
        """Requests without exactly one entry, and entries that nobody sent a request for. Whose
        client went at once need not have one."""
        found = Counter(request for *_, request in self.entries)
        unknown = sum(found[request] for request in found if not _known(request, sent))
        return unknown + sum(
            found[str(number)] != 1 and (ask.leaves != 0 or found[str(number)] > 1)
            for number, ask in sent.items()
        )

    def different(self, sent: Mapping[int, Ask]) -> int:
        """Entries with another status or fault than that of their request."""
        return sum(
            _known(request, sent) and (status, fault) != _asked(sent[int(str(request))])
            for _, status, fault, request in self.entries
        )


def entry(row: Sequence[object]) -> Entry:
    """An entry as it came in JSON."""
    number, status, fault, request = row
    return int(str(number)), int(str(status)), _text(fault), _text(request)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _known(request: str | None, sent: Mapping[int, Ask]) -> bool:
    return request is not None and int(request) in sent


def _asked(ask: Ask) -> tuple[int, str | None]:
    return owed(ask.body, ask.fault).status, fault_name(ask)
