"""Valid JSON instances for any JSON Schema, from a seeded source or from hypothesis.

One generator works on a small protocol of choices. It returns only values that the validator
accepts. Knows no API and none of our own schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from novita_mock._instances.choices import Choices, Hint
from novita_mock._instances.generator import Generation
from novita_mock._instances.refusal import NoInstance, OutOfSteps
from novita_mock._instances.registry import Registry, invalid_instance, registry
from novita_mock._instances.seeded import Seeded
from novita_mock._instances.subschema import Json

__all__ = ["Choices", "Hint", "Json", "NoInstance", "Prepared", "Seeded", "instance", "prepare"]

ATTEMPTS = 8
BUDGET = 4_000
# What Python and its libraries raise for numbers, texts and nesting beyond their limits.
_BEYOND = (ArithmeticError, LookupError, RecursionError, TypeError, UnicodeError, ValueError)


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A schema, read and compiled once for any number of instances."""

    registry: Registry

    def instance(
        self,
        choices: Choices,
        *,
        name: str = "",
        budget: int = BUDGET,
        expired: Callable[[], bool] = _never,
    ) -> Json:
        """A value that is valid for the schema.

        `name` says what the value is, like the name of a property. `budget` limits the steps.
        `expired` is polled; generation ends once it returns True. Raises NoInstance.
        """
        generation = Generation(self.registry, choices, budget, expired)
        try:
            return _valid(generation, name)
        except OutOfSteps as spent:
            raise generation.gave_up() from spent
        except _BEYOND as error:
            raise NoInstance("#", "", f"is beyond what can be generated: {error}") from error


def _valid(generation: Generation, name: str) -> Json:
    refusal: NoInstance | None = None
    for attempt in range(ATTEMPTS):
        generation.start()
        value = generation.value((generation.registry.root,), Hint(name))
        fault = _fault(generation.registry, value, attempt)
        if fault is None:
            return value
        refusal = refusal or fault
    assert refusal is not None
    raise refusal


def _fault(registry: Registry, value: Json, attempt: int) -> NoInstance | None:
    """What either reading of `format` finds wrong with the value.

    `format` is an annotation by default in newer drafts, but an assertion in draft 7 and for many
    users. A value should satisfy both readings. Up to draft 7, half of the attempts insist on it.
    """
    forgiving = registry.draft <= 7 and attempt >= ATTEMPTS // 2
    validators = [registry.validator, *([] if forgiving else [registry.lenient])]
    for validator in validators:
        if not validator.is_valid(value):
            return invalid_instance(next(iter(validator.iter_errors(value))))
    return None


def prepare(schema: Json, documents: Mapping[str, Json] | None = None) -> Prepared:
    """Checks and compiles `schema`; `documents` are the targets of its references, by URI.

    Raises NoInstance if the schema is invalid or a reference cannot be resolved.
    """
    try:
        return Prepared(registry(schema, documents or {}))
    except _BEYOND as error:
        raise NoInstance("#", "", f"is beyond what can be generated: {error}") from error


def instance(
    schema: Json,
    choices: Choices,
    *,
    name: str = "",
    documents: Mapping[str, Json] | None = None,
    budget: int = BUDGET,
    expired: Callable[[], bool] = _never,
) -> Json:
    """A value that is valid for `schema`: `prepare` and `Prepared.instance` in one call."""
    ready = prepare(schema, documents)
    return ready.instance(choices, name=name, budget=budget, expired=expired)
