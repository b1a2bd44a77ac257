"""Rate limits and the wallet as a client meets them, and the clock that a test advances."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import anyio
import pytest

from novita_mock import Mock, Pace, Request
from novita_mock._core.clock import Clock
from novita_mock.httpx import async_openai_client, openai_client
from tests.ask import DESCRIPTION, EDITIONS, KEY, MODEL, body_of, error, got, posted

BALANCE = "/openapi/v1/billing/balance/detail"
OTHER = "meta-llama/llama-3.3-70b-instruct"
REQUEST: Any = {"model": MODEL, "messages": [{"role": "user", "content": "Hi there!"}]}


def statuses(mock: Mock, times: int, key: str = KEY, **fields: Any) -> list[int]:
    asked = posted(body_of(**fields), key=key)
    return [mock.answer(asked).status for _ in range(times)]


def balance(mock: Mock, key: str | None = KEY) -> Any:
    headers = {} if key is None else {b"authorization": b"Bearer " + key.encode()}
    return mock.answer(Request("GET", BALANCE, headers))


@pytest.mark.parametrize("edition", EDITIONS)
def test_more_requests_than_the_limit_are_refused_until_time_has_passed(edition: str) -> None:
    mock = Mock(rpm=3, edition=edition)
    assert statuses(mock, 4) == [200, 200, 200, 429]
    assert error(mock.last.reply)["reason"] == "RATE_LIMIT_EXCEEDED"
    mock.clock.jump(20.1)
    assert statuses(mock, 2) == [200, 429]
    mock.reset()
    assert statuses(mock, 1) == [200]


def test_each_key_and_model_has_a_limit_of_its_own() -> None:
    mock = Mock(rpm=1)
    assert statuses(mock, 2) == [200, 429]
    assert statuses(mock, 2, model=OTHER) == [200, 429]
    assert statuses(mock, 2, key="sk-another") == [200, 429]


@pytest.mark.parametrize(
    ("edition", "reason"),
    [
        ("v3", "RATE_LIMIT_EXCEEDED"),  # the LLM API page has one name for all rates
        ("2026", "TOKEN_LIMIT_EXCEEDED"),
        ("live", "TOKEN_LIMIT_EXCEEDED"),
    ],
)
def test_more_tokens_than_the_limit_are_refused(edition: str, reason: str) -> None:
    mock = Mock(tpm=100, edition=edition)
    assert statuses(mock, 3, max_tokens=40) == [200, 200, 429]
    assert error(mock.last.reply)["reason"] == reason
    assert statuses(mock, 1, max_tokens=101) == [429]
    mock.clock.jump(60)
    assert statuses(mock, 1, max_tokens=40) == [200]


@pytest.mark.parametrize(("tier", "rpm"), [("T1", 50), ("T2", 100)])
def test_a_tier_has_the_limits_of_its_page(tier: str, rpm: int) -> None:
    mock = Mock(tier=tier)
    assert statuses(mock, rpm + 1, max_tokens=1) == [200] * rpm + [429]


def test_only_the_live_edition_sends_the_limit_in_headers() -> None:
    for edition in EDITIONS:
        mock = Mock(rpm=1, edition=edition)
        assert statuses(mock, 2) == [200, 429]
        found = {k: v for k, v in mock.last.reply.headers if k.startswith(b"x-ratelimit")}
        limit, remaining = b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests"
        assert found == ({limit: b"1", remaining: b"0"} if edition == "live" else {})


def test_an_empty_wallet_is_refused_and_can_be_filled() -> None:
    mock = Mock(balance="0.0000005")
    assert statuses(mock, 2, max_tokens=50) == [200, 403]
    assert error(mock.last.reply)["reason"] == "NOT_ENOUGH_BALANCE"
    mock.wallet.top_up(KEY, 1)
    assert statuses(mock, 1) == [200]
    assert statuses(mock, 1, key="sk-another") == [200]


def test_a_call_costs_its_tokens_at_the_prices_of_its_model() -> None:
    mock = Mock(balance=1)
    reply = mock.answer(posted(body_of(max_tokens=50)))
    usage, row = json.loads(reply.body)["usage"], DESCRIPTION.models[MODEL]
    price = (
        usage["prompt_tokens"] * row["input_token_price_per_m"]
        + usage["completion_tokens"] * row["output_token_price_per_m"]
    )
    assert 1 - mock.wallet.left(KEY) == Decimal(price) / 10_000 / 1_000_000


def test_a_call_that_is_refused_or_lost_behind_a_proxy_costs_nothing() -> None:
    mock = Mock(balance=1)
    statuses(mock, 1, temperature=9)
    statuses(mock, 1, model="mock/RATE_LIMIT_EXCEEDED")
    mock.fail("bad_gateway").fail("reset")
    assert statuses(mock, 2) == [502, 0]
    assert mock.wallet.left(KEY) == 1
    mock.fail("cut_after(2)")
    statuses(mock, 1, stream=True)
    assert mock.wallet.left(KEY) < 1


def test_the_billing_endpoint_answers_from_the_wallet() -> None:
    mock = Mock(balance="2.5", edition="live")
    reply = balance(mock)
    assert json.loads(reply.body)["availableBalance"] == "25000"
    assert mock.last.operation == "billing.balance"
    mock.wallet.top_up(KEY, "0.5")
    assert json.loads(balance(mock).body)["availableBalance"] == "30000"
    assert balance(mock, key=None).status in (401, 403)
    assert balance(mock, key="mock-NOT_ENOUGH_BALANCE").status == 403
    assert mock.answer(got(BALANCE)).status == 404  # below the host, not below a base


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that any code in the test really slept."""
    waits: list[float] = []
    sleep = asyncio.sleep

    def counted(seconds: float) -> None:
        waits.append(seconds)

    async def counted_async(seconds: float, *more: Any) -> Any:
        waits.append(seconds)
        return await sleep(0, *more)

    monkeypatch.setattr(time, "sleep", counted)
    monkeypatch.setattr("novita_mock._core.clock._sleep", counted)
    monkeypatch.setattr(asyncio, "sleep", counted_async)
    monkeypatch.setattr(anyio, "sleep", counted_async)
    return waits


def test_a_minute_of_back_off_takes_no_time(waited: list[float]) -> None:
    pytest.importorskip("openai")
    mock = Mock(rpm=1)
    with mock.clock.skipping(), openai_client(mock, max_retries=20) as client:
        for _ in range(3):
            assert client.chat.completions.create(**REQUEST).choices
    assert mock.last.at - mock.calls[0].at >= 100
    assert waited
    assert set(waited) == {0.0}
    assert {call.status for call in mock.calls} == {200, 429}


def test_a_minute_of_back_off_takes_no_time_for_async_code(waited: list[float]) -> None:
    pytest.importorskip("openai")
    mock = Mock(rpm=1, ttft=30)

    async def ask_twice() -> None:
        async with async_openai_client(mock, max_retries=20) as client:
            for _ in range(2):
                stream = await client.chat.completions.create(**REQUEST, stream=True)
                assert [chunk async for chunk in stream]

    with mock.clock.skipping():
        asyncio.run(ask_twice())
    assert mock.last.at - mock.calls[0].at >= 30
    assert waited
    assert set(waited) == {0.0}


def test_waiting_is_as_it_was_after_skipping() -> None:
    clock, real = Clock(), (time.sleep, asyncio.sleep)
    with pytest.raises(ZeroDivisionError), clock.skipping():
        assert time.sleep is real[0] or 1 / 0
    assert (time.sleep, asyncio.sleep) == real


def test_a_clock_jumps_only_forward() -> None:
    clock = Clock(lambda: 100.0)
    before = clock.now(), clock.monotonic()
    clock.jump(50)
    assert clock.created() == 150
    assert clock.now() - before[0] >= 50
    assert clock.monotonic() - before[1] >= 50
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match="time only goes forward"):
            clock.jump(wrong)


def test_created_follows_a_jump() -> None:
    mock = Mock()
    first = json.loads(mock.answer(posted(body_of())).body)["created"]
    mock.clock.jump(3600)
    assert json.loads(mock.answer(posted(body_of())).body)["created"] == first + 3600


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rpm": 0}, "rpm: expected at least 1"),
        ({"tpm": -1}, "tpm: expected at least 1"),
        ({"tier": "T9"}, "expected one of T1, T2, T3, T4, T5"),
        ({"balance": -1}, "balance: expected 0 to"),
        ({"tokens_per_second": 0}, "tokens_per_second is above 0"),
        ({"gap": 1, "tokens_per_second": 5}, "say the same"),
        ({"jitter": -0.1}, "jitter is 0 or more"),
        ({"spread": "uniform"}, "spread is one of normal, lognormal, constant"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused_at_the_start(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Mock(**wrong)


# --- pace ----------------------------------------------------------------------------------------


def pauses(**pace: Any) -> list[float]:
    reply = Mock(**pace).answer(posted(body_of(stream=True, max_tokens=500)))
    return [chunk.pause for chunk in reply.chunks]


def test_a_rate_is_a_gap() -> None:
    assert pauses(ttft=0.5, tokens_per_second=50) == pauses(ttft=0.5, gap=0.02)


@pytest.mark.parametrize("spread", ["normal", "lognormal"])
def test_jitter_varies_by_its_share_around_the_mean(spread: str) -> None:
    found = pauses(ttft=1, gap=0.02, jitter=0.3, spread=spread)[1:]
    mean = sum(found) / len(found)
    deviation = (sum((pause - mean) ** 2 for pause in found) / len(found)) ** 0.5
    assert mean == pytest.approx(0.02, rel=0.1)
    assert deviation / mean == pytest.approx(0.3, rel=0.2)
    assert min(found) >= 0


def test_jitter_comes_from_the_seed() -> None:
    one = pauses(gap=0.02, jitter=0.5)
    assert pauses(gap=0.02, jitter=0.5) == one
    assert pauses(gap=0.02, jitter=0.5, seed=1) != one
    assert pauses(gap=0.02, jitter=0.5, spread="constant") == pauses(gap=0.02)


def test_an_answer_that_is_not_streamed_comes_with_its_last_token() -> None:
    asked = body_of(max_tokens=20)
    [chunk] = Mock(ttft=1, gap=0.1).answer(posted(asked)).chunks
    assert chunk.pause == pytest.approx(1 + 19 * 0.1)


def first_pause(mock: Mock, model: str = MODEL) -> float:
    return mock.answer(posted(body_of(model=model))).chunks[0].pause


def test_a_profile_is_the_pace_of_its_models() -> None:
    profiles = {"meta-llama/llama-3.1-*": Pace(ttft=2), "meta-llama/*": Pace(ttft=3)}
    mock = Mock(ttft=1, profiles=profiles)
    assert [first_pause(mock, model) for model in (MODEL, OTHER, "openai/gpt-oss-20b")] == [2, 3, 1]
    mock.say("x", ttft=4)
    assert first_pause(mock) == 4
    mock.load({"rules": [], "profiles": {"*/gpt-*": {"ttft": 5}}})
    assert first_pause(mock, "openai/gpt-oss-20b") == 5
    assert first_pause(mock) == 2
    mock.reset()
    assert first_pause(mock, "openai/gpt-oss-20b") == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"ttft": -1}, "$.profiles.x.ttft: expected at least 0; got -1"),
        ({"gap": 1, "tokens_per_second": 2}, "$.profiles.x: gap and tokens_per_second"),
        ({"speed": 1}, "$.profiles.x: expected no member"),
    ],
    ids=str,
)
def test_an_impossible_profile_is_refused_with_its_place(row: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is checked below
        Mock(scenario={"rules": [], "profiles": {"x": row}})
    assert said in str(caught.value)
