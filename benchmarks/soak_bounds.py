"""What a server may leave behind, and what it left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.soak_crowd import Told
from benchmarks.soak_journal import Journal

MIB = 2**20
# What caches of the interpreter and of regular expressions may still take on: ten replies. And the
# tables of tasks and connections, which stay as large as they were when there were most of them.
MOST_USED = MIB // 8
USED_A_STREAM = 512
MOST_RESIDENT = 8 * MIB
# An entry keeps its bodies, whose bytes count, and objects of nearly the same size around them.
FULL_TIMES = 2
FULL_BESIDE = 24 * MIB
# A server closes what is idle for seconds, and on a busy machine a client can be as late: one of
# so many requests may meet that.
IDLE = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """The census before the streams, after them, and with the journal emptied; what the clients
    and the journal tell; whether the server takes connections again after it refused them."""

    before: Mapping[str, Any]
    full: Mapping[str, Any]
    after: Mapping[str, Any]
    told: Told
    journal: Journal
    came_back: bool


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that there may be, and what there was; None if this system does not tell."""

    what: str
    most: float
    seen: float | None
    unit: str = ""

    @property
    def kept(self) -> bool:
        """Whether the bound is kept."""
        return self.seen is None or self.seen <= self.most

    def cells(self) -> tuple[str, ...]:
        """The bound as text."""
        seen = "not told here" if self.seen is None else f"{_number(self.seen)} {self.unit}"
        verdict = "kept" if self.kept else "BROKEN"
        return (self.what, seen.strip(), f"<= {_number(self.most)} {self.unit}".strip(), verdict)


HEAD = ("left behind", "seen", "bound", "")


def _number(value: float) -> str:
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}"


def bounds(seen: Seen, streams: int, most_bytes: int) -> list[Bound]:
    """All bounds, after so many `streams` at once, with a journal of `most_bytes`."""
    return [*_left(seen, streams), *_held(seen, most_bytes), *_journal(seen)]


def _left(seen: Seen, streams: int) -> list[Bound]:
    before, after = seen.before, seen.after
    used = MOST_USED + USED_A_STREAM * streams
    return [
        Bound("tasks", 0, _grown(before, after, "tasks")),
        Bound("sockets", 0, _grown(before, after, "sockets")),
        Bound("open files", 0, _grown(before, after, "files")),
        _memory("memory in use, journal emptied", used, before, after, "used"),
        _memory("memory resident, journal emptied", MOST_RESIDENT, before, after, "resident"),
        Bound("exceptions in the log", 0, len(after["exceptions"])),
    ]


def _held(seen: Seen, most_bytes: int) -> list[Bound]:
    most = FULL_TIMES * most_bytes + FULL_BESIDE
    return [
        _memory("memory in use, journal full", most, seen.before, seen.full, "used"),
        _memory("memory resident, journal full", most, seen.before, seen.full, "resident"),
        Bound("bodies in the journal", most_bytes / MIB, seen.full["bytes"] / MIB, "MiB"),
    ]


def _journal(seen: Seen) -> list[Bound]:
    sent, journal = seen.told.sent, seen.journal
    return [
        Bound("requests without exactly one call", 0, journal.requests(sent)),
        Bound("numbers missing or given twice", 0, journal.numbers()),
        Bound("calls of another status or fault", 0, journal.different(sent)),
        Bound("answers that are not what is owed", 0, len(seen.told.wrong)),
        Bound("kept connections found closed", max(1, len(sent) // IDLE), seen.told.again),
        Bound("refusing connections for good", 0, int(not seen.came_back)),
    ]


def _memory(
    what: str, most: int, before: Mapping[str, Any], after: Mapping[str, Any], name: str
) -> Bound:
    grown = _grown(before, after, name)
    return Bound(what, most / MIB, None if grown is None else grown / MIB, "MiB")


def _grown(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> int | None:
    return after[name] - before[name] if name in before else None
