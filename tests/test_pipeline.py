"""The whole pipeline: the same bytes twice, errors on demand, and no input that breaks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from novita_mock import Mock, Request
from tests.ask import (
    CHAT,
    DESCRIPTION,
    EDITIONS,
    KEY,
    MODEL,
    REASONS,
    TEXT,
    WRITTEN,
    ask,
    body_of,
    both_say,
    encoded,
    error,
    got,
    joined,
    posted,
    stream,
    texts,
)

HEADER = b"x-novita-mock-error"
RETRIEVE = "/models/" + MODEL

each_operation = pytest.mark.parametrize("operation", WRITTEN)
each_edition = pytest.mark.parametrize("edition", EDITIONS)
each_reason = pytest.mark.parametrize("reason", REASONS)

# --- the same bytes ------------------------------------------------------------------------------

REQUESTS = [
    posted(body_of()),
    posted(body_of(n=3, stream=True, logprobs=True, top_logprobs=3)),
    posted(body_of(TEXT, prompt=["a", "b"], logprobs=2), TEXT),
    posted(body_of(tools=[{"type": "function", "function": {"name": "tell_rainbows"}}])),
    posted(body_of(response_format={"type": "json_object"})),
    posted(body_of(model="meta-llama/llama")),
    posted(body_of(temperature="hot", n=0)),
    posted(body_of(), headers={HEADER: b"NO_SUCH_ERROR"}),
    posted(b"{"),
    got("/models"),
    got(RETRIEVE),
    got("/nowhere"),
]


@each_edition
@pytest.mark.parametrize("seed", [0, 7])
def test_the_same_seed_and_history_give_the_same_bytes(edition: str, seed: int) -> None:
    first, second = (Mock(edition=edition, seed=seed) for _ in range(2))
    for request in [*REQUESTS, *REQUESTS]:
        assert first.answer(request) == second.answer(request)


def test_the_same_bytes_come_from_every_process() -> None:
    code = (
        "import hashlib, tests.test_pipeline as t; from novita_mock import Mock; m = Mock(); "
        "print(*(hashlib.sha256(m.answer(r).body).hexdigest() for r in t.REQUESTS))"
    )
    prints = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        prints.add(run.stdout)
    assert len(prints) == 1


@each_operation
def test_ids_differ_from_answer_to_answer_and_words_do_not(operation: str) -> None:
    mock = Mock()
    answers = [ask(operation, mock=mock) for _ in range(20)]
    assert len({answer["id"] for answer in answers}) == 20
    assert len({texts(operation, answer)[0] for answer in answers}) == 1


def test_after_a_reset_history_begins_again() -> None:
    mock = Mock()
    first = [mock.answer(request) for request in REQUESTS]
    mock.reset()
    assert [mock.answer(request) for request in REQUESTS] == first


def test_another_seed_gives_other_ids_and_words() -> None:
    one, two = ask(mock=Mock(seed=1)), ask(mock=Mock(seed=2))
    assert one["id"] != two["id"]
    assert texts(CHAT, one) != texts(CHAT, two)


@each_operation
def test_a_request_spelt_otherwise_has_the_same_answer(operation: str) -> None:
    body = body_of(operation, max_tokens=20, n=2)
    expected = Mock().answer(posted(body, operation)).body
    spelt = {
        "keys in reverse": json.dumps(dict(reversed(body.items()))).encode(),
        "blanks": json.dumps(body, indent=3).encode(),
        "raw UTF-8": json.dumps(body, ensure_ascii=False).encode(),
        "fractions": encoded({**body, "max_tokens": 20.0, "n": 2.0}),
        "nulls": encoded({**body, "stop": None, "stream": None, "seed": None, "top_p": None}),
        "defaults": encoded({**body, "temperature": 1, "stream": False, "presence_penalty": 0}),
        "unknown fields": encoded({**body, "user": "u", "store": True}),
    }
    for how, text in spelt.items():
        assert Mock().answer(posted(text, operation)).body == expected, how


def test_an_unknown_edition_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown edition 'v4': expected one of v3, 2026, live"):
        Mock(edition="v4")


# --- errors on demand ----------------------------------------------------------------------------

Asking = Callable[[str, str, bool], Request]


def by_header(operation: str, reason: str, streamed: bool) -> Request:
    headers = {HEADER: reason.encode()}
    return posted(body_of(operation, stream=streamed), operation, headers=headers)


def by_model(operation: str, reason: str, streamed: bool) -> Request:
    return posted(body_of(operation, stream=streamed, model=f"mock/{reason}"), operation)


def by_key(operation: str, reason: str, streamed: bool) -> Request:
    return posted(body_of(operation, stream=streamed), operation, key=f"mock-{reason}")


WAYS: list[Asking] = [by_header, by_model, by_key]
# In the API version's own words if it has them, else in those of the next newer one.
STATUSES = {
    "v3": {"INVALID_API_KEY": 401, "NOT_ENOUGH_BALANCE": 403, "MODEL_NOT_FOUND": 404,
           "RATE_LIMIT_EXCEEDED": 429, "MODEL_NOT_AVAILABLE": 500, "FAILED_TO_AUTH": 401,
           "ACCESS_DENY": 403, "INVALID_REQUEST_BODY": 400, "TOKEN_LIMIT_EXCEEDED": 429,
           "SERVICE_NOT_AVAILABLE": 503},
}  # fmt: skip
STATUSES["2026"] = STATUSES["live"] = {**STATUSES["v3"], "INVALID_API_KEY": 403}

each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@each_edition
@each_reason
@each_way
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@each_operation
def test_every_error_can_be_triggered_in_three_ways(
    operation: str, streamed: bool, way: Asking, reason: str, edition: str
) -> None:
    reply = Mock(edition=edition).answer(way(operation, reason, streamed))
    found = error(reply)
    assert (found["code"], found["reason"]) == (STATUSES[edition][reason], reason)
    assert dict(reply.headers)[b"content-type"] == b"application/json"
    assert len(found["message"]) > 5, "a message says something"
    assert "?" not in found["message"], "no placeholder stays empty"


@each_edition
@each_reason
def test_the_three_ways_and_a_stream_say_the_same(reason: str, edition: str) -> None:
    replies = [
        Mock(edition=edition).answer(way(operation, reason, streamed)).body
        for way in WAYS
        for operation in WRITTEN
        for streamed in (False, True)
        if not (way is by_model and reason == "MODEL_NOT_FOUND")  # it can name the model
    ]
    assert len(set(replies)) == 1


@each_reason
@pytest.mark.parametrize("path", ["/models", RETRIEVE])
def test_the_models_endpoints_answer_with_errors_too(path: str, reason: str) -> None:
    for request in (
        got(path, headers={HEADER: reason.encode()}),
        got(path, key=f"mock-{reason}"),
        got(f"/models/mock/{reason}"),
    ):
        assert error(Mock().answer(request))["reason"] == reason


def asking(header: str, model: str, key: str) -> Request:
    headers = {HEADER: header.encode()} if header else {}
    fields = {"model": f"mock/{model}"} if model else {}
    return posted(body_of(**fields), key=f"mock-{key}" if key else KEY, headers=headers)


A, B, C = "RATE_LIMIT_EXCEEDED", "NOT_ENOUGH_BALANCE", "MODEL_NOT_AVAILABLE"


@pytest.mark.parametrize(
    ("header", "model", "key", "reason"),
    [(A, B, C, A), (A, B, "", A), (A, "", C, A), ("", B, C, B), ("", "", C, C), ("", C, B, C)],
)
def test_the_header_goes_before_the_model_and_the_model_before_the_key(
    header: str, model: str, key: str, reason: str
) -> None:
    assert error(Mock().answer(asking(header, model, key)))["reason"] == reason


def test_the_model_of_a_path_goes_before_the_key() -> None:
    assert error(Mock().answer(got(f"/models/mock/{A}", key=f"mock-{B}")))["reason"] == A


def test_the_model_goes_before_the_key_however_json_spells_it() -> None:
    # By default, PHP writes a slash as \/.
    body = encoded(body_of(model=f"mock/{A}")).replace(b"/", b"\\/")
    assert error(Mock().answer(posted(body, key=f"mock-{B}")))["reason"] == A


def test_an_error_asked_for_by_key_is_not_lost_in_a_text_that_looks_like_a_model() -> None:
    messages = [{"role": "user", "content": "What is mock/ good for?"}]
    reply = Mock().answer(posted(body_of(messages=messages), key=f"mock-{A}"))
    assert error(reply)["reason"] == A


REFUSALS: list[tuple[str, Any, int]] = [
    ("wrong type", {"temperature": "hot"}, 400),
    ("out of range", {"temperature": 3}, 400),
    ("unknown model", {"model": "no/such"}, 404),
    ("embedding model", {"model": "baai/bge-m3"}, 400),
    ("empty model", {"model": ""}, 404),
    ("error model", {"model": "mock/RATE_LIMIT_EXCEEDED"}, 429),
    ("max_tokens", {"max_tokens": 10**6}, 200),
]


@each_operation
@each_edition
@pytest.mark.parametrize(
    ("fields", "status"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refusal_has_the_same_words_behind_a_stream(
    fields: dict[str, Any], status: int, edition: str, operation: str
) -> None:
    whole, streamed = (
        Mock(edition=edition).answer(posted(body_of(operation, stream=on, **fields), operation))
        for on in (False, True)
    )
    if edition == "live" and "max_tokens" in fields:
        status = 400
    assert whole.status == streamed.status == status
    if status != 200:
        assert whole == streamed
        assert error(whole)["message"]


# --- whatever comes ------------------------------------------------------------------------------


def nested(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


def function(**parameters: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}],
            "tool_choice": "required"}  # fmt: skip


def formed(schema: Any) -> dict[str, Any]:
    form = {"name": "f", "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


NASTY: dict[str, Any] = {
    "an unknown field nested 250 deep": body_of(x=nested(250)),
    "an unknown field nested 900 deep": body_of(x=nested(900)),
    "a list nested 1000 deep": b"[" * 1000 + b"]" * 1000,
    "objects nested 1000 deep": b'{"a":' * 1000 + b"1" + b"}" * 1000,
    "tools nested 300 deep": body_of(**function(x=nested(300))),
    "parameters nested 300 deep": body_of(**function(properties={"a": {"default": nested(300)}})),
    "a schema nested 300 deep": body_of(**formed({"default": nested(300)})),
    "a number of 300 digits": encoded(body_of())[:-1] + b',"seed":' + b"9" * 300 + b"}",
    "a number of 5000 digits": encoded(body_of())[:-1] + b',"seed":' + b"9" * 5000 + b"}",
    "max_tokens of 1e308": encoded(body_of())[:-1] + b',"max_tokens":1e308}',
    "a token of 30 digits": body_of(TEXT, prompt=[10**30]),
    "n of 1e2": encoded(body_of())[:-1] + b',"n":1e2}',
    "an infinite number": encoded(body_of())[:-1] + b',"seed":1e999}',
    "a zero byte": body_of(messages=[{"role": "user", "content": "a\x00b"}]),
    "half a surrogate pair": b'{"model":"\\ud83d"}',
    "a long model": body_of(model="x/" * 100_000),
    "a field of a long name": {**body_of(), "k" * 100_000: 1},
    "100,000 messages": body_of(messages=[{"role": "user", "content": "a"}] * 100_000),
    "no messages but null": body_of(messages=None),
    "an empty text": body_of(messages=[{"role": "user", "content": ""}]),
    "a name with a line end": body_of(messages=[{"role": "user", "content": "a", "name": "b\n"}]),
    "braces in the model": body_of(model="{0}{model}{problem!r:>9999999}"),
    "braces in a text": body_of(messages=[{"role": "user", "content": "{0} {x} {"}]),
    "percent signs": body_of(model="%s%d%b"),
    "every stop": body_of(stop=["e", "a", " ", "."]),
    "a stop of a megabyte": body_of(stop="x" * 1_000_000),
    "4096 choices": body_of(TEXT, prompt=["a"] * 32, n=128, max_tokens=1),
    "5000 choices": body_of(TEXT, prompt=["a"] * 5000),
    "a schema of a false type": body_of(**formed({"type": "nothing"})),
    "a schema that is a number": body_of(**formed({"type": "object", "properties": 5})),
    "a schema without values": body_of(**formed({"enum": []})),
    "a schema that refers to itself": body_of(**formed({"$ref": "#"})),
    "a schema that refers elsewhere": body_of(**formed({"$ref": "https://example.com/x.json"})),
    "a schema of a billion items": body_of(**formed({"type": "array", "minItems": 10**9})),
    "a schema of a long text": body_of(**formed({"type": "string", "minLength": 10**9})),
    "a schema with a broken pattern": body_of(**formed({"type": "string", "pattern": "("})),
    "a schema with an evil pattern": body_of(
        **formed({"type": "string", "pattern": "^(a+)+$", "minLength": 40})
    ),
    "a schema of great numbers": body_of(**formed({"type": "number", "minimum": 1e308})),
    "parameters that are no schema": body_of(**function(type=5)),
    "parameters that are no object": body_of(**function(type="string")),
    "a tool that is not there": body_of(
        tool_choice={"type": "function", "function": {"name": "g"}}
    ),
}


@each_edition
@pytest.mark.parametrize("body", NASTY.values(), ids=list(NASTY))
def test_nothing_that_is_posted_breaks_the_mock(body: Any, edition: str) -> None:
    operation = TEXT if isinstance(body, dict) and "prompt" in body else CHAT
    mock = Mock(edition=edition)
    reply = mock.answer(posted(body, operation))
    assert reply.status < 500
    if reply.status == 200:
        assert both_say(DESCRIPTION.operations[operation].response, json.loads(reply.body))
    else:
        error(reply)
    assert mock.last.body
    assert repr(mock.last)


HEADERS = [
    {},
    {b"authorization": b"\xff\xfe"},
    {b"authorization": b"Bearer " + b"k" * 100_000},
    {b"authorization": b"Bearer \x00"},
    {HEADER: b"\x00"},
    {HEADER: b"x" * 100_000},
    {HEADER: b"{x}"},
    {b"content-type": b"text/plain", b"content-encoding": b"gzip"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda h: str(h)[:40])
@pytest.mark.parametrize("path", ["/models", "/models/\udcff", "/models/" + "x" * 100_000, "\x00"])
def test_no_headers_and_no_path_break_the_mock(path: str, headers: dict[bytes, bytes]) -> None:
    for method in ("GET", "POST", "\x00", ""):
        mock = Mock()
        assert mock.answer(Request(method, "/v3/openai" + path, headers)).status < 500
        assert repr(mock.last)


@each_operation
def test_a_stream_and_its_whole_answer_agree_for_many_seeds(operation: str) -> None:
    for seed in range(60):
        fields: dict[str, Any] = {"seed": seed, "n": 1 + seed % 3}
        if seed % 4:
            fields["max_tokens"] = seed * 2
        whole = texts(operation, ask(operation, **fields))
        assert joined(operation, stream(operation, **fields)) == whole
