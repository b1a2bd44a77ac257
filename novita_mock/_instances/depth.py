"""How deep the smallest value of a schema nests, so that deep generation finds its way out.

An estimate from the required parts alone: it makes no value and no choice.
"""

from __future__ import annotations

from dataclasses import replace

from novita_mock._instances.arrays import subschemas_at
from novita_mock._instances.constraints import Constraints, Group, conjoined
from novita_mock._instances.objects import subschemas_for
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.registry import Registry
from novita_mock._instances.subschema import Subschema

ENDLESS = 1_000
_LEVELS = 24
_Outer = frozenset[tuple[Subschema, ...]]


def depth(
    registry: Registry, subschemas: tuple[Subschema, ...], outer: _Outer = frozenset()
) -> int:
    """The depth of the smallest value; ENDLESS if none was found."""
    if subschemas in registry.depths:
        return registry.depths[subschemas]
    if subschemas in outer or len(outer) > _LEVELS:
        return ENDLESS
    try:
        found = _of_constraints(registry, registry.joint(subschemas), outer | {subschemas})
    except NoInstance:
        found = ENDLESS
    if found < ENDLESS:
        # Only a finite depth is certain: an endless one may be due to where the search began.
        registry.depths[subschemas] = found
    return found


def _of_constraints(registry: Registry, constraints: Constraints, outer: _Outer) -> int:
    if constraints.never or not constraints.types:
        return ENDLESS
    if constraints.enum is not None:
        return 0
    if constraints.groups:
        base = replace(constraints, groups=())
        return max(_of_group(registry, base, group, outer) for group in constraints.groups)
    if constraints.types - {"object", "array"}:
        return 0
    kinds = {"object": _of_object, "array": _of_array}
    return min(kinds[kind](registry, constraints, outer) for kind in constraints.types)


def _of_group(registry: Registry, base: Constraints, group: Group, outer: _Outer) -> int:
    found = ENDLESS
    for branch in group.branches:
        if (branch,) not in outer and len(outer) <= _LEVELS:
            joined = conjoined(base, registry.constraints(branch))
            found = min(found, _of_constraints(registry, joined, outer | {(branch,)}))
    return found


def _of_object(registry: Registry, constraints: Constraints, outer: _Outer) -> int:
    inner = [subschemas_for(constraints, name) for name in constraints.required]
    return _above(registry, [subschemas for subschemas in inner if subschemas], outer)


def _of_array(registry: Registry, constraints: Constraints, outer: _Outer) -> int:
    inner = [subschemas_at(constraints, index) for index in range(min(constraints.min_items, 8))]
    inner += [(demand.subschema,) for demand in constraints.contains if demand.least]
    return _above(registry, [subschemas for subschemas in inner if subschemas], outer)


def _above(registry: Registry, inner: list[tuple[Subschema, ...]], outer: _Outer) -> int:
    return min(
        ENDLESS, 1 + max((depth(registry, subschemas, outer) for subschemas in inner), default=-1)
    )
