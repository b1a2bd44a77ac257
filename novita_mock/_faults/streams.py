"""What a fault does to a stream: from its chunks to the timed bytes that arrive in their place.

`schemas/faults.json` says what each fault guarantees. `done` holds the event `[DONE]`, the last
of the stream; it is empty for a stream without that event. Must not know the rest of a reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import orjson

from novita_mock._core.http import Disconnect, Json, TimedBytes
from novita_mock._core.sse import DONE, END, data_of, event, events_of

Chunks = list[TimedBytes]
Pieces = list[TimedBytes | Disconnect]
StreamFault = Callable[[Chunks, Chunks, Json], Pieces]

_TEXT = re.compile(rb'"(?:content|text|reasoning_content|arguments)":"')
_STRING = re.compile(rb'":"')
_WIDE = re.compile(rb"[\xc2-\xf4]")
_FINISH = re.compile(rb'"finish_reason":"[^"]*"')
_KEEP_ALIVE = b": keep-alive\n\n"
_JUNK = b"junk\n"
_HALF_WIDE = "é".encode()[:1]


def break_stream(
    name: str, pieces: Iterable[TimedBytes | Disconnect], arguments: Json
) -> tuple[TimedBytes | Disconnect, ...]:
    """The timed bytes of a stream with the fault `name`."""
    chunks = [
        frame for piece in pieces if isinstance(piece, TimedBytes) for frame in events_of(piece)
    ]
    done = [chunks.pop()] if chunks[-1].data == DONE else []
    return _joined(STREAM_FAULTS[name](chunks, done, arguments))


def _joined(pieces: Pieces) -> tuple[TimedBytes | Disconnect, ...]:
    """`pieces`, each one without a pause joined to the piece before it."""
    joined: Pieces = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, TimedBytes) and isinstance(last, TimedBytes) and not piece.pause:
            joined[-1] = TimedBytes(last.data + piece.data, last.pause)
        else:
            joined.append(piece)
    return tuple(joined)


def _cut_after(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    n = arguments["chunks"]
    return [*chunks[:n], _cut_before([*chunks, *done], n)]


def _cut_before(pieces: Chunks, n: int) -> Disconnect:
    return Disconnect(pieces[n].pause if n < len(pieces) else 0.0)


def _cut_in_frame(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return _cut_within(chunks, arguments["chunks"], lambda data: data[: len(data) // 2])


def _cut_in_character(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return _cut_within(chunks, arguments["chunks"], _up_to_wide)


def _cut_within(chunks: Chunks, n: int, cut: Callable[[bytes], bytes]) -> Pieces:
    return [*chunks[:n], *_each(chunks[n : n + 1], cut), Disconnect()]


def _up_to_wide(data: bytes) -> bytes:
    """A chunk up to the first byte of its first multi-byte character.

    If it has none, its text begins with the first byte of one.
    """
    if wide := _WIDE.search(data):
        return data[: wide.end()]
    start = _TEXT.search(data) or _STRING.search(data)
    return data[: start.end() if start else 0] + _HALF_WIDE


def _stall(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    pieces = [*chunks, *done]
    n = min(arguments["chunks"], len(pieces) - 1)
    pieces[n] = TimedBytes(pieces[n].data, pieces[n].pause + arguments["seconds"])
    return [*pieces]


def _truncated_stream(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return [*chunks[: arguments["chunks"]]] or [TimedBytes(b"")]


def _missing_done(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return [*chunks]


def _missing_blank_line(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    *pieces, last = [*chunks, *done]
    return [*pieces, TimedBytes(last.data[:-1], last.pause)]


def _missing_finish_reason(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return [*_each(chunks, lambda data: _FINISH.sub(b'"finish_reason":null', data)), *done]


def _each(chunks: Chunks, change: Callable[[bytes], bytes]) -> Chunks:
    return [TimedBytes(change(chunk.data), chunk.pause) for chunk in chunks]


def _duplicated_chunk(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    n = min(arguments["chunk"], len(chunks))
    return _with(chunks[n - 1].data, n, chunks, done)


def _with(data: bytes, n: int, chunks: Chunks, done: Chunks) -> Pieces:
    """The stream with `data` after `n` chunks."""
    return [*chunks[:n], TimedBytes(data), *chunks[n:], *done]


def _reordered_chunks(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    n = min(arguments["chunk"], len(chunks) - 1)
    order = [chunk.data for chunk in chunks]
    order[n - 1 : n + 1] = reversed(order[n - 1 : n + 1])
    return [*(TimedBytes(data, c.pause) for data, c in zip(order, chunks, strict=True)), *done]


def _empty_choices(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    chunk = orjson.loads(next(data_of(chunks[0].data)))
    return _with(event({**chunk, "choices": []}), arguments["chunks"], chunks, done)


def _junk(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return _with(_JUNK, arguments["chunks"], chunks, done)


def _broken_json(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    half = chunks[0].data[: len(chunks[0].data) // 2]
    return _with(half + END, arguments["chunks"], chunks, done)


def _comments(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return [*_each(chunks, lambda data: _KEEP_ALIVE + data), *done]


def _crlf(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    return [*_each([*chunks, *done], lambda data: data.replace(b"\n", b"\r\n"))]


def _error_event(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    n = arguments["chunks"]
    return [*chunks[:n], TimedBytes(arguments["event"], _cut_before([*chunks, *done], n).pause)]


def _long_chunk(chunks: Chunks, done: Chunks, arguments: Json) -> Pieces:
    pieces, first = [*chunks], min(arguments["chunk"], len(chunks)) - 1
    for index in range(first, len(pieces)):
        if found := _TEXT.search(pieces[index].data):
            data, at = pieces[index].data, found.end()
            longer = data[:at] + b"x" * arguments["bytes"] + data[at:]
            pieces[index] = TimedBytes(longer, pieces[index].pause)
            break
    return [*pieces, *done]


STREAM_FAULTS: dict[str, StreamFault] = {
    "cut_after": _cut_after,
    "cut_in_frame": _cut_in_frame,
    "cut_in_character": _cut_in_character,
    "stall": _stall,
    "truncated_stream": _truncated_stream,
    "missing_done": _missing_done,
    "missing_blank_line": _missing_blank_line,
    "missing_finish_reason": _missing_finish_reason,
    "duplicated_chunk": _duplicated_chunk,
    "reordered_chunks": _reordered_chunks,
    "empty_choices": _empty_choices,
    "junk": _junk,
    "broken_json": _broken_json,
    "comments": _comments,
    "crlf": _crlf,
    "error_event": _error_event,
    "error_event_body": _error_event,
    "error_event_engine": _error_event,
    "long_chunk": _long_chunk,
}
