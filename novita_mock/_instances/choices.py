"""What the generator asks of a source of choices. Knows no schema and no source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of a value besides its schema: the property's name, its description."""

    name: str = ""
    description: str = ""


class Choices(Protocol):
    """What the generator asks. Ends of ranges belong to them; the first option is the simplest."""

    deep: int
    """The depth of nesting from which on values are kept small."""

    def together(self, build: Callable[[], T]) -> T:
        """What `build` returns; its choices are one part, which shrinks away as one."""

    def integer(self, low: int, high: int) -> int:
        """An integer on the way to an answer."""

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""

    def order(self, options: Sequence[T]) -> list[T]:
        """All options, in the order in which to try them."""

    def likely(self) -> bool:
        """Whether something optional is there."""

    def count(self, low: int, high: int | None) -> int:
        """How many; few, where there is no upper end."""

    def number(self, low: int | None, high: int | None, hint: Hint) -> int:
        """An integer that is the answer, or counts the steps of `multipleOf` in it."""

    def fraction(self, low: float | None, high: float | None, hint: Hint) -> float:
        """A number that is the answer; the caller checks ends that are excluded."""

    def text(self, low: int, high: int | None, hint: Hint) -> str:
        """A text of `low` to `high` characters."""

    def matching(self, pattern: str, low: int, high: int | None) -> str:
        """A text for the pattern; match and length are aimed at and checked by the caller."""
