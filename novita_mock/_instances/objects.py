"""Objects from facts: which properties are there, and which schemas hold for each."""

from __future__ import annotations

from collections.abc import Iterator

from novita_mock._instances.choices import Hint
from novita_mock._instances.constraints import Facts, ObjectRule
from novita_mock._instances.inner import Generator
from novita_mock._instances.patterns import matches
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.subschema import Json, Site, made

MOST_PROPERTIES = 1_000
_TRIES = 12


def _of_rule(rule: ObjectRule, name: str) -> list[Site]:
    found = [rule.properties[name]] if name in rule.properties else []
    found += [site for pattern, site in rule.patterns.items() if matches(pattern, name)]
    return found or ([rule.additional] if rule.additional is not None else [])


def sites_for(facts: Facts, name: str) -> tuple[Site, ...]:
    """The schemas that hold for the property `name`."""
    found = [site for rule in facts.rules for site in _of_rule(rule, name)]
    for left in facts.leftover_properties:
        if not _evaluated(facts, name, left.owner):
            found.append(left.site)
    return tuple(dict.fromkeys(found))


def _evaluated(facts: Facts, name: str, owner: Site) -> bool:
    if any(owner in rule.owners and _of_rule(rule, name) for rule in facts.rules):
        return True
    return any(
        owner in left.owners and left.owner is not owner for left in facts.leftover_properties
    )


def declared(facts: Facts) -> list[str]:
    """The names that schemas give, in their order, required ones that none gives last."""
    names = [name for rule in facts.rules for name in rule.properties]
    return list(dict.fromkeys([*names, *facts.required]))


def object_(generator: Generator, facts: Facts, hint: Hint) -> dict[str, Json]:
    """An object whose properties are valid and as many as wanted."""
    _check_counts(facts)
    found: dict[str, Json] = {}
    names = declared(facts)
    for name in _chosen(generator, facts, names):
        _add(generator, facts, found, name)
    for name in names:
        if len(found) < facts.min_properties and name not in found:
            _add(generator, facts, found, name)
    for name in _invented(generator, facts, found):
        _add(generator, facts, found, name)
    if len(found) < facts.min_properties:
        raise NoInstance(facts.pointer, "minProperties", "not enough properties are possible")
    return {name: found[name] for name in [*names, *found] if name in found}


def _check_counts(facts: Facts) -> None:
    most = facts.max_properties
    if most is not None and len(set(facts.required)) > most:
        raise NoInstance(facts.pointer, "maxProperties", "more properties are required")
    if most is not None and facts.min_properties > most:
        raise NoInstance(facts.pointer, "minProperties", "is greater than maxProperties")
    if facts.min_properties > MOST_PROPERTIES:
        raise NoInstance(facts.pointer, "minProperties", f"more than {MOST_PROPERTIES} properties")


def _chosen(generator: Generator, facts: Facts, names: list[str]) -> Iterator[str]:
    """The required ones and most of the others, as far as there is room."""
    required = set(facts.required)
    most = len(names) if facts.max_properties is None else facts.max_properties
    room = 0 if generator.small else most - len(required)
    for name in names if room >= len(names) - len(required) else generator.choices.order(names):
        if name in required:
            yield name
        elif room > 0 and generator.choices.likely():
            room -= 1
            if not generator.contradictory(sites_for(facts, name)):
                yield name


def _add(generator: Generator, facts: Facts, found: dict[str, Json], name: str) -> None:
    """The property, or none where it is optional and cannot be."""
    required = name in facts.required
    try:
        for site in facts.names:
            if not generator.library.accepts(site, name):
                raise NoInstance(site.pointer, "", f"the property name {name!r} is not allowed")
        found[name] = generator.value(sites_for(facts, name), Hint(name))
    except NoInstance as refusal:
        if required and refusal.keyword == "" and not refusal.pointer.startswith("http"):
            raise NoInstance(facts.pointer, "required", f"{name!r} cannot be: {refusal}") from None
        if required:
            raise


def _invented(generator: Generator, facts: Facts, found: dict[str, Json]) -> Iterator[str]:
    """Names that no schema gives: as many as are demanded, a few where a map is described."""
    missing = max(0, facts.min_properties - len(found))
    if missing == 0 and _is_map(facts) and not found and not generator.small:
        missing = generator.choices.count(0, facts.max_properties)
    for _ in range(missing):
        name = _new_name(generator, facts, found)
        if name is not None:
            yield name


def _is_map(facts: Facts) -> bool:
    """Nothing is declared by name, but the values are described."""
    rules = facts.rules
    described = any(rule.patterns or (rule.additional and rule.additional.plain) for rule in rules)
    return described and not any(rule.properties for rule in rules)


def _new_name(generator: Generator, facts: Facts, found: dict[str, Json]) -> str | None:
    patterns = [pattern for rule in facts.rules for pattern in rule.patterns]
    for attempt in range(_TRIES):
        generator.step()
        with_pattern = generator.choices.pick(patterns) if patterns else None
        kept = {"pattern": with_pattern} if with_pattern and attempt < _TRIES // 2 else {}
        wish = made(facts.pointer, type="string", minLength=1 if attempt % 2 == 0 else 0, **kept)
        try:
            name = generator.value(
                (wish, *facts.names), Hint("entry" if kept or attempt < 3 else "key")
            )
        except NoInstance:
            continue
        if name not in found and not generator.contradictory(sites_for(facts, name)):
            return str(name)
    return None
