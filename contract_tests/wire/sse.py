"""Server-sent events, parsed from bytes by the HTML standard, with whatever violates it.

No SDK, because their accumulators hide wrong order, roles, indexes and duplicates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELDS = ("data", "event", "id", "retry")


@dataclass(frozen=True)
class Event:
    """The joined `data` lines of one event, and the offset of its end."""

    data: str
    end: int


@dataclass(frozen=True)
class Events:
    """All events of a body. `faults` violate the standard; `extras` are lines other than `data`."""

    events: tuple[Event, ...]
    faults: tuple[str, ...]
    extras: tuple[str, ...]
    mixed_ends: bool = False


def read(body: bytes) -> Events:
    """The events in `body`."""
    faults: list[str] = []
    extras: list[str] = []
    events: list[Event] = []
    data: list[str] = []
    if body.startswith(b"\xef\xbb\xbf"):
        extras.append("a byte order mark")
    for line, end in _lines(body.removeprefix(b"\xef\xbb\xbf")):
        if not line:
            if data:
                events.append(Event("\n".join(data), end))
            data = []
            continue
        name, value = _field(line, faults)
        if name == "data":
            data.append(value)
        elif name == "" or name in _FIELDS:
            extras.append(line.decode("utf-8", "replace"))
        else:
            faults.append(f"a line is neither a field, a comment nor blank: {line[:80]!r}")
    if data:
        faults.append("the last event is not closed by a blank line")
        events.append(Event("\n".join(data), len(body)))
    return Events(tuple(events), tuple(faults), tuple(extras), len(_ends(body)) > 1)


def _lines(body: bytes) -> list[tuple[bytes, int]]:
    """Each line, and the offset behind its end."""
    lines, start = [], 0
    for found in _LINE_END.finditer(body):
        lines.append((body[start : found.start()], found.end()))
        start = found.end()
    if start < len(body):
        lines.append((body[start:], len(body)))
    return lines


def _ends(body: bytes) -> set[bytes]:
    return set(_LINE_END.findall(body))


def _field(line: bytes, faults: list[str]) -> tuple[str, str]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        faults.append(f"an event is not UTF-8: {error}")
        text = line.decode("utf-8", "replace")
    name, _, value = text.partition(":")
    return name, value.removeprefix(" ")
