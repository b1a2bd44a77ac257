"""Makes plausible log probabilities: the chosen token is the most likely one, each alternative
has half the probability of the one before, and the sum stays below one."""

from __future__ import annotations

from hashlib import blake2b
from itertools import chain, islice
from math import floor, log

from novita_mock._core.completion import Alternatives

_LEVELS = 16
_MOST = 21
# Common tokens: one more than a request can ask for, as the chosen token may be among them.
_COMMON = (
    " the", " a", " of", " and", " to", " in", " is", " it", " that", " for", " on",
    " with", " as", " this", " by", " be", " are", " or", " not", " an", " so",
)  # fmt: skip


def _ladder(level: int) -> tuple[float, ...]:
    first = 0.55 + 0.4 * level / (_LEVELS - 1)
    others = ((1 - first) / 2**step for step in range(1, _MOST))
    # Round down, so that rounding cannot lift the sum above one.
    return tuple(floor(log(p) * 1e6) / 1e6 for p in chain([first], others))


_LADDERS = tuple(map(_ladder, range(_LEVELS)))


def alternatives(entropy: bytes, tokens: list[str], count: int) -> list[Alternatives]:
    """For each token: itself and its alternatives with log probabilities, `count` in all."""
    listed = []
    for index, token in enumerate(tokens):
        if index % 64 == 0:
            entropy = blake2b(entropy).digest()
        ladder = _LADDERS[entropy[index % 64] % _LEVELS]
        others = islice((t for t in _COMMON if t != token), max(count - 1, 0))
        listed.append((count, list(zip(chain([token], others), ladder, strict=False))))
    return listed
