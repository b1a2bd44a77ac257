"""Tool calls without a script: which tool, with which arguments, and when the loop ends."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import orjson
import pytest

from novita_mock import Mock, Request
from tests.ask import body_of, posted

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
TIME = {"type": "function", "function": {"name": "get_time", "description": "Time in a zone"}}
TOOLS = [TIME, WEATHER]
ASKED = {"role": "user", "content": "What is the weather in Paris?"}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    ],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees"}


def reply(mock: Mock, *messages: dict[str, Any], **more: Any) -> bytes:
    body = {"model": "meta-llama/llama-3.3-70b-instruct", "messages": messages, **more}
    headers = {b"authorization": b"Bearer any-key"}
    return mock.answer(
        Request("POST", "/v3/openai/chat/completions", headers, orjson.dumps(body))
    ).body


def answer(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(reply(Mock(), *messages, **more))
    return found


def called(*messages: dict[str, Any], **more: Any) -> list[str]:
    """The names of the tools that the answer calls."""
    message = answer(*messages, **more)["choices"][0]["message"]
    return [call["function"]["name"] for call in message.get("tool_calls", [])]


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def test_the_tool_whose_words_are_in_the_question_is_called_with_valid_arguments() -> None:
    choice = answer(ASKED, tools=TOOLS)["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert call["function"]["name"] == "get_weather"
    arguments = json.loads(call["function"]["arguments"])
    jsonschema.validate(arguments, WEATHER["function"]["parameters"])  # type: ignore[index]


CHOICES: dict[str, tuple[str, Any, list[str]]] = {
    "auto, no word in common": ("Hello", "auto", []),
    "auto, words in common": ("The time, please", "auto", ["get_time"]),
    "absent, words in common": ("The time, please", None, ["get_time"]),
    "none": ("The time, please", "none", []),
    "required, no word in common": ("Hello", "required", ["get_time"]),
    "required, words in common": ("The weather?", "required", ["get_weather"]),
    "a named function": ("The time, please", named("get_weather"), ["get_weather"]),
}


@pytest.mark.parametrize(("text", "choice", "expected"), CHOICES.values(), ids=CHOICES)
def test_tool_choice_decides(text: str, choice: Any, expected: list[str]) -> None:
    user = {"role": "user", "content": text}
    assert called(user, tools=TOOLS, tool_choice=choice) == expected


def test_tools_are_called_side_by_side_only_where_that_is_asked_for() -> None:
    user = {"role": "user", "content": "Weather and time in Paris?"}
    assert called(user, tools=TOOLS) == ["get_time"]
    assert called(user, tools=TOOLS, parallel_tool_calls=True) == ["get_time", "get_weather"]


def test_a_tool_without_parameters_gets_an_empty_object() -> None:
    message = answer(ASKED, tools=TOOLS, tool_choice=named("get_time"))["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_tool_result_ends_the_loop_with_a_text_that_uses_it() -> None:
    choice = answer(ASKED, CALLED, RESULT, tools=TOOLS)["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "21 degrees" in choice["message"]["content"]


def test_ids_of_calls_differ_between_answers() -> None:
    mock = Mock()
    ids = [
        orjson.loads(reply(mock, ASKED, tools=TOOLS))["choices"][0]["message"]["tool_calls"][0][
            "id"
        ]
        for _ in range(3)
    ]
    assert len(set(ids)) == 3


def test_streamed_fragments_join_to_the_unstreamed_call() -> None:
    whole = answer(ASKED, tools=TOOLS)["choices"][0]["message"]["tool_calls"][0]
    events = reply(Mock(), ASKED, tools=TOOLS, stream=True).split(b"\n\n")
    chunks = [orjson.loads(event[6:]) for event in events if event.startswith(b"data: {")]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    fragments = [f for delta in deltas for f in delta.get("tool_calls", [])]
    assert fragments[0]["id"] == whole["id"]
    assert {fragment["index"] for fragment in fragments} == {0}
    joined = "".join(fragment["function"]["arguments"] for fragment in fragments)
    assert joined == whole["function"]["arguments"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


REFUSED: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "a result for no call": (
        [ASKED, RESULT],
        {},
        "$.messages[1].tool_call_id: expected the id of an earlier tool call "
        '(there is none); got "call_1"',
    ),
    "a result for another call": (
        [ASKED, CALLED, {**RESULT, "tool_call_id": "call_2"}],
        {},
        "$.messages[2].tool_call_id: expected the id of an earlier tool call "
        '("call_1"); got "call_2"',
    ),
    "two calls with one id": (
        [ASKED, {**CALLED, "tool_calls": CALLED["tool_calls"] * 2}],  # type: ignore[operator]
        {},
        "$.messages[1].tool_calls[1].id: expected an id that no other call of the message has; "
        'got "call_1"',
    ),
    "a name outside the pattern": (
        [ASKED],
        {"tools": [named("get weather")]},
        "$.tools[0].function.name: expected text that matches ^[A-Za-z0-9_-]+$(?!\\n); "
        'got "get weather"',
    ),
    "a forced function that is not declared": (
        [ASKED],
        {"tools": TOOLS, "tool_choice": named("get_news")},
        "$.tool_choice.function.name: expected one of 'get_time', 'get_weather'; got 'get_news'",
    ),
    "parameters that are no schema": (
        [ASKED],
        {"tools": [{**TIME, "function": {"name": "weather", "parameters": {"type": "city"}}}]},
        '$.tools[0].function.parameters: #/type: "city" is not valid under any of the schemas '
        "listed in the 'anyOf' keyword",
    ),
}


@pytest.mark.parametrize(("messages", "more", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_hang_together_is_refused(
    messages: list[dict[str, Any]], more: dict[str, Any], problem: str
) -> None:
    refusal = answer(*messages, **more)
    assert refusal["code"] == 400
    assert refusal["message"] == problem


def test_a_tool_result_is_told_even_if_the_request_lists_no_tools() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "the moon is green"},
    ]
    mock = Mock()
    mock.answer(posted(body_of(messages=messages)))
    text = mock.last.answer["choices"][0]["message"]["content"]
    assert text.startswith("the moon is green\n\n")
