"""How the choices of each operation are written: whole, and piece by piece in a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from novita_mock._core.completion import Alternatives, Call, Choice
from novita_mock._core.http import Json


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs between operations.

    `whole`: a choice of an unstreamed answer. `opening` and `closing`: the pieces of a choice
    before and after its text. `before` and `behind`: what stands around a token of the text.
    `logprobs`: the member of that name, for the tokens from the given offset on.
    """

    whole: Callable[[Choice], Json]
    opening: Callable[[Choice], Iterator[Json]]
    before: bytes
    behind: bytes
    closing: Callable[[Choice], Iterator[Json]]
    logprobs: Callable[[list[Alternatives], int], Json]


def _chat_whole(choice: Choice) -> Json:
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
        whole["logprobs"] = _chat_logprobs(choice.alternatives, 0)
    return whole


def _call(call: Call, arguments: str) -> Json:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _chat_piece(choice: Choice, delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": choice.index, "delta": delta, "finish_reason": finish_reason}


def _chat_opening(choice: Choice) -> Iterator[Json]:
    yield _chat_piece(choice, {"role": "assistant"})
    for token in choice.reasoning:
        details = {} if choice.details is None else _detail(choice.details, token)
        yield _chat_piece(choice, {"reasoning_content": token, **details})


def _detail(details: Json, text: str) -> Json:
    return {"reasoning_details": [{**details, "text": text}]}


def _chat_closing(choice: Choice) -> Iterator[Json]:
    for index, call in enumerate(choice.calls):
        yield _chat_piece(choice, {"tool_calls": [{"index": index, **_call(call, "")}]})
        for fragment in call.fragments:
            new = {"index": index, "function": {"arguments": fragment}}
            yield _chat_piece(choice, {"tool_calls": [new]})
    yield _chat_piece(choice, {}, choice.finish_reason)


def _chat_token(token: str, logprob: float) -> Json:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def _chat_logprobs(found: list[Alternatives], _offset: int) -> Json:
    entries = []
    for count, likely in found:
        top = [_chat_token(*pair) for pair in likely[:count]]
        entries.append({**_chat_token(*likely[0]), "top_logprobs": top})
    return {"content": entries}


def _text_whole(choice: Choice) -> Json:
    found = choice.alternatives
    return {
        "index": choice.index,
        "text": "".join(choice.content or ()),
        "finish_reason": choice.finish_reason,
        "logprobs": None if found is None else _text_logprobs(found, 0),
    }


def _text_opening(_choice: Choice) -> Iterator[Json]:
    return iter(())


def _text_closing(choice: Choice) -> Iterator[Json]:
    reason = choice.finish_reason
    yield {"index": choice.index, "text": "", "finish_reason": reason, "logprobs": None}


def _text_logprobs(found: list[Alternatives], offset: int) -> Json:
    tokens = [likely[0][0] for _, likely in found]
    return {
        "tokens": tokens,
        "token_logprobs": [likely[0][1] for _, likely in found],
        "top_logprobs": [dict(likely[:count]) for count, likely in found],
        "text_offset": list(accumulate(map(len, tokens[:-1]), initial=offset)),
    }


SHAPES: Mapping[str, Shape] = {
    "chat.completions": Shape(
        whole=_chat_whole,
        opening=_chat_opening,
        before=b'{"index":%d,"delta":{"content":',
        behind=b'},"finish_reason":null',
        closing=_chat_closing,
        logprobs=_chat_logprobs,
    ),
    "completions": Shape(
        whole=_text_whole,
        opening=_text_opening,
        before=b'{"index":%d,"text":',
        behind=b',"finish_reason":null',
        closing=_text_closing,
        logprobs=_text_logprobs,
    ),
}
