"""The rate limits: what fits into a minute, for whom, and how limits recover over time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novita_mock._accounts.rate_limits import Limits
from novita_mock._api.description import shipped
from novita_mock._core.errors import Refused
from tests.ask import DESCRIPTION, EDITIONS, KEY, MODEL

NOW = 1_764_547_200.25
MINUTE = 60.0
OTHER_KEY, OTHER_MODEL = "sk-another", "deepseek/deepseek-v3.2"
TABLE = DESCRIPTION.catalogue["limits"]
TIERS: list[str] = TABLE["tiers"]
HUGE = 50_000_000


def requests_let_through(limits: Limits, now: float, model: str = MODEL, key: str = KEY) -> int:
    """The number of requests in a row that are let through at `now`."""
    count = 0
    while True:
        try:
            limits.take_request(key, model, now)
        except Refused:
            return count
        count += 1


def refusal(call: Callable[..., None], *args: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        call(*args)
    return refused.value


# --- bursts and refill ---------------------------------------------------------------------------


@pytest.mark.parametrize("rpm", [1, 3, 7, 30, 1000])
def test_a_minutes_worth_goes_through_at_once_and_no_more(rpm: int) -> None:
    limits = Limits(DESCRIPTION, rpm=rpm)
    assert requests_let_through(limits, NOW) == rpm
    assert requests_let_through(limits, NOW) == 0


@pytest.mark.parametrize("now", [0.0, 12.5, NOW, 4e9], ids=str)
@pytest.mark.parametrize("rpm", [1, 3, 7, 30, 1000])
def test_an_empty_bucket_is_full_again_after_60_seconds(rpm: int, now: float) -> None:
    limits = Limits(DESCRIPTION, rpm=rpm)
    requests_let_through(limits, now)
    assert requests_let_through(limits, now + MINUTE) == rpm


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(1.9, 0), (2, 1), (3.9, 1), (4, 2), (30, 15), (59.9, 29), (3600, 30)]
)
def test_a_bucket_fills_up_evenly_and_never_over_its_size(seconds: float, fresh: int) -> None:
    limits = Limits(DESCRIPTION, rpm=30)
    requests_let_through(limits, NOW)
    assert requests_let_through(limits, NOW + seconds) == fresh


def test_a_refused_request_is_not_counted() -> None:
    limits = Limits(DESCRIPTION, rpm=30)
    requests_let_through(limits, NOW)
    for tenth in range(20):
        refusal(limits.take_request, KEY, MODEL, NOW + tenth / 10)
    assert requests_let_through(limits, NOW + 2) == 1


def test_a_client_at_the_pace_of_the_limit_is_never_refused() -> None:
    limits = Limits(DESCRIPTION, rpm=30)
    requests_let_through(limits, NOW)
    for number in range(1, 200):
        limits.take_request(KEY, MODEL, NOW + 2 * number)


@pytest.mark.parametrize("back", [0.001, 1.0, 3600.0, NOW + 5], ids=str)
def test_time_that_runs_backwards_stands_still(back: float) -> None:
    limits = Limits(DESCRIPTION, rpm=30)
    for _ in range(10):
        limits.take_request(KEY, MODEL, NOW)
    assert requests_let_through(limits, NOW - back) == 20
    assert requests_let_through(limits, NOW) == 0
    assert requests_let_through(limits, NOW + 2) == 1


def test_after_a_reset_all_buckets_are_full() -> None:
    limits = Limits(DESCRIPTION, rpm=3, tpm=10)
    requests_let_through(limits, NOW)
    limits.take_tokens(KEY, MODEL, 10, NOW)
    limits.reset()
    assert requests_let_through(limits, NOW) == 3
    limits.take_tokens(KEY, MODEL, 10, NOW)


# --- tokens --------------------------------------------------------------------------------------


def test_the_tokens_of_a_call_are_taken_whole_or_not_at_all() -> None:
    limits = Limits(DESCRIPTION, tpm=1000)
    limits.take_tokens(KEY, MODEL, 600, NOW)
    assert refusal(limits.take_tokens, KEY, MODEL, 401, NOW).detail == {
        "limit": 1000,
        "remaining": 400,
    }
    limits.take_tokens(KEY, MODEL, 400, NOW)
    assert refusal(limits.take_tokens, KEY, MODEL, 1, NOW).detail["remaining"] == 0


def test_a_call_that_is_larger_than_the_bucket_is_refused_for_ever() -> None:
    limits = Limits(DESCRIPTION, tpm=1000)
    for now in (NOW, NOW + MINUTE, NOW + 1000 * MINUTE):
        assert refusal(limits.take_tokens, KEY, MODEL, 1001, now).detail["remaining"] == 1000
    limits.take_tokens(KEY, MODEL, 1000, NOW + 1000 * MINUTE)


def test_a_call_without_tokens_always_fits() -> None:
    limits = Limits(DESCRIPTION, tpm=1)
    limits.take_tokens(KEY, MODEL, 1, NOW)
    limits.take_tokens(KEY, MODEL, 0, NOW)


@pytest.mark.parametrize("tpm", [HUGE, HUGE - 1, 70_000_001, 10**12])
def test_huge_limits_are_exact(tpm: int) -> None:
    limits = Limits(DESCRIPTION, tpm=tpm)
    limits.take_tokens(KEY, MODEL, tpm, NOW)
    fresh = tpm // 2
    assert refusal(limits.take_tokens, KEY, MODEL, fresh + 1, NOW + 30).detail["remaining"] == fresh
    limits.take_tokens(KEY, MODEL, fresh, NOW + 30)


moves = st.lists(
    st.tuples(st.integers(0, 100_000_000), st.integers(0, 1300) | st.just(HUGE)), max_size=40
)


@given(limit=st.integers(1, 1200), moves=moves)
def test_a_bucket_is_what_the_textbook_calls_one(limit: int, moves: list[tuple[int, int]]) -> None:
    limits, level, micros = Limits(DESCRIPTION, tpm=limit), Fraction(limit), 0
    for pause, tokens in moves:
        micros += pause
        level = min(Fraction(limit), level + Fraction(limit * pause, 60_000_000))
        fits = tokens <= level
        if fits:
            limits.take_tokens(KEY, MODEL, tokens, micros / 1e6)
            level -= tokens
        else:
            refused = refusal(limits.take_tokens, KEY, MODEL, tokens, micros / 1e6)
            assert refused.detail["remaining"] == int(level)


# --- who is counted with whom --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "model"), [(OTHER_KEY, MODEL), (KEY, OTHER_MODEL), (OTHER_KEY, OTHER_MODEL)]
)
def test_each_key_has_a_bucket_of_its_own_for_each_model(key: str, model: str) -> None:
    limits = Limits(DESCRIPTION, rpm=5, tpm=100)
    requests_let_through(limits, NOW)
    limits.take_tokens(KEY, MODEL, 100, NOW)
    assert requests_let_through(limits, NOW, model, key) == 5
    limits.take_tokens(key, model, 100, NOW)


def test_requests_and_tokens_are_counted_apart() -> None:
    limits = Limits(DESCRIPTION, rpm=1, tpm=1)
    limits.take_request(KEY, MODEL, NOW)
    limits.take_tokens(KEY, MODEL, 1, NOW)
    assert refusal(limits.take_request, KEY, MODEL, NOW).name == "request_rate"
    assert refusal(limits.take_tokens, KEY, MODEL, 1, NOW).name == "token_rate"


@pytest.mark.parametrize("edition", EDITIONS)
def test_what_is_refused_is_a_429_in_every_edition(edition: str) -> None:
    limits = Limits(DESCRIPTION, rpm=1, tpm=1)
    limits.take_request(KEY, MODEL, NOW)
    for refused in (
        refusal(limits.take_request, KEY, MODEL, NOW),
        refusal(limits.take_tokens, KEY, MODEL, 2, NOW),
    ):
        assert DESCRIPTION.errors.row(refused.name, edition).status == 429
        assert set(refused.detail) == {"limit", "remaining"}


# --- tiers and figures ---------------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("model", [*TABLE["rpm_of"], "zai-org/glm-4.5", *TABLE["not_printed"][:1]])
def test_a_tier_has_the_figures_of_the_models_row(tier: str, model: str) -> None:
    limits, at = Limits(DESCRIPTION, tier=tier), TIERS.index(tier)
    rpm = TABLE["rpm_of"].get(model, TABLE["rpm"])[at]
    assert requests_let_through(limits, NOW, model) == rpm
    limits.take_tokens(KEY, model, HUGE, NOW)
    assert refusal(limits.take_tokens, KEY, model, 1, NOW).detail["limit"] == TABLE["tpm"][at]


def test_figures_from_the_page_for_three_models() -> None:
    assert requests_let_through(Limits(DESCRIPTION, tier="T1"), NOW) == 50
    assert requests_let_through(Limits(DESCRIPTION, tier="T4"), NOW, "qwen/qwen3-max") == 500
    assert requests_let_through(Limits(DESCRIPTION, tier="T2"), NOW, "no/such-model") == 100


@pytest.mark.parametrize(
    ("configured", "rpm", "tpm"),
    [
        ({"rpm": 5}, 5, HUGE),
        ({"tpm": 7}, 50, 7),
        ({"rpm": 5, "tpm": 7}, 5, 7),
    ],
    ids=str,
)
def test_what_is_configured_goes_before_the_tier(configured: Any, rpm: int, tpm: int) -> None:
    limits = Limits(DESCRIPTION, tier="T1", **configured)
    assert requests_let_through(limits, NOW) == rpm
    assert refusal(limits.take_tokens, KEY, MODEL, HUGE + 1, NOW).detail["limit"] == tpm


@pytest.mark.parametrize("only", ["rpm", "tpm"])
def test_one_limit_alone_leaves_the_other_open(only: str) -> None:
    limits = Limits(DESCRIPTION, rpm=1) if only == "rpm" else Limits(DESCRIPTION, tpm=1)
    for _ in range(2):
        if only == "rpm":
            limits.take_tokens(KEY, MODEL, HUGE + 1, NOW)
        else:
            limits.take_request(KEY, MODEL, NOW)


def test_without_an_argument_there_are_no_limits() -> None:
    limits = Limits(DESCRIPTION)
    for _ in range(100):
        limits.take_request(KEY, MODEL, NOW)
        limits.take_tokens(KEY, MODEL, 10**18, NOW)
    limits.reset()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"rpm": 0}, "rpm: expected at least 1 per minute; got 0"),
        ({"rpm": -3, "tier": "T1"}, "rpm: expected at least 1 per minute; got -3"),
        ({"tpm": 0}, "tpm: expected at least 1 per minute; got 0"),
        ({"tier": "T6"}, "unknown tier 'T6': expected one of T1, T2, T3, T4, T5"),
        ({"tier": "", "rpm": 5}, "unknown tier '': expected one of T1, T2, T3, T4, T5"),
    ],
    ids=str,
)
def test_a_limit_that_is_none_is_refused_with_a_reason(arguments: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=r"\A" + problem + r"\Z"):
        Limits(DESCRIPTION, **arguments)


# --- what it does not do -------------------------------------------------------------------------


def test_no_key_shows_in_limits_or_in_a_refusal() -> None:
    limits = Limits(DESCRIPTION, rpm=1, tpm=1)
    limits.take_request(KEY, MODEL, NOW)
    refused = refusal(limits.take_request, KEY, MODEL, NOW)
    for shown in (limits, limits._requests, refused, refused.detail, refused.args):
        assert KEY not in repr(shown) + str(shown)


def test_threads_together_get_no_more_than_the_limit() -> None:
    limits, gone = Limits(DESCRIPTION, rpm=1000), list[int]()
    callers = [
        threading.Thread(target=lambda: gone.append(requests_let_through(limits, NOW)))
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sum(gone) == 1000


@pytest.mark.parametrize(
    ("arguments", "loaded"), [("", False), ("rpm=1", True), ("tier='T1'", True)]
)
def test_the_library_loads_with_the_limits_only_and_starts_no_thread(
    arguments: str, loaded: bool
) -> None:
    code = (
        "import sys, threading; from novita_mock._api.description import load_description; "
        "from novita_mock._accounts.rate_limits import Limits; "
        f"limits = Limits(load_description(), {arguments}); "
        "print('pyrate_limiter' in sys.modules, threading.active_count())"
    )
    environment = {**os.environ, "PYTHONPATH": str(shipped("schemas").parent)}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert run.stdout.split() == [str(loaded), "1"]
