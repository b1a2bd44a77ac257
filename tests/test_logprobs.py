"""Made-up log probabilities: a plausible order, and a sum below one."""

from __future__ import annotations

from itertools import pairwise
from math import exp

import pytest

from novita_mock._engine.logprobs import alternatives

TOKENS = [f" word{number}" for number in range(300)]


def test_the_token_comes_first_and_each_alternative_is_half_as_likely_as_the_one_before() -> None:
    first = set()
    for (count, likely), token in zip(alternatives(b"seed", TOKENS, 20), TOKENS, strict=True):
        assert (count, len(likely), likely[0][0]) == (20, 20, token)
        chances = [exp(logprob) for _, logprob in likely]
        assert sum(chances) < 1
        assert chances[1] == pytest.approx((1 - chances[0]) / 2, abs=1e-5)
        for before, after in pairwise(chances[1:]):
            assert after == pytest.approx(before / 2, abs=1e-5)
        first.add(round(chances[0], 4))
    assert (min(first), max(first), len(first)) == (0.55, 0.95, 16)


def test_alternatives_are_others_than_the_token_and_all_different() -> None:
    ((_, alone),) = alternatives(b"seed", [" of"], 1)
    assert [token for token, _ in alone] == [" of"]
    ((_, likely),) = alternatives(b"seed", [" of"], 21)
    texts = [token for token, _ in likely]
    assert len(set(texts)) == 21
    assert texts[:4] == [" of", " the", " a", " and"]


def test_no_alternatives_still_give_the_token() -> None:
    ((count, likely),) = alternatives(b"seed", ["x"], 0)
    assert (count, [token for token, _ in likely]) == (0, ["x"])


def test_they_depend_on_the_entropy_beyond_the_first_64_tokens() -> None:
    one, other = (
        [likely[0][1] for _, likely in alternatives(seed, TOKENS, 1)] for seed in (b"a", b"b")
    )
    assert one != other
    assert one[:64] != one[64:128]
