"""The wire of edition `live`: renders a plain answer in the dialect of its model.

Rearranges what the encoder would send. The content stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from novita_mock._api.dialects import WireProfile
from novita_mock._core.http import Json


def whole(body: Json, profile: WireProfile) -> Json:
    """An unstreamed answer in the dialect of its model."""
    rendered = {**body, **profile.body_keys}
    rendered["model"] = profile.completion_model or body["model"]
    rendered["usage"] = _usage(body["usage"], profile)
    rendered["choices"] = [_choice(choice, profile) for choice in body["choices"]]
    return rendered


def _choice(choice: Json, profile: WireProfile) -> Json:
    rendered = {**choice, **profile.choice_keys}
    if "message" in choice:
        rendered["message"] = {**choice["message"], **profile.message_keys}
    return rendered


def _usage(usage: Json, profile: WireProfile) -> Json:
    details = usage.get("completion_tokens_details") or {}
    both: Json
    match profile.usage_details:
        case "both_null":
            both = {"prompt_tokens_details": None, "completion_tokens_details": None}
        case "cached_and_reasoning":
            reasoning = {"reasoning_tokens": details.get("reasoning_tokens", 0)}
            cached = {"cached_tokens": 0}
            both = {"prompt_tokens_details": cached, "completion_tokens_details": reasoning}
        case _:
            return usage
    return {**usage, **both}


def chunks(plain: list[Json], usage: Json | None, profile: WireProfile) -> list[Json]:
    """The chunks of a stream in the dialect of its model.

    `plain` are the chunks without usage: role, pieces and finish of each choice. `usage` is None
    if the request did not ask for it.
    """
    rendered = plain
    for step in (_first, _empty, _last, _tool_calls):
        rendered = step(rendered, profile)
    rendered = [_with_extra_keys(chunk, profile) for chunk in rendered]
    if usage is not None:
        rendered = _USAGE_STYLES[profile.usage](rendered, _usage(usage, profile))
    return rendered


def _with_extra_keys(chunk: Json, profile: WireProfile) -> Json:
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
    """Puts the role into the first piece of each choice."""
    if profile.first_chunk != "role_and_piece":
        return plain
    rendered, roles = [], {}
    for chunk in plain:
        choice = _of(chunk)
        if _is_role(chunk):
            roles[choice["index"]] = choice["delta"]
            continue
        role = roles.pop(choice["index"], {})
        rendered.append(_with(chunk, delta=role | choice["delta"]) if role else chunk)
    return rendered


def _empty(plain: list[Json], profile: WireProfile) -> list[Json]:
    """Adds empty deltas after the role of each choice."""
    rendered = []
    for chunk in plain:
        rendered.append(chunk)
        if _is_role(chunk):
            rendered += [_with(chunk, delta={})] * profile.empty_deltas
    return rendered


def _last(plain: list[Json], profile: WireProfile) -> list[Json]:
    """Puts the finish reason into the last piece of content of each choice."""
    if profile.last_chunk != "with_last_piece":
        return plain
    rendered: list[Json] = []
    positions: dict[int, int] = {}
    for chunk in plain:
        choice = _of(chunk)
        position = positions.get(choice["index"])
        if choice["finish_reason"] is not None and position is not None:
            rendered[position] = _with(rendered[position], finish_reason=choice["finish_reason"])
            continue
        if choice.get("delta", {}).get("content") or choice.get("text"):
            positions[choice["index"]] = len(rendered)
        else:
            positions.pop(choice["index"], None)
        rendered.append(chunk)
    return rendered


def _tool_calls(plain: list[Json], profile: WireProfile) -> list[Json]:
    """Fragments of tool calls, with the members that the model repeats or omits."""
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


def _extra(rendered: list[Json], usage: Json) -> Json:
    return {**rendered[-1], "choices": [], "usage": usage}


def _null_then_extra(rendered: list[Json], usage: Json) -> list[Json]:
    return [{**chunk, "usage": None} for chunk in rendered] + [_extra(rendered, usage)]


def _extra_only(rendered: list[Json], usage: Json) -> list[Json]:
    return [*rendered, _extra(rendered, usage)]


def _growing(rendered: list[Json], usage: Json) -> list[Json]:
    return list(_grown(rendered, usage))


def _grown(rendered: list[Json], usage: Json) -> Iterator[Json]:
    prompt, tokens = usage["prompt_tokens"], 0
    for number, chunk in enumerate(rendered, start=1):
        delta = _of(chunk).get("delta", {})
        tokens += bool(delta.get("content") or delta.get("reasoning_content"))
        so_far = {"completion_tokens": tokens, "total_tokens": prompt + tokens}
        yield {**chunk, "usage": usage if number == len(rendered) else {**usage, **so_far}}


def _on_finish(rendered: list[Json], usage: Json) -> list[Json]:
    return [*rendered[:-1], {**rendered[-1], "usage": usage}]


_USAGE_STYLES: dict[str, Callable[[list[Json], Json], list[Json]]] = {
    "U0": _null_then_extra,
    "U1": lambda rendered, usage: rendered,
    "U2": _growing,
    "U3": _on_finish,
    "U4": _extra_only,
}
