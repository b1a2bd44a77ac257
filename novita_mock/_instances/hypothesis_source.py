"""The hypothesis source of choices: hard values are frequent, and everything shrinks.

The only module here that imports hypothesis, which is slow to import and needed only by tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import inf, nextafter
from typing import Any, TypeVar, cast

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from novita_mock._instances import Json, NoInstance, Prepared, prepare
from novita_mock._instances.choices import Hint
from novita_mock._instances.patterns import matching, python_spelling

T = TypeVar("T")

FEW = 4
HARD_TEXTS = (
    "",
    " ",
    "a",
    "0",
    "null",
    "Grüße",
    "漢字かな",
    "👩‍👩‍👧‍👦",
    "שלום",
    "e\u0301\u0323",
    "\n",
    "\t",
    '"',
    "\\",
    "\u2028",
    "\u0000",
    "</script>",
    "{}",
    "\ufeff",
    "𝄞",
)
_EDGES = (0, 1, -1, 2, 2**31 - 1, 2**31, 2**53, 2**63 - 1, -(2**63))
_CHARACTERS = st.characters(codec="utf-8")
_NOTHING = st.none()
_range = lru_cache(maxsize=1024)(st.integers)


@lru_cache(maxsize=256)
def _integers(low: int | None, high: int | None) -> SearchStrategy[int]:
    ends = [end for end in (low, high) if end is not None]
    near = [*ends, *(end + 1 for end in ends), *(end - 1 for end in ends), *_EDGES]
    edges = [edge for edge in dict.fromkeys(near) if _between(edge, low, high)]
    free = st.integers(low, high)
    return st.one_of(free, st.sampled_from(edges)) if edges else free


@lru_cache(maxsize=256)
def _fractions(low: float | None, high: float | None) -> SearchStrategy[float]:
    ends = [end for end in (low, high) if end is not None]
    near = [*ends, *(nextafter(e, inf) for e in ends), *(nextafter(e, -inf) for e in ends)]
    edges = [edge for edge in (*near, 0.0, 1.0, -1.0, 0.5, 1e-7) if _between(edge, low, high)]
    free = st.floats(low, high, allow_nan=False, allow_infinity=False)
    return st.one_of(free, st.sampled_from(edges)) if edges else free


def _between(edge: float, low: float | None, high: float | None) -> bool:
    return (low is None or low <= edge) and (high is None or edge <= high)


@lru_cache(maxsize=256)
def _texts(low: int, high: int | None) -> SearchStrategy[str]:
    hard = [text for text in HARD_TEXTS if low <= len(text) and (high is None or len(text) <= high)]
    top = low + 20 if high is None else min(high, low + 20)
    free = [st.text(_CHARACTERS, min_size=low, max_size=top)]
    if high is not None and top < high <= 2_000:
        # The greatest length itself, which free texts are too short to reach.
        free.append(_CHARACTERS.map(lambda character: character * high))
    return st.one_of(*free, *([st.sampled_from(hard)] if hard else []))


@lru_cache(maxsize=256)
def _matches(pattern: str) -> SearchStrategy[str]:
    # In ECMA 262, digits and word characters are ASCII only.
    return st.from_regex(re.compile(python_spelling(pattern), re.ASCII), alphabet=_CHARACTERS)


class Drawn:
    """A source of choices over hypothesis' `draw`. Choices shrink to the first or least option."""

    deep = 5

    def __init__(self, draw: Callable[[SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def together(self, build: Callable[[], T]) -> T:
        return cast(T, self._draw(_NOTHING.map(lambda _: build())))

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(_range(low, high)))

    def pick(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def order(self, options: Sequence[T]) -> list[T]:
        # Draws one and keeps the rest in order: as a rule, only the first is tried.
        first = self.integer(0, max(0, len(options) - 1))
        return [*options[first : first + 1], *options[:first], *options[first + 1 :]]

    def likely(self) -> bool:
        return self.integer(0, 1) == 1

    def count(self, low: int, high: int | None) -> int:
        return self.integer(low, low + FEW if high is None else max(low, min(high, low + FEW)))

    def number(self, low: int | None, high: int | None, hint: Hint) -> int:
        return int(self._draw(_integers(low, high)))

    def fraction(self, low: float | None, high: float | None, hint: Hint) -> float:
        return float(self._draw(_fractions(low, high)))

    def text(self, low: int, high: int | None, hint: Hint) -> str:
        return str(self._draw(_texts(low, high)))

    def matching(self, pattern: str, low: int, high: int | None) -> str:
        if low > 0 or high is not None:
            return matching(self, pattern, low, high)
        return str(self._draw(_matches(pattern)))


def instances(
    schema: Json | Prepared, documents: Mapping[str, Json] | None = None
) -> SearchStrategy[Json]:
    """A strategy for values that are valid for `schema`.

    Raises NoInstance at once if the schema is invalid. An example for which no value can be drawn
    is rejected.
    """
    ready = schema if isinstance(schema, Prepared) else prepare(schema, documents)

    @st.composite
    def drawn(draw: Callable[[SearchStrategy[Any]], Any]) -> Json:
        try:
            return ready.instance(Drawn(draw))
        except NoInstance:
            reject()

    return drawn()
