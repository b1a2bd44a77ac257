"""Objects from constraints: which properties they have, and which schemas apply to each."""

from __future__ import annotations

from collections.abc import Iterator

from novita_mock._instances.choices import Hint
from novita_mock._instances.constraints import Constraints, ObjectRule
from novita_mock._instances.inner import Generator
from novita_mock._instances.patterns import matches
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.subschema import Json, Subschema, made

MOST_PROPERTIES = 1_000
_TRIES = 12


def _of_rule(rule: ObjectRule, name: str) -> list[Subschema]:
    found = [rule.properties[name]] if name in rule.properties else []
    found += [subschema for pattern, subschema in rule.patterns.items() if matches(pattern, name)]
    return found or ([rule.additional] if rule.additional is not None else [])


def subschemas_for(constraints: Constraints, name: str) -> tuple[Subschema, ...]:
    """The schemas that apply to the property `name`."""
    found = [subschema for rule in constraints.rules for subschema in _of_rule(rule, name)]
    for left in constraints.leftover_properties:
        if not _evaluated(constraints, name, left.owner):
            found.append(left.subschema)
    return tuple(dict.fromkeys(found))


def _evaluated(constraints: Constraints, name: str, owner: Subschema) -> bool:
    if any(owner in rule.owners and _of_rule(rule, name) for rule in constraints.rules):
        return True
    return any(
        owner in left.owners and left.owner is not owner for left in constraints.leftover_properties
    )


def declared(constraints: Constraints) -> list[str]:
    """The names that schemas declare, in order; required but undeclared names come last."""
    names = [name for rule in constraints.rules for name in rule.properties]
    return list(dict.fromkeys([*names, *constraints.required]))


def object_(generator: Generator, constraints: Constraints, hint: Hint) -> dict[str, Json]:
    """An object with a valid number of valid properties."""
    _check_counts(constraints)
    found: dict[str, Json] = {}
    names = declared(constraints)
    for name in _chosen(generator, constraints, names):
        _add(generator, constraints, found, name)
    for name in names:
        if len(found) < constraints.min_properties and name not in found:
            _add(generator, constraints, found, name)
    for name in _invented(generator, constraints, found):
        _add(generator, constraints, found, name)
    if len(found) < constraints.min_properties:
        raise NoInstance(constraints.pointer, "minProperties", "not enough properties are possible")
    return {name: found[name] for name in [*names, *found] if name in found}


def _check_counts(constraints: Constraints) -> None:
    most = constraints.max_properties
    if most is not None and len(set(constraints.required)) > most:
        raise NoInstance(constraints.pointer, "maxProperties", "more properties are required")
    if most is not None and constraints.min_properties > most:
        raise NoInstance(constraints.pointer, "minProperties", "is greater than maxProperties")
    if constraints.min_properties > MOST_PROPERTIES:
        raise NoInstance(
            constraints.pointer, "minProperties", f"more than {MOST_PROPERTIES} properties"
        )


def _chosen(generator: Generator, constraints: Constraints, names: list[str]) -> Iterator[str]:
    """The required names and most of the others, up to the greatest number allowed."""
    required = set(constraints.required)
    most = len(names) if constraints.max_properties is None else constraints.max_properties
    free = 0 if generator.small else most - len(required)
    for name in names if free >= len(names) - len(required) else generator.choices.order(names):
        if name in required:
            yield name
        elif free > 0 and generator.choices.likely():
            free -= 1
            if not generator.contradictory(subschemas_for(constraints, name)):
                yield name


def _add(generator: Generator, constraints: Constraints, found: dict[str, Json], name: str) -> None:
    """Adds the property, unless it is optional and impossible."""
    required = name in constraints.required
    try:
        for subschema in constraints.names:
            if not generator.registry.accepts(subschema, name):
                raise NoInstance(
                    subschema.pointer, "", f"the property name {name!r} is not allowed"
                )
        found[name] = generator.value(subschemas_for(constraints, name), Hint(name))
    except NoInstance as refusal:
        if required and refusal.keyword == "" and not refusal.pointer.startswith("http"):
            raise NoInstance(
                constraints.pointer, "required", f"{name!r} cannot be: {refusal}"
            ) from None
        if required:
            raise


def _invented(
    generator: Generator, constraints: Constraints, found: dict[str, Json]
) -> Iterator[str]:
    """Names that no schema declares: as many as required, and a few if the object is a map."""
    missing = max(0, constraints.min_properties - len(found))
    if missing == 0 and _is_map(constraints) and not found and not generator.small:
        missing = generator.choices.count(0, constraints.max_properties)
    for _ in range(missing):
        name = _new_name(generator, constraints, found)
        if name is not None:
            yield name


def _is_map(constraints: Constraints) -> bool:
    """Whether schemas describe the values but declare no names."""
    rules = constraints.rules
    described = any(rule.patterns or (rule.additional and rule.additional.plain) for rule in rules)
    return described and not any(rule.properties for rule in rules)


def _new_name(generator: Generator, constraints: Constraints, found: dict[str, Json]) -> str | None:
    patterns = [pattern for rule in constraints.rules for pattern in rule.patterns]
    for attempt in range(_TRIES):
        generator.step()
        with_pattern = generator.choices.pick(patterns) if patterns else None
        kept = {"pattern": with_pattern} if with_pattern and attempt < _TRIES // 2 else {}
        name_schema = made(
            constraints.pointer, type="string", minLength=1 if attempt % 2 == 0 else 0, **kept
        )
        try:
            name = generator.value(
                (name_schema, *constraints.names), Hint("entry" if kept or attempt < 3 else "key")
            )
        except NoInstance:
            continue
        if name not in found and not generator.contradictory(subschemas_for(constraints, name)):
            return str(name)
    return None
