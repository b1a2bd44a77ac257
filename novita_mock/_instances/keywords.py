"""From one schema to the constraints it states: one row of a table reads each keyword.

A keyword that leaves a choice open (anyOf, oneOf, if, dependent keywords) becomes a `Group`; one
that forbids becomes a `not`. Nothing is chosen here and no reference is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from novita_mock._instances.constraints import (
    TYPES,
    Bound,
    Constraints,
    Contains,
    Group,
    ItemRule,
    Leftover,
    ObjectRule,
)
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.subschema import Subschema, made

DYNAMIC = "dynamic references are not supported"
_Stated = dict[str, Any]


def exact(number: float) -> Fraction:
    """The number as printed: `0.1` is one tenth."""
    return Fraction(Decimal(repr(number)))


def with_numbers(types: frozenset[str]) -> frozenset[str]:
    """`types`, with integers if numbers are allowed: every integer is a number."""
    return types | {"integer"} if "number" in types else types


def _type(subschema: Subschema, value: Any) -> _Stated:
    return {"types": with_numbers(frozenset([value] if isinstance(value, str) else value))}


def _any_of(subschema: Subschema, branches: tuple[Subschema, ...]) -> _Stated:
    return {"groups": (Group("anyOf", subschema.pointer, branches),)}


def _one_of(subschema: Subschema, branches: tuple[Subschema, ...]) -> _Stated:
    """One branch and none of the others, so each branch carries the denial of the others."""
    alone = tuple(
        made(
            branch.pointer,
            allOf=(
                branch,
                *(made(subschema.pointer, not_=other) for other in branches if other is not branch),
            ),
        )
        for branch in branches
    )
    return {"groups": (Group("oneOf", subschema.pointer, alone),)}


def _if(subschema: Subschema, condition: Subschema) -> _Stated:
    """Either the condition and `then`, or its negation and `else`."""
    here = subschema.keywords
    if "then" not in here and "else" not in here:
        return {}
    anything = made(subschema.pointer)
    meets = made(subschema.pointer, allOf=(condition, here.get("then", anything)))
    fails = made(subschema.pointer, not_=condition, allOf=(here.get("else", anything),))
    return {"groups": (Group("if", subschema.pointer, (meets, fails)),)}


def _dependent(subschema: Subschema, keyword: str, name: str, wanted: Subschema) -> Group:
    nothing = Subschema(subschema.pointer, False, {})
    absent = made(subschema.pointer, properties={name: nothing})
    present = made(subschema.pointer, required=[name], allOf=(wanted,))
    return Group(keyword, subschema.pointer, (present, absent))


def _dependent_schemas(subschema: Subschema, schemas: Mapping[str, Subschema]) -> _Stated:
    found = schemas.items()
    return {"groups": tuple(_dependent(subschema, "dependentSchemas", *one) for one in found)}


def _dependent_required(subschema: Subschema, names: Mapping[str, list[str]]) -> _Stated:
    found = ((name, made(subschema.pointer, required=wanted)) for name, wanted in names.items())
    return {"groups": tuple(_dependent(subschema, "dependentRequired", *one) for one in found)}


def _contains(subschema: Subschema, wanted: Subschema) -> _Stated:
    least, most = subschema.keywords.get("minContains", 1), subschema.keywords.get("maxContains")
    return {"contains": (Contains(wanted, int(least), None if most is None else int(most)),)}


def _rules(subschema: Subschema, value: Any) -> _Stated:
    here = subschema.keywords
    rule = ObjectRule(
        here.get("properties", {}),
        here.get("patternProperties", {}),
        here.get("additionalProperties"),
    )
    return {"rules": (rule,)}


def _item_rules(subschema: Subschema, value: Any) -> _Stated:
    rule = ItemRule(subschema.keywords.get("prefixItems", ()), subschema.keywords.get("items"))
    return {"item_rules": (rule,)}


def _unsupported(keyword: str) -> Callable[[Subschema, Any], _Stated]:
    def refuse(subschema: Subschema, value: Any) -> _Stated:
        raise NoInstance(subschema.pointer, keyword, DYNAMIC)

    return refuse


def _count(field: str) -> Callable[[Subschema, Any], _Stated]:
    return lambda subschema, value: {field: int(value)}


def _bound(field: str, exclusive: bool) -> Callable[[Subschema, Any], _Stated]:
    return lambda subschema, value: {field: Bound(exact(value), exclusive)}


def _listed(field: str) -> Callable[[Subschema, Any], _Stated]:
    return lambda subschema, value: {field: (value,)}


READERS: Mapping[str, Callable[[Subschema, Any], _Stated]] = {
    "type": _type,
    "enum": lambda subschema, value: {"enum": tuple(value)},
    "const": lambda subschema, value: {"enum": (value,)},
    "minimum": _bound("low", False),
    "exclusiveMinimum": _bound("low", True),
    "maximum": _bound("high", False),
    "exclusiveMaximum": _bound("high", True),
    "multipleOf": lambda subschema, value: {"step": exact(value)},
    "minLength": _count("min_length"),
    "maxLength": _count("max_length"),
    "pattern": _listed("patterns"),
    "format": _listed("formats"),
    "minItems": _count("min_items"),
    "maxItems": _count("max_items"),
    "uniqueItems": lambda subschema, value: {"unique": bool(value)},
    "prefixItems": _item_rules,
    "items": _item_rules,
    "contains": _contains,
    "unevaluatedItems": lambda subschema, value: {"leftover_items": (Leftover(subschema, value),)},
    "minProperties": _count("min_properties"),
    "maxProperties": _count("max_properties"),
    "required": lambda subschema, value: {"required": tuple(value)},
    "properties": _rules,
    "patternProperties": _rules,
    "additionalProperties": _rules,
    "propertyNames": _listed("names"),
    "unevaluatedProperties": lambda subschema, value: {
        "leftover_properties": (Leftover(subschema, value),)
    },
    "dependentSchemas": _dependent_schemas,
    "dependentRequired": _dependent_required,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "if": _if,
    "not": _listed("nots"),
    "description": lambda subschema, value: {"description": value},
    "$dynamicRef": _unsupported("$dynamicRef"),
    "$recursiveRef": _unsupported("$recursiveRef"),
}

# Each family fills one field of the constraints, so it must be read only once.
_TOGETHER = ({"properties", "patternProperties", "additionalProperties"}, {"prefixItems", "items"})


def statements(subschema: Subschema) -> list[Constraints]:
    """The constraints of each keyword of `subschema`; the caller adds its allOf and $ref."""
    if subschema.never:
        return [Constraints(pointer=subschema.pointer, sources=(subschema,), never=(subschema,))]
    stated = [Constraints(pointer=subschema.pointer, sources=(subschema,))]
    names = set(subschema.keywords)
    for family in _TOGETHER:
        shared = names & family
        names -= set(sorted(shared)[1:])
    for name, value in subschema.keywords.items():
        if name in names and name in READERS:
            stated.append(Constraints(pointer=subschema.pointer, **READERS[name](subschema, value)))
    return stated


# Constraints on one type only, to guess the type where none is given.
_TYPE_OF: Mapping[str, str] = {
    **dict.fromkeys(("rules", "required", "min_properties", "max_properties", "names"), "object"),
    **dict.fromkeys(("item_rules", "contains", "min_items", "max_items", "unique"), "array"),
    **dict.fromkeys(("min_length", "max_length", "patterns", "formats"), "string"),
    **dict.fromkeys(("low", "high", "step"), "number"),
}


def told_types(constraints: Constraints) -> tuple[str, ...]:
    """The allowed types that some keyword constrains; all allowed types if there are none."""
    constrained = {
        kind for name, kind in _TYPE_OF.items() if getattr(constraints, name) not in (None, (), 0)
    }
    likely = tuple(kind for kind in TYPES if kind in constrained and kind in constraints.types)
    return likely or tuple(kind for kind in TYPES if kind in constraints.types)
