"""The wire of edition `live`: a plain answer told in the manner of its model.

It takes what the encoder would send and moves it about; what was said stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from novita_mock._api.dialects import WireProfile
from novita_mock._core.http import Json


def whole(body: Json, profile: WireProfile) -> Json:
    """An unstreamed answer in the manner of its model."""
    told = {**body, **profile.body_keys}
    told["model"] = profile.completion_model or body["model"]
    told["usage"] = _usage(body["usage"], profile)
    told["choices"] = [_choice(choice, profile) for choice in body["choices"]]
    return told


def _choice(choice: Json, profile: WireProfile) -> Json:
    told = {**choice, **profile.choice_keys}
    if "message" in choice:
        told["message"] = {**choice["message"], **profile.message_keys}
    return told


def _usage(usage: Json, profile: WireProfile) -> Json:
    details = usage.get("completion_tokens_details") or {}
    told: Json
    match profile.usage_details:
        case "both_null":
            told = {"prompt_tokens_details": None, "completion_tokens_details": None}
        case "cached_and_reasoning":
            reasoning = {"reasoning_tokens": details.get("reasoning_tokens", 0)}
            cached = {"cached_tokens": 0}
            told = {"prompt_tokens_details": cached, "completion_tokens_details": reasoning}
        case _:
            return usage
    return {**usage, **told}


def chunks(plain: list[Json], usage: Json | None, profile: WireProfile) -> list[Json]:
    """The chunks of a stream in the manner of its model; `usage` if it was asked for.

    `plain` are the chunks without usage: role, pieces and finish of each choice.
    """
    told = plain
    for step in (_first, _empty, _last, _tool_calls):
        told = step(told, profile)
    told = [_dressed(chunk, profile) for chunk in told]
    if usage is not None:
        told = _PLACES[profile.usage](told, _usage(usage, profile))
    return told


def _dressed(chunk: Json, profile: WireProfile) -> Json:
    choices = [{**choice, **profile.choice_keys} for choice in chunk["choices"]]
    model = profile.chunk_model or chunk["model"]
    return {**chunk, "model": model, "choices": choices, **profile.body_keys}


def _with(chunk: Json, **members: Any) -> Json:
    """`chunk` with other members in its choice."""
    (choice,) = chunk["choices"]
    return {**chunk, "choices": [{**choice, **members}]}


def _of(chunk: Json) -> Json:
    choice: Json = chunk["choices"][0]
    return choice


def _is_role(chunk: Json) -> bool:
    return set(_of(chunk).get("delta", ())) == {"role"}


def _first(plain: list[Json], profile: WireProfile) -> list[Json]:
    """The role together with the first piece of each choice."""
    if profile.first_chunk != "role_and_piece":
        return plain
    told, roles = [], {}
    for chunk in plain:
        choice = _of(chunk)
        if _is_role(chunk):
            roles[choice["index"]] = choice["delta"]
            continue
        role = roles.pop(choice["index"], {})
        told.append(_with(chunk, delta=role | choice["delta"]) if role else chunk)
    return told


def _empty(plain: list[Json], profile: WireProfile) -> list[Json]:
    """Deltas without anything after the role of each choice."""
    told = []
    for chunk in plain:
        told.append(chunk)
        if _is_role(chunk):
            told += [_with(chunk, delta={})] * profile.empty_deltas
    return told


def _last(plain: list[Json], profile: WireProfile) -> list[Json]:
    """The finish together with the last piece of content of each choice."""
    if profile.last_chunk != "with_last_piece":
        return plain
    told: list[Json] = []
    places: dict[int, int] = {}
    for chunk in plain:
        choice = _of(chunk)
        place = places.get(choice["index"])
        if choice["finish_reason"] is not None and place is not None:
            told[place] = _with(told[place], finish_reason=choice["finish_reason"])
            continue
        if choice.get("delta", {}).get("content") or choice.get("text"):
            places[choice["index"]] = len(told)
        else:
            places.pop(choice["index"], None)
        told.append(chunk)
    return told


def _tool_calls(plain: list[Json], profile: WireProfile) -> list[Json]:
    """Fragments of tool calls with or without what is repeated."""
    return [_fragment(chunk, profile) for chunk in plain]


def _fragment(chunk: Json, profile: WireProfile) -> Json:
    delta = _of(chunk).get("delta", {})
    fragments = delta.get("tool_calls")
    if not fragments:
        return chunk
    fragment = dict(fragments[0])
    if "id" not in fragment and profile.type_on_later:
        fragment = {"index": fragment["index"], "type": "function", **fragment}
    if "id" in fragment and profile.arguments_in_first == "absent":
        fragment["function"] = {"name": fragment["function"]["name"]}
    return _with(chunk, delta={**delta, "tool_calls": [fragment]})


def _extra(told: list[Json], usage: Json) -> Json:
    return {**told[-1], "choices": [], "usage": usage}


def _null_then_extra(told: list[Json], usage: Json) -> list[Json]:
    return [{**chunk, "usage": None} for chunk in told] + [_extra(told, usage)]


def _extra_only(told: list[Json], usage: Json) -> list[Json]:
    return [*told, _extra(told, usage)]


def _growing(told: list[Json], usage: Json) -> list[Json]:
    return list(_grown(told, usage))


def _grown(told: list[Json], usage: Json) -> Iterator[Json]:
    prompt, tokens = usage["prompt_tokens"], 0
    for number, chunk in enumerate(told, start=1):
        delta = _of(chunk).get("delta", {})
        tokens += bool(delta.get("content") or delta.get("reasoning_content"))
        so_far = {"completion_tokens": tokens, "total_tokens": prompt + tokens}
        yield {**chunk, "usage": usage if number == len(told) else {**usage, **so_far}}


def _on_finish(told: list[Json], usage: Json) -> list[Json]:
    return [*told[:-1], {**told[-1], "usage": usage}]


_PLACES: dict[str, Callable[[list[Json], Json], list[Json]]] = {
    "U0": _null_then_extra,
    "U1": lambda told, usage: told,
    "U2": _growing,
    "U3": _on_finish,
    "U4": _extra_only,
}
