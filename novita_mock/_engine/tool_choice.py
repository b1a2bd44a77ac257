"""Determines the output target where no script answers: text, a JSON value, or tool calls.

Part of planning. A tool is called if its name or description shares words with the last user
message, so the choice involves no chance.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import orjson

from novita_mock._api.messages import content_text, last_text
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json
from novita_mock._engine.plan import TEXT, OutputTarget
from novita_mock._instances import NoInstance, Prepared, prepare

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")
_NAME_WEIGHT = 3
_SHORTEST_WORD = 3
_COMMON = frozenset(
    "the and for with you your can get set use are this that from what how who when where "
    "which will would should could please have has not all any its".split()
)
_SCHEMAS_KEPT = 256
_NO_ARGUMENTS: Json = {"type": "object", "maxProperties": 0}


def target(body: Json) -> OutputTarget:
    """The output target of `body`. Refuses a schema for which no value can be made."""
    results = _results(body.get("messages") or [])
    tools = _called(body, answered=bool(results))
    if tools:
        return OutputTarget(
            tools=tuple((tool["function"]["name"], _arguments(body, tool)) for tool in tools)
        )
    wanted: Json = body.get("response_format") or {}
    match wanted.get("type"):
        case "json_object":
            return OutputTarget(any_object=True)
        case "json_schema":
            schema = wanted["json_schema"].get("schema")
            place = "$.response_format.json_schema.schema"
            return (
                OutputTarget(any_object=True)
                if schema is None
                else OutputTarget(value=_prepared(schema, place))
            )
    return OutputTarget(report="\n".join(results)) if results else TEXT


def _results(messages: list[Json]) -> list[str]:
    """The tool results at the end of the conversation."""
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, content_text(message["content"]))
    return results


def _called(body: Json, *, answered: bool) -> list[Json]:
    """The tools to call in this answer."""
    tools: list[Json] = body.get("tools") or []
    choice: Any = body.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        return [_named(tools, choice["function"]["name"])]
    if not tools or choice == "none" or (choice == "auto" and answered):
        return []
    ranked = _ranked(tools, last_text(body["messages"], "user"))
    matching = [tool for score, tool in ranked if score]
    if not matching and choice == "required":
        matching = tools[:1]
    return matching if body.get("parallel_tool_calls") else matching[:1]


def _named(tools: list[Json], name: str) -> Json:
    for tool in tools:
        if tool["function"]["name"] == name:
            return tool
    known = ", ".join(repr(tool["function"]["name"]) for tool in tools) or "a tool of $.tools"
    problem = f"$.tool_choice.function.name: expected one of {known}; got {name!r}"
    raise Refused("bad_body", problem=problem)


def _ranked(tools: list[Json], text: str) -> list[tuple[int, Json]]:
    """The tools with their scores, best first; equal scores keep the order of the request."""
    asked = _words(text)
    scored = [(_score(tool["function"], asked), tool) for tool in tools]
    return sorted(scored, key=lambda pair: -pair[0])


def _score(function: Json, asked: frozenset[str]) -> int:
    name = len(asked & _words(function["name"]))
    return _NAME_WEIGHT * name + len(asked & _words(function.get("description") or ""))


def _words(text: str) -> frozenset[str]:
    words = (word.lower().removesuffix("s") for word in _WORD.findall(text))
    return frozenset(word for word in words if len(word) >= _SHORTEST_WORD) - _COMMON


def _arguments(body: Json, tool: Json) -> Prepared:
    index = body["tools"].index(tool)
    parameters = tool["function"].get("parameters")
    if not parameters:
        return _prepared(_NO_ARGUMENTS, "")
    return _prepared({"type": "object", **parameters}, f"$.tools[{index}].function.parameters")


def _prepared(schema: Json, place: str) -> Prepared:
    try:
        return _prepare(orjson.dumps(schema))
    except NoInstance as error:
        raise Refused("bad_body", problem=f"{place}: {error}") from None


@lru_cache(_SCHEMAS_KEPT)
def _prepare(schema: bytes) -> Prepared:
    return prepare(orjson.loads(schema))
