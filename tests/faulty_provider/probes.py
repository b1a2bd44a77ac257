"""Requests at which faults show: one greedy conversation and one prompt, each with changes."""

from __future__ import annotations

import json
from typing import Any

from .catalogue import MODEL, REASONER
from .completion import complete, find_stop
from .values import Body, Request

BASE = "/v3/openai"
KEY = "probe-key-1234"
HEADERS = (("authorization", f"Bearer {KEY}"), ("content-type", "application/json"))
_GREEDY: Body = {"model": MODEL, "max_tokens": 12, "temperature": 0, "seed": 7}
CHAT_BODY: Body = {**_GREEDY, "messages": [{"role": "user", "content": "Tell me something."}]}
TEXT_BODY: Body = {**_GREEDY, "prompt": "Once upon a time"}


def changed(body: Body, changes: Body) -> Body:
    """The body with fields set, or left out where the change is an ellipsis."""
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


def post(path: str, body: Body | bytes, headers: Any = HEADERS, query: str = "") -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", BASE + path, headers, data, query, BASE + path)


def chat(**changes: Any) -> Request:
    return post("/chat/completions", changed(CHAT_BODY, changes))


def text(**changes: Any) -> Request:
    return post("/completions", changed(TEXT_BODY, changes))


def get(path: str, headers: Any = HEADERS, raw: str = "") -> Request:
    return Request("GET", BASE + path, headers, raw_path=raw or BASE + path)


def user(content: Any, **more: Any) -> list[Body]:
    return [{"role": "user", "content": content, **more}]


def tool(name: str, **properties: Any) -> Body:
    wanted = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": wanted}}


CHAT_PATH = "/chat/completions"
WRONG_KEY = (("authorization", "Bearer wrong-key-12345"), *HEADERS[1:])
WRONG = (post(CHAT_PATH, CHAT_BODY, WRONG_KEY),)

CHAT, TEXT = (chat(),), (text(),)
STREAM, TEXT_STREAM = (chat(stream=True),), (text(stream=True),)
USAGE_STREAM = (chat(stream=True, stream_options={"include_usage": True}),)
LONG = (chat(max_tokens=200),)
N = (chat(n=3),)
BAD = (chat(temperature=9),)
BAD_STREAM = (chat(temperature=9, stream=True),)
NO_MODEL = (chat(model="nobody/knows-me"),)
LIST = (get("/models"),)
ROW = (get(f"/models/{MODEL}"),)
ENCODED_ROW = (get(f"/models/{MODEL}", raw=f"{BASE}/models/{MODEL.replace('/', '%2F')}"),)

# What the provider says without a limit, to choose stop texts that must hit.
SAID = complete(changed(CHAT_BODY, {"max_tokens": 200}), find_stop).choices[0]
# From the middle of one token into the middle of the next: no token border is at its ends.
CROSSING = SAID.tokens[3][1:] + SAID.tokens[4][:2]
AFTER = SAID.tokens[5] + SAID.tokens[6]
# The first letter that also comes a second time.
TWICE = next(letter for letter in SAID.text[8:] if SAID.text.count(letter) > 1)

ADD = tool("add", a={"type": "integer", "minimum": 1}, b={"type": "integer"})
WEATHER = tool("get_weather", city={"type": "string", "enum": ["Köln", "東京"]})
FORCED: Body = {
    "tools": [WEATHER, ADD], "tool_choice": "required", "max_tokens": 96,
    "messages": user("What is the weather?"),
}  # fmt: skip
TURN = [
    *user("Add 1 and 2."),
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "a1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "a1", "content": "3"},
]  # fmt: skip
TOOLS, TOOL_STREAM = (chat(**FORCED),), (chat(**FORCED, stream=True),)
JSON_MODE = (chat(response_format={"type": "json_object"}, max_tokens=200),)
SCHEMA: Body = {
    "type": "object", "required": ["city", "count"], "additionalProperties": False,
    "properties": {
        "city": {"enum": ["Köln", "東京"]}, "count": {"type": "integer", "minimum": 3},
    },
}  # fmt: skip
SCHEMA_MODE = (
    chat(
        response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": SCHEMA}},
        max_tokens=200,
    ),
)
REASON: Body = {"model": REASONER, "separate_reasoning": True, "max_tokens": 40}
REASONING, REASONING_STREAM = (chat(**REASON),), (chat(**REASON, stream=True),)
LOGPROBS = (chat(logprobs=True, top_logprobs=3),)
STREAM_N = (chat(stream=True, n=2),)
