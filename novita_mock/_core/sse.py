"""Server-sent events: how a stream is framed."""

from __future__ import annotations

import orjson

from novita_mock._core.http import Header, Json, TimedBytes

EVENTS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
)
"""The headers of a stream."""
DATA, END = b"data: ", b"\n\n"
"""What precedes and follows the data of an event."""
DONE = b"data: [DONE]\n\n"
"""The event that ends a stream."""


def event(data: Json) -> bytes:
    """`data` as an event."""
    return DATA + orjson.dumps(data) + END


def events_of(chunk: TimedBytes) -> list[TimedBytes]:
    """The events of a chunk. The first keeps the chunk's pause, the others have none."""
    events = [event + END for event in chunk.data.split(END)[:-1]]
    return [TimedBytes(data, 0.0 if index else chunk.pause) for index, data in enumerate(events)]
