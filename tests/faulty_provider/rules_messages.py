"""The documented constraints on messages, tools and response formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .values import Body, Rule

_CHAT = frozenset({"chat"})
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}\Z")
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def messages_of(body: Body) -> list[Any]:
    value = body.get("messages")
    return value if isinstance(value, list) else []


def _each(test: Callable[[dict[str, Any]], bool]) -> Callable[[Body], bool]:
    return lambda body: all(test(m) for m in messages_of(body) if isinstance(m, dict))


def _parts(body: Body) -> list[Any]:
    contents = [m.get("content") for m in messages_of(body) if isinstance(m, dict)]
    return [part for content in contents if isinstance(content, list) for part in content]


def _content_null(message: dict[str, Any]) -> bool:
    with_calls = message.get("role") == "assistant" and bool(message.get("tool_calls"))
    return message.get("content") is not None or with_calls


def _call(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    return (
        isinstance(function, dict)
        and isinstance(call.get("id"), str)
        and call.get("type") == "function"
        and isinstance(function.get("name"), str)
        and isinstance(function.get("arguments"), str)
    )


def _calls(message: dict[str, Any]) -> bool:
    calls = message.get("tool_calls", [])
    return isinstance(calls, list) and all(map(_call, calls))


def _payload(kind: str, *keys: str) -> Callable[[Body], bool]:
    def holds(body: Body) -> bool:
        payloads = [p.get(kind) for p in _parts(body) if isinstance(p, dict) and is_kind(p)]
        return all(
            isinstance(payload, dict) and all(isinstance(payload.get(key), str) for key in keys)
            for payload in payloads
        )

    def is_kind(part: dict[str, Any]) -> bool:
        return part.get("type") == kind

    return holds


def _image_detail(body: Body) -> bool:
    images = [p.get("image_url") for p in _parts(body) if isinstance(p, dict)]
    details = [i["detail"] for i in images if isinstance(i, dict) and "detail" in i]
    return all(detail in ("high", "low", "auto") for detail in details)


def _user(content: Any, **more: Any) -> Body:
    return {"messages": [{"role": "user", "content": content, **more}]}


_PART_TYPES = ("text", "image_url", "video_url", "input_audio")
_ROLES = ("system", "user", "assistant", "tool")
_TOOL = {"role": "tool", "content": "4", "tool_call_id": "a"}
_CALLING = {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "function"}]}


def _chat(name: str, field: str, about: str, holds: Callable[[Body], bool], bad: Body) -> Rule:
    return Rule(name, field, about, holds, bad, _CHAT)


MESSAGE_RULES = (
    _chat("messages-missing", "messages", "messages is required",
          lambda body: "messages" in body, {"messages": ...}),
    _chat("messages-empty", "messages", "messages must not be empty",
          lambda body: body.get("messages") != [], {"messages": []}),
    _chat("message-type", "messages", "a message must be an object",
          lambda body: all(isinstance(m, dict) for m in messages_of(body)),
          {"messages": ["hello"]}),
    _chat("role-missing", "messages", "role is required", _each(lambda m: "role" in m),
          {"messages": [{"content": "hello"}]}),
    _chat("role-enum", "messages", f"role must be one of {', '.join(_ROLES)}",
          _each(lambda m: m.get("role", "user") in _ROLES),
          {"messages": [{"role": "robot", "content": "hello"}]}),
    _chat("content-missing", "messages", "content is required",
          _each(lambda m: "content" in m or _content_null(m)), {"messages": [{"role": "user"}]}),
    _chat("content-type", "messages", "content must be text, parts or null",
          _each(lambda m: m.get("content") is None or isinstance(m["content"], str | list)),
          _user(5)),
    _chat("content-null", "messages", "content is null only beside tool calls",
          _each(lambda m: "content" not in m or _content_null(m)), _user(None)),
    _chat("part-object", "messages", "a part must be an object",
          lambda body: all(isinstance(part, dict) for part in _parts(body)), _user(["hello"])),
    _chat("part-type", "messages", f"a part's type must be one of {', '.join(_PART_TYPES)}",
          lambda body: all(p.get("type") in _PART_TYPES for p in _parts(body)
                           if isinstance(p, dict)), _user([{"type": "song", "text": "la"}])),
    _chat("part-text", "messages", "a text part needs text",
          lambda body: all(isinstance(p.get("text"), str) for p in _parts(body)
                           if isinstance(p, dict) and p.get("type") == "text"),
          _user([{"type": "text"}])),
    _chat("part-image", "messages", "image_url needs url", _payload("image_url", "url"),
          _user([{"type": "image_url", "image_url": {}}])),
    _chat("part-image-detail", "messages", "detail must be high, low or auto", _image_detail,
          _user([{"type": "image_url", "image_url": {"url": "http://a/b.png", "detail": "x"}}])),
    _chat("part-video", "messages", "video_url needs url", _payload("video_url", "url"),
          _user([{"type": "video_url", "video_url": {}}])),
    _chat("part-audio", "messages", "input_audio needs data and format",
          _payload("input_audio", "data", "format"),
          _user([{"type": "input_audio", "input_audio": {"data": "aaaa"}}])),
    _chat("name-type", "messages", "name must be text",
          _each(lambda m: isinstance(m.get("name", ""), str)), _user("hello", name=5)),
    _chat("name-pattern", "messages", "name must match [A-Za-z0-9_]{1,64}",
          _each(lambda m: not isinstance(m.get("name"), str) or bool(_NAME.match(m["name"]))),
          _user("hello", name="no blanks!")),
    _chat("tool-call-id", "messages", "a tool message needs tool_call_id",
          _each(lambda m: m.get("role") != "tool" or isinstance(m.get("tool_call_id"), str)),
          {"messages": [{"role": "user", "content": "hi"}, {"role": "tool", "content": "4"}]}),
    _chat("tool-calls-shape", "messages", "tool_calls must be calls with id, name and arguments",
          _each(_calls), {"messages": [{"role": "user", "content": "hi"}, _CALLING, _TOOL]}),
)  # fmt: skip


def _tools(body: Body) -> list[Any]:
    value = body.get("tools")
    return value if isinstance(value, list) else []


def functions_of(body: Body) -> list[dict[str, Any]]:
    found = [tool.get("function") for tool in _tools(body) if isinstance(tool, dict)]
    return [function for function in found if isinstance(function, dict)]


def _shapes(found: list[dict[str, Any]], body_key: str) -> bool:
    return all(
        isinstance(one.get("description"), str | None)
        and isinstance(one.get(body_key), dict | None)
        and isinstance(one.get("strict", False), bool)
        for one in found
    )


def _named(one: dict[str, Any]) -> bool:
    return isinstance(one.get("name"), str) and bool(_FUNCTION_NAME.match(one["name"]))


def _function(**function: Any) -> Body:
    return {"tools": [{"type": "function", "function": function}]}


def _tool_choice(body: Body) -> bool:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        function = choice.get("function")
        declared = [one.get("name") for one in functions_of(body)]
        return (
            choice.get("type") == "function"
            and isinstance(function, dict)
            and function.get("name") in declared
        )
    return choice in (None, "none", "auto", "required")


def _format(body: Body) -> dict[str, Any]:
    value = body.get("response_format")
    return value if isinstance(value, dict) else {"type": "text"}


def _formats(body: Body) -> list[dict[str, Any]]:
    value = _format(body).get("json_schema")
    return [value] if isinstance(value, dict) else []


def _json_schema(value: Any) -> Body:
    return {"response_format": {"type": "json_schema", "json_schema": value}}


SHAPE_RULES = (
    _chat("tool-object", "tools", "a tool must be an object with a function",
          lambda body: len(functions_of(body)) == len(_tools(body)), {"tools": ["add"]}),
    _chat("tool-type", "tools", "a tool's type must be function",
          lambda body: all(t.get("type") == "function" for t in _tools(body)
                           if isinstance(t, dict)),
          {"tools": [{"type": "plugin", "function": {"name": "add"}}]}),
    _chat("function-name-missing", "tools", "a function needs a name",
          lambda body: all("name" in one for one in functions_of(body)), _function()),
    _chat("function-name", "tools", "a function's name must match [A-Za-z0-9_-]{1,64}",
          lambda body: all(_named(one) for one in functions_of(body) if "name" in one),
          _function(name="add it!")),
    _chat("function-name-length", "tools", "a function's name has at most 64 characters",
          lambda body: all(len(str(one.get("name"))) <= 64 for one in functions_of(body)),
          _function(name="a" * 65)),
    _chat("function-parts", "tools", "description, parameters and strict must have their types",
          lambda body: _shapes(functions_of(body), "parameters"),
          _function(name="add", parameters="none")),
    _chat("tool-choice", "tool_choice", "tool_choice must be a word or a declared function",
          _tool_choice, {**_function(name="add"), "tool_choice": "perhaps"}),
    _chat("format-type", "response_format", "type must be text, json_object or json_schema",
          lambda body: _format(body).get("type") in ("text", "json_object", "json_schema"),
          {"response_format": {"type": "yaml"}}),
    _chat("format-schema-missing", "response_format", "json_schema is required",
          lambda body: _format(body).get("type") != "json_schema" or bool(_formats(body)),
          {"response_format": {"type": "json_schema"}}),
    _chat("format-schema-type", "response_format", "json_schema must be an object or null",
          lambda body: isinstance(_format(body).get("json_schema"), dict | None),
          {"response_format": {"type": "text", "json_schema": "x"}}),
    _chat("format-name", "response_format", "json_schema.name must match [A-Za-z0-9_-]{1,64}",
          lambda body: all(map(_named, _formats(body))), _json_schema({"schema": {}})),
    _chat("format-parts", "response_format", "description, schema, strict must have their types",
          lambda body: _shapes(_formats(body), "schema"), _json_schema({"name": "a", "schema": 1})),
    _chat("top-logprobs-alone", "top_logprobs", "top_logprobs needs logprobs",
          lambda body: body.get("top_logprobs") is None or body.get("logprobs") is True,
          {"top_logprobs": 2}),
)  # fmt: skip
