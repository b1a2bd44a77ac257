"""An answer as the checks read it: the same view of a JSON answer and of a joined stream.

A reply without the documented shape raises `Unreadable`. The shape checks report it; the other
checks pass over it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from . import strict_json
from .exchange import Exchange, Json
from .sse import DONE

CHAT = "chat.completions"
TEXT = "completions"
COMPLETING = (CHAT, TEXT)


class Unreadable(Exception):
    """The reply has an undocumented shape; the shape checks report it."""


@dataclass(frozen=True)
class TokenLogprob:
    """One token with its log probability and the alternatives listed for it."""

    token: str
    logprob: float | None
    bytes: list[int] | None
    top: tuple[tuple[str, float, list[int] | None], ...]


@dataclass
class Call:
    """A tool call, whole or joined from fragments."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    type: str | None = None


@dataclass
class Choice:
    index: int
    role: str | None = None
    text: str | None = None
    finish: str | None = None
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    logprobs: list[TokenLogprob] | None = None


@dataclass(frozen=True)
class Answer:
    """A finished answer to a chat or completion request."""

    exchange: Exchange
    id: Any
    created: Any
    model: Any
    choices: tuple[Choice, ...]
    usage: Json | None

    @property
    def body(self) -> Json:
        return self.exchange.asked.json

    @property
    def texts(self) -> list[str]:
        return [choice.text or "" for choice in self.choices]

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def count(self, name: str) -> int:
        """A counter of the usage; raises Unreadable if it is not there."""
        value = (self.usage or {}).get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unreadable(f"usage has no number {name}")
        return value


def shaped(value: Any, kind: type) -> Any:
    """`value`, if it has that type; raises Unreadable otherwise."""
    if not isinstance(value, kind):
        raise Unreadable(f"{value!r:.60} is no {kind.__name__}")
    return value


@dataclass(frozen=True)
class Stream:
    """A stream, event by event."""

    exchange: Exchange

    @cached_property
    def payloads(self) -> list[str]:
        return [event.data for event in self.exchange.events.events]

    @cached_property
    def chunks(self) -> list[Json]:
        """Every event but the end; raises Unreadable if one is not a JSON object."""
        found = []
        for data in self.payloads:
            if data.strip() != DONE:
                try:
                    found.append(shaped(strict_json.read_text(data), dict))
                except strict_json.JsonFault as fault:
                    raise Unreadable(str(fault)) from None
        return found

    @cached_property
    def pieces(self) -> list[tuple[int, Json]]:
        """Each piece of a choice with the number of its chunk."""
        return [
            (at, shaped(piece, dict))
            for at, chunk in enumerate(self.chunks)
            for piece in shaped(chunk.get("choices"), list)
        ]

    @cached_property
    def usages(self) -> list[tuple[int, Json]]:
        """Each usage that is not null with the number of its chunk."""
        found = [(at, chunk.get("usage")) for at, chunk in enumerate(self.chunks)]
        return [(at, shaped(usage, dict)) for at, usage in found if usage is not None]

    def deltas(self) -> dict[int, list[Json]]:
        """The pieces of each choice, in order."""
        found: dict[int, list[Json]] = {}
        for _, piece in self.pieces:
            found.setdefault(shaped(piece.get("index"), int), []).append(piece)
        return found


def delta(piece: Json) -> Json:
    """What a piece adds: the delta in a chat, the piece itself in a completion."""
    found: Json = shaped(piece.get("delta", piece), dict)
    return found


def said(piece: Json) -> str:
    """The text that a piece adds."""
    new = delta(piece)
    text = new.get("text") if "delta" not in piece else new.get("content")
    return "" if text is None else str(shaped(text, str))


def stream_of(exchange: Exchange) -> Stream:
    """The stream of a reply, parsed once."""
    found: Stream = exchange.kept.setdefault("stream", Stream(exchange))
    return found


def answer_of(exchange: Exchange) -> Answer | None:
    """The view of a chat or completion reply with status 200; None for any other reply."""
    if exchange.asked.operation not in COMPLETING or not exchange.ok:
        return None
    if "answer" not in exchange.kept:
        try:
            exchange.kept["answer"] = _read(exchange)
        except Unreadable as why:
            exchange.kept["answer"] = why
    found: Answer | Unreadable = exchange.kept["answer"]
    if isinstance(found, Unreadable):
        raise Unreadable(str(found))
    return found


def _read(exchange: Exchange) -> Answer:
    return _joined(stream_of(exchange)) if exchange.is_stream else _whole(exchange)


def _whole(exchange: Exchange) -> Answer:
    try:
        value: Json = shaped(exchange.value, dict)
    except strict_json.JsonFault as fault:
        raise Unreadable(str(fault)) from None
    pieces = [shaped(piece, dict) for piece in shaped(value.get("choices"), list)]
    usage = value.get("usage")
    return Answer(
        exchange,
        value.get("id"),
        value.get("created"),
        value.get("model"),
        tuple(map(_whole_choice, pieces)),
        usage if isinstance(usage, dict) else None,
    )


def _whole_choice(piece: Json) -> Choice:
    message = shaped(piece.get("message", piece), dict)
    text = message.get("content" if "message" in piece else "text")
    choice = Choice(shaped(piece.get("index"), int), message.get("role"))
    choice.text = None if text is None else shaped(text, str)
    choice.finish = piece.get("finish_reason")
    choice.reasoning = _text(message.get("reasoning_content"))
    for at, call in enumerate(shaped(message.get("tool_calls") or [], list)):
        function = shaped(shaped(call, dict).get("function") or {}, dict)
        arguments = _text(function.get("arguments"))
        called = Call(at, call.get("id"), function.get("name"), arguments, call.get("type"))
        choice.calls.append(called)
    choice.logprobs = logprobs_of(piece)
    return choice


def _joined(stream: Stream) -> Answer:
    chunks = stream.chunks
    if not chunks:
        raise Unreadable("the stream has no chunk")
    choices = {index: Choice(index) for index in stream.deltas()}
    for _, piece in stream.pieces:
        _add(choices[piece["index"]], piece)
    first, usages = chunks[0], stream.usages
    return Answer(
        stream.exchange,
        first.get("id"),
        first.get("created"),
        first.get("model"),
        tuple(choices[index] for index in sorted(choices)),
        usages[-1][1] if usages else None,
    )


def _add(choice: Choice, piece: Json) -> None:
    new = delta(piece)
    choice.role = choice.role or new.get("role")
    choice.text = (choice.text or "") + said(piece)
    choice.reasoning += _text(new.get("reasoning_content"))
    choice.finish = piece.get("finish_reason") or choice.finish
    for fragment in shaped(new.get("tool_calls") or [], list):
        _add_fragment(choice, shaped(fragment, dict))
    logprobs = logprobs_of(piece)
    if logprobs is not None:
        choice.logprobs = (choice.logprobs or []) + logprobs


def _add_fragment(choice: Choice, fragment: Json) -> None:
    index = shaped(fragment.get("index"), int)
    call = next((one for one in choice.calls if one.index == index), None)
    if call is None:
        call = Call(index)
        choice.calls.append(call)
    function = shaped(fragment.get("function") or {}, dict)
    call.id, call.type = call.id or fragment.get("id"), call.type or fragment.get("type")
    call.name = call.name or function.get("name")
    call.arguments += _text(function.get("arguments"))


def _text(value: Any) -> str:
    return "" if value is None else str(shaped(value, str))


def logprobs_of(piece: Json) -> list[TokenLogprob] | None:
    """The log probabilities in a choice or a piece of it, in one form for both operations."""
    found = piece.get("logprobs")
    if found is None:
        return None
    if "content" in shaped(found, dict):
        return [
            _chat_logprob(shaped(entry, dict)) for entry in shaped(found["content"] or [], list)
        ]
    tokens, values = shaped(found.get("tokens"), list), found.get("token_logprobs")
    tops = found.get("top_logprobs") or [None] * len(tokens)
    if not isinstance(values, list) or not len(tokens) == len(values) == len(shaped(tops, list)):
        raise Unreadable("the lists of logprobs differ in length")
    return [
        TokenLogprob(shaped(t, str), v, None, tuple((k, p, None) for k, p in (top or {}).items()))
        for t, v, top in zip(tokens, values, tops, strict=True)
    ]


def _chat_logprob(entry: Json) -> TokenLogprob:
    top = [shaped(one, dict) for one in shaped(entry.get("top_logprobs") or [], list)]
    return TokenLogprob(
        shaped(entry.get("token"), str),
        entry.get("logprob"),
        entry.get("bytes"),
        tuple((one.get("token", ""), one.get("logprob", 0.0), one.get("bytes")) for one in top),
    )
