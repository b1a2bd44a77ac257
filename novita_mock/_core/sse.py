"""Server-sent events: how a stream is framed."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from novita_mock._core.http import Header, Json, TimedBytes

EVENTS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
)
"""The headers of a stream."""
DATA, END = b"data: ", b"\n\n"
"""What precedes and follows the data of an event."""
LAST = b"[DONE]"
DONE = DATA + LAST + END
"""The event that ends a stream, and its data."""


def event(data: Json) -> bytes:
    """`data` as an event."""
    return DATA + orjson.dumps(data) + END


def data_of(stream: bytes) -> Iterator[bytes]:
    """The data of each event of a stream, even of an incomplete last one."""
    for line in stream.split(b"\n"):
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:").strip()


def events_of(chunk: TimedBytes) -> list[TimedBytes]:
    """The events of a chunk. The first keeps the chunk's pause, the others have none."""
    events = [event + END for event in chunk.data.split(END)[:-1]]
    return [TimedBytes(data, 0.0 if index else chunk.pause) for index, data in enumerate(events)]
