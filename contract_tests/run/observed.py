"""Observations beside the checks: undocumented members, values of open fields, times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from novita_mock._api.description import load_description

from ..judging.referee import described
from ..wire.exchange import Exchange
from ..wire.views import Unreadable, stream_of

MOST_TIMES = 200


@dataclass
class Observed:
    """How often `fields` and `values` occurred; times are in seconds."""

    fields: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    first_byte: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Observed:
        """The observations in these exchanges."""
        found = cls()
        for exchange in exchanges:
            found._add(exchange)
        return found

    def _add(self, exchange: Exchange) -> None:
        operation = load_description().operations.get(exchange.asked.operation)
        arrivals = exchange.came.arrivals
        if arrivals:
            self.first_byte.append(round(arrivals[0][0], 4))
            if exchange.is_stream:
                times = [at for at, _ in arrivals]
                self.gaps += [round(b - a, 4) for a, b in pairwise(times)]
        if operation is None:
            return
        try:
            self._read(exchange, operation)
        except (Unreadable, ValueError, AttributeError, TypeError, KeyError):
            return

    def _read(self, exchange: Exchange, operation: Any) -> None:
        if exchange.is_stream:
            chunks = stream_of(exchange).chunks
            for name in set().union(*(described(str(operation.chunk), chunk) for chunk in chunks)):
                self.fields[f"{operation.name} chunk: {name}"] += 1
            return
        path = operation.response if exchange.ok else "common/error.json"
        kind = "answer" if exchange.ok else "error"
        for name in described(path, exchange.value):
            self.fields[f"{operation.name} {kind}: {name}"] += 1
        if not exchange.ok:
            self.values[f"reason: {exchange.value.get('reason')}"] += 1
        for piece in exchange.value.get("choices", []) if exchange.ok else []:
            self.values[f"finish_reason: {piece.get('finish_reason')}"] += 1

    def data(self) -> dict[str, Any]:
        """The observations as part of a report."""
        return {
            "undocumented": dict(self.fields), "values": dict(self.values),
            "first_byte": self.first_byte[:MOST_TIMES], "gaps": self.gaps[:MOST_TIMES],
        }  # fmt: skip

    def merge(self, data: dict[str, Any]) -> None:
        """Adds the observations of another process."""
        self.fields.update(data.get("undocumented", {}))
        self.values.update(data.get("values", {}))
        self.first_byte += data.get("first_byte", [])
        self.gaps += data.get("gaps", [])
