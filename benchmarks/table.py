"""What was measured, as a table to read and as JSON."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a median has to keep: at least `low`, at most `high`."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        bounds = [f">= {self.low:g}"] if self.low is not None else []
        return " and ".join(bounds + ([f"<= {self.high:g}"] if self.high is not None else []))

    def holds(self, median: float) -> bool:
        """Whether `median` keeps the bound."""
        return (self.low is None or median >= self.low) and (
            self.high is None or median <= self.high
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: `values` are those of the rounds, `unit` says what they are of. A row without
    values says in `note` why there are none."""

    place: str
    what: str
    unit: str
    values: Sequence[float] = ()
    goal: Goal | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Whether the goal is reached; empty where there is none."""
        if self.goal is None or not self.values:
            return ""
        return "reached" if self.goal.holds(self.median) else "missed"

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        if not self.values:
            return (self.what, "-", "", "", "", "", self.note)
        spread = f"{_number(min(self.values))} .. {_number(max(self.values))}"
        goal = "" if self.goal is None else str(self.goal)
        return (self.what, _number(self.median), self.unit, spread, goal, self.verdict, self.note)


HEAD = ("", "median", "unit", "spread", "goal", "", "note")


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def report(text: str = "") -> None:
    """Writes a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(place: str, title: str, rows: Sequence[Row]) -> None:
    """Writes the rows of one place."""
    report(f"\n{place}: {title}")
    for line in aligned([HEAD, *(row.cells() for row in rows)]):
        report(f"  {line}")


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, its columns as wide as they have to be."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in table]


def save(path: Path, about: dict[str, Any], rows: Sequence[Row]) -> None:
    """Writes everything as JSON."""
    found = [
        asdict(row) | {"median": row.median if row.values else None, "verdict": row.verdict}
        for row in rows
    ]
    path.write_text(json.dumps({"about": about, "rows": found}, indent=2) + "\n", encoding="utf-8")
