"""Sends requests to a mock and reads its replies, for the tests of the core."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from novita_mock import Mock, Reply, Request
from novita_mock._api.description import BASE_URI, load_description

DESCRIPTION = load_description()
MODEL = "meta-llama/llama-3.1-8b-instruct"
KEY = "sk-4f9a7c21d0"
BASE = "/v3/openai"
CHAT = "chat.completions"
TEXT = "completions"
WRITTEN = (CHAT, TEXT)
REASONS = DESCRIPTION.errors.reasons
EDITIONS = DESCRIPTION.errors.editions


def body_of(operation: str = CHAT, **fields: Any) -> dict[str, Any]:
    """The smallest body of an operation, with `fields` added."""
    if operation == TEXT:
        return {"model": MODEL, "prompt": "Tell me about rainbows", **fields}
    messages = [{"role": "user", "content": "Tell me about rainbows"}]
    return {"model": MODEL, "messages": messages, **fields}


def encoded(body: Any) -> bytes:
    """`body` as JSON text; bytes stay as they are."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def posted(
    body: Any, operation: str = CHAT, *, key: str | None = KEY, headers: Any = None
) -> Request:
    """A request to an operation that takes a body."""
    sent = {} if key is None else {b"authorization": b"Bearer " + key.encode()}
    path = BASE + DESCRIPTION.operations[operation].path
    return Request("POST", path, sent | (headers or {}), encoded(body))


def got(path: str, *, key: str | None = KEY, headers: Any = None) -> Request:
    """A GET request below the first base path."""
    sent = {} if key is None else {b"authorization": b"Bearer " + key.encode()}
    return Request("GET", BASE + path, sent | (headers or {}))


def ask(operation: str = CHAT, *, mock: Mock | None = None, **fields: Any) -> Any:
    """The JSON body of the answer to a request with `fields`, which must succeed."""
    reply = (mock or Mock()).answer(posted(body_of(operation, **fields), operation))
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def stream(operation: str = CHAT, *, mock: Mock | None = None, **fields: Any) -> list[Any]:
    """The chunks of the answer to a streamed request with `fields`, which must succeed."""
    request = posted(body_of(operation, stream=True, **fields), operation)
    reply = (mock or Mock()).answer(request)
    assert reply.status == 200, reply.body
    return chunks(reply)


def chunks(reply: Reply) -> list[Any]:
    """The events of a stream; fails on anything but `data: ` frames."""
    *frames, done, end = reply.body.split(b"\n\n")
    assert (done, end) == (b"data: [DONE]", b"")
    assert all(frame.startswith(b"data: {") for frame in frames)
    return [json.loads(frame.removeprefix(b"data: ")) for frame in frames]


def texts(operation: str, answer: Any) -> list[str]:
    """The text of each choice of an unstreamed answer."""
    if operation == TEXT:
        return [choice["text"] for choice in answer["choices"]]
    return [choice["message"]["content"] for choice in answer["choices"]]


def joined(operation: str, streamed: list[Any]) -> list[str]:
    """The text of each choice of a stream, by index."""
    found: dict[int, str] = {}
    for chunk in streamed:
        for choice in chunk["choices"]:
            piece = choice["text"] if operation == TEXT else choice["delta"].get("content") or ""
            found[choice["index"]] = found.get(choice["index"], "") + piece
    return [found[index] for index in sorted(found)]


def error(reply: Reply) -> dict[str, Any]:
    """The body of a refusal, checked against the error schema."""
    found: dict[str, Any] = json.loads(reply.body)
    referee("common/error.json").validate(found)
    assert found["code"] == reply.status
    return found


@cache
def fast(reference: str) -> jsonschema_rs.Draft202012Validator:
    """A jsonschema_rs validator for `reference`: a path below schemas/, perhaps with a pointer."""
    registry = jsonschema_rs.Registry(list(DESCRIPTION.documents.items()))
    return jsonschema_rs.Draft202012Validator({"$ref": BASE_URI + reference}, registry=registry)


@cache
def referee(reference: str) -> Any:
    """The same validator, made with jsonschema."""
    resources = [
        (uri, Resource.from_contents(schema)) for uri, schema in DESCRIPTION.documents.items()
    ]
    registry: Any = Registry().with_resources(resources)
    return Draft202012Validator({"$ref": BASE_URI + reference}, registry=registry)


def both_say(reference: str, value: Any) -> bool:
    """Whether `value` is valid; fails if the two validators disagree."""
    verdict = bool(fast(reference).is_valid(value))
    other = bool(referee(reference).is_valid(value))
    assert other is verdict, f"the validators differ on {value!r}"
    return verdict
