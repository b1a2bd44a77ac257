"""The ledger: ids and times, the journal, and no key in anything it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from novita_mock import Mock, Request
from novita_mock._accounts.rate_limits import Limits
from novita_mock._accounts.wallet import Wallet
from novita_mock._api.description import load_description
from novita_mock._core.clock import Clock
from novita_mock._journal import describe
from novita_mock._journal.ledger import Ledger
from novita_mock._verification.near_miss import suggestion
from tests.ask import CHAT, MODEL, TEXT, ask, body_of, encoded, got, posted, stream

SECRET = "sk-secret-9f8e7d6c5b4a"
MESSAGE = [{"role": "user", "content": f"My key is {SECRET}, see {SECRET}."}]
HEADERS: list[dict[bytes, bytes]] = [
    {b"authorization": b"Bearer " + SECRET.encode()},
    {b"authorization": b"bearer   " + SECRET.encode() + b"  "},
    {b"authorization": SECRET.encode()},
    {b"authorization": b"Basic " + SECRET.encode()},
    {b"authorization": b"Bearer other", b"x-api-key": SECRET.encode()},
    {b"authorization": b"Bearer other", b"api-key": SECRET.encode()},
    {b"authorization": b"Bearer other", b"cookie": b"session=" + SECRET.encode()},
    {b"authorization": b"Bearer other", b"proxy-authorization": b"Basic " + SECRET.encode()},
]
PLACES: list[tuple[dict[bytes, bytes], dict[str, Any]]] = [
    *((headers, {}) for headers in HEADERS),
    (HEADERS[0], {"messages": MESSAGE}),
    (HEADERS[1], {"messages": MESSAGE}),
    (HEADERS[0], {"user": SECRET}),
    (HEADERS[0], {"temperature": SECRET}),
    (HEADERS[0] | {b"x-trace": b"key=" + SECRET.encode()}, {}),
]
each_place = pytest.mark.parametrize(
    ("headers", "fields"), PLACES, ids=[f"{h} {list(f)}"[:70] for h, f in PLACES]
)


def called(headers: dict[bytes, bytes], fields: dict[str, Any]) -> Mock:
    mock = Mock()
    body = encoded(body_of(**fields))
    mock.answer(Request("POST", "/v3/openai/chat/completions", headers, body))
    return mock


@each_place
def test_a_key_is_not_in_the_repr_of_a_call(
    headers: dict[bytes, bytes], fields: dict[str, Any]
) -> None:
    call = called(headers, fields).last
    assert SECRET not in repr(call)


@each_place
def test_a_key_is_in_no_header_and_no_body_of_the_journal(
    headers: dict[bytes, bytes], fields: dict[str, Any]
) -> None:
    call = called(headers, fields).last
    assert SECRET not in str(dict(call.headers))
    assert SECRET not in call.body
    assert SECRET not in json.dumps(call.answer)


@each_place
def test_no_failure_shows_a_key(headers: dict[bytes, bytes], fields: dict[str, Any]) -> None:
    mock = called(headers, fields)
    shown = [describe.curl(mock.last), describe.line(mock.last), suggestion(mock.last)]
    with pytest.raises(AssertionError) as failure:
        mock.assert_called(model="another")
    assert SECRET not in "\n".join([*shown, str(failure.value)])


def test_a_streamed_answer_does_not_repeat_the_key_either() -> None:
    mock = Mock()
    mock.answer(posted(body_of(stream=True, messages=MESSAGE), key=SECRET))
    assert SECRET not in repr(mock.last)


def test_a_header_that_is_no_secret_is_kept() -> None:
    call = called({**HEADERS[0], b"user-agent": b"OpenAI/Python 3.54.0"}, {}).last
    assert call.headers["user-agent"] == "OpenAI/Python 3.54.0"
    assert call.headers["authorization"] == "***"


def test_a_curl_line_sends_the_call_again() -> None:
    mock = Mock()
    headers = {b"content-type": b"application/json", b"user-agent": b"x", b"x-api-key": b"k"}
    headers[b"x-novita-mock-fault"] = b"cut_after(2)"
    mock.answer(posted(b'{"it\'s": 1}', headers=headers))
    assert describe.curl(mock.last, "http://x") == (
        "curl -sS http://x/v3/openai/chat/completions -X POST"
        ' -H "Authorization: Bearer $NOVITA_API_KEY"'
        " -H 'Content-Type: application/json' -H 'X-Novita-Mock-Fault: cut_after(2)'"
        """ --data-raw '{"it'"'"'s": 1}'"""
    )
    mock.answer(got("/models"))
    shown = describe.curl(mock.last)
    assert shown.startswith("curl -sS https://api.novita.ai/v3/openai/models -H")
    mock.answer(got("/models/a b", key=None))
    assert describe.curl(mock.last) == "curl -sS https://api.novita.ai/v3/openai/models/a%20b"


# --- what is kept --------------------------------------------------------------------------------


def test_a_call_has_its_request_and_its_reply() -> None:
    mock = Mock()
    answer = ask(TEXT, mock=mock, max_tokens=3)
    call = mock.last
    assert (call.number, call.operation, call.model, call.stream) == (1, TEXT, MODEL, False)
    assert (call.method, call.path, call.status) == ("POST", "/v3/openai/completions", 200)
    assert call.request == body_of(TEXT, max_tokens=3)
    assert call.answer == answer
    assert call.metadata.tokens == 3


def test_a_streamed_call_keeps_its_chunks() -> None:
    mock = Mock()
    streamed = stream(mock=mock)
    assert mock.last.stream
    assert mock.last.answer == streamed


@pytest.mark.parametrize(
    ("request_", "operation", "model", "status"),
    [
        (posted(b"nonsense"), CHAT, None, 400),
        (posted(b"\xff\xfe"), CHAT, None, 400),
        (posted(body_of(model="zzz")), CHAT, "zzz", 404),
        (posted(body_of(), key=None), CHAT, None, 401),
        (got("/nowhere"), None, None, 404),
        (got("/models/a/b"), "models.retrieve", "a/b", 404),
        (Request("PUT", "/v3/openai/models", {}), None, None, 405),
    ],
    ids=["broken", "not text", "unknown model", "no key", "no route", "no row", "method"],
)
def test_a_refused_call_is_kept_too(
    request_: Request, operation: str | None, model: str | None, status: int
) -> None:
    mock = Mock()
    mock.answer(request_)
    call = mock.last
    assert (call.operation, call.model, call.status) == (operation, model, status)
    assert isinstance(call.body, str)
    assert call.answer


def test_calls_are_numbered_in_the_order_they_came() -> None:
    mock = Mock()
    for _ in range(3):
        ask(mock=mock)
    assert [call.number for call in mock.calls] == [1, 2, 3]
    assert mock.last is mock.calls[-1]


def ledger_of(seed: int) -> Ledger:
    description = load_description()
    bounds = description.limits
    return Ledger(seed, Clock(), Limits(description), Wallet(description), bounds)


def test_ids_are_unique_and_repeat_after_a_restart() -> None:
    ledger = ledger_of(7)
    ids = [ledger.draw_id("x-") for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(len(id) == 34 and id.startswith("x-") for id in ids)
    ledger.restart()
    assert ledger.draw_id("x-") == ids[0]
    assert ledger_of(8).draw_id("x-") != ids[0]


def test_created_is_what_the_clock_says_in_whole_seconds() -> None:
    times = iter([1_800_000_000.9, 1_800_000_001.1])
    mock = Mock(clock=lambda: next(times))
    assert [ask(mock=mock)["created"] for _ in range(2)] == [1_800_000_000, 1_800_000_001]


def test_there_is_no_last_call_before_the_first() -> None:
    with pytest.raises(AssertionError, match="no call has come in"):
        _ = Mock().last


# --- assertions ----------------------------------------------------------------------------------


def test_assertions_about_calls_pass_or_list_what_came() -> None:
    mock = Mock()
    ask(mock=mock)
    ask(TEXT, mock=mock)
    mock.assert_called()
    mock.assert_called(times=2)
    mock.assert_called(times=1, operation=TEXT, last_user="rainbows")
    mock.assert_not_called(model="zzz")
    with pytest.raises(AssertionError) as failure:
        mock.assert_called(times=3, last_user="rainbows")
    assert str(failure.value).splitlines() == [
        "expected 3 calls with last_user='rainbows'; 2 came in. All calls:",
        f"  1. POST /v3/openai/chat/completions {MODEL} 'Tell me about rainbows' -> 200",
        f"  2. POST /v3/openai/completions {MODEL} 'Tell me about rainbows' -> 200",
    ]
    with pytest.raises(AssertionError, match=r"expected 0 calls; 2 came in"):
        mock.assert_not_called()
    with pytest.raises(AssertionError, match="nothing"):
        Mock().assert_called()


def test_the_journal_keeps_the_newest_calls_within_its_bounds() -> None:
    mock = Mock()
    mock.answer(posted(body_of()))
    assert kept_of(5, calls=3, bytes=10 * mock.last.size) == [3, 4, 5]
    assert kept_of(5, calls=3, bytes=mock.last.size + 1) == [5]
    assert kept_of(2, calls=3, bytes=1) == [2]


def kept_of(count: int, **bounds: int) -> list[int]:
    """The numbers of the calls that a mock with these bounds keeps of `count` calls."""
    description = load_description()
    within = dict(description.limits) | bounds
    mock = Mock()
    mock._ledger = Ledger(0, mock.clock, Limits(description), Wallet(description), within)
    for _ in range(count):
        mock.answer(posted(body_of()))
    return [call.number for call in mock.calls]
