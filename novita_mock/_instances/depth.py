"""How deep the smallest value of a schema nests, so that what is deep finds its way out.

An estimate from what is required alone: it makes no value and no choice.
"""

from __future__ import annotations

from dataclasses import replace

from novita_mock._instances.arrays import sites_at
from novita_mock._instances.constraints import Facts, Group, conjoined
from novita_mock._instances.objects import sites_for
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.registry import Library
from novita_mock._instances.subschema import Site

ENDLESS = 1_000
_LEVELS = 24
_Outer = frozenset[tuple[Site, ...]]


def height(library: Library, sites: tuple[Site, ...], outer: _Outer = frozenset()) -> int:
    """The depth of the smallest value, ENDLESS where none was found."""
    if sites in library.heights:
        return library.heights[sites]
    if sites in outer or len(outer) > _LEVELS:
        return ENDLESS
    try:
        found = _of_facts(library, library.joint(sites), outer | {sites})
    except NoInstance:
        found = ENDLESS
    if found < ENDLESS:
        # Only what ends is certain: the rest may owe its endlessness to where it was asked from.
        library.heights[sites] = found
    return found


def _of_facts(library: Library, facts: Facts, outer: _Outer) -> int:
    if facts.never or not facts.types:
        return ENDLESS
    if facts.enum is not None:
        return 0
    if facts.groups:
        base = replace(facts, groups=())
        return max(_of_group(library, base, group, outer) for group in facts.groups)
    if facts.types - {"object", "array"}:
        return 0
    kinds = {"object": _of_object, "array": _of_array}
    return min(kinds[kind](library, facts, outer) for kind in facts.types)


def _of_group(library: Library, base: Facts, group: Group, outer: _Outer) -> int:
    found = ENDLESS
    for branch in group.branches:
        if (branch,) not in outer and len(outer) <= _LEVELS:
            joined = conjoined(base, library.facts(branch))
            found = min(found, _of_facts(library, joined, outer | {(branch,)}))
    return found


def _of_object(library: Library, facts: Facts, outer: _Outer) -> int:
    inner = [sites_for(facts, name) for name in facts.required]
    return _above(library, [sites for sites in inner if sites], outer)


def _of_array(library: Library, facts: Facts, outer: _Outer) -> int:
    inner = [sites_at(facts, index) for index in range(min(facts.min_items, 8))]
    inner += [(demand.site,) for demand in facts.contains if demand.least]
    return _above(library, [sites for sites in inner if sites], outer)


def _above(library: Library, inner: list[tuple[Site, ...]], outer: _Outer) -> int:
    return min(ENDLESS, 1 + max((height(library, sites, outer) for sites in inner), default=-1))
