"""How a completion looks on the wire: one JSON answer, or chunks and the events they travel in."""

from __future__ import annotations

import json
from itertools import chain, zip_longest
from typing import Any

from .speech import odds, tokens_of
from .values import Body, Choice, Completion, Json


def dump(value: Json) -> bytes:
    """Compact JSON in raw UTF-8; escaped only where a lone surrogate leaves no other way."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _head(completion: Completion, kind: str) -> dict[str, Any]:
    names = {"id": completion.id, "object": kind, "created": completion.created}
    return {**names, "model": completion.model}


def _bytes(token: str) -> list[int]:
    return list(token.encode("utf-8", "surrogatepass"))


def _chat_odds(body: Body, token: str, at: int) -> Json:
    chance, best = odds(token, at, int(body.get("top_logprobs") or 0))
    alternatives = [{"token": t, "logprob": p, "bytes": _bytes(t)} for t, p in best]
    return {
        "token": token, "logprob": chance, "bytes": _bytes(token), "top_logprobs": alternatives,
    }  # fmt: skip


def _chat_logprobs(body: Body, choice: Choice) -> Json:
    if body.get("logprobs") is not True or choice.calls:
        return None
    return {"content": [_chat_odds(body, token, at) for at, token in enumerate(choice.tokens)]}


def text_logprobs(body: Body, choice: Choice, low: int = 0, high: int | None = None) -> Json:
    """The completions' form of log probabilities, for the tokens from `low` up to `high`."""
    count = body.get("logprobs")
    if count is None:
        return None
    chosen = list(enumerate(choice.tokens))[low:high]
    found = [odds(token, at, int(count)) for at, token in chosen]
    offsets = [len("".join(choice.tokens[:at])) for at, _ in chosen]
    named = {"tokens": [token for _, token in chosen], "text_offset": offsets}
    best = {"top_logprobs": [dict(alternatives) for _, alternatives in found]} if count else {}
    return {**named, "token_logprobs": [chance for chance, _ in found], **best}


def _calls(choice: Choice) -> list[Json]:
    return [
        {
            "index": at, "id": call.id, "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for at, call in enumerate(choice.calls)
    ]  # fmt: skip


def chat_answer(completion: Completion, body: Body) -> Json:
    def shown(choice: Choice) -> Json:
        message: dict[str, Any] = {"role": "assistant", "content": choice.text}
        if choice.reasoning:
            message["reasoning_content"] = "".join(choice.reasoning)
        if choice.calls:
            message["tool_calls"] = _calls(choice)
        return {
            "index": choice.index, "message": message, "finish_reason": choice.finish,
            "logprobs": _chat_logprobs(body, choice),
        }  # fmt: skip

    choices = [shown(choice) for choice in completion.choices]
    return {
        **_head(completion, "chat.completion"), "choices": choices, "usage": completion.usage,
    }  # fmt: skip


def text_answer(completion: Completion, body: Body) -> Json:
    choices = [
        {
            "index": choice.index, "text": choice.text, "finish_reason": choice.finish,
            "logprobs": text_logprobs(body, choice),
        }
        for choice in completion.choices
    ]  # fmt: skip
    return {
        **_head(completion, "text_completion"), "choices": choices, "usage": completion.usage,
    }  # fmt: skip


def _fragments(choice: Choice) -> list[Json]:
    made: list[Json] = []
    for at, call in enumerate(choice.calls):
        named = {"name": call.name, "arguments": ""}
        made.append({"index": at, "id": call.id, "type": "function", "function": named})
        pieces = tokens_of(call.arguments)
        made.extend({"index": at, "function": {"arguments": piece}} for piece in pieces)
    return [{"tool_calls": [fragment]} for fragment in made]


def _chat_pieces(choice: Choice, body: Body) -> list[Json]:
    def piece(delta: Json, finish: str | None = None, more: Json | None = None) -> Json:
        shown = {"index": choice.index, "delta": delta, "finish_reason": finish}
        return shown | (more or {})

    def said(at: int, token: str) -> Json:
        if body.get("logprobs") is not True:
            return piece({"content": token})
        odds_of_it = {"content": [_chat_odds(body, token, at)]}
        return piece({"content": token}, more={"logprobs": odds_of_it})

    return [
        piece({"role": "assistant", "content": ""}),
        *(piece({"reasoning_content": token}) for token in choice.reasoning),
        *(said(at, token) for at, token in enumerate(choice.tokens)),
        *(piece(fragment) for fragment in _fragments(choice)),
        piece({}, choice.finish),
    ]


def _text_pieces(choice: Choice, body: Body) -> list[Json]:
    pieces = [
        {
            "index": choice.index, "text": token, "finish_reason": None,
            "logprobs": text_logprobs(body, choice, at, at + 1),
        }
        for at, token in enumerate(choice.tokens)
    ]  # fmt: skip
    last = {"index": choice.index, "text": "", "finish_reason": choice.finish, "logprobs": None}
    return [*pieces, last]


def chunks(completion: Completion, body: Body, chat: bool) -> list[Json]:
    """The chunks of all choices, taking turns; at the end usage, where it was asked for."""
    kind = "chat.completion.chunk" if chat else "text_completion"
    pieces = [(_chat_pieces if chat else _text_pieces)(c, body) for c in completion.choices]
    turns = [piece for piece in chain(*zip_longest(*pieces)) if piece is not None]
    made = [{**_head(completion, kind), "choices": [piece]} for piece in turns]
    if wants_usage(body):
        made = [{**chunk, "usage": None} for chunk in made]
        made.append({**_head(completion, kind), "choices": [], "usage": completion.usage})
    return made


def wants_usage(body: Body) -> bool:
    return (body.get("stream_options") or {}).get("include_usage") is True


def frames(made: list[Json]) -> list[bytes]:
    return [b"data: " + dump(chunk) + b"\n\n" for chunk in made] + [b"data: [DONE]\n\n"]
