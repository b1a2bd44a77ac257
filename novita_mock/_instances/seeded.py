"""The seeded source of choices: plausible values, the same for the same seed.

Uses only `Random.random()`, whose numbers Python promises not to change, so the values are the
same on every platform and version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log10
from random import Random
from typing import TypeVar

from novita_mock._instances.choices import Hint
from novita_mock._instances.patterns import matching
from novita_mock._instances.realistic import plausible_number, plausible_text

T = TypeVar("T")


def _ends(low: int | None, high: int | None, span: int) -> tuple[int, int]:
    """A small range within the given ends, upwards from 0 or 1 if possible."""
    if low is None:
        low = 1 if high is None or high >= span else min(0, high - span)
    return low, low + span if high is None else high


class Seeded:
    """A source of choices that depends only on `seed`."""

    deep = 7

    def __init__(self, seed: int | str | bytes) -> None:
        self._random = Random(seed).random

    def together(self, build: Callable[[], T]) -> T:
        return build()

    def integer(self, low: int, high: int) -> int:
        span = high - low + 1
        if span < 2**52:
            return low + int(self._random() * span)
        drawn = 0
        for _ in range(0, span.bit_length() + 52, 52):
            drawn = drawn << 52 | int(self._random() * 2**52)
        return low + drawn % span

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random() * len(options))]

    def order(self, options: Sequence[T]) -> list[T]:
        rest = list(options)
        return [rest.pop(int(self._random() * len(rest))) for _ in options]

    def likely(self) -> bool:
        return self._random() < 0.85

    def count(self, low: int, high: int | None) -> int:
        few = max(low, 1) + 2
        top = few if high is None else min(high, few)
        return self.integer(max(low, min(1, top)), max(low, top))

    def number(self, low: int | None, high: int | None, hint: Hint) -> int:
        found = plausible_number(self, hint, low, high)
        return self.integer(*_ends(low, high, 99)) if found is None else int(found)

    def fraction(self, low: float | None, high: float | None, hint: Hint) -> float:
        found = plausible_number(self, hint, low, high)
        if found is not None:
            return found
        bottom = low if low is not None else min(0.0, high - 100.0 if high is not None else 0.0)
        top = high if high is not None else bottom + 100.0
        # A weighted mean, because the span itself may be beyond the range of floats.
        part = self._random()
        drawn = bottom * (1 - part) + top * part
        # As many digits as the span needs, but at least two, like money.
        short = round(drawn, max(2, 2 - floor(log10(top - bottom)))) if top > bottom else drawn
        return short if bottom < short < top else drawn

    def text(self, low: int, high: int | None, hint: Hint) -> str:
        return plausible_text(self, hint, low, high)

    def matching(self, pattern: str, low: int, high: int | None) -> str:
        return matching(self, pattern, low, high)
