"""3,000 generated requests: valid, or with one thing wrong. None breaks the mock, no answer
violates its schema, and the two validators agree on all of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novita_mock import Mock, Reply, Request
from tests.ask import (
    CHAT,
    DESCRIPTION,
    EDITIONS,
    MODEL,
    REASONS,
    TEXT,
    WRITTEN,
    body_of,
    both_say,
    chunks,
    error,
    fast,
    joined,
    posted,
    texts,
)

EACH = 750  # of four kinds
MOCKS = {edition: Mock(edition=edition) for edition in EDITIONS}
MODELS = [MODEL] * 12 + ["zzz", "", "baai/bge-m3", "qwen/qwen-2.5-72b-instruct"]
MODELS += [f"mock/{reason}" for reason in REASONS]
OTHER: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    1e9,
    10**20,
    "",
    "x",
    [],
    [1],
    [[]],
    {},
    {"a": 1},
]
BEYOND: list[Any] = [-1e9, 1e9, -1, 129, "x" * 65, "a b", [0] * 200, {"type": "no such"}]
# Values that are answered quickly; the schema provides all others.
SMALL = {
    "model": st.sampled_from(MODELS),
    "n": st.sampled_from([None, 1, 1, 2, 3]),
    "max_tokens": st.sampled_from([0, 1, 2, 17, 100, 5000]),
    "best_of": st.sampled_from([1, 2, 5]),
    "seed": st.none() | st.integers(),
}
each = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
edition = st.sampled_from(EDITIONS)


def drawn(schema: Any, path: str) -> st.SearchStrategy[Any]:
    """Values for a schema of the file `path`; ignores rules between fields."""
    if "$ref" in schema:
        return drawn(*resolved(schema["$ref"], path))
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    shared = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
    if "anyOf" in schema:
        return st.one_of([drawn(merged(shared, branch, path), path) for branch in schema["anyOf"]])
    kinds = schema.get("type", ["object"])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of([of_kind(kind, schema, path) for kind in kinds])


def resolved(reference: str, path: str) -> tuple[Any, str]:
    file, _, pointer = reference.partition("#/")
    if file:
        folder = path.rpartition("/")[0]
        path = file.removeprefix("../") if file.startswith("../") else f"{folder}/{file}"
    found = DESCRIPTION.schema(path)
    for step in filter(None, pointer.split("/")):
        found = found[step]
    return found, path


def merged(shared: Any, branch: Any, path: str) -> Any:
    """A branch of anyOf merged with the keywords beside it."""
    if "$ref" in branch or "properties" not in shared:
        return branch
    properties = dict(shared["properties"])
    for name, field in branch.get("properties", {}).items():
        properties[name] = {**properties.get(name, {}), **field}
    required = [*shared.get("required", ()), *branch.get("required", ())]
    return {**shared, **branch, "properties": properties, "required": required}


def of_kind(kind: str, schema: Any, path: str) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum"), schema.get("maximum")
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(low, high)
        case "number":
            low = schema.get("exclusiveMinimum", low)
            return st.floats(low, high, exclude_min="exclusiveMinimum" in schema)
        case "string":
            if "pattern" in schema:
                return st.text("aZ9_", min_size=1, max_size=schema.get("maxLength", 64))
            return st.text(min_size=schema.get("minLength", 0), max_size=12)
        case "array":
            items = drawn(schema.get("items", {"type": "null"}), path)
            most = min(schema.get("maxItems", 3), 3)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=most)
    return objects(schema, path)


def objects(schema: Any, path: str) -> st.SearchStrategy[Any]:
    fields = {name: drawn(value, path) for name, value in schema.get("properties", {}).items()}
    required = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
    return st.fixed_dictionaries(required, optional=fields)


@st.composite
def valid(draw: st.DrawFn, operation: str) -> Any:
    """A body with a handful of fields that keeps the rules between fields."""
    path = str(DESCRIPTION.operations[operation].request)
    properties = DESCRIPTION.schema(path)["properties"]
    names = draw(st.sets(st.sampled_from(sorted(properties)), max_size=6))
    body = body_of(operation)
    for name in sorted(names | {"model"}):
        body[name] = draw(FIELDS[operation][name])
    if isinstance(body.get("stream_options"), dict) or draw(st.booleans()):
        body["stream"] = True
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema" and form.get("json_schema") is None:
        form["json_schema"] = {"name": "n"}
    if body.get("top_logprobs") is not None:
        body["logprobs"] = True
    if body.get("best_of", 1) > 1:
        body |= {"stream": False, "stream_options": None}
    if "best_of" in body:
        body["best_of"] = max(body["best_of"], body.get("n") or 1)
        body["stream"] = body.get("stream") and body["best_of"] == 1
        body["stream_options"] = None
    return body


def fields_of(operation: str) -> dict[str, st.SearchStrategy[Any]]:
    path = str(DESCRIPTION.operations[operation].request)
    properties = DESCRIPTION.schema(path)["properties"]
    return {name: drawn(field, path) for name, field in properties.items()} | {
        name: small for name, small in SMALL.items() if name in properties
    }


FIELDS = {operation: fields_of(operation) for operation in WRITTEN}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all members and items within `value`."""
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(member, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn, operation: str) -> Any:
    """A body with one place changed, removed or doubled, or no object at all."""
    body = copy.deepcopy(draw(valid(operation)))
    *way, last = draw(st.sampled_from([*list(places(body)), ("max_tokens",)]))
    at = body
    for step in way:
        at = at[step]
    if draw(st.integers(0, 4)) == 0 and (isinstance(at, list) or last in at):
        del at[last]
    else:
        at[last] = draw(st.sampled_from(OTHER + BEYOND))
    return body if draw(st.integers(0, 30)) else draw(st.sampled_from(OTHER))


def judge(operation: str, body: Any, edition: str) -> None:
    """Sends `body` and checks the reply against the verdict of the validators."""
    fits = both_say(str(DESCRIPTION.operations[operation].request), body)
    reply = MOCKS[edition].answer(posted(body, operation))
    if reply.status != 200:
        found = error(reply)
        asked = isinstance(body, dict) and str(body.get("model", "")).startswith("mock/")
        assert reply.status < 500 or asked
        assert fits or (reply.status, found["reason"]) == (400, "INVALID_REQUEST_BODY")
        return
    assert fits
    if not body.get("stream"):
        judge_whole(operation, body, json.loads(reply.body))
    else:
        judge_stream(operation, body, reply, edition)


def judge_whole(operation: str, body: Any, answer: Any) -> None:
    fast(DESCRIPTION.operations[operation].response).validate(answer)
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    choices = answer["choices"]
    assert [choice["index"] for choice in choices] == list(range(len(choices)))
    assert len(choices) % (body.get("n") or 1) == 0
    if body.get("max_tokens") is not None:
        assert usage["completion_tokens"] <= body["max_tokens"] * len(choices)


def judge_stream(operation: str, body: Any, reply: Reply, edition: str) -> None:
    streamed = chunks(reply)
    for chunk in streamed:
        fast(str(DESCRIPTION.operations[operation].chunk)).validate(chunk)
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in streamed}) == 1
    whole = {k: v for k, v in body.items() if k not in ("stream", "stream_options")}
    answer = json.loads(MOCKS[edition].answer(posted(whole, operation)).body)
    judge_whole(operation, body, answer)
    said = [text or "" for text in texts(operation, answer)]
    pieces = dict.fromkeys(range(len(said)), "") | dict(enumerate(joined(operation, streamed)))
    assert list(pieces.values()) == said


@pytest.mark.parametrize("operation", WRITTEN)
def test_valid_requests_are_answered_validly(operation: str) -> None:
    seen: list[bool] = []

    @each
    @given(valid(operation), edition)
    def run(body: Any, edition: str) -> None:
        assert both_say(str(DESCRIPTION.operations[operation].request), body)
        seen.append(True)
        judge(operation, body, edition)

    run()
    assert len(seen) >= EACH


@pytest.mark.parametrize("operation", WRITTEN)
def test_requests_with_one_thing_wrong_are_refused_or_answered_validly(operation: str) -> None:
    refused: list[bool] = []

    @each
    @given(spoilt(operation), edition)
    def run(body: Any, edition: str) -> None:
        refused.append(not both_say(str(DESCRIPTION.operations[operation].request), body))
        judge(operation, body, edition)

    run()
    assert sum(refused) >= EACH / 3, "most things that are wrong show"


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(
    st.sampled_from(["GET", "POST", "PUT", "get"]) | st.text(max_size=5),
    st.sampled_from([o.path for o in DESCRIPTION.operations.values()]) | st.text(max_size=20),
    st.dictionaries(
        st.sampled_from([b"authorization", b"x-novita-mock-error", b"x"]),
        st.sampled_from([b"Bearer k", b"Bearer mock-ACCESS_DENY", b"ACCESS_DENY"])
        | st.binary(max_size=20),
    ),
    st.binary(max_size=40) | st.sampled_from([b"{}", b"null", b'{"model":"a"}']),
)
def test_any_bytes_are_answered(
    method: str, path: str, headers: dict[bytes, bytes], body: bytes
) -> None:
    for base in ("", "/v3/openai"):
        reply = MOCKS["v3"].answer(Request(method, base + path, headers, body))
        assert reply.status in (200, 400, 401, 403, 404, 405)
        assert repr(MOCKS["v3"].last)
        assert MOCKS["v3"].last.answer is not None


def test_the_kinds_together_are_three_thousand_requests() -> None:
    assert len((CHAT, TEXT)) * 2 * EACH == 3000
