"""What a value must look like to violate a schema: the ways round a `not`.

Each keyword of the forbidden schema is one way out of it. A way that no schema can state stays
a `not` of that keyword alone, met by trial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from novita_mock._instances.constraints import ANY_TYPE, Group
from novita_mock._instances.subschema import Subschema, made

_OF_TYPE = {
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"
    ),
    **dict.fromkeys(
        ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"), "array"
    ),
    **dict.fromkeys(("unevaluatedItems",), "array"),
    **dict.fromkeys(
        (
            "properties patternProperties additionalProperties propertyNames required"
            " minProperties maxProperties dependentRequired dependentSchemas unevaluatedProperties"
        ).split(),
        "object",
    ),
}
_OPPOSITE_COUNTS: dict[str, tuple[str, int]] = {
    "minLength": ("maxLength", -1),
    "maxLength": ("minLength", 1),
    "minItems": ("maxItems", -1),
    "maxItems": ("minItems", 1),
    "minProperties": ("maxProperties", -1),
    "maxProperties": ("minProperties", 1),
}
_OPPOSITE_BOUNDS = {
    "minimum": "exclusiveMaximum",
    "maximum": "exclusiveMinimum",
    "exclusiveMinimum": "maximum",
    "exclusiveMaximum": "minimum",
}
_IGNORED = frozenset("description title then else minContains maxContains".split())


def _denied(pointer: str, subschema: Subschema) -> Subschema:
    return made(pointer, not_=subschema)


def _types(pointer: str, value: Any) -> list[Subschema]:
    named = {value} if isinstance(value, str) else set(value)
    others = ANY_TYPE - named - ({"integer"} if "number" in named else set())
    if "integer" in named and "number" not in named:
        fraction = made(pointer, type="number", not_=made(pointer, type="integer"))
        return [made(pointer, type=sorted(others - {"number"})), fraction]
    return [made(pointer, type=sorted(others))]


def _properties(pointer: str, value: dict[str, Subschema]) -> list[Subschema]:
    return [
        made(
            pointer, type="object", required=[name], properties={name: _denied(pointer, subschema)}
        )
        for name, subschema in value.items()
    ]


def _required(pointer: str, value: list[str]) -> list[Subschema]:
    nothing = Subschema(pointer, False, {})
    return [made(pointer, type="object", properties={name: nothing}) for name in value]


def _items(pointer: str, value: Subschema) -> list[Subschema]:
    return [made(pointer, type="array", contains=_denied(pointer, value))]


def _contains(pointer: str, value: Subschema) -> list[Subschema]:
    return [made(pointer, type="array", items=_denied(pointer, value))]


def _additional(pointer: str, value: Subschema) -> list[Subschema]:
    """A property that is probably neither declared nor matched by a pattern."""
    denied = {"extra_": _denied(pointer, value)}
    return [made(pointer, type="object", required=["extra_"], properties=denied)]


def _names(pointer: str, value: Subschema) -> list[Subschema]:
    return [made(pointer, type="object", minProperties=1, propertyNames=_denied(pointer, value))]


def _patterns(pointer: str, value: dict[str, Subschema]) -> list[Subschema]:
    return [
        made(
            pointer,
            type="object",
            minProperties=1,
            propertyNames=made(pointer, pattern=pattern),
            additionalProperties=_denied(pointer, subschema),
        )
        for pattern, subschema in value.items()
    ]


def _dependent(pointer: str, value: dict[str, list[str]]) -> list[Subschema]:
    nothing = Subschema(pointer, False, {})
    return [
        made(pointer, type="object", required=[name], properties={missing: nothing})
        for name, wanted in value.items()
        for missing in wanted
    ]


def _all_of(pointer: str, value: tuple[Subschema, ...]) -> list[Subschema]:
    return [_denied(pointer, subschema) for subschema in value]


def _any_of(pointer: str, value: tuple[Subschema, ...]) -> list[Subschema]:
    return [made(pointer, allOf=tuple(_denied(pointer, subschema) for subschema in value))]


_WAYS: dict[str, Callable[[str, Any], list[Subschema]]] = {
    "type": _types,
    "properties": _properties,
    "required": _required,
    "items": _items,
    "unevaluatedItems": _items,
    "contains": _contains,
    "additionalProperties": _additional,
    "unevaluatedProperties": _additional,
    "propertyNames": _names,
    "patternProperties": _patterns,
    "dependentRequired": _dependent,
    "allOf": _all_of,
    "anyOf": _any_of,
    "not": lambda pointer, value: [value],
}


def _ways(subschema: Subschema, name: str, value: Any) -> Iterable[Subschema]:
    pointer = subschema.pointer
    independent = name != "contains" or not {"minContains", "maxContains"} & set(subschema.keywords)
    if name == "items" and "prefixItems" in subschema.keywords:
        independent = False
    if name in _WAYS and independent:
        return _WAYS[name](pointer, value)
    if name in _OPPOSITE_COUNTS:
        opposite, by = _OPPOSITE_COUNTS[name]
        nothing = Subschema(pointer, False, {})
        count = int(value) + by
        kind = _OF_TYPE[name]
        return [made(pointer, type=kind, **{opposite: count})] if count >= 0 else [nothing]
    if name in _OPPOSITE_BOUNDS:
        return [made(pointer, type="number", **{_OPPOSITE_BOUNDS[name]: value})]
    return [_denied_keyword(subschema, name, value)]


def _denied_keyword(subschema: Subschema, name: str, value: Any) -> Subschema:
    """The denial of the keyword together with those it depends on."""
    kept = {name: value}
    for other in (
        "properties",
        "patternProperties",
        "prefixItems",
        "then",
        "else",
        "minContains",
        "maxContains",
    ):
        if other in subschema.keywords and other != name:
            kept[other] = subschema.keywords[other]
    denied = _denied(subschema.pointer, made(subschema.pointer, **kept))
    kind = {"type": _OF_TYPE[name]} if name in _OF_TYPE else {}
    return made(subschema.pointer, allOf=(denied,), **kind)


def ways_round(subschema: Subschema) -> Group:
    """The choice of how to violate `subschema`; no branches if it accepts everything."""
    branches = [
        way
        for name, value in subschema.keywords.items()
        if name not in _IGNORED
        for way in _ways(subschema, name, value)
    ]
    if subschema.never:
        branches = [made(subschema.pointer)]
    return Group("not", subschema.pointer, tuple(branches))
