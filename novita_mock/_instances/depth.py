"""How deep the smallest value of a schema nests, so that what is deep finds its way out.

An estimate from what is required alone: it makes no value and no choice.
"""

from __future__ import annotations

from dataclasses import replace

from novita_mock._instances.arrays import sites_at
from novita_mock._instances.constraints import Constraints, Group, conjoined
from novita_mock._instances.objects import sites_for
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.registry import Library
from novita_mock._instances.subschema import Subschema

ENDLESS = 1_000
_LEVELS = 24
_Outer = frozenset[tuple[Subschema, ...]]


def depth(library: Library, subschemas: tuple[Subschema, ...], outer: _Outer = frozenset()) -> int:
    """The depth of the smallest value, ENDLESS where none was found."""
    if subschemas in library.depths:
        return library.depths[subschemas]
    if subschemas in outer or len(outer) > _LEVELS:
        return ENDLESS
    try:
        found = _of_facts(library, library.joint(subschemas), outer | {subschemas})
    except NoInstance:
        found = ENDLESS
    if found < ENDLESS:
        # Only what ends is certain: the rest may owe its endlessness to where it was asked from.
        library.depths[subschemas] = found
    return found


def _of_facts(library: Library, constraints: Constraints, outer: _Outer) -> int:
    if constraints.never or not constraints.types:
        return ENDLESS
    if constraints.enum is not None:
        return 0
    if constraints.groups:
        base = replace(constraints, groups=())
        return max(_of_group(library, base, group, outer) for group in constraints.groups)
    if constraints.types - {"object", "array"}:
        return 0
    kinds = {"object": _of_object, "array": _of_array}
    return min(kinds[kind](library, constraints, outer) for kind in constraints.types)


def _of_group(library: Library, base: Constraints, group: Group, outer: _Outer) -> int:
    found = ENDLESS
    for branch in group.branches:
        if (branch,) not in outer and len(outer) <= _LEVELS:
            joined = conjoined(base, library.constraints(branch))
            found = min(found, _of_facts(library, joined, outer | {(branch,)}))
    return found


def _of_object(library: Library, constraints: Constraints, outer: _Outer) -> int:
    inner = [sites_for(constraints, name) for name in constraints.required]
    return _above(library, [subschemas for subschemas in inner if subschemas], outer)


def _of_array(library: Library, constraints: Constraints, outer: _Outer) -> int:
    inner = [sites_at(constraints, index) for index in range(min(constraints.min_items, 8))]
    inner += [(demand.subschema,) for demand in constraints.contains if demand.least]
    return _above(library, [subschemas for subschemas in inner if subschemas], outer)


def _above(library: Library, inner: list[tuple[Subschema, ...]], outer: _Outer) -> int:
    return min(
        ENDLESS, 1 + max((depth(library, subschemas, outer) for subschemas in inner), default=-1)
    )
