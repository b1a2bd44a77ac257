"""Which of many rules answers a request, without a look at each of them.

A rule is filed under the one thing that most surely rules it out: an exact text, a piece of the
text that it looks for, a model id. A request then meets the rules filed under what it has, and
those that nothing could be said of.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from heapq import merge

from novita_mock._api.request_view import HEADER, RequestView
from novita_mock._stubs.conditions import TEXTS, Condition, Exact, is_literal
from novita_mock._stubs.model import Rule

Fits = tuple[Callable[[RequestView], bool], ...]
Entry = tuple[int, int, int, Fits]
"""A rule as it stands in line: the heaviest first, then the first. Its third item is its index."""
Drawer = dict[str, list[Entry]]
Place = tuple[Drawer, str]

_SIZES = (8, 4, 2, 1)
_FEW = 64
_LONG = 1_000


class _Needles:
    """Rules by what they look for in a text. A needle of 7 letters holds a whole block of 4
    wherever a long text is cut into such blocks; of a short text all pieces of 7 can be cut. The
    larger the blocks, the fewer there are, and the fewer rules share one."""

    def __init__(self, size: int) -> None:
        self.shortest = 2 * size - 1
        self._size = size
        self._blocks = re.compile(f"(?s).{{{size}}}").findall
        self._pieces: Drawer = {}
        self._in_blocks: Drawer = {}

    def places(self, needle: str) -> Iterator[Place]:
        """Where a rule with this needle is filed."""
        # The last of equals, because texts that are numbered differ at their end.
        pieces = reversed([*_pieces(needle, self.shortest)])
        rarest = min(pieces, key=lambda piece: len(self._pieces.get(piece, ())))
        yield self._pieces, rarest
        for block in dict.fromkeys(_pieces(rarest, self._size)):
            yield self._in_blocks, block

    def met(self, text: str) -> list[list[Entry]]:
        """The rules of which `text` has a piece, or a block."""
        bucket = self._pieces
        if len(bucket) < _FEW:
            # To cut the text would take longer than to look for each.
            return [entries for piece, entries in bucket.items() if piece in text]
        if len(text) < _LONG // self._size:
            return [bucket[key] for key in bucket.keys() & set(_pieces(text, self.shortest))]
        blocks = self._in_blocks
        return [blocks[key] for key in {*self._blocks(text)} if key in blocks]


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(len(text) - size + 1))


class Index:
    """The rules that can still answer, filed by what they ask."""

    def __init__(self) -> None:
        self._exact: dict[str, Drawer] = {}
        self._needles: dict[str, tuple[_Needles, ...]] = {}
        self._rest: Drawer = {"": []}
        self._filed: dict[int, tuple[Entry, list[Place]]] = {}

    def add(self, index: int, rule: Rule) -> None:
        """Files `rule`, the script's number `index`."""
        conditions, exact = rule.weight
        entry = -conditions, -exact, index, tuple(c.fits for c in rule.when.conditions)
        places = [*self._places(rule.when.conditions)]
        for bucket, key in places:
            insort(bucket.setdefault(key, []), entry)
        self._filed[index] = entry, places

    def drop(self, index: int) -> None:
        """Takes a rule out that may not answer any more."""
        entry, places = self._filed.pop(index)
        for bucket, key in places:
            entries = bucket[key]
            at = bisect_left(entries, entry)
            # A new list: a request in another thread may stand in the middle of the old one.
            bucket[key] = entries[:at] + entries[at + 1 :]

    def first(self, view: RequestView) -> int | None:
        """Index of the rule that answers; None if none fits."""
        found = [*self._met(view)]
        rest = self._rest[""]
        for _, _, index, asked in merge(rest, *found) if found else rest:
            for fits in asked:
                if not fits(view):
                    break
            else:
                return index
        return None

    def _met(self, view: RequestView) -> Iterator[list[Entry]]:
        """The rules filed under what the request has."""
        for name, bucket in self._exact.items():
            if (text := view.text(name)) in bucket:
                yield bucket[text]
        for name, sizes in self._needles.items():
            if (text := view.folded(name)) is not None:
                for needles in sizes:
                    yield from needles.met(text)

    def _places(self, conditions: Iterable[Condition]) -> Iterable[Place]:
        """Where a rule is filed."""
        asked = {c.name: c.wanted for c in conditions}
        texts = {name: wanted for name, wanted in asked.items() if _is_text(name)}
        for name, wanted in texts.items():
            if isinstance(wanted, Exact):
                return [(self._exact.setdefault(name, {}), wanted.text)]
        folded = {n: wanted.casefold() for n, wanted in texts.items() if isinstance(wanted, str)}
        if longest := max(folded, key=lambda name: len(folded[name]), default=None):
            if longest not in self._needles:
                self._needles[longest] = tuple(map(_Needles, _SIZES))
            for needles in self._needles[longest]:
                if len(folded[longest]) >= needles.shortest:
                    return needles.places(folded[longest])
        if is_literal(asked.get("model")):
            return [(self._exact.setdefault("model", {}), asked["model"])]
        return [(self._rest, "")]


def _is_text(name: str) -> bool:
    return name in TEXTS or name.startswith(HEADER)
