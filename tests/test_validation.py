"""Validation: bytes become a request, or a refusal that names the place and what was expected."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from novita_mock import Mock
from novita_mock._api.problems import complaint
from novita_mock._api.validation import Reader
from novita_mock._core.errors import Refused
from tests.ask import CHAT, DESCRIPTION, MODEL, TEXT, body_of, both_say, encoded, error, posted

READERS = {name: Reader(DESCRIPTION, DESCRIPTION.operations[name]) for name in (CHAT, TEXT)}
USER = {"role": "user", "content": "hi"}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
UNREADABLE = "$: the body is not valid JSON ("
EMPTY = "$: the body is empty; expected a JSON object"


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", **fields}]}


def part(**fields: Any) -> dict[str, Any]:
    return message(content=[fields])


def tool(**fields: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", **fields}}]}


# Fields added to a valid body, and the whole message.
BAD_CHAT: list[tuple[dict[str, Any], str]] = [
    ({"model": 1}, "$.model: expected string; got 1"),
    ({"model": None}, "$.model: expected string; got null"),
    ({"messages": []}, "$.messages: expected at least 1 item; got []"),
    ({"messages": "x"}, '$.messages: expected array; got "x"'),
    ({"messages": {"role": "user"}}, '$.messages: expected array; got {"role":"user"}'),
    ({"messages": [USER, 1]}, "$.messages[1]: expected object; got 1 (and 1 more)"),
    (message(role="developer", content="x"),
     '$.messages[0].role: expected one of "system", "user", "assistant", "tool"; got "developer"'),
    (message(), "$.messages[0].content: is missing, but required"),
    (message(content=None), "$.messages[0].content: expected string or array; got null"),
    (message(content=5), "$.messages[0].content: expected string or array; got 5"),
    (message(content=[]), "$.messages[0].content: expected at least 1 item; got []"),
    (message(content=["x"]), '$.messages[0].content[0]: expected object; got "x"'),
    (part(type="text"), "$.messages[0].content[0].text: is missing, but required"),
    (part(type="text", text=1), "$.messages[0].content[0].text: expected string; got 1"),
    (part(type="picture"),
     '$.messages[0].content[0].type: expected one of "text", "image_url", "video_url",'
     ' "input_audio"; got "picture"'),
    (part(type="image_url", image_url="u"),
     '$.messages[0].content[0].image_url: expected object; got "u"'),
    (part(type="image_url", image_url={"url": "u", "detail": "max"}),
     '$.messages[0].content[0].image_url.detail: expected one of "high", "low", "auto"; got "max"'),
    (part(type="video_url", video_url={}),
     "$.messages[0].content[0].video_url.url: is missing, but required"),
    (part(type="input_audio", input_audio={"data": "d"}),
     "$.messages[0].content[0].input_audio.format: is missing, but required"),
    (message(content="x", name="a-b"),
     '$.messages[0].name: expected text that matches ^[A-Za-z0-9_ ]+$(?!\\n); got "a-b"'),
    ({"messages": [{"role": "assistant"}]}, "$.messages[0].content: is missing, but required"),
    ({"messages": [{"role": "assistant", "content": None}]},
     "$.messages[0].content: expected string or array; got null"),
    ({"messages": [{"role": "assistant", "tool_calls": []}]},
     "$.messages[0].content: is missing, but required"),
    ({"messages": [{"role": "assistant", "tool_calls": [{**CALL, "id": ""}]}]},
     '$.messages[0].tool_calls[0].id: expected at least 1 character; got ""'),
    ({"messages": [{"role": "assistant", "content": None,
                    "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}]},
     "$.messages[0].tool_calls[0].function.arguments: expected string; got {}"),
    ({"messages": [USER, {"role": "tool", "content": "x"}]},
     "$.messages[1].tool_call_id: is missing, but required"),
    ({"max_tokens": -1}, "$.max_tokens: expected at least 0; got -1"),
    ({"max_tokens": 1.5}, "$.max_tokens: expected integer; got 1.5"),
    ({"max_tokens": "5"}, '$.max_tokens: expected integer; got "5"'),
    ({"max_tokens": True}, "$.max_tokens: expected integer; got true"),
    ({"n": 0}, "$.n: expected at least 1; got 0"),
    ({"n": 129}, "$.n: expected at most 128; got 129"),
    ({"n": "2"}, '$.n: expected null or integer; got "2"'),
    ({"temperature": 2.1}, "$.temperature: expected at most 2; got 2.1"),
    ({"temperature": "hot"}, '$.temperature: expected null or number; got "hot"'),
    ({"top_p": 0}, "$.top_p: expected more than 0; got 0"),
    ({"top_k": 129}, "$.top_k: expected at most 128; got 129"),
    ({"min_p": -0.5}, "$.min_p: expected at least 0; got -0.5"),
    ({"frequency_penalty": -3}, "$.frequency_penalty: expected at least -2; got -3"),
    ({"presence_penalty": 2.5}, "$.presence_penalty: expected at most 2; got 2.5"),
    ({"repetition_penalty": 0}, "$.repetition_penalty: expected more than 0; got 0"),
    ({"stop": 5}, "$.stop: expected string or array or null; got 5"),
    ({"stop": ["a"] * 5}, '$.stop: expected at most 4 items; got ["a","a","a","a","a"]'),
    ({"stop": ["a", 1]}, "$.stop[1]: expected string; got 1"),
    ({"stream": "yes"}, '$.stream: expected null or boolean; got "yes"'),
    ({"stream_options": {}},
     "$.stream: is missing, but required (stream_options needs stream: true)"),
    ({"stream_options": {}, "stream": False},
     "$.stream: expected true; got false (stream_options needs stream: true)"),
    ({"stream": True, "stream_options": {"include_usage": 1}},
     "$.stream_options.include_usage: expected boolean; got 1"),
    ({"logit_bias": {"5": 101}}, "$.logit_bias[5]: expected at most 100; got 101"),
    ({"logit_bias": {"a b": 1.5}}, "$.logit_bias[\"a b\"]: expected integer; got 1.5"),
    ({"logprobs": 1}, "$.logprobs: expected null or boolean; got 1"),
    ({"top_logprobs": 5},
     "$.logprobs: is missing, but required (top_logprobs needs logprobs: true)"),
    ({"logprobs": True, "top_logprobs": 21}, "$.top_logprobs: expected at most 20; got 21"),
    ({"tools": {}}, "$.tools: expected null or array; got {}"),
    ({"tools": [{"type": "function"}]}, "$.tools[0].function: is missing, but required"),
    ({"tools": [{"type": "code", "function": {"name": "f"}}]},
     '$.tools[0].type: expected "function"; got "code"'),
    (tool(name="a b"),
     '$.tools[0].function.name: expected text that matches ^[A-Za-z0-9_-]+$(?!\\n); got "a b"'),
    (tool(parameters=[]), "$.tools[0].function.parameters: expected null or object; got []"),
    (tool(strict=None), "$.tools[0].function.strict: expected boolean; got null"),
    ({"tool_choice": "any"},
     '$.tool_choice: expected one of "none", "auto", "required", null or object; got "any"'),
    ({"tool_choice": {"type": "function"}}, "$.tool_choice.function: is missing, but required"),
    ({"response_format": "json"}, '$.response_format: expected object or null; got "json"'),
    ({"response_format": {"type": "xml"}},
     '$.response_format.type: expected one of "text", "json_object", "json_schema"; got "xml"'),
    ({"response_format": {"type": "json_schema"}},
     "$.response_format.json_schema: is missing, but required"),
    ({"modalities": ["video"]}, '$.modalities[0]: expected one of "text", "audio"; got "video"'),
    ({"reasoning": {"effort": 1}}, "$.reasoning.effort: expected string; got 1"),
    ({"seed": 1.5}, "$.seed: expected null or integer; got 1.5"),
    ({"n": 0, "temperature": 9}, "$.n: expected at least 1; got 0 (and 1 more)"),
    ({"temperature": 9, "n": 0}, "$.temperature: expected at most 2; got 9 (and 1 more)"),
    ({"user": 1, "seed": "x" * 80}, '$.seed: expected null or integer; got "' + "x" * 59 + "..."),
]  # fmt: skip
BAD_TEXT: list[tuple[dict[str, Any], str]] = [
    ({"prompt": None}, "$.prompt: expected string or array; got null"),
    ({"prompt": 5}, "$.prompt: expected string or array; got 5"),
    ({"prompt": []}, "$.prompt: expected at least 1 item; got []"),
    ({"prompt": ["a", 1]}, "$.prompt[1]: expected string; got 1"),
    ({"prompt": [1, "a"]}, '$.prompt[1]: expected integer; got "a"'),
    ({"prompt": [-1]}, "$.prompt[0]: expected at least 0; got -1"),
    ({"prompt": [[1], 2]}, "$.prompt[1]: expected array; got 2"),
    ({"prompt": [[1], ["a"]]}, '$.prompt[1][0]: expected integer; got "a"'),
    ({"prompt": [[]]}, "$.prompt[0]: expected at least 1 item; got []"),
    ({"logprobs": 6}, "$.logprobs: expected at most 5; got 6"),
    ({"logprobs": True}, "$.logprobs: expected null or integer; got true"),
    ({"best_of": 0}, "$.best_of: expected at least 1; got 0"),
    ({"best_of": None}, "$.best_of: expected integer; got null"),
    ({"best_of": 1, "n": 2}, "$.best_of: expected at least the value of n, 2; got 1"),
    ({"best_of": 2, "stream": True},
     "$.stream: expected one of false, null; got true (best_of above 1 cannot be streamed)"),
]  # fmt: skip
NO_OBJECTS: list[tuple[bytes, str]] = [
    (b"", EMPTY),
    (b" \r\n\t", EMPTY),
    (b"null", "$: expected object; got null"),
    (b"[]", "$: expected object; got []"),
    (b"[{}]", "$: expected object; got [{}]"),
    (b"5", "$: expected object; got 5"),
    (b'"x"', '$: expected object; got "x"'),
    (b"true", "$: expected object; got true"),
]
BROKEN = {
    "cut off": b'{"model": "m"',
    "two documents": b"{}{}",
    "single quotes": b"{'model': 'm'}",
    "trailing comma": b'{"model": "m",}',
    "NaN": b'{"temperature": NaN}',
    "infinity": b'{"temperature": 1e999}',
    "bad UTF-8": b'{"model": "\xff"}',
    "half a surrogate pair": b'{"model": "\\ud800"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"model": "m"}'.encode("utf-16"),
    "a form": b"model=m&messages=x",
    "too deep": b"[" * 5000,
    "control character": b'{"model": "a\nb"}',
}
BAD = [(CHAT, *row) for row in BAD_CHAT] + [(TEXT, *row) for row in BAD_TEXT]

each_bad = pytest.mark.parametrize(
    ("operation", "fields", "message"), BAD, ids=[json.dumps(row[1])[:50] for row in BAD]
)


def tagged(kind: str, **properties: Any) -> dict[str, Any]:
    known = {"type": {"const": kind}, "inner": {"properties": {"version": {"const": 1}}}}
    return {"type": "object", "properties": known | properties, "required": ["type"]}


def array(**items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


A, B = tagged("a", n={"type": "integer"}), tagged("b", n={"type": "string"})
INTEGERS, STRINGS = array(type="integer", minimum=0), array(type="string")
NULL = {"type": "null"}
# Branches, a value that fits none of them, and what the branch says that was meant.
BRANCHES: dict[str, tuple[list[Any], Any, str]] = {
    "the tag of the first": ([A, B], {"type": "a", "n": "x"}, '.n: expected integer; got "x"'),
    "the tag of the last": ([A, B], {"type": "b", "n": 1}, ".n: expected string; got 1"),
    "a constant that is no tag":
        ([A, B], {"type": "a", "inner": {"version": 2}}, ".inner.version: expected 1; got 2"),
    "a constant that is no tag, last":
        ([B, A], {"type": "a", "inner": {"version": 2}}, ".inner.version: expected 1; got 2"),
    "no such tag": ([A, B], {"type": "c"}, '.type: expected one of "a", "b"; got "c"'),
    "no tag": ([A, B], {"n": 1}, ".type: is missing, but required"),
    "no such type": ([A, INTEGERS, NULL], "x", ': expected object or array or null; got "x"'),
    "one type twice": ([A, B, NULL], 5, ": expected object or null; got 5"),
    "a constant, not an object": ([{"const": "x"}, A], "y", ': expected "x"; got "y"'),
    "a word or an object": ([{"enum": ["x"]}, A], "y", ': expected "x" or object; got "y"'),
    "most items right": ([STRINGS, INTEGERS], [1, 2, "x"], '[2]: expected integer; got "x"'),
    "most items right, first": ([INTEGERS, STRINGS], [1, 2, "x"], '[2]: expected integer; got "x"'),
    "the type of the item": ([STRINGS, INTEGERS], [-1], "[0]: expected at least 0; got -1"),
    "the type of the item, first": ([INTEGERS, STRINGS], [-1], "[0]: expected at least 0; got -1"),
    "a branch of a branch":
        ([{"anyOf": [NULL, INTEGERS]}, A], [1, "x"], '[1]: expected integer; got "x"'),
}  # fmt: skip


@pytest.mark.parametrize(("branches", "value", "text"), BRANCHES.values(), ids=BRANCHES)
def test_of_several_branches_the_one_that_was_meant_is_explained(
    branches: list[Any], value: Any, text: str
) -> None:
    schema = {"properties": {"field": {"anyOf": branches}}}
    found = complaint(jsonschema_rs.Draft202012Validator(schema), {"field": value})
    assert found == f"$.field{text}"


def problem(operation: str, body: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        READERS[operation].read(body)
    assert refusal.value.name == "bad_body"
    return str(refusal.value.detail["problem"])


@each_bad
def test_a_bad_body_is_refused_with_the_place_and_what_was_expected(
    operation: str, fields: dict[str, Any], message: str
) -> None:
    assert problem(operation, encoded(body_of(operation, **fields))) == message


@each_bad
def test_the_validators_agree_that_a_bad_body_is_bad(
    operation: str, fields: dict[str, Any], message: str
) -> None:
    by_rule = "expected at least the value of" in message
    schema = str(DESCRIPTION.operations[operation].request)
    assert both_say(schema, body_of(operation, **fields)) is by_rule


@pytest.mark.parametrize("operation", [CHAT, TEXT])
@pytest.mark.parametrize(("body", "message"), NO_OBJECTS)
def test_a_body_that_is_no_object_is_refused(operation: str, body: bytes, message: str) -> None:
    assert problem(operation, body) == message


@pytest.mark.parametrize("operation", [CHAT, TEXT])
@pytest.mark.parametrize("body", BROKEN.values(), ids=list(BROKEN))
def test_a_body_that_is_not_json_is_refused(operation: str, body: bytes) -> None:
    message = problem(operation, body)
    assert message.startswith(UNREADABLE)
    assert message.endswith("); expected a JSON object")


@pytest.mark.parametrize(
    ("operation", "missing"),
    [(CHAT, "model"), (CHAT, "messages"), (TEXT, "model"), (TEXT, "prompt")],
)
def test_a_missing_field_is_named(operation: str, missing: str) -> None:
    body = {name: value for name, value in body_of(operation).items() if name != missing}
    assert problem(operation, encoded(body)) == f"$.{missing}: is missing, but required"


@pytest.mark.parametrize("operation", [CHAT, TEXT])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal_reads_the_same_on_the_wire(operation: str, streamed: bool) -> None:
    body = body_of(operation, stream=streamed, temperature=3)
    reply = Mock().answer(posted(body, operation))
    assert (reply.status, error(reply)) == (
        400,
        {
            "code": 400,
            "reason": "INVALID_REQUEST_BODY",
            "message": "$.temperature: expected at most 2; got 3",
        },
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0},
        {"n": 1},
        {"n": None, "stop": None, "stream": None, "tools": None},
        {"max_tokens": 0},
        {"top_k": 1},
        {"stop": []},
        {"frequency_penalty": -2, "presence_penalty": 2},
        {"an unknown field": {"a": [1]}},
        {"temperature": 1.0, "n": 2.0, "max_tokens": 5.0},
        {"seed": -(2**63)},
    ],
    ids=str,
)
@pytest.mark.parametrize("operation", [CHAT, TEXT])
def test_what_the_page_means_is_accepted(operation: str, fields: dict[str, Any]) -> None:
    body = body_of(operation, **fields)
    foreign = READERS[CHAT].known - READERS[TEXT].known if operation == TEXT else frozenset()
    assert READERS[operation].read(encoded(body)) == {
        name: value for name, value in body.items() if name not in foreign
    }


@pytest.mark.parametrize("value", [None, 5, "x", [1], {"type": "no such"}], ids=str)
@pytest.mark.parametrize("field", ["messages", "tools", "response_format", "tool_choice"])
def test_a_field_of_another_operation_is_unknown_here_whatever_it_holds(
    field: str, value: Any
) -> None:
    body = body_of(TEXT, **{field: value})
    assert field not in READERS[TEXT].read(encoded(body))
    mock = Mock()
    mock.on(last_user="rainbows").say("Scripted.")
    assert mock.answer(posted(body, TEXT)).status == 200
    assert mock.last.unknown == (field,)


def test_unknown_fields_are_distinguished_from_known_ones() -> None:
    assert {"model", "messages", "tools", "reasoning"} <= READERS[CHAT].known
    assert not {"user", "prompt", "best_of"} & READERS[CHAT].known
    assert READERS[CHAT].known >= READERS[TEXT].known - {"prompt", "best_of"}


def test_unknown_fields_are_counted_in_the_journal() -> None:
    mock = Mock()
    mock.answer(posted(body_of(user="u", store=True)))
    assert set(getattr(mock.last, "unknown", ())) == {"user", "store"}


def test_a_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    limit = DESCRIPTION.limits["body"]
    assert limit == 16 * 1024 * 1024
    body = encoded(body_of())
    padded = body + b" " * (limit - len(body))
    assert READERS[CHAT].read(padded) == body_of()
    reply = Mock().answer(posted(padded + b" "))
    assert (reply.status, error(reply)["reason"]) == (413, "INVALID_REQUEST_BODY")
    assert str(limit) in error(reply)["message"]


def test_of_a_field_given_twice_the_last_counts() -> None:
    body = b'{"model": 5, "model": "%s", "messages": [{"role": "user", "content": "a"}]}'
    assert READERS[CHAT].read(body % MODEL.encode())["model"] == MODEL
