"""From one schema to the facts it states: each keyword is read by one row of a table.

What leaves a choice open (anyOf, oneOf, if, dependent keywords) becomes a `Group`, what forbids
becomes a `not`; nothing is chosen here and no reference is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from novita_mock._instances.constraints import (
    TYPES,
    Bound,
    Contains,
    Facts,
    Group,
    ItemRule,
    Leftover,
    ObjectRule,
)
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.subschema import Site, made

DYNAMIC = "dynamic references are not supported"
_Stated = dict[str, Any]


def exact(number: float) -> Fraction:
    """The number as it is printed: `0.1` is a tenth."""
    return Fraction(Decimal(repr(number)))


def with_numbers(types: frozenset[str]) -> frozenset[str]:
    """Every integer is a number too."""
    return types | {"integer"} if "number" in types else types


def _type(site: Site, value: Any) -> _Stated:
    return {"types": with_numbers(frozenset([value] if isinstance(value, str) else value))}


def _any_of(site: Site, branches: tuple[Site, ...]) -> _Stated:
    return {"groups": (Group("anyOf", site.pointer, branches),)}


def _one_of(site: Site, branches: tuple[Site, ...]) -> _Stated:
    """A branch, and none of the others: which is why the others travel with it."""
    alone = tuple(
        made(
            branch.pointer,
            allOf=(
                branch,
                *(made(site.pointer, not_=other) for other in branches if other is not branch),
            ),
        )
        for branch in branches
    )
    return {"groups": (Group("oneOf", site.pointer, alone),)}


def _if(site: Site, condition: Site) -> _Stated:
    """Either the condition and `then`, or its contrary and `else`."""
    here = site.keywords
    if "then" not in here and "else" not in here:
        return {}
    anything = made(site.pointer)
    meets = made(site.pointer, allOf=(condition, here.get("then", anything)))
    fails = made(site.pointer, not_=condition, allOf=(here.get("else", anything),))
    return {"groups": (Group("if", site.pointer, (meets, fails)),)}


def _dependent(site: Site, keyword: str, name: str, wanted: Site) -> Group:
    nothing = Site(site.pointer, False, {})
    absent = made(site.pointer, properties={name: nothing})
    present = made(site.pointer, required=[name], allOf=(wanted,))
    return Group(keyword, site.pointer, (present, absent))


def _dependent_schemas(site: Site, schemas: Mapping[str, Site]) -> _Stated:
    found = schemas.items()
    return {"groups": tuple(_dependent(site, "dependentSchemas", *one) for one in found)}


def _dependent_required(site: Site, names: Mapping[str, list[str]]) -> _Stated:
    found = ((name, made(site.pointer, required=wanted)) for name, wanted in names.items())
    return {"groups": tuple(_dependent(site, "dependentRequired", *one) for one in found)}


def _contains(site: Site, wanted: Site) -> _Stated:
    least, most = site.keywords.get("minContains", 1), site.keywords.get("maxContains")
    return {"contains": (Contains(wanted, int(least), None if most is None else int(most)),)}


def _rules(site: Site, value: Any) -> _Stated:
    here = site.keywords
    rule = ObjectRule(
        here.get("properties", {}),
        here.get("patternProperties", {}),
        here.get("additionalProperties"),
    )
    return {"rules": (rule,)}


def _item_rules(site: Site, value: Any) -> _Stated:
    rule = ItemRule(site.keywords.get("prefixItems", ()), site.keywords.get("items"))
    return {"item_rules": (rule,)}


def _beyond(keyword: str) -> Callable[[Site, Any], _Stated]:
    def refuse(site: Site, value: Any) -> _Stated:
        raise NoInstance(site.pointer, keyword, DYNAMIC)

    return refuse


def _count(field: str) -> Callable[[Site, Any], _Stated]:
    return lambda site, value: {field: int(value)}


def _bound(field: str, exclusive: bool) -> Callable[[Site, Any], _Stated]:
    return lambda site, value: {field: Bound(exact(value), exclusive)}


def _listed(field: str) -> Callable[[Site, Any], _Stated]:
    return lambda site, value: {field: (value,)}


READERS: Mapping[str, Callable[[Site, Any], _Stated]] = {
    "type": _type,
    "enum": lambda site, value: {"enum": tuple(value)},
    "const": lambda site, value: {"enum": (value,)},
    "minimum": _bound("low", False),
    "exclusiveMinimum": _bound("low", True),
    "maximum": _bound("high", False),
    "exclusiveMaximum": _bound("high", True),
    "multipleOf": lambda site, value: {"step": exact(value)},
    "minLength": _count("min_length"),
    "maxLength": _count("max_length"),
    "pattern": _listed("patterns"),
    "format": _listed("formats"),
    "minItems": _count("min_items"),
    "maxItems": _count("max_items"),
    "uniqueItems": lambda site, value: {"unique": bool(value)},
    "prefixItems": _item_rules,
    "items": _item_rules,
    "contains": _contains,
    "unevaluatedItems": lambda site, value: {"leftover_items": (Leftover(site, value),)},
    "minProperties": _count("min_properties"),
    "maxProperties": _count("max_properties"),
    "required": lambda site, value: {"required": tuple(value)},
    "properties": _rules,
    "patternProperties": _rules,
    "additionalProperties": _rules,
    "propertyNames": _listed("names"),
    "unevaluatedProperties": lambda site, value: {"leftover_properties": (Leftover(site, value),)},
    "dependentSchemas": _dependent_schemas,
    "dependentRequired": _dependent_required,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "if": _if,
    "not": _listed("nots"),
    "description": lambda site, value: {"description": value},
    "$dynamicRef": _beyond("$dynamicRef"),
    "$recursiveRef": _beyond("$recursiveRef"),
}

# These three share one row of the facts, and so must be read once.
_TOGETHER = ({"properties", "patternProperties", "additionalProperties"}, {"prefixItems", "items"})


def statements(site: Site) -> list[Facts]:
    """The facts of the site's own keywords, one for each; allOf and $ref are left to the caller."""
    if site.never:
        return [Facts(pointer=site.pointer, sources=(site,), never=(site,))]
    stated = [Facts(pointer=site.pointer, sources=(site,))]
    names = set(site.keywords)
    for family in _TOGETHER:
        shared = names & family
        names -= set(sorted(shared)[1:])
    for name, value in site.keywords.items():
        if name in names and name in READERS:
            stated.append(Facts(pointer=site.pointer, **READERS[name](site, value)))
    return stated


# What states something about one type only, for guessing the type where none is given.
TELLING: Mapping[str, str] = {
    **dict.fromkeys(("rules", "required", "min_properties", "max_properties", "names"), "object"),
    **dict.fromkeys(("item_rules", "contains", "min_items", "max_items", "unique"), "array"),
    **dict.fromkeys(("min_length", "max_length", "patterns", "formats"), "string"),
    **dict.fromkeys(("low", "high", "step"), "number"),
}


def told_types(facts: Facts) -> tuple[str, ...]:
    """The allowed types that some keyword speaks of, all allowed types if none does."""
    spoken = {kind for name, kind in TELLING.items() if getattr(facts, name) not in (None, (), 0)}
    told = tuple(kind for kind in TYPES if kind in spoken and kind in facts.types)
    return told or tuple(kind for kind in TYPES if kind in facts.types)
