"""Chat completions as JSON: whole, and as the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator

from novita_mock._core.completion import Alternatives, Choice, GeneratedCall
from novita_mock._core.http import Json
from novita_mock._render.shape import Shape


def _whole(choice: Choice) -> Json:
    text = None if choice.content is None else "".join(choice.content)
    message: Json = {"role": "assistant", "content": text}
    if choice.reasoning:
        thoughts = "".join(choice.reasoning)
        message["reasoning_content"] = thoughts
        if choice.details is not None:
            message |= _detail(choice.details, thoughts)
    if choice.calls:
        message["tool_calls"] = [_call(call, "".join(call.fragments)) for call in choice.calls]
    whole = {"index": choice.index, "message": message, "finish_reason": choice.finish_reason}
    if choice.alternatives is not None:
        whole["logprobs"] = _logprobs(choice.alternatives, 0)
    return whole


def _call(call: GeneratedCall, arguments: str) -> Json:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _piece(choice: Choice, delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": choice.index, "delta": delta, "finish_reason": finish_reason}


def _opening(choice: Choice) -> Iterator[Json]:
    yield _piece(choice, {"role": "assistant"})
    for token in choice.reasoning:
        details = {} if choice.details is None else _detail(choice.details, token)
        yield _piece(choice, {"reasoning_content": token, **details})


def _detail(details: Json, text: str) -> Json:
    return {"reasoning_details": [{**details, "text": text}]}


def _closing(choice: Choice) -> Iterator[Json]:
    for index, call in enumerate(choice.calls):
        yield _piece(choice, {"tool_calls": [{"index": index, **_call(call, "")}]})
        for fragment in call.fragments:
            new = {"index": index, "function": {"arguments": fragment}}
            yield _piece(choice, {"tool_calls": [new]})
    yield _piece(choice, {}, choice.finish_reason)


def _token(token: str, logprob: float) -> Json:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def _logprobs(found: list[Alternatives], _offset: int) -> Json:
    entries = []
    for count, likely in found:
        top = [_token(*pair) for pair in likely[:count]]
        entries.append({**_token(*likely[0]), "top_logprobs": top})
    return {"content": entries}


SHAPE = Shape(
    whole=_whole,
    opening=_opening,
    piece=lambda choice, token: _piece(choice, {"content": token}),
    before=b'{"index":%d,"delta":{"content":',
    behind=b'},"finish_reason":null',
    closing=_closing,
    logprobs=_logprobs,
)
