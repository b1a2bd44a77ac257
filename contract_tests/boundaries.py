"""Requests with exactly one thing wrong, or exactly at an edge, made from the request schemas.

Each is a valid request with one keyword of its schema broken or just kept; the referee confirms
that it breaks this keyword at this place and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import inf, nextafter
from typing import Any

from novita_mock._book import BASE_URI

from .exchange import Json
from .features import ASK_WEATHER, WEATHER_TOOLS
from .requests import MESSAGES, PROMPT, SAMPLED
from .shapes import parts, referee, request_schema
from .views import CHAT, TEXT

Path = tuple[str | int, ...]

MODEL = "{model}"
OTHER: Json = {
    "string": "text", "integer": 3, "number": 1.5, "boolean": True, "object": {"a": 1},
    "array": [1],
}  # fmt: skip
ORDER = ("string", "object", "array", "boolean", "number", "integer")
OF_TYPE: dict[str, Any] = {
    "string": str, "object": dict, "array": list, "boolean": bool, "number": (int, float),
    "integer": int,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request. `keyword` is broken at `path`, or just kept if the request is valid."""

    name: str
    operation: str
    body: Json
    valid: bool
    path: Path
    keyword: str

    @property
    def root(self) -> str:
        """The member of the body that the case is about."""
        return str(self.path[0])

    def __str__(self) -> str:
        return self.name

    def for_model(self, pick: Callable[[Json], str]) -> Json:
        """The body for the model that `pick` takes, unless the case is about the model."""
        if self.body.get("model") != MODEL:
            return self.body
        return {**self.body, "model": pick(self.body)}


_PARTS = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=",
                                        "detail": "low"}},
    {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
]  # fmt: skip
_CALL = {
    "id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"},
    "index": 0,
}  # fmt: skip
_DETAIL = {
    "type": "reasoning.text", "text": "Hm.", "format": "openai-responses-v1",
    "id": "reasoning-text-1", "index": 0,
}  # fmt: skip
_TURNS = [
    *ASK_WEATHER,
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "content": "noon", "tool_call_id": "call_1", "name": "get_time"},
    {"role": "assistant", "content": "It is noon.", "name": "helper",
     "reasoning_content": "Hm.", "reasoning_details": [_DETAIL]},
    {"role": "user", "content": "Thanks.", "name": "me"},
]  # fmt: skip
_STRICT_TOOLS = [
    {**tool, "function": {**tool["function"], "strict": False}} for tool in WEATHER_TOOLS
]
_SAMPLING: Json = {
    "n": 1, "frequency_penalty": 0, "presence_penalty": 0, "repetition_penalty": 1,
    "top_p": 0.5, "top_k": 5, "min_p": 0.1, "logit_bias": {"15": 1}, "stop": ["\u2603"],
    "stream": True, "stream_options": {"include_usage": True},
}  # fmt: skip
_FORM = {"name": "person", "description": "A person", "schema": {"type": "object"}, "strict": False}
# Valid requests in which every property of the schemas occurs.
RICH: dict[str, list[Json]] = {
    CHAT: [
        {"model": MODEL, "messages": MESSAGES, **SAMPLED, **_SAMPLING, "logprobs": True,
         "top_logprobs": 2},
        {"model": MODEL, "messages": ASK_WEATHER, "max_tokens": 8, "tools": _STRICT_TOOLS},
        {"model": MODEL, "messages": ASK_WEATHER, "max_tokens": 8, "tools": WEATHER_TOOLS,
         "tool_choice": {"type": "function", "function": {"name": "get_time"}}},
        {"model": MODEL, "messages": _TURNS, "max_tokens": 8},
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 1, "logprobs": True,
         "response_format": {"type": "text", "json_schema": _FORM}},
        *({"model": MODEL, "messages": [{"role": "user", "content": [_PARTS[0], part]}],
           "max_tokens": 8} for part in _PARTS),
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 8, "separate_reasoning": True,
         "enable_thinking": True, "reasoning_split": True, "reasoning_effort": "low",
         "reasoning": {"enabled": True, "effort": "low"}, "thinking": {"type": "enabled"},
         "modalities": ["text"],
         "response_format": {"type": "json_schema", "json_schema": _FORM}},
        {"model": MODEL, "messages": ASK_WEATHER, "max_tokens": 8, "tools": WEATHER_TOOLS,
         "tool_choice": "auto", "stop": "\u2603"},
    ],
    TEXT: [
        {"model": MODEL, "prompt": PROMPT, **SAMPLED, **_SAMPLING, "logprobs": 2},
        {"model": MODEL, "prompt": [PROMPT, "The sea"], "max_tokens": 4, "best_of": 2, "n": 1,
         "stream": False, "stop": "\u2603"},
        {"model": MODEL, "prompt": [15, 16], "max_tokens": 4},
        {"model": MODEL, "prompt": [[15, 16], [17]], "max_tokens": 4},
    ],
}  # fmt: skip
# What another place of the request repeats, so that it cannot change alone.
LINKED = ("tool_choice.function.name:", "tool_calls[0].id:", "tool_call_id:")
# Edges of so many tokens, choices or messages are a matter of money, not of the contract.
LONG = 1000


def _put(body: Json, path: Path, value: Any) -> Json:
    """`body` with `value` at `path`; an ellipsis takes the member away."""
    made = copy.deepcopy(body)
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


def _name(operation: str, path: Path, what: str) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"{operation}{place}:{what}"


@cache
def cases() -> tuple[Case, ...]:
    """Every case of every operation, each name once."""
    found: dict[str, Case] = {}
    for operation, bodies in RICH.items():
        uri = BASE_URI + request_schema(operation)
        for number, body in enumerate(bodies, 1):
            whole = Case(f"{operation}.model:rich {number}", operation, body, True, ("model",), "")
            found[whole.name] = whole
            for path, value, schemas in _places((), body, [(uri, {"$ref": uri})]):
                for case in _cases_at(operation, body, path, value, schemas):
                    linked = case.valid and any(word in case.name for word in LINKED)
                    if case.name not in found and not linked and _confirmed(case):
                        found[case.name] = case
    return tuple(found.values())


def _places(
    path: Path, value: Any, schemas: list[tuple[str, Any]]
) -> Iterator[tuple[Path, Any, list[tuple[str, Json]]]]:
    """Each place of an instance with the schemas that hold there."""
    here = [part for uri, schema in schemas for part in parts(uri, schema)]
    if path and here:
        yield path, value, here
    if isinstance(value, dict):
        for name, member in value.items():
            below = [(u, s["properties"][name]) for u, s in here if name in s.get("properties", {})]
            more = [
                (u, s["additionalProperties"]) for u, s in here
                if isinstance(s.get("additionalProperties"), dict)
                and name not in s.get("properties", {})
            ]  # fmt: skip
            yield from _places((*path, name), member, below + more)
    if isinstance(value, list) and value:
        for at, item in enumerate(value):
            below = [(u, s["items"]) for u, s in here if "items" in s]
            yield from _places((*path, at), item, below)


def _cases_at(
    operation: str, body: Json, path: Path, value: Any, schemas: list[tuple[str, Json]]
) -> Iterator[Case]:
    def case(what: str, new: Any, valid: bool, keyword: str) -> Case:
        return Case(_name(operation, path, what), operation, _put(body, path, new), valid, path,
                    keyword)  # fmt: skip

    if isinstance(path[-1], str):
        yield case("missing", ..., False, "required")
    yield case("null", None, True, "type")
    yield case("null", None, False, "type")
    for kind in ORDER:
        if not isinstance(value, OF_TYPE[kind]):
            yield case(f"wrong type {kind}", OTHER[kind], False, "type")
            break
    for keyword, what, new, valid in _edges(value, [schema for _, schema in schemas]):
        yield case(what, new, valid, keyword)


def _edges(value: Any, schemas: list[Json]) -> Iterator[tuple[str, str, Any, bool]]:
    """Keyword, name, value and validity of each edge at a place."""
    for schema in schemas:
        is_whole = "integer" in str(schema.get("type"))
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield from _number_edges(schema, is_whole)
        if isinstance(value, str):
            yield from _text_edges(schema)
        if isinstance(value, list) and value:
            yield from _list_edges(schema, value)
        if isinstance(value, bool) and "boolean" in str(schema.get("type")):
            yield "type", "true", True, True
            yield "type", "false", False, True
        for at, option in enumerate(schema.get("enum", [])):
            yield "enum", f"value {option!r}", option, True
            if isinstance(option, str) and at == 0:
                yield "enum", "wrong value", "no such word", False
                yield "enum", "wrong case", option.upper(), False
        if isinstance(schema.get("const"), str):
            yield "const", "wrong value", "no such word", False
        if "integer" in str(schema.get("type")) and "number" not in str(schema.get("type")):
            yield "type", "fraction", 1.5, False


def _number_edges(schema: Json, is_whole: bool) -> Iterator[tuple[str, str, Any, bool]]:
    for keyword, sign in (("minimum", -1), ("maximum", 1)):
        if keyword in schema:
            end = schema[keyword]
            side = "below" if sign < 0 else "above"
            yield keyword, f"at {keyword} {end}", end, True
            yield keyword, f"inside {keyword}", _step(end, -sign, is_whole), True
            yield keyword, f"{side} {keyword} {end}", _step(end, sign, is_whole), False
    for keyword, sign in (("exclusiveMinimum", -1), ("exclusiveMaximum", 1)):
        if keyword in schema:
            end = schema[keyword]
            yield keyword, f"at {keyword} {end}", end, False
            yield keyword, f"inside {keyword}", _step(end, -sign, is_whole) or 1e-9, True
            yield keyword, f"beyond {keyword} {end}", end + sign, False


def _step(end: float, sign: int, is_whole: bool) -> float:
    if is_whole:
        return end + sign
    near = nextafter(end, inf * sign)
    return sign * 1e-9 if abs(near) < 1e-9 else near


def _text_edges(schema: Json) -> Iterator[tuple[str, str, Any, bool]]:
    if "pattern" in schema:
        yield "pattern", "wrong sign", "a!b", False
    if "maxLength" in schema:
        yield "maxLength", "longest", "a" * schema["maxLength"], True
        yield "maxLength", "too long", "a" * (schema["maxLength"] + 1), False
    if schema.get("minLength"):
        yield "minLength", "shortest", "a" * schema["minLength"], True
        yield "minLength", "too short", "a" * (schema["minLength"] - 1), False


def _list_edges(schema: Json, value: list[Any]) -> Iterator[tuple[str, str, Any, bool]]:
    if "maxItems" in schema and schema["maxItems"] < LONG:
        yield "maxItems", "most items", (value * schema["maxItems"])[: schema["maxItems"]], True
        many = value * (schema["maxItems"] + 1)
        yield "maxItems", "too many", many[: schema["maxItems"] + 1], False
    if schema.get("minItems"):
        yield "minItems", "fewest items", value[: schema["minItems"]], True
        yield "minItems", "too few", value[: schema["minItems"] - 1], False


def _confirmed(case: Case) -> bool:
    """Whether the referee finds the case valid, or broken at this place by this keyword alone."""
    validator = referee(request_schema(case.operation), strict=False)
    errors = list(validator.iter_errors(case.body))
    if case.valid or not errors:
        return case.valid and not errors
    place = case.path[:-1] if case.keyword == "required" else case.path
    leaves = _leaves(errors[0])
    return len(errors) == 1 and any(
        _place(leaf) == place and _breaks(leaf.validator, case.keyword) for leaf in leaves
    )


def _breaks(validator: str, keyword: str) -> bool:
    # A wrong type at an enumeration is told as the enumeration's.
    return validator == keyword or (keyword == "type" and validator in ("enum", "const", "anyOf"))


def _place(error: Any) -> Path:
    return tuple(error.absolute_path)


def _leaves(error: Any) -> Iterator[Any]:
    yield error
    for cause in error.context:
        yield from _leaves(cause)
