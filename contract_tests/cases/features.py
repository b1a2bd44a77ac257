"""Requests for what only some models can do: tools, JSON answers, reasoning.

The target's list names the models that can. The checks skip if no answer shows the feature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..judging.verdicts import Skipped
from ..wire.exchange import Asked, Json
from ..wire.views import answer_of
from .requests import MORE, Build, chat

if TYPE_CHECKING:
    from ..judging.probe import Api

TOOLS, STRUCTURED, REASONING = "function-calling", "structured-outputs", "reasoning"
# The model for which the page documents `separate_reasoning`.
DOCUMENTED = "deepseek/deepseek-r1-turbo"
EDGE_NAME = "0-get_weather-of-a-town_with_a_name_as_long_as_it_may_possibly_b"
WEATHER: Json = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Köln", "東京"]},
        "days": {"type": "integer"},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}
PERSON: Json = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Köln", "東京"]},
        "count": {"type": "integer", "minimum": 3, "maximum": 9},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 2},
    },
    "required": ["city", "count"],
    "additionalProperties": False,
}
ASK_WEATHER = [{"role": "user", "content": "How will the weather be in Köln for the next 3 days?"}]
ASK_BOTH = [{"role": "user", "content": "What is the weather in Köln, and what is the time?"}]
ASK_JSON = [{"role": "user", "content": 'Answer with JSON like {"city": "Köln", "count": 3} only.'}]


def tool(name: str, parameters: Json | None) -> Json:
    described: Json = {"name": name, "description": "Weather of a city"}
    return {"type": "function", "function": described | {"parameters": parameters}}


WEATHER_TOOLS = [tool("get_weather", WEATHER), tool("get_time", {"type": "object"})]


def _tools(choice: Any, **more: Any) -> Build:
    def built(api: Api) -> Asked:
        members = {"model": api.able(TOOLS), "messages": ASK_WEATHER, "max_tokens": MORE}
        return chat(**{**members, "tools": WEATHER_TOOLS, "tool_choice": choice, **more})(api)

    return built


def _forced(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


def _format(form: Json, **more: Any) -> Build:
    def built(api: Api) -> Asked:
        members = {"model": api.able(STRUCTURED), "messages": ASK_JSON, "max_tokens": MORE}
        return chat(**{**members, "response_format": form, **more})(api)

    return built


def _schema(strict: bool) -> Json:
    described = {"name": "person", "schema": PERSON, "strict": strict}
    return {"type": "json_schema", "json_schema": described}


def _turn(api: Api) -> Asked:
    """The follow-up of a tool call, which repeats its id exactly."""
    for name in ("tools.forced", "tools.required"):
        found = answer_of(api.ask(name))
        calls = found.choices[0].calls if found and found.choices else []
        if calls:
            break
    else:
        raise Skipped("no tool was called, so there is nothing to follow up")
    made = [
        {"id": call.id, "type": "function",
         "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]  # fmt: skip
    results = [{"role": "tool", "tool_call_id": call.id, "content": "21 degrees"} for call in calls]
    turns = [*ASK_WEATHER, {"role": "assistant", "content": None, "tool_calls": made}, *results]
    return chat(model=api.able(TOOLS), messages=turns, tools=WEATHER_TOOLS, tool_choice="auto")(api)


def _reasoning(**more: Any) -> Build:
    def built(api: Api) -> Asked:
        own = [row for row in api.rows if REASONING in (row.get("features") or [])]
        if not own:
            raise Skipped("no model of the list has the feature reasoning")
        ids = [row["id"] for row in own]
        model = DOCUMENTED if DOCUMENTED in ids else api.able(REASONING)
        members = {"model": model, "separate_reasoning": True, "max_tokens": 64}
        return chat(**{**members, **more})(api)

    return built


FEATURES: dict[str, Build] = {
    "tools.required": _tools("required", messages=ASK_BOTH),
    "tools.required.stream": _tools("required", messages=ASK_BOTH, stream=True),
    "tools.none": _tools("none"),
    "tools.forced": _tools(
        _forced(EDGE_NAME), tools=[*WEATHER_TOOLS, tool(EDGE_NAME, {"type": "object"})]
    ),
    "tools.turn": _turn,
    "json.object": _format({"type": "json_object"}, stream=True),
    "json.schema": _format(_schema(strict=True)),
    "reasoning.on": _reasoning(),
    "reasoning.stream": _reasoning(stream=True),
}
