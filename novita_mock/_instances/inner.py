"""What the makers of arrays, objects and scalars ask of the generator that calls them."""

from __future__ import annotations

from typing import Protocol

from novita_mock._instances.choices import Choices, Hint
from novita_mock._instances.registry import Registry
from novita_mock._instances.subschema import Json, Subschema


class Generator(Protocol):
    """Makes the values inside of a value, and knows how far the whole has come."""

    registry: Registry
    choices: Choices

    @property
    def small(self) -> bool:
        """Only what is required from here on."""

    def step(self, cost: int = 1) -> None:
        """Counts work; raises OutOfSteps when the budget is spent."""

    def value(self, subschemas: tuple[Subschema, ...], hint: Hint) -> Json:
        """A value that is valid at all `sites`."""

    def contradictory(self, subschemas: tuple[Subschema, ...]) -> bool:
        """Whether `sites` exclude one another at first sight."""

    def formatted(self, name: str, drawn: str) -> bool:
        """Whether `drawn` has the format `name`."""
