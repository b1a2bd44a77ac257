"""What a value must look like to break a schema: the ways round a `not`.

Each keyword of the forbidden schema is one way out of it; a way that cannot be stated as a
schema is left as a `not` of that keyword alone, to be met by trying.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from novita_mock._instances.constraints import ANY_TYPE, Group
from novita_mock._instances.subschema import Site, made

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
_MOVED: dict[str, tuple[str, int]] = {
    "minLength": ("maxLength", -1),
    "maxLength": ("minLength", 1),
    "minItems": ("maxItems", -1),
    "maxItems": ("minItems", 1),
    "minProperties": ("maxProperties", -1),
    "maxProperties": ("minProperties", 1),
}
_TURNED = {
    "minimum": "exclusiveMaximum",
    "maximum": "exclusiveMinimum",
    "exclusiveMinimum": "maximum",
    "exclusiveMaximum": "minimum",
}
_IGNORED = frozenset("description title then else minContains maxContains".split())


def _denied(pointer: str, site: Site) -> Site:
    return made(pointer, not_=site)


def _types(pointer: str, value: Any) -> list[Site]:
    named = {value} if isinstance(value, str) else set(value)
    others = ANY_TYPE - named - ({"integer"} if "number" in named else set())
    if "integer" in named and "number" not in named:
        fraction = made(pointer, type="number", not_=made(pointer, type="integer"))
        return [made(pointer, type=sorted(others - {"number"})), fraction]
    return [made(pointer, type=sorted(others))]


def _properties(pointer: str, value: dict[str, Site]) -> list[Site]:
    return [
        made(pointer, type="object", required=[name], properties={name: _denied(pointer, site)})
        for name, site in value.items()
    ]


def _required(pointer: str, value: list[str]) -> list[Site]:
    nothing = Site(pointer, False, {})
    return [made(pointer, type="object", properties={name: nothing}) for name in value]


def _items(pointer: str, value: Site) -> list[Site]:
    return [made(pointer, type="array", contains=_denied(pointer, value))]


def _contains(pointer: str, value: Site) -> list[Site]:
    return [made(pointer, type="array", items=_denied(pointer, value))]


def _additional(pointer: str, value: Site) -> list[Site]:
    """A property that is neither declared nor of a pattern, one hopes."""
    denied = {"extra_": _denied(pointer, value)}
    return [made(pointer, type="object", required=["extra_"], properties=denied)]


def _names(pointer: str, value: Site) -> list[Site]:
    return [made(pointer, type="object", minProperties=1, propertyNames=_denied(pointer, value))]


def _patterns(pointer: str, value: dict[str, Site]) -> list[Site]:
    return [
        made(
            pointer,
            type="object",
            minProperties=1,
            propertyNames=made(pointer, pattern=pattern),
            additionalProperties=_denied(pointer, site),
        )
        for pattern, site in value.items()
    ]


def _dependent(pointer: str, value: dict[str, list[str]]) -> list[Site]:
    nothing = Site(pointer, False, {})
    return [
        made(pointer, type="object", required=[name], properties={missing: nothing})
        for name, wanted in value.items()
        for missing in wanted
    ]


def _all_of(pointer: str, value: tuple[Site, ...]) -> list[Site]:
    return [_denied(pointer, site) for site in value]


def _any_of(pointer: str, value: tuple[Site, ...]) -> list[Site]:
    return [made(pointer, allOf=tuple(_denied(pointer, site) for site in value))]


_WAYS: dict[str, Callable[[str, Any], list[Site]]] = {
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


def _ways(site: Site, name: str, value: Any) -> Iterable[Site]:
    pointer = site.pointer
    plain_contains = name != "contains" or not {"minContains", "maxContains"} & set(site.keywords)
    if name == "items" and "prefixItems" in site.keywords:
        plain_contains = False
    if name in _WAYS and plain_contains:
        return _WAYS[name](pointer, value)
    if name in _MOVED:
        moved, by = _MOVED[name]
        nothing = Site(pointer, False, {})
        count = int(value) + by
        kind = _OF_TYPE[name]
        return [made(pointer, type=kind, **{moved: count})] if count >= 0 else [nothing]
    if name in _TURNED:
        return [made(pointer, type="number", **{_TURNED[name]: value})]
    return [_tried(site, name, value)]


def _tried(site: Site, name: str, value: Any) -> Site:
    """The keyword with those it is read together with, denied."""
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
        if other in site.keywords and other != name:
            kept[other] = site.keywords[other]
    denied = _denied(site.pointer, made(site.pointer, **kept))
    kind = {"type": _OF_TYPE[name]} if name in _OF_TYPE else {}
    return made(site.pointer, allOf=(denied,), **kind)


def ways_round(site: Site) -> Group:
    """The choice of how to break `site`; no way at all where everything is valid in it."""
    found = [
        way
        for name, value in site.keywords.items()
        if name not in _IGNORED
        for way in _ways(site, name, value)
    ]
    if site.never:
        found = [made(site.pointer)]
    return Group("not", site.pointer, tuple(found))
