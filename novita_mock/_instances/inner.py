"""What the makers of arrays, objects and scalars need from the generator that calls them."""

from __future__ import annotations

from typing import Protocol

from novita_mock._instances.choices import Choices, Hint
from novita_mock._instances.registry import Registry
from novita_mock._instances.subschema import Json, Subschema


class Generator(Protocol):
    """Makes the values inside a value, and knows the progress of the whole."""

    registry: Registry
    choices: Choices

    @property
    def small(self) -> bool:
        """Whether to make only what is required from here on."""

    def step(self, cost: int = 1) -> None:
        """Counts work; raises OutOfSteps when the budget is spent."""

    def value(self, subschemas: tuple[Subschema, ...], hint: Hint) -> Json:
        """A value that is valid for all `subschemas`."""

    def contradictory(self, subschemas: tuple[Subschema, ...]) -> bool:
        """Whether `subschemas` obviously exclude one another."""

    def formatted(self, name: str, drawn: str) -> bool:
        """Whether `drawn` has the format `name`."""
