"""Faults in single events of a stream: framing, and the shape of chunks."""

from __future__ import annotations

import re
from collections.abc import Callable

from .edits import (
    CHAT_OBJECTS,
    CHOICE,
    CHUNK,
    Change,
    Path,
    drop,
    each_body,
    each_chunk,
    is_stream,
    should,
    to,
    typed,
)
from .probes import (
    STREAM,
    TEXT_STREAM,
    chat,
)
from .values import Fault, Hooks, Json

DONE = b"data: [DONE]\n\n"


def _frames(about: str, change: Callable[[list[bytes]], list[bytes]]) -> Fault:
    return Fault("1.12", about, STREAM, Hooks(frames=lambda made, body: change(made)))


def _each_frame(change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    return lambda made: [change(frame) for frame in made]


def _third(change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    return lambda made: [change(frame) if at == 2 else frame for at, frame in enumerate(made)]


def _broken_character(frame: bytes) -> bytes:
    return re.sub(rb'("(?:content|text)":")', lambda m: m[1] + b"\xe6\x9d", frame, count=1)


FRAMING = {
    "done-missing": _frames("[DONE] is missing", lambda made: made[:-1]),
    "done-twice": _frames("[DONE] comes twice", lambda made: [*made, DONE]),
    "done-not-last": _frames("a chunk follows [DONE]",
                             lambda made: [*made[:-2], made[-1], made[-2]]),
    "done-first": _frames("[DONE] comes before the chunks",
                          lambda made: [made[-1], *made[:-1]]),
    "done-lower-case": _frames("[DONE] in lower case",
                               lambda made: [*made[:-1], b"data: [done]\n\n"]),
    "done-as-json": _frames("[DONE] is JSON text",
                            lambda made: [*made[:-1], b'data: "[DONE]"\n\n']),
    "frames-without-blank-line": _frames(
        "no blank line between events", _each_frame(lambda frame: frame[:-1])),
    "frames-without-data": _frames(
        "lines of bare JSON", _each_frame(lambda frame: frame.removeprefix(b"data: "))),
    "frame-without-data": _frames(
        "one event is bare JSON", _third(lambda frame: frame.removeprefix(b"data: "))),
    "frame-not-json": _frames(
        "one event is not JSON", _third(lambda frame: frame.replace(b'"', b"'"))),
    "frame-cut": _frames("one event is cut", _third(lambda frame: frame[:-9] + b"\n\n")),
    "frame-not-utf8": _frames("half a character in the events", _each_frame(_broken_character)),
    "last-event-unterminated": _frames(
        "no line end after the last event", lambda made: [*made[:-1], made[-1].rstrip()]),
    "stream-breaks-off": _frames("the stream ends in the middle", lambda made: made[:4]),
    "stream-is-empty": _frames("no event at all", lambda made: []),
    "stream-only-done": _frames("[DONE] and no chunk", lambda made: made[-1:]),
    "stream-nan": _frames("NaN in an event",
                          _third(lambda frame: frame.replace(b"{", b'{"latency":NaN,', 1))),
    "stream-duplicate-key": _frames(
        "a key twice in an event", _third(lambda frame: frame.replace(b"{", b'{"id":"a",', 1))),
    "stream-index-with-point": _frames(
        "index is written 0.0", _each_frame(lambda f: re.sub(rb'("index":\d+)', rb"\1.0", f))),
    "stream-ends-with-error": _frames(
        "an error in place of the end",
        lambda made: [*made[:4], b'data: {"error":"upstream closed"}\n\n']),
    "stream-typed-json": Fault(
        "1.1", "a stream says application/json", STREAM,
        Hooks(reply=lambda r, q: typed(r, "application/json") if is_stream(r) else r)),
    "stream-typed-text": Fault(
        "1.1", "a stream says text/plain", STREAM,
        Hooks(reply=lambda r, q: typed(r, "text/plain") if is_stream(r) else r)),
    "stream-ignored": Fault("1.15", "stream: true is answered with JSON", STREAM,
                            each_body(lambda body, request: body.update(stream=False))),
    "stream-always": Fault("1.15", "stream: false is answered with events",
                           (chat(), chat(stream=False)),
                           each_body(lambda body, request: body.update(stream=True))),
    "stream-default-is-true": Fault("1.15", "without stream the answer is streamed", (chat(),),
                                    each_body(lambda b, request: b.setdefault("stream", True))),
}  # fmt: skip


def _chunk(about: str, path: Path, change: Change) -> Fault:
    return Fault("1.13", about, STREAM, each_chunk(path, change, CHUNK))


def _message_for_delta(choice: Json) -> Json:
    delta = choice.pop("delta")
    return {**choice, "message": delta}


CHUNK_SHAPES = {
    "chunk-object-wrong": _chunk("object is that of an answer", ("object",), to(CHAT_OBJECTS[0])),
    "chunk-lacks-object": _chunk("no object", ("object",), drop),
    "chunk-lacks-id": _chunk("no id", ("id",), drop),
    "chunk-id-empty": _chunk("id is empty", ("id",), to("")),
    "chunk-lacks-created": _chunk("no created", ("created",), drop),
    "chunk-created-text": _chunk("created is text", ("created",), str),
    "chunk-created-zero": _chunk("created is 0", ("created",), to(0)),
    "chunk-created-milliseconds": _chunk("created is in milliseconds", ("created",),
                                         lambda seconds: seconds * 1000),
    "chunk-lacks-model": _chunk("no model", ("model",), drop),
    "chunk-names-another-model": _chunk("model is another listed one", ("model",),
                                        to("deepseek/deepseek-v3.2")),
    "chunk-lacks-choices": _chunk("no choices", ("choices",), drop),
    "chunk-choices-object": _chunk("choices is an object", ("choices",),
                                   lambda held: held[0] if held else {}),
    "chunk-lacks-index": _chunk("no index", (*CHOICE, "index"), drop),
    "chunk-lacks-delta": _chunk("no delta", (*CHOICE, "delta"), drop),
    "chunk-message-for-delta": _chunk("message instead of delta", CHOICE, _message_for_delta),
    "chunk-content-number": _chunk("content is a number", (*CHOICE, "delta", "content"), to(4)),
    "chunk-finish-empty": should(_chunk("running chunks say an empty reason",
                                        (*CHOICE, "finish_reason"), lambda held: held or "")),
    "chunk-finish-unknown": _chunk("the reason is eos", (*CHOICE, "finish_reason"),
                                   lambda held: held and "eos"),
    "completion-chunk-object-wrong": Fault(
        "1.13", "object is that of chat", TEXT_STREAM,
        each_chunk(("object",), to("chat.completion.chunk"), "text")),
    "completion-chunk-delta-for-text": Fault(
        "1.13", "delta instead of text", TEXT_STREAM,
        each_chunk(CHOICE, lambda held: {"delta": {"content": held.pop("text")}, **held}, "text")),
    "completion-chunk-lacks-id": Fault("1.13", "no id", TEXT_STREAM,
                                       each_chunk(("id",), drop, "text")),
}  # fmt: skip

STREAM_FAULTS = FRAMING | CHUNK_SHAPES
