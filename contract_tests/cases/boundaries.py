"""Requests with exactly one thing wrong, or exactly at an edge, derived from the request schemas.

Each is a valid request with one keyword of its schema broken or just satisfied. The referee
confirms that it breaks this keyword in this place and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import inf, nextafter
from typing import Any
from urllib.parse import urljoin

from novita_mock._api.description import BASE_URI, load_description

from ..judging.referee import parts, referee, request_schema
from ..wire.exchange import Json
from .full_requests import FULL_REQUESTS, MODEL

Path = tuple[str | int, ...]

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
    """One request. It breaks `keyword` at `path`, or just satisfies it if it is valid."""

    name: str
    operation: str
    body: Json
    valid: bool
    path: Path
    keyword: str
    node: str = ""

    @property
    def root(self) -> str:
        """The member of the body that the case is about."""
        return str(self.path[0])

    @property
    def what(self) -> str:
        """How the keyword is broken or satisfied, in words."""
        return self.name.rpartition(":")[2]

    def __str__(self) -> str:
        return self.name

    def for_model(self, pick: Callable[[Json], str]) -> Json:
        """The body for the model that `pick` chooses, unless the case is about the model."""
        if self.body.get("model") != MODEL:
            return self.body
        return {**self.body, "model": pick(self.body)}


# Another place of the request repeats these, so they cannot change alone.
LINKED = ("tool_choice.function.name:", "tool_calls[0].id:", "tool_call_id:")
# From this length on, an edge is a question of money, not of the contract.
LONG = 1000
# No outcome is documented for these: the pages differ, or no page has the field.
OPEN = (
    "model:rich",
    "tool_choice", "parallel_tool_calls", ".reasoning:", ".reasoning.", "reasoning_effort",
    "reasoning_split", ".thinking:", ".thinking.type", "modalities", "].name:wrong sign",
    "].name:too long", "reasoning_details", "reasoning_content", "image_url:", "video_url:",
    "index", "messages:too few", "content:too few", "minLength", "too short",
)  # fmt: skip


def settled(case: Case) -> bool:
    """Whether the documents agree on the outcome of a case."""
    return not any(word in case.name for word in OPEN)


def put(body: Json, path: Path, value: Any) -> Json:
    """`body` with `value` at `path`; an ellipsis removes the member."""
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
    """All cases of all operations, each name once."""
    found: dict[str, Case] = {}
    for operation, bodies in FULL_REQUESTS.items():
        uri = BASE_URI + request_schema(operation)
        for number, body in enumerate(bodies, 1):
            whole = Case(f"{operation}.model:rich {number}", operation, body, True, ("model",), "")
            found[whole.name] = whole
            for path, value, schemas, node in _places((), body, [(uri, {"$ref": uri})], operation):
                for case in _cases_at(operation, body, path, value, schemas, node):
                    linked = case.valid and any(word in case.name for word in LINKED)
                    if case.name not in found and not linked and confirmed(case):
                        found[case.name] = case
    return tuple(found.values())


def _places(
    path: Path, value: Any, schemas: list[tuple[str, Any]], node: str
) -> Iterator[tuple[Path, Any, list[tuple[str, Json]], str]]:
    """Each place of an instance with the schemas that apply there, and their node: one name for
    all places whose reference leads to the same schema."""
    here = [part for uri, schema in schemas for part in parts(uri, schema)]
    if path and here:
        yield path, value, here, node
    if isinstance(value, dict):
        for name, member in value.items():
            below = [(u, s["properties"][name]) for u, s in here if name in s.get("properties", {})]
            more = [
                (u, s["additionalProperties"]) for u, s in here
                if isinstance(s.get("additionalProperties"), dict)
                and name not in s.get("properties", {})
            ]  # fmt: skip
            found = below + more
            yield from _places((*path, name), member, found, _node(f"{node}.{name}", found))
    if isinstance(value, list) and value:
        for at, item in enumerate(value):
            below = [(u, s["items"]) for u, s in here if "items" in s]
            yield from _places((*path, at), item, below, _node(f"{node}[]", below))


def _node(place: str, schemas: list[tuple[str, Any]]) -> str:
    """The target of the first reference, else the place itself."""
    led = (urljoin(u, s["$ref"]) for u, s in schemas if isinstance(s, dict) and "$ref" in s)
    return next(led, place)


def _cases_at(
    operation: str, body: Json, path: Path, value: Any, schemas: list[tuple[str, Json]], node: str
) -> Iterator[Case]:
    def case(what: str, new: Any, valid: bool, keyword: str) -> Case:
        return Case(_name(operation, path, what), operation, put(body, path, new), valid, path,
                    keyword, node)  # fmt: skip

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
    """Keyword, name, value and validity of each edge in one place."""
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
            if not is_whole:
                # A server that reads numbers in single precision loses the last bit.
                yield keyword, f"well {side} {keyword} {end}", end + sign / 2, False
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


def confirmed(case: Case) -> bool:
    """Whether the referee finds the case valid, or broken in this place by this keyword alone."""
    path = request_schema(case.operation)
    # The compiled validator is quick to rule out what need not reach the slow referee.
    if load_description().validator(path).is_valid(case.body) != case.valid:
        return False
    errors = list(referee(path, strict=False).iter_errors(case.body))
    if case.valid or not errors:
        return case.valid and not errors
    place = case.path[:-1] if case.keyword == "required" else case.path
    leaves = _leaves(errors[0])
    return len(errors) == 1 and any(
        _place(leaf) == place and _breaks(leaf.validator, case.keyword) and _lacks(leaf, case)
        for leaf in leaves
    )


def _lacks(leaf: Any, case: Case) -> bool:
    """Whether a missing member is the one that the case removed."""
    name = case.path[-1]
    absent = case.keyword == "required" and name not in leaf.instance
    return case.keyword != "required" or (absent and name in leaf.validator_value)


def _breaks(validator: str, keyword: str) -> bool:
    # A wrong type in an enumeration is reported as a fault of the enumeration.
    return validator == keyword or (keyword == "type" and validator in ("enum", "const", "anyOf"))


def _place(error: Any) -> Path:
    return tuple(error.absolute_path)


def _leaves(error: Any) -> Iterator[Any]:
    yield error
    for cause in error.context:
        yield from _leaves(cause)
