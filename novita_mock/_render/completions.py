"""Completions as JSON: whole, and as the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from novita_mock._core.completion import Alternatives, Choice
from novita_mock._core.http import Json
from novita_mock._render.shape import Shape


def _whole(choice: Choice) -> Json:
    found = choice.alternatives
    return {
        "index": choice.index,
        "text": "".join(choice.content or ()),
        "finish_reason": choice.finish_reason,
        "logprobs": None if found is None else _logprobs(found, 0),
    }


def _opening(_choice: Choice) -> Iterator[Json]:
    return iter(())


def _piece(choice: Choice, token: str) -> Json:
    return {"index": choice.index, "text": token, "finish_reason": None}


def _closing(choice: Choice) -> Iterator[Json]:
    reason = choice.finish_reason
    yield {"index": choice.index, "text": "", "finish_reason": reason, "logprobs": None}


def _logprobs(found: list[Alternatives], offset: int) -> Json:
    tokens = [likely[0][0] for _, likely in found]
    return {
        "tokens": tokens,
        "token_logprobs": [likely[0][1] for _, likely in found],
        "top_logprobs": [dict(likely[:count]) for count, likely in found],
        "text_offset": list(accumulate(map(len, tokens[:-1]), initial=offset)),
    }


SHAPE = Shape(
    whole=_whole,
    opening=_opening,
    piece=_piece,
    before=b'{"index":%d,"text":',
    behind=b',"finish_reason":null',
    closing=_closing,
    logprobs=_logprobs,
)
