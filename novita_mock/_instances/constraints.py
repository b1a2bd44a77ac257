"""What must hold for one value: the conjunction of all keywords of all its schemas.

The constraints, and the table that merges two of them field by field. Must not know how a value
is made, and opens no reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from math import lcm
from typing import Any

from novita_mock._instances.subschema import Json, Subschema

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
ANY_TYPE = frozenset(TYPES)


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range of numbers."""

    value: Fraction
    exclusive: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRule:
    """properties, patternProperties and additionalProperties of one schema object."""

    properties: Mapping[str, Subschema]
    patterns: Mapping[str, Subschema]
    additional: Subschema | None
    owners: frozenset[Subschema] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class ItemRule:
    """prefixItems and items of one schema object."""

    prefix: tuple[Subschema, ...]
    rest: Subschema | None
    owners: frozenset[Subschema] = frozenset()

    def at(self, index: int) -> Subschema | None:
        return self.prefix[index] if index < len(self.prefix) else self.rest


@dataclass(frozen=True, slots=True, eq=False)
class Contains:
    """At least `least` and at most `most` items are valid for `subschema`."""

    subschema: Subschema
    least: int
    most: int | None
    owners: frozenset[Subschema] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Leftover:
    """unevaluatedProperties or unevaluatedItems of `owner`: for what no rule of `owner` covers."""

    owner: Subschema
    subschema: Subschema
    owners: frozenset[Subschema] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """An open choice: one of `branches` must also hold."""

    keyword: str
    pointer: str
    branches: tuple[Subschema, ...]
    owners: frozenset[Subschema] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """The conjunction. `sources` are the schemas it was made from, for the final validation."""

    pointer: str = "#"
    sources: tuple[Subschema, ...] = ()
    never: tuple[Subschema, ...] = ()
    types: frozenset[str] = ANY_TYPE
    enum: tuple[Json, ...] | None = None
    low: Bound | None = None
    high: Bound | None = None
    step: Fraction | None = None
    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    min_items: int = 0
    max_items: int | None = None
    unique: bool = False
    item_rules: tuple[ItemRule, ...] = ()
    contains: tuple[Contains, ...] = ()
    leftover_items: tuple[Leftover, ...] = ()
    min_properties: int = 0
    max_properties: int | None = None
    required: tuple[str, ...] = ()
    rules: tuple[ObjectRule, ...] = ()
    names: tuple[Subschema, ...] = ()
    leftover_properties: tuple[Leftover, ...] = ()
    groups: tuple[Group, ...] = ()
    nots: tuple[Subschema, ...] = ()
    description: str = ""


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _lower(one: Bound | None, other: Bound | None) -> Bound | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=lambda bound: (bound.value, bound.exclusive))


def _upper(one: Bound | None, other: Bound | None) -> Bound | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other, key=lambda bound: (bound.value, not bound.exclusive))


def common_step(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    """The smallest number that is a multiple of both."""
    if one is None or other is None:
        return other if one is None else one
    shared = lcm(one.denominator, other.denominator)
    return Fraction(lcm(int(one * shared), int(other * shared)), shared)


def same(one: Json, other: Json) -> bool:
    """JSON equality: `1` equals `1.0`, and neither equals `true`."""
    return identity(one) == identity(other)


def identity(value: Json) -> object:
    """A hashable that is equal for equal JSON values."""
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, list):
        return ("array", tuple(identity(item) for item in value))
    if isinstance(value, dict):
        return ("object", frozenset((name, identity(item)) for name, item in value.items()))
    return value


def _both_enums(
    one: tuple[Json, ...] | None, other: tuple[Json, ...] | None
) -> tuple[Json, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(value for value in one if any(same(value, allowed) for allowed in other))


def _first(one: Any, other: Any) -> Any:
    return one or other


def _united(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(one + other))


_SPECIAL: dict[str, Callable[[Any, Any], Any]] = {
    "pointer": lambda one, other: other if one == "#" else one,
    "types": lambda one, other: one & other,
    "enum": _both_enums,
    "low": _lower,
    "high": _upper,
    "step": common_step,
    "unique": _first,
    "description": _first,
    **dict.fromkeys(("min_length", "min_items", "min_properties"), max),
    **dict.fromkeys(("max_length", "max_items", "max_properties"), _least),
}
_MERGES: list[tuple[str, Callable[[Any, Any], Any]]] = [
    (field.name, _SPECIAL.get(field.name, _united)) for field in fields(Constraints)
]
_DEFAULTS = {field.name: field.default for field in fields(Constraints)}


def conjoined(one: Constraints, other: Constraints) -> Constraints:
    """The constraints that hold if both hold."""
    merged: dict[str, Any] = {}
    for name, merge in _MERGES:
        left, right, default = getattr(one, name), getattr(other, name), _DEFAULTS[name]
        if right is default or left is right:
            merged[name] = left
        else:
            merged[name] = right if left is default else merge(left, right)
    return Constraints(**merged)


_OWNED = ("item_rules", "contains", "leftover_items", "rules", "leftover_properties", "groups")


def owned(constraints: Constraints, owners: frozenset[Subschema]) -> Constraints:
    """The same constraints, with rules that also count as evaluating for `owners`."""
    if not owners:
        return constraints
    marked: dict[str, Any] = {
        name: tuple(
            replace(rule, owners=rule.owners | owners) for rule in getattr(constraints, name)
        )
        for name in _OWNED
        if getattr(constraints, name)
    }
    return replace(constraints, **marked)
