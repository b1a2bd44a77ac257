"""The interface between the generator and a source of choices. Knows no schema and no source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known about a value besides its schema: the property's name and description."""

    name: str = ""
    description: str = ""


class Choices(Protocol):
    """The choices the generator needs. Ranges include both ends; the first option is simplest."""

    deep: int
    """The nesting depth beyond which values stay small."""

    def together(self, build: Callable[[], T]) -> T:
        """The result of `build`. Its choices form one part, which shrinks away as a whole."""

    def integer(self, low: int, high: int) -> int:
        """An integer that is only a step towards a value."""

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""

    def order(self, options: Sequence[T]) -> list[T]:
        """All options, in the order in which to try them."""

    def likely(self) -> bool:
        """Whether to include something optional."""

    def count(self, low: int, high: int | None) -> int:
        """A number of items; a few if there is no upper end."""

    def number(self, low: int | None, high: int | None, hint: Hint) -> int:
        """An integer that is the value itself, or the number of `multipleOf` steps in it."""

    def fraction(self, low: float | None, high: float | None, hint: Hint) -> float:
        """A number that is the value itself. The caller checks exclusive ends."""

    def text(self, low: int, high: int | None, hint: Hint) -> str:
        """A text of `low` to `high` characters."""

    def matching(self, pattern: str, low: int, high: int | None) -> str:
        """A text for the pattern. Match and length are best effort: the caller checks them."""
