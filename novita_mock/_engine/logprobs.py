"""Log probabilities that could be true: the token taken is the likeliest, the others follow at
half the probability of the one before, and all together stay below one."""

from __future__ import annotations

from hashlib import blake2b
from itertools import chain, islice
from math import floor, log

from novita_mock._core.completion import Alternatives

_LEVELS = 16
_MOST = 21
# Tokens of every text; one more than can be asked for, as the one taken may be among them.
_COMMON = (
    " the", " a", " of", " and", " to", " in", " is", " it", " that", " for", " on",
    " with", " as", " this", " by", " be", " are", " or", " not", " an", " so",
)  # fmt: skip


def _ladder(level: int) -> tuple[float, ...]:
    first = 0.55 + 0.4 * level / (_LEVELS - 1)
    others = ((1 - first) / 2**step for step in range(1, _MOST))
    # Rounded down, so that no rounding lifts the sum above one.
    return tuple(floor(log(p) * 1e6) / 1e6 for p in chain([first], others))


_LADDERS = tuple(map(_ladder, range(_LEVELS)))


def alternatives(entropy: bytes, tokens: list[str], count: int) -> list[Alternatives]:
    """For each token: itself and its log probability, then the others up to `count` in all."""
    found = []
    for index, token in enumerate(tokens):
        if index % 64 == 0:
            entropy = blake2b(entropy).digest()
        ladder = _LADDERS[entropy[index % 64] % _LEVELS]
        others = islice((t for t in _COMMON if t != token), max(count - 1, 0))
        found.append((count, list(zip(chain([token], others), ladder, strict=False))))
    return found
