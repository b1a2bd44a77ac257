"""Honest variations: other ways to keep the contract, as they were seen on the wire.

None of them is a fault; a suite that fails on one raises a false alarm.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .edits import CHUNK, each_choice, each_chunk
from .speech import tokens_of
from .values import Body, Choice, Completion, Hooks, Json, Variation

_FRAGMENT = ("choices", "*", "delta", "tool_calls", "*")
_FILTERS: dict[str, Any] = {
    **{kind: {"filtered": False} for kind in ("hate", "self_harm", "sexual", "violence")},
    **{kind: {"filtered": False, "detected": False} for kind in ("jailbreak", "profanity")},
}


def _usage_chunk(made: list[Json]) -> Json | None:
    last = made[-1]
    return last["usage"] if not last["choices"] and last.get("usage") else None


def _usage_everywhere(made: list[Json], body: Body) -> list[Json]:
    if (total := _usage_chunk(made)) is None:
        return made
    grown, asked = 0, total["prompt_tokens"]
    for chunk in made[:-1]:
        grown += int(any(_says_something(choice) for choice in chunk["choices"]))
        given = min(grown, total["completion_tokens"])
        chunk["usage"] = {
            **total, "completion_tokens": given, "total_tokens": asked + given,
            "completion_tokens_details": None,
        }  # fmt: skip
    made[-2]["usage"] = total
    return made[:-1]


def _says_something(choice: Json) -> bool:
    delta = choice.get("delta", choice)
    return any(delta.get(key) for key in ("content", "text", "reasoning_content", "tool_calls"))


def _usage_on_finish(made: list[Json], body: Body) -> list[Json]:
    if (total := _usage_chunk(made)) is None:
        return made
    bare = [{key: c[key] for key in c if key != "usage"} for c in made[:-1]]
    bare[-1]["usage"] = total
    return bare


def _usage_without_nulls(made: list[Json], body: Body) -> list[Json]:
    return [
        {key: chunk[key] for key in chunk if key != "usage" or chunk[key] is not None}
        for chunk in made
    ]


def _by_choice(change: Callable[[list[Json]], list[Json]]) -> Hooks:
    """Each choice's chunks are changed by themselves; their turns are not kept."""

    def hook(made: list[Json], body: Body) -> list[Json]:
        if made[0]["object"] != CHUNK:
            return made
        tail = [chunk for chunk in made if not chunk["choices"]]
        indexes = sorted({c["index"] for chunk in made for c in chunk["choices"]})
        own = [[c for c in made if c["choices"] and c["choices"][0]["index"] == i] for i in indexes]
        return [*(chunk for chunks in own for chunk in change(chunks)), *tail]

    return Hooks(chunks=hook)


def _delta(chunk: Json) -> Json:
    return chunk["choices"][0]["delta"]


def _role_with_content(chunks: list[Json]) -> list[Json]:
    if len(chunks) < 3:
        return chunks
    chunks[1]["choices"][0]["delta"] = {"role": "assistant", **_delta(chunks[1])}
    return chunks[1:]


def _empty_first(chunks: list[Json]) -> list[Json]:
    chunks[0]["choices"][0]["delta"] = {"role": "assistant"}
    choice = {"index": chunks[0]["choices"][0]["index"], "delta": {}, "finish_reason": None}
    return [chunks[0], *({**chunks[0], "choices": [dict(choice)]} for _ in range(4)), *chunks[1:]]


def _finish_with_content(chunks: list[Json]) -> list[Json]:
    if len(chunks) < 3 or "content" not in _delta(chunks[-2]):
        return chunks
    chunks[-2]["choices"][0]["finish_reason"] = chunks[-1]["choices"][0]["finish_reason"]
    return chunks[:-1]


def _kimi(fragment: Json) -> Json:
    function = dict(fragment["function"])
    if "id" in fragment:
        del function["arguments"]
        return {**fragment, "function": function}
    return {"index": fragment["index"], "type": "function", "function": function}


def _deepseek(fragment: Json) -> Json:
    with_id = "id" in fragment
    return {**fragment, "id": f"call_00_{uuid.uuid4().hex[:22]}"} if with_id else fragment


def _whole_calls(chunks: list[Json]) -> list[Json]:
    kept: list[Json] = []
    for chunk in chunks:
        calls = _delta(chunk).get("tool_calls")
        if not calls or "id" in calls[0]:
            kept.append(chunk)
        else:
            begun = _delta(kept[-1])["tool_calls"][0]["function"]
            begun["arguments"] = begun.get("arguments", "") + calls[0]["function"]["arguments"]
    return kept


def _thinks_unasked(made: Completion, body: Body) -> Completion:
    for choice in made.choices:
        choice.reasoning = choice.reasoning or tokens_of("Let me think.")
    return made


def _count_thoughts(made: Completion, body: Body) -> Completion:
    had = made.usage["completion_tokens_details"]["reasoning_tokens"]
    made = _thinks_unasked(made, body)
    more = sum(len(choice.reasoning) for choice in made.choices) - had
    given = made.usage["completion_tokens"] + more
    made.usage.update(completion_tokens=given, total_tokens=made.usage["prompt_tokens"] + given)
    made.usage["completion_tokens_details"] = {"reasoning_tokens": had + more}
    return made


def _room_for_thoughts(body: Body, request: object) -> Body:
    # The limit counts the thoughts too; a request for very few tokens is answered without.
    size = len(tokens_of("Let me think."))
    limit = body.get("max_tokens")
    if "messages" not in body or body.get("separate_reasoning") or body.get("tools"):
        return {**body, "_quiet": True}
    if limit is not None and limit <= size:
        return {**body, "_quiet": True}
    return body if limit is None else {**body, "max_tokens": limit - size}


def _think(made: Completion, body: Body) -> Completion:
    return made if body.get("_quiet") else _count_thoughts(made, body)


def _id(name: Callable[[], str]) -> Hooks:
    return Hooks(plan=lambda made, body: replace(made, id=name()))


def _no_details(made: Completion, body: Body) -> Completion:
    made.usage.update(prompt_tokens_details=None, completion_tokens_details=None)
    return made


def _fingerprint(value: Json) -> Json:
    for choice in value["choices"]:
        choice["content_filter_results"] = _FILTERS
    return {**value, "system_fingerprint": ""}


def _no_content_beside_calls(made: Json, body: Body) -> Json:
    for choice in made["choices"]:
        if choice.get("message", {}).get("tool_calls"):
            choice["message"]["content"] = None
    return made


def _named_calls(choice: Choice, body: Body) -> None:
    for at, call in enumerate(choice.calls):
        call.id = f"functions.{call.name}:{choice.index}{at}"


def _extras(value: Json) -> Json:
    return {**value, "service_tier": "default", "x_region": "eu", "timings": {"ttft_ms": 1.5}}


def _everywhere(change: Callable[[Json], Json]) -> Hooks:
    return Hooks(
        answer=lambda made, body: change(made),
        chunks=lambda made, body: [change(chunk) for chunk in made],
    )


VARIATIONS: dict[str, Variation] = {
    "usage-every-chunk": Variation("U2: growing usage on every chunk, none extra",
                                   Hooks(chunks=_usage_everywhere)),
    "usage-on-finish-chunk": Variation("U3: usage on the finish chunk, none extra",
                                       Hooks(chunks=_usage_on_finish)),
    "usage-extra-chunk-without-nulls": Variation("U4: an extra usage chunk, no usage key elsewhere",
                                                 Hooks(chunks=_usage_without_nulls)),
    "role-with-content": Variation("role and first content in one delta",
                                   _by_choice(_role_with_content)),
    "empty-deltas-first": Variation("four empty deltas after the role", _by_choice(_empty_first)),
    "finish-with-content": Variation("the finish reason comes with the last content",
                                     _by_choice(_finish_with_content)),
    "role-repeated": Variation("the role is repeated in every delta", each_chunk(
        ("choices", "*", "delta"), lambda held: {"role": "assistant", **held}, CHUNK)),
    "tool-fragments-kimi": Variation("first fragment without arguments, type repeated",
                                     each_chunk(_FRAGMENT, _kimi, CHUNK)),
    "tool-fragments-deepseek": Variation("ids call_00_..., later fragments bare",
                                         each_chunk(_FRAGMENT, _deepseek, CHUNK)),
    "tool-fragments-whole": Variation("a whole call in one fragment", _by_choice(_whole_calls)),
    "tool-fragments-typed": Variation("the type on every fragment", each_chunk(
        _FRAGMENT, lambda held: {**held, "type": "function"}, CHUNK)),
    "tool-ids-named": Variation("call ids made of function names", each_choice(_named_calls)),
    "tool-content-null": Variation("content is null beside calls",
                                   Hooks(answer=_no_content_beside_calls)),
    "reasoning-unasked": Variation("reasoning_content on every chat answer",
                                   Hooks(body=_room_for_thoughts, plan=_think)),
    "errors-with-metadata": Variation("errors carry metadata",
                                      Hooks(error=lambda error: {**error, "metadata": {}})),
    "extra-fields": Variation("unknown fields in answers and chunks", _everywhere(_extras)),
    "model-alias": Variation("the model's name without its vendor", Hooks(
        plan=lambda made, body: replace(made, model=made.model.rpartition("/")[2]))),
    "ids-hex": Variation("ids of 32 hex digits", _id(lambda: uuid.uuid4().hex)),
    "ids-uuid": Variation("ids that are UUIDs", _id(lambda: str(uuid.uuid4()))),
    "fingerprint-and-filters": Variation("empty system_fingerprint, content_filter_results",
                                         _everywhere(_fingerprint)),
    "usage-details-null": Variation("the details of usage are null", Hooks(plan=_no_details)),
    "logprobs-key-absent": Variation("no logprobs key where none were asked for", Hooks(
        answer=lambda made, body: _without_null_logprobs(made))),
    "models-object-list": Variation("the model list says object: list", Hooks(
        listing=lambda made: {"object": "list", **made})),
    "models-documented-fields": Variation("rows of the documented fields only", Hooks(
        rows=lambda rows: [_documented(row) for row in rows], row=lambda row: _documented(row))),
}  # fmt: skip


def _without_null_logprobs(made: Json) -> Json:
    for choice in made["choices"]:
        if choice["logprobs"] is None:
            del choice["logprobs"]
    return made


_DOCUMENTED = ("id", "created", "object", "input_token_price_per_m", "output_token_price_per_m",
               "title", "description", "context_size")  # fmt: skip


def _documented(row: Json) -> Json:
    return {key: row[key] for key in _DOCUMENTED}
