"""Faults in tool calls and structured output."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from .edits import (
    DROP,
    Path,
    answer,
    drop,
    each_call,
    each_choice,
    each_chunk,
    should,
    to,
)
from .probes import (
    ADD,
    CHAT,
    FORCED,
    JSON_MODE,
    SCHEMA_MODE,
    TOOL_STREAM,
    TOOLS,
    TURN,
    chat,
    user,
)
from .rules_messages import messages_of
from .speech import tokens_of
from .values import Body, Call, Choice, Fault, Hooks, Json, Rule

_CALLS: Path = ("choices", "*", "message", "tool_calls")
_FUNCTION: Path = (*_CALLS, "*", "function")
_FRAGMENT: Path = ("choices", "*", "delta", "tool_calls", "*")


def _tool(about: str, hooks: Hooks, probe: Any = TOOLS) -> Fault:
    return Fault("1.8", about, probe, hooks)


def _arguments(change: Callable[[str], str]) -> Hooks:
    return each_call(lambda call, body: setattr(call, "arguments", change(call.arguments)))


def _spoilt(text: str) -> str:
    held = json.loads(text)
    return json.dumps({key: [True] for key in held} or {"x": 1})


def _first_lost(text: str) -> str:
    held = json.loads(text)
    return json.dumps(dict(list(held.items())[1:]))


def _later_fragments(change: Callable[[Json], Json]) -> Hooks:
    return each_chunk(_FRAGMENT, lambda held: held if "id" in held else change(held))


def _first_fragments(change: Callable[[Json], Json]) -> Hooks:
    return each_chunk(_FRAGMENT, lambda held: change(held) if "id" in held else held)


def _without(key: str) -> Callable[[Json], Json]:
    return lambda held: {other: held[other] for other in held if other != key}


def _nameless(fragment: Json) -> Json:
    return {**fragment, "function": {"arguments": ""}}


def _doubled(made: list[Json], body: Body) -> list[Json]:
    return [one for c in made for one in ([c, c] if _has_arguments(c) else [c])]


def _has_arguments(chunk: Json) -> bool:
    deltas = [choice.get("delta", {}) for choice in chunk["choices"]]
    return any("id" not in one for delta in deltas for one in delta.get("tool_calls", []))


def _last_fragment_lost(made: list[Json], body: Body) -> list[Json]:
    found = [at for at, chunk in enumerate(made) if _has_arguments(chunk)]
    return [chunk for at, chunk in enumerate(made) if not found or at != found[-1]]


def _never_called(choice: Choice, body: Body) -> None:
    if choice.calls:
        choice.calls, choice.finish, choice.tokens = [], "stop", tokens_of("I will not.")


def _called_anyway(choice: Choice, body: Body) -> None:
    if body.get("tools") and body.get("tool_choice") == "none":
        name = body["tools"][0]["function"]["name"]
        choice.calls, choice.finish, choice.tokens = [Call("call_1", name, "{}")], "tool_calls", []


def _called_undeclared(choice: Choice, body: Body) -> None:
    if not body.get("tools"):
        choice.calls, choice.finish = [Call("call_1", "search", "{}")], "tool_calls"
        choice.tokens = []


def _other_tool(call: Call, body: Body) -> None:
    if isinstance(body.get("tool_choice"), dict):
        names = [tool["function"]["name"] for tool in body["tools"]]
        call.name = next((name for name in names if name != call.name), call.name)


def _no_tool_history(body: Body) -> bool:
    return not any(m.get("role") == "tool" for m in messages_of(body) if isinstance(m, dict))


_BOTH_TOOLS = (chat(**{**FORCED, "messages": user("weather, then add"), "tool_choice": "auto"}),)
_NAMED = (chat(**{**FORCED, "tool_choice": {"type": "function", "function": {"name": "add"}}}),)
TOOL_FAULTS = {
    "tool-undeclared": _tool("a function is called that was not declared", each_call(
        lambda call, body: setattr(call, "name", "undeclared_function"))),
    "tool-arguments-object": _tool("arguments is an object", answer(
        (*_FUNCTION, "arguments"), json.loads)),
    "tool-arguments-not-json": _tool("arguments is not JSON", _arguments(
        lambda held: held.replace('"', "'") + ",")),
    "tool-arguments-doubly-encoded": _tool("arguments is JSON text of JSON text",
                                           _arguments(json.dumps)),
    "tool-arguments-array": _tool("arguments is an array", _arguments(lambda held: f"[{held}]")),
    "tool-arguments-empty": _tool("arguments is empty text", _arguments(lambda held: "")),
    "tool-arguments-fenced": _tool("arguments stands in a fence", _arguments(
        lambda held: f"```json\n{held}\n```")),
    "tool-arguments-mistyped": _tool("arguments break the types declared", _arguments(_spoilt)),
    "tool-arguments-incomplete": _tool("a required argument is missing", _arguments(_first_lost)),
    "tool-finish-stop": _tool("with calls the reason is stop", each_choice(
        lambda choice, body: setattr(choice, "finish", "stop") if choice.calls else None)),
    "tool-id-empty": _tool("the id of a call is empty", each_call(
        lambda call, body: setattr(call, "id", ""))),
    "tool-id-missing": _tool("a call has no id", answer((*_CALLS, "*", "id"), drop)),
    "tool-ids-equal": _tool("two calls have one id", each_call(
        lambda call, body: setattr(call, "id", "call_1")), _BOTH_TOOLS),
    "tool-type-wrong": _tool("the type of a call is tool", answer((*_CALLS, "*", "type"),
                                                                  to("tool"))),
    "tool-type-missing": _tool("a call has no type", answer((*_CALLS, "*", "type"), drop)),
    "tool-function-flat": _tool("name and arguments lie beside the id", answer(
        (*_CALLS, "*"), lambda held: {**held.pop("function"), **held})),
    "tool-name-missing": _tool("a call has no name", answer((*_FUNCTION, "name"), drop)),
    "tool-calls-object": _tool("tool_calls is an object", answer(
        _CALLS, lambda held: held[0] if held else DROP)),
    "tool-choice-none-ignored": _tool(
        "none yields a call", each_choice(_called_anyway),
        (chat(**{**FORCED, "tool_choice": "none"}),)),
    "tool-choice-named-ignored": _tool("another function than the named one is called",
                                       each_call(_other_tool), _NAMED),
    "tool-call-without-tools": _tool("a call although no tools were declared",
                                     each_choice(_called_undeclared), CHAT),
    "tool-choice-required-ignored": should(_tool("required yields no call",
                                                 each_choice(_never_called))),
    "tool-followup-refused": _tool(
        "the turn with the tool's result is refused",
        Hooks(extra=(Rule("x", "messages", "role must not be tool", _no_tool_history, {}),)),
        (chat(messages=TURN, tools=[ADD]),)),
    "tool-fragments-lack-index": _tool("fragments have no index", each_chunk(
        _FRAGMENT, _without("index")), TOOL_STREAM),
    "tool-fragments-index-grows": _tool("later fragments have another index", _later_fragments(
        lambda held: {**held, "index": held["index"] + 1}), TOOL_STREAM),
    "tool-first-fragment-lacks-id": _tool("the first fragment has no id", _first_fragments(
        _without("id")), TOOL_STREAM),
    "tool-first-fragment-lacks-name": _tool("the first fragment has no name",
                                            _first_fragments(_nameless), TOOL_STREAM),
    "tool-fragments-change-id": _tool("later fragments have another id", _later_fragments(
        lambda held: {**held, "id": f"call_{random.randrange(10**9)}"}), TOOL_STREAM),
    "tool-fragments-doubled": _tool("every fragment comes twice", Hooks(chunks=_doubled),
                                    TOOL_STREAM),
    "tool-last-fragment-lost": _tool("the last fragment is lost",
                                     Hooks(chunks=_last_fragment_lost), TOOL_STREAM),
    "tool-stream-without-calls": _tool(
        "a stream answers with words where JSON has a call",
        each_choice(lambda choice, body: _never_called(choice, body)
                    if body.get("stream") else None), TOOL_STREAM),
}  # fmt: skip


def _format(body: Body) -> str:
    return str((body.get("response_format") or {}).get("type"))


def _rewritten(change: Callable[[str], str], kinds: tuple[str, ...]) -> Hooks:
    def hook(choice: Choice, body: Body) -> None:
        if _format(body) in kinds and not choice.calls and choice.finish == "stop":
            choice.tokens = tokens_of(change(choice.text))

    return each_choice(hook)


def _mistyped(text: str) -> str:
    return json.dumps({key: {"wrong": True} for key in json.loads(text)})


def _one_key_less(text: str) -> str:
    return json.dumps(dict(list(json.loads(text).items())[1:]), ensure_ascii=False)


def _other_members(text: str) -> str:
    return json.dumps({**json.loads(text), "city": "Atlantis"})


def _as_ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


_JSON, _ANY = ("json_object",), ("json_object", "json_schema")


def _structured(about: str, change: Callable[[str], str], kinds: Any, probe: Any) -> Fault:
    return Fault("1.9", about, probe, _rewritten(change, kinds))


STRUCTURED = {
    "json-mode-prose": _structured("JSON mode gives prose", lambda _: "Well, sure.", _ANY,
                                   JSON_MODE),
    "json-mode-fenced": _structured("the JSON stands in a fence",
                                    lambda held: f"```json\n{held}\n```", _ANY, JSON_MODE),
    "json-mode-chatty": _structured("words before the JSON",
                                    lambda held: f"Here it is: {held}", _ANY, JSON_MODE),
    "json-mode-trailing": _structured("words after the JSON", lambda held: held + "\nDone.", _ANY,
                                      JSON_MODE),
    "json-mode-array": _structured("JSON mode gives an array", lambda held: f"[{held}]", _JSON,
                                   JSON_MODE),
    "json-mode-cut": _structured("the JSON is cut, the reason says stop",
                                 lambda held: held[:-3], _ANY, JSON_MODE),
    "json-mode-single-quotes": _structured("single quotes for double ones",
                                           lambda held: held.replace('"', "'"), _ANY, JSON_MODE),
    "json-mode-as-text": _structured("the JSON is encoded twice", json.dumps, _ANY, JSON_MODE),
    "json-mode-object-content": Fault(
        "1.9", "content is an object, not text", JSON_MODE,
        Hooks(answer=lambda made, body: _parsed_content(made) if _format(body) in _ANY else made)),
    "schema-ignored": _structured("JSON of another shape than the schema's",
                                  lambda _: '{"answer": "anything"}', ("json_schema",),
                                  SCHEMA_MODE),
    "schema-types-wrong": _structured("members have other types", _mistyped, ("json_schema",),
                                      SCHEMA_MODE),
    "schema-required-missing": _structured("a required member is missing", _one_key_less,
                                           ("json_schema",), SCHEMA_MODE),
    "schema-enum-ignored": _structured("a value is not one of the enum", _other_members,
                                       ("json_schema",), SCHEMA_MODE),
    "schema-letters-changed": _structured("letters beyond ASCII come back changed", _as_ascii,
                                          ("json_schema",), SCHEMA_MODE),
}  # fmt: skip


def _parsed_content(made: Json) -> Json:
    for choice in made["choices"]:
        if choice["finish_reason"] == "stop":
            choice["message"]["content"] = json.loads(choice["message"]["content"])
    return made


FEATURE_FAULTS = TOOL_FAULTS | STRUCTURED
