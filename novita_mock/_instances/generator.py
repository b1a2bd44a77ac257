"""The generator: it makes the open choices of a schema, picks a type and builds a value.

Knows no source of choices and no keyword of a single type; `scalars`, `arrays` and `objects` know
do. It counts its steps, so it always ends, after the same number of steps for equal choices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import jsonschema_rs

from novita_mock._instances.arrays import array
from novita_mock._instances.choices import Choices, Hint
from novita_mock._instances.constraints import TYPES, Constraints, Group, conjoined, owned
from novita_mock._instances.depth import depth
from novita_mock._instances.inner import Generator
from novita_mock._instances.keywords import told_types
from novita_mock._instances.objects import object_, subschemas_for
from novita_mock._instances.refusal import NoInstance, OutOfSteps
from novita_mock._instances.registry import Registry
from novita_mock._instances.scalars import integer, number, text
from novita_mock._instances.subschema import Json, Subschema

DEEPEST = 40
MANY = 150
_TRIES = 6
_DETOURS = 3

Builder = Callable[[Generator, Constraints, Hint], Json]
_BUILDERS: Mapping[str, Builder] = {
    "object": object_,
    "array": array,
    "string": text,
    "integer": integer,
    "number": number,
    "boolean": lambda generator, constraints, hint: generator.choices.pick((True, False)),
    "null": lambda generator, constraints, hint: None,
}


@lru_cache(maxsize=64)
def _format_validator(name: str) -> Any:
    return jsonschema_rs.validator_for({"format": name}, validate_formats=True)


@dataclass(slots=True)
class Generation:
    """One generation: the schema, the source of choices, and the progress so far."""

    registry: Registry
    choices: Choices
    budget: int
    expired: Callable[[], bool]
    steps: int = 0
    built: int = 0
    path: list[Constraints] = field(default_factory=list)
    first: NoInstance | None = None

    def start(self) -> None:
        """Starts another attempt at the root."""
        self.built = 0
        self.path.clear()

    def gave_up(self) -> NoInstance:
        """The refusal when the steps are spent. Its likeliest cause is the first fault met."""
        found = self.first or NoInstance("#", "", "asks for more than can be made")
        problem = f"{found.problem}; gave up after {self.steps} steps"
        return NoInstance(found.pointer, found.keyword, problem)

    def step(self, cost: int = 1) -> None:
        self.steps += cost
        if self.steps > self.budget or self.expired():
            raise OutOfSteps

    @property
    def small(self) -> bool:
        """Whether to make only what is required: the value is deep, large, or repeats itself."""
        again = sum(constraints is self.path[-1] for constraints in self.path) > 2
        return len(self.path) > self.choices.deep or self.built > MANY or again

    def formatted(self, name: str, drawn: str) -> bool:
        return bool(_format_validator(name).is_valid(drawn))

    def contradictory(self, subschemas: tuple[Subschema, ...]) -> bool:
        """Whether the constraints of `subschemas` obviously exclude one another."""
        try:
            return _contradiction(self, self.registry.joint(subschemas), 2) is not None
        except NoInstance:
            return True

    def value(self, subschemas: tuple[Subschema, ...], hint: Hint) -> Json:
        """A value that is valid for all `subschemas`."""
        self.step()
        constraints = self.registry.joint(subschemas)
        if len(self.path) > DEEPEST:
            raise NoInstance(constraints.pointer, "$ref", "instances nest without end")
        self.path.append(constraints)
        self.built += 1
        try:
            described = Hint(hint.name, constraints.description)
            return self.choices.together(lambda: self._tried(constraints, described))
        finally:
            self.path.pop()

    def _tried(self, constraints: Constraints, hint: Hint) -> Json:
        refusal: NoInstance | None = None
        for attempt in range(_TRIES):
            self.step(min(attempt, 1))
            try:
                return self._settled_and_built(constraints, hint, attempt >= _TRIES // 2)
            except NoInstance as failed:
                refusal = refusal or failed
                self.first = self.first or failed
                if not constraints.groups and not constraints.nots and _certain(constraints):
                    break
        assert refusal is not None
        raise refusal

    def _settled_and_built(self, constraints: Constraints, hint: Hint, wide: bool) -> Json:
        """A value, with detours around each `not` that the first value ran into.

        `wide` also allows what is less likely to be meant, for later attempts.
        """
        settled = self.settle(constraints, wide)
        for detour in range(_DETOURS):
            self.step(min(detour, 1))
            value = self._built(settled, hint, wide)
            violated = [
                subschema for subschema in settled.nots if self.registry.accepts(subschema, value)
            ]
            if not violated:
                return self._checked(settled, value)
            for subschema in violated:
                settled = conjoined(
                    settled, Constraints(groups=(self.registry.ways_round(subschema),))
                )
            settled = self.settle(settled, wide)
        raise NoInstance(violated[0].pointer, "not", "no value was found outside of it")

    def _checked(self, constraints: Constraints, value: Json) -> Json:
        """`value`, validated for this part alone if a failure is worth another attempt here."""
        if _certain(constraints):
            return value
        for subschema in constraints.sources:
            fault = self.registry.fault(subschema, value)
            if fault is not None:
                raise fault
        return value

    def settle(self, constraints: Constraints, wide: bool) -> Constraints:
        """The constraints with all open choices made."""
        while constraints.groups:
            self.step()
            group, *rest = constraints.groups
            constraints = self._chosen(replace(constraints, groups=tuple(rest)), group, wide)
        fault = _contradiction(self, constraints, 2)
        if fault is not None:
            raise fault
        return constraints

    def _chosen(self, constraints: Constraints, group: Group, wide: bool) -> Constraints:
        fault: NoInstance | None = None
        for branch in self._order(group, wide):
            try:
                joined = conjoined(
                    constraints, owned(self.registry.constraints(branch), group.owners)
                )
                found = _contradiction(self, joined, 2)
            except NoInstance as refusal:
                found = refusal
            if found is None:
                return joined
            fault = fault or found
        problem = f"no branch is possible: {fault}" if fault else "nothing is left to choose"
        raise NoInstance(group.pointer, group.keyword, problem)

    def _order(self, group: Group, wide: bool) -> list[Subschema]:
        """The branches in the order to try: by chance, but at depth those that end soonest."""
        if group.keyword in ("dependentSchemas", "dependentRequired"):
            return list(group.branches[::-1] if self.small or wide else group.branches)
        depths = {subschema: depth(self.registry, (subschema,)) for subschema in group.branches}
        simplest = sorted(group.branches, key=depths.__getitem__)
        order = self.choices.order(simplest)
        if self.small:
            return sorted(order, key=depths.__getitem__)
        if self.choices.likely():
            order.sort(key=lambda subschema: subschema.keywords.get("type") == "null")
        return order

    def _built(self, constraints: Constraints, hint: Hint, wide: bool) -> Json:
        if constraints.enum is not None:
            return self._listed(constraints)
        refusal: NoInstance | None = None
        for kind in self._types(constraints, wide):
            try:
                return _BUILDERS[kind](self, constraints, hint)
            except NoInstance as failed:
                refusal = refusal or failed
        raise refusal or NoInstance(constraints.pointer, "type", "no type is left")

    def _types(self, constraints: Constraints, wide: bool) -> list[str]:
        possible = tuple(kind for kind in TYPES if kind in constraints.types)
        likely = possible if wide else told_types(constraints)
        if "number" in likely and "integer" in likely:
            likely = tuple(kind for kind in likely if kind != "integer")
        order = self.choices.order(likely[::-1])
        if self.small:
            order.sort(key=lambda kind: kind in ("object", "array"))
        elif not wide and self.choices.likely():
            # A schema that allows every type does not mean every type: most values are texts.
            last = {"null"} if len(likely) < len(TYPES) - 1 else set(TYPES) - {"string"}
            order.sort(key=lambda kind: kind in last)
        return order + [kind for kind in _BUILDERS if kind in possible and kind not in order]

    def _listed(self, constraints: Constraints) -> Json:
        return self.choices.pick(_allowed(self, constraints))


def _allowed(generation: Generation, constraints: Constraints) -> list[Json]:
    """The enum values that are valid for all other keywords."""
    registry = generation.registry
    allowed = [
        value
        for value in constraints.enum or ()
        if all(registry.accepts(subschema, value) for subschema in constraints.sources)
        and not any(registry.accepts(subschema, value) for subschema in constraints.nots)
    ]
    if not allowed:
        raise NoInstance(constraints.pointer, "enum", "none of its values is valid in the rest")
    return allowed


def _certain(constraints: Constraints) -> bool:
    """Whether building a value satisfies all keywords by itself."""
    return not (
        constraints.nots
        or constraints.contains
        or constraints.leftover_items
        or constraints.leftover_properties
        or constraints.names
        or constraints.step
    )


def _contradiction(
    generation: Generation, constraints: Constraints, depth: int
) -> NoInstance | None:
    """Why no value is possible, if that shows without building one."""
    if constraints.never:
        return NoInstance(constraints.never[0].pointer, "", "the schema is false: nothing is valid")
    if any(subschema.plain in (True, {}) for subschema in constraints.nots):
        return NoInstance(constraints.pointer, "not", "everything is valid in it, and so forbidden")
    if constraints.enum is not None:
        try:
            _allowed(generation, constraints)
        except NoInstance as refusal:
            return refusal
        return None
    if not constraints.types:
        return NoInstance(constraints.pointer, "type", "no type is allowed by all that is said")
    if depth and constraints.types == {"object"}:
        return _contradictory_property(generation, constraints, depth - 1)
    return None


def _contradictory_property(
    generation: Generation, constraints: Constraints, depth: int
) -> NoInstance | None:
    for name in constraints.required:
        found = _contradiction(
            generation, generation.registry.joint(subschemas_for(constraints, name)), depth
        )
        if found is not None:
            return NoInstance(constraints.pointer, "required", f"{name!r} cannot be: {found}")
    return None
