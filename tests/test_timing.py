"""The pauses of a pace: which distribution they come from, and what is left of it at 0."""

from __future__ import annotations

import math
from itertools import islice
from random import Random
from typing import Any

import pytest

from novita_mock._core import timing
from novita_mock._core.timing import Pace

TTFT, GAP = 0.4, 0.02
each_spread = pytest.mark.parametrize("spread", ["normal", "lognormal"])
each_jitter = pytest.mark.parametrize("jitter", [0.1, 0.3, 1.0, 2.0])


class Means(Random):
    """Draws the mean of each distribution."""

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return mu

    def lognormvariate(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return math.exp(mu + sigma**2 / 2)


class Deviations(Means):
    """Draws the standard deviation of each distribution."""

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return sigma

    def lognormvariate(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return super().lognormvariate(mu, sigma) * math.sqrt(math.expm1(sigma**2))


def drawn(count: int, **pace: Any) -> list[float]:
    return list(islice(Pace(**pace).pauses("seed"), count))


@each_spread
@each_jitter
def test_the_mean_of_each_pause_is_the_one_asked_for(
    spread: str, jitter: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "Random", Means)
    found = drawn(3, ttft=TTFT, gap=GAP, jitter=jitter, spread=spread)
    assert found == pytest.approx([TTFT, GAP, GAP], rel=1e-12)


@each_spread
@each_jitter
def test_the_jitter_is_the_standard_deviation_over_the_mean(
    spread: str, jitter: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "Random", Deviations)
    found = drawn(3, ttft=TTFT, gap=GAP, jitter=jitter, spread=spread)
    assert found == pytest.approx([jitter * TTFT, jitter * GAP, jitter * GAP], rel=1e-12)


def test_many_lognormal_pauses_have_their_mean() -> None:
    """With this jitter, a mean that is not corrected for the skew would be 1.4 or 2 times as
    great."""
    found = drawn(20_000, ttft=1, gap=1, jitter=1, spread="lognormal")
    assert sum(found) / len(found) == pytest.approx(1, rel=0.05)


def test_a_normal_pause_is_never_negative() -> None:
    found = drawn(100, gap=GAP, jitter=3)
    assert min(found) == 0
    assert max(found) > GAP


@each_spread
def test_no_time_has_no_jitter(spread: str) -> None:
    assert drawn(3, jitter=2, spread=spread) == [0, 0, 0]
