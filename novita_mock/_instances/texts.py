"""Dates, times, addresses and identifiers as texts, for formats and for names alike.

Each takes its choices in a fixed order, so a seed keeps its values. Knows no schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Picks(Protocol):
    """The part of a source of choices that these texts need."""

    def integer(self, low: int, high: int) -> int: ...

    def pick(self, options: Sequence[T]) -> T: ...


Maker = Callable[[Picks], str]

WORDS = (
    "amber harbor river garden winter signal paper silver bridge morning north copper window"
    " meadow orange market valley lantern coffee summit ocean letter forest planet velvet"
).split()


def word(source: Picks) -> str:
    return source.pick(WORDS)


def date(source: Picks, first_year: int, last_year: int) -> str:
    """A day that every month has, as `2024-02-28`."""
    year, month = source.integer(first_year, last_year), source.integer(1, 12)
    return f"{year}-{month:02d}-{source.integer(1, 28):02d}"


def time_of_day(source: Picks) -> str:
    """A time of day without its zone, as `23:59:59`."""
    hour, minute, second = (source.integer(0, top) for top in (23, 59, 59))
    return f"{hour:02d}:{minute:02d}:{second:02d}"


def mailbox(source: Picks, names: Sequence[str]) -> str:
    """An e-mail address of one of `names`, up to its top-level domain: `ada.river@example`."""
    return f"{source.pick(names).lower()}.{word(source)}@example"


def url(source: Picks, first: int) -> str:
    """The address of a page with a number from `first` to 99."""
    return f"https://example.com/{word(source)}/{source.integer(first, 99)}"


def identifier(source: Picks) -> str:
    """A word and four digits, as `amber-1234`."""
    return f"{word(source)}-{source.integer(1000, 9999)}"
