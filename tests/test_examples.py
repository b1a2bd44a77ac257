"""The recorded and written examples in schemas/examples/: valid, and the mock answers alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from novita_mock import Mock, Request
from novita_mock._api.description import shipped
from tests.ask import DESCRIPTION, EDITIONS, KEY, both_say, chunks

FILES = sorted((shipped("schemas") / "examples").glob("*/*.json"))
EXAMPLES = [(file.parent.name, json.loads(file.read_text(encoding="utf-8"))) for file in FILES]
MEMBERS = {"title", "source", "request", "response"}
MODES = {
    "chat.completions": {"regular", "streamed", "usage", "tools", "error"},
    "completions": {"regular", "streamed", "usage", "error"},
    "models.list": {"regular"},
    "models.retrieve": {"regular"},
    "billing.balance": {"regular"},
}

each_example = pytest.mark.parametrize(
    ("operation", "example"),
    EXAMPLES,
    ids=[f"{file.parent.name}/{file.stem}" for file in FILES],
)


def modes(example: Any) -> set[str]:
    body, response = example["request"]["body"] or {}, example["response"]
    if response["status"] != 200:
        return {"error"}
    found = {"streamed" if "chunks" in response else "regular"}
    if any(chunk.get("usage") for chunk in response.get("chunks", ())):
        found.add("usage")
    return found | ({"tools"} if "tools" in body else set())


def sent(example: Any) -> Request:
    asked = example["request"]
    body = b"" if asked["body"] is None else json.dumps(asked["body"]).encode()
    headers = {b"authorization": b"Bearer " + KEY.encode()}
    return Request(asked["method"], asked["path"], headers, body)


@pytest.mark.parametrize("operation", list(DESCRIPTION.operations))
def test_every_operation_has_an_example_of_every_mode(operation: str) -> None:
    shown = set().union(*(modes(example) for name, example in EXAMPLES if name == operation))
    assert MODES[operation] <= shown


@each_example
def test_an_example_has_the_members_of_an_example(operation: str, example: Any) -> None:
    assert set(example) == MEMBERS
    assert set(example["request"]) == {"method", "path", "body"}
    streamed = bool((example["request"]["body"] or {}).get("stream"))
    failed = example["response"]["status"] != 200
    assert set(example["response"]) == {"status", "chunks" if streamed and not failed else "body"}
    assert example["request"]["method"] == DESCRIPTION.operations[operation].method


@each_example
def test_the_request_of_an_example_is_valid_unless_it_shows_a_bad_body(
    operation: str, example: Any
) -> None:
    schema = DESCRIPTION.operations[operation].request
    if schema is not None:
        message = (example["response"].get("body") or {}).get("message", "")
        assert both_say(schema, example["request"]["body"]) is not message.startswith("$")


@each_example
def test_the_response_of_an_example_is_valid(operation: str, example: Any) -> None:
    response = example["response"]
    if response["status"] != 200:
        assert both_say("common/error.json", response["body"])
        assert response["body"]["code"] == response["status"]
        return
    for chunk in response.get("chunks", ()):
        assert both_say(str(DESCRIPTION.operations[operation].chunk), chunk)
    if "body" in response:
        assert both_say(DESCRIPTION.operations[operation].response, response["body"])


@each_example
def test_the_usage_of_an_example_adds_up(operation: str, example: Any) -> None:
    response = example["response"]
    for answer in response.get("chunks", [response.get("body")]):
        if usage := answer.get("usage"):
            total = usage["prompt_tokens"] + usage["completion_tokens"]
            assert usage["total_tokens"] == total


@each_example
def test_the_chunks_of_an_example_are_of_one_stream(operation: str, example: Any) -> None:
    streamed = example["response"].get("chunks", ())
    assert len({(c["id"], c["created"], c["model"]) for c in streamed}) <= 1
    ends = [c["finish_reason"] for chunk in streamed for c in chunk["choices"]]
    assert not streamed or (ends.count(None) == len(ends) - 1 and ends[-1] is not None)


@pytest.mark.parametrize("edition", EDITIONS)
@each_example
def test_the_mock_answers_the_request_of_an_example_in_kind(
    operation: str, example: Any, edition: str
) -> None:
    reply = Mock(edition=edition).answer(sent(example))
    response = example["response"]
    assert reply.status == response["status"]
    if "chunks" in response:
        for chunk in chunks(reply):
            assert both_say(str(DESCRIPTION.operations[operation].chunk), chunk)
        return
    answer = json.loads(reply.body)
    if reply.status == 200:
        assert both_say(DESCRIPTION.operations[operation].response, answer)
        return
    assert both_say("common/error.json", answer)
    assert answer["reason"] == response["body"]["reason"]


@pytest.mark.parametrize(
    ("operation", "stem"),
    [
        ("chat.completions", "bad_body"),
        ("completions", "bad_body"),
        ("completions", "endpoint_missing"),
        ("chat.completions", "rate_limit"),
    ],
)
def test_the_mock_refuses_in_the_words_of_the_example(operation: str, stem: str) -> None:
    file = shipped("schemas") / "examples" / operation / f"{stem}.json"
    example = json.loads(file.read_text(encoding="utf-8"))
    assert json.loads(Mock().answer(sent(example)).body) == example["response"]["body"]
