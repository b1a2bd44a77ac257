"""The journal as others see it: which calls, each as JSON, and never a key."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novita_mock import Mock, Request
from novita_mock._journal.call import Call
from novita_mock._journal.query import entry, moment, select
from tests.ask import MODEL, body_of, fast, got, posted, referee

SECRET = "sk-secret-9f8e7d6c5b4a"
OTHER = "deepseek/deepseek-r1"
SCHEMA = "reports/call.json"


def journal() -> Mock:
    """Calls 1 to 8: a model, a refusal, two models, faults, an unknown route, the list."""
    mock = Mock()
    mock.say("Hello.").refuse("RATE_LIMIT_EXCEEDED")
    mock.call(posted(body_of()))
    mock.call(posted(body_of(model=OTHER)))
    mock.call(posted(body_of(model="no/model")))
    mock.call(posted({"model": MODEL, "prompt": "x"}, "completions"))
    mock.call(posted(body_of(), headers={b"x-novita-mock-fault": b"reset"}))
    mock.call(posted(body_of(stream=True), headers={b"x-novita-mock-fault": b"cut_after(2)"}))
    mock.call(Request("GET", "/favicon.ico"))
    mock.call(got("/models"))
    return mock


SELECTED: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
    ({"operation": "chat.completions"}, [1, 2, 3, 5, 6]),
    ({"operation": "models.list"}, [8]),
    ({"model": MODEL}, [1, 4, 5, 6]),
    ({"model": "*/*"}, [1, 2, 3, 4, 5, 6]),
    ({"model": "deepseek/*"}, [2]),
    ({"model": "nobody's"}, []),
    ({"status": 200}, [1, 4, 6, 8]),
    ({"status": "200"}, [1, 4, 6, 8]),
    ({"status": "4xx"}, [2, 3, 7]),
    ({"status": "4XX"}, [2, 3, 7]),
    ({"status": "5xx"}, []),
    ({"status": "0"}, [5]),
    ({"status": 429}, [2]),
    ({"fault": "reset"}, [5]),
    ({"fault": "cut_*"}, [6]),
    ({"fault": "*"}, [5, 6]),
    ({"rule": 0}, [1]),
    ({"rule": "1"}, [2]),
    ({"rule": 7}, []),
    ({"since": 5}, [6, 7, 8]),
    ({"since": "8"}, []),
    ({"since": 0}, [1, 2, 3, 4, 5, 6, 7, 8]),
    ({"limit": 2}, [7, 8]),
    ({"limit": "0"}, []),
    ({"limit": 99}, [1, 2, 3, 4, 5, 6, 7, 8]),
    ({"since": 2, "limit": 2}, [3, 4]),
    ({"operation": "chat.completions", "status": "4xx", "limit": 1}, [3]),
]


@pytest.mark.parametrize(("asked", "numbers"), SELECTED, ids=str)
def test_the_requested_calls_are_selected(asked: dict[str, Any], numbers: list[int]) -> None:
    assert [call.number for call in select(journal().calls, **asked)] == numbers


WRONG = [
    ("operation", "chat", "operation: expected one of chat.completions, "),
    ("operation", "", "operation: expected one of"),
    ("fault", "explosion", "fault: expected one of connection_refused, "),
    ("fault", "reset()", "got 'reset()'"),
    ("status", "abc", "status: expected a status such as 404, 0 for none, or a class such as 4xx"),
    *(("status", text, f"got {text!r}") for text in "99 4٠٤ 600 6xx 40x -1 ٤٠٤".split()),
    ("status", "", "got ''"),
    *((name, text, f"{name}: expected a whole number from 0 on; got {text!r}")
      for name in ("rule", "since", "limit")
      for text in ("-1", "1.5", "x", "", "²", "9" * 5000)),
    ("limit", -1, "limit: expected a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "said"), WRONG, ids=[f"{n}={v!s:.9}" for n, v, _ in WRONG]
)
def test_an_impossible_value_is_refused(name: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=name) as failure:
        select([], **{name: value})
    assert said in str(failure.value)


@pytest.mark.parametrize("name", ["colour", "calls", "self"])
def test_an_unknown_filter_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        select([], **{name: "x"})


def test_a_call_is_shown_as_json() -> None:
    call = replace(journal().calls[1], at=1764547200.25)
    assert entry(call, ["no_backoff"]) == {
        "number": 2,
        "at": "2025-12-01T00:00:00.250Z",
        "operation": "chat.completions",
        "method": "POST",
        "path": "/v3/openai/chat/completions",
        "model": OTHER,
        "stream": False,
        "status": 429,
        "reason": "RATE_LIMIT_EXCEEDED",
        "fault": None,
        "rule": 1,
        "tokens": 0,
        "headers": {"authorization": "***"},
        "body": body_of(model=OTHER),
        "response_headers": [["content-type", "application/json"], ["content-length", "89"]],
        "response_body": call.reply.body.decode(),
        "unknown": [],
        "missed": None,
        "findings": ["no_backoff"],
    }


def test_a_broken_stream_is_shown_as_far_as_it_came() -> None:
    shown = entry(journal().calls[5])
    assert shown["fault"] == "cut_after(chunks=2)"
    assert (shown["stream"], shown["status"]) == (True, 200)
    assert shown["response_body"].count("data: {") == 2
    assert shown["tokens"] > 0


def test_ignored_fields_and_a_missing_rule_are_shown() -> None:
    mock = Mock()
    assert entry(mock.call(posted(body_of(colour="red"))))["unknown"] == ["colour"]
    only = Mock(only=True)
    assert entry(only.call(posted(body_of())))["missed"]


def test_every_call_is_shown_as_the_schema_says() -> None:
    bodies = [b"", b"{", b"\xff", b"[1]", b"7", b"[" * 400 + b"]" * 400, b'"\\ud800"']
    mock = journal()
    for body in bodies:
        mock.call(posted(body))
    mock.call(Request("DELETE", "/é/\udcff", {b"x-odd": b"\xff"}))
    for call in mock.calls:
        shown = entry(call)
        assert fast(SCHEMA).is_valid(shown), shown
        referee(SCHEMA).validate(shown)
    assert entry(mock.calls[9])["body"] == "{"
    assert entry(mock.calls[11])["body"] == [1]


KEYED: list[tuple[dict[bytes, bytes], bytes]] = [
    ({b"authorization": b"Bearer " + SECRET.encode()}, b""),
    ({b"authorization": b"bearer   " + SECRET.encode() + b"  "}, b""),
    ({b"authorization": SECRET.encode()}, b""),
    ({b"authorization": b"Bearer other", b"x-api-key": SECRET.encode()}, b""),
    ({b"authorization": b"Bearer other", b"api-key": SECRET.encode()}, b""),
    ({b"authorization": b"Bearer other", b"cookie": b"a=b; s=" + SECRET.encode()}, b""),
    ({b"authorization": b"Bearer other", b"proxy-authorization": b"Basic " + SECRET.encode()}, b""),
    ({b"authorization": b"Bearer " + SECRET.encode(), b"x": b"<" + SECRET.encode() + b">"}, b""),
    ({b"authorization": b"Bearer " + SECRET.encode(), SECRET.encode(): b"x"}, b""),
    ({b"authorization": b"Bearer " + SECRET.encode()}, b"\\u0073" + SECRET[1:].encode()),
]  # fmt: skip


def keyed(headers: dict[bytes, bytes], spelling: bytes) -> list[Call]:
    """Calls with a key in every place where a caller can put one."""
    text = spelling or SECRET.encode()
    chat = b'{"model": "%s", "messages": [{"role": "user", "content": "x %s x"}], "%s": "%s"}'
    path = "/v3/openai/chat/completions"
    mock = Mock(only=True)
    mock.on(model=MODEL).say(f"You said {SECRET}, and {SECRET}.")
    model = MODEL.encode()
    bodies = [
        chat % (model, text, text, text),
        chat % (text, text, b"user", text),
        chat % (b"x/y", text, b"stream", text),
        b"{" + text,
    ]
    calls = [mock.call(Request("POST", path, headers, body)) for body in bodies]
    calls.append(mock.call(Request("GET", f"/v3/openai/models/{SECRET}", headers)))
    calls.append(mock.call(Request("GET", f"/{SECRET}", headers)))
    return calls


@pytest.mark.parametrize(("headers", "spelling"), KEYED, ids=[f"{h} {s!r}"[:60] for h, s in KEYED])
def test_no_shown_call_has_a_key(headers: dict[bytes, bytes], spelling: bytes) -> None:
    calls = keyed(headers, spelling)
    for call in calls:
        assert SECRET not in json.dumps(entry(call))
    assert entry(calls[0])["body"]["messages"] == [{"role": "user", "content": "x *** x"}]
    if calls[0].status == 200:
        assert SECRET in calls[0].reply.body.decode()
        assert entry(calls[0])["unknown"] == ["***"]


def test_a_missing_rule_does_not_show_a_key() -> None:
    mock = Mock(only=True)
    mock.on(last_user="zebras").say("Hello.")
    messages = [{"role": "user", "content": f"My key is {SECRET}."}]
    shown = entry(mock.call(posted(body_of(messages=messages), key=SECRET)))
    assert "***" in shown["missed"]
    assert SECRET not in json.dumps(shown)


def test_a_short_key_does_not_tear_holes_into_the_text() -> None:
    mock = Mock()
    call = mock.call(posted(body_of(), key="a"))
    assert entry(call)["body"] == body_of()


def test_a_number_that_is_the_key_is_not_shown_either() -> None:
    mock = Mock()
    call = mock.call(posted(body_of(seed=123456789), key="123456789"))
    assert "123456789" not in orjson.dumps(entry(call)).decode()


@given(st.integers(0, 253_402_300_799_999))
def test_a_moment_is_written_as_the_standard_library_writes_it(milliseconds: int) -> None:
    exact = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    year, rest = exact.split("-", 1)
    shown = f"{int(year):04}-{rest}.{milliseconds % 1000:03}Z"
    assert moment(milliseconds / 1000) == shown


@pytest.mark.parametrize("day", ["2000-02-29", "2024-02-29", "2023-03-01", "2100-02-28",
                                 "2100-03-01", "1999-12-31", "2026-01-01"])  # fmt: skip
def test_leap_days_and_the_ends_of_years_are_right(day: str) -> None:
    noon = datetime.fromisoformat(f"{day}T23:59:59.999+00:00").timestamp()
    assert moment(noon) == f"{day}T23:59:59.999Z"
