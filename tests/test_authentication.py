"""Authentication: the headers say who asks, and may request an error."""

from __future__ import annotations

import pytest

from novita_mock import Mock, Request
from novita_mock._core.errors import Refused
from novita_mock._engine.authentication import Caller, Policy, authenticate
from tests.ask import CHAT, DESCRIPTION, EDITIONS, REASONS, body_of, encoded, error, got, posted

CHAT_ROW = DESCRIPTION.operations[CHAT]
ADMITTED = [
    (b"Bearer sk-1", "sk-1"),
    (b"bearer sk-1", "sk-1"),
    (b"BEARER sk-1", "sk-1"),
    (b"Bearer   sk-1  ", "sk-1"),
    (b"Bearer a", "a"),
    (b"Bearer Bearer", "Bearer"),
    (b"Bearer mock-", "mock-"),
    (b"Bearer mock-NO_SUCH_REASON", "mock-NO_SUCH_REASON"),
    (b"Bearer mock-model_not_found", "mock-model_not_found"),
]
REFUSED = [
    (None, "missing_key"),
    (b"", "missing_key"),
    (b"   ", "missing_key"),
    (b"Bearer", "missing_key"),
    (b"Bearer ", "missing_key"),
    (b"bearer    ", "missing_key"),
    (b"sk-1", "wrong_key"),
    (b"Basic c2s6MQ==", "wrong_key"),
    (b"Token sk-1", "wrong_key"),
    (b"Bearer sk-1 sk-2", "wrong_key"),
    (b"Bearer sk-\xfc", "wrong_key"),
    (b"Bearer sk-1\x00", "wrong_key"),
    (b"Bearersk-1", "wrong_key"),
    (b"Basic", "wrong_key"),
]


def policy(edition: str = "v3", *api_keys: str) -> Policy:
    return Policy(edition, REASONS, frozenset(api_keys))


def request(authorization: bytes | None, body: bytes = b"") -> Request:
    sent = {} if authorization is None else {b"authorization": authorization}
    return Request("POST", "/v3/openai/chat/completions", sent, body)


def refusal(policy: Policy, request: Request) -> str:
    with pytest.raises(Refused) as refused:
        authenticate(policy, CHAT_ROW, request)
    return refused.value.name


@pytest.mark.parametrize(("authorization", "key"), ADMITTED)
def test_a_bearer_key_is_admitted(authorization: bytes, key: str) -> None:
    assert authenticate(policy(), CHAT_ROW, request(authorization)) == Caller(key)


@pytest.mark.parametrize(("authorization", "situation"), REFUSED)
@pytest.mark.parametrize("edition", EDITIONS)
def test_anything_else_is_refused(
    authorization: bytes | None, situation: str, edition: str
) -> None:
    assert refusal(policy(edition), request(authorization)) == situation


@pytest.mark.parametrize(("edition", "status"), [("v3", 401), ("2026", 403), ("live", 403)])
def test_a_missing_key_is_answered_as_the_edition_does(edition: str, status: int) -> None:
    reply = Mock(edition=edition).answer(posted(body_of(), key=None))
    assert error(reply)["reason"] == "INVALID_API_KEY"
    assert reply.status == status


@pytest.mark.parametrize(
    ("edition", "reason"),
    [("v3", "INVALID_API_KEY"), ("2026", "FAILED_TO_AUTH"), ("live", "FAILED_TO_AUTH")],
)
def test_a_wrong_key_is_401(edition: str, reason: str) -> None:
    mock = Mock(edition=edition, api_keys=["sk-right"])
    reply = mock.answer(posted(body_of(), key="sk-wrong"))
    assert (reply.status, error(reply)["reason"]) == (401, reason)
    assert mock.answer(posted(body_of(), key="sk-right")).status == 200


@pytest.mark.parametrize("key", ["sk-righ", "sk-right2", "SK-RIGHT", "sk"])
def test_a_listed_key_is_compared_whole(key: str) -> None:
    assert refusal(policy("v3", "sk-right"), request(b"Bearer " + key.encode())) == "wrong_key"


def test_a_key_that_asks_for_an_error_needs_not_be_listed() -> None:
    reply = Mock(api_keys=["sk-right"]).answer(posted(body_of(), key="mock-NOT_ENOUGH_BALANCE"))
    assert error(reply)["reason"] == "NOT_ENOUGH_BALANCE"


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_list_wants_a_key_except_on_the_live_api(edition: str) -> None:
    expected = {"v3": 401, "2026": 403, "live": 200}
    assert Mock(edition=edition).answer(got("/models", key=None)).status == expected[edition]


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_single_row_wants_a_key_in_every_edition(edition: str) -> None:
    path = "/models/meta-llama/llama-3.1-8b-instruct"
    assert Mock(edition=edition).answer(got(path, key=None)).status in (401, 403)


def test_a_wrong_key_is_refused_where_none_is_wanted() -> None:
    reply = Mock(edition="live", api_keys=["a"]).answer(got("/models", key="b"))
    assert (reply.status, error(reply)["reason"]) == (401, "FAILED_TO_AUTH")


@pytest.mark.parametrize("asked", [b"", b"NO_SUCH", b"model_not_found", b"404", b"\xff", b"{x}"])
def test_an_unknown_error_name_is_refused_with_the_known_ones(asked: bytes) -> None:
    reply = Mock().answer(posted(body_of(), headers={b"x-novita-mock-error": asked}))
    message = error(reply)["message"]
    assert reply.status == 400
    assert repr(asked.decode("latin-1")) in message
    assert all(reason in message for reason in REASONS)


def test_the_error_header_goes_before_the_key() -> None:
    headers = {b"x-novita-mock-error": b" RATE_LIMIT_EXCEEDED "}
    reply = Mock().answer(posted(body_of(), key=None, headers=headers))
    assert error(reply)["reason"] == "RATE_LIMIT_EXCEEDED"


def test_a_key_is_not_in_the_repr_of_what_holds_it() -> None:
    assert "sk-1" not in repr(Caller("sk-1"))
    assert "sk-1" not in repr(policy("v3", "sk-1"))
    assert "sk-1" not in repr(request(b"Bearer sk-1"))


def test_a_key_is_refused_before_the_body_is_read() -> None:
    reply = Mock(api_keys=["a"]).answer(posted(b"not json", key="b"))
    assert reply.status == 401
    assert Mock().answer(posted(encoded(None), key="b")).status == 400
