"""Arrays from constraints: their length, the schemas at each index, which items meet `contains`."""

from __future__ import annotations

from novita_mock._instances.choices import Hint
from novita_mock._instances.constraints import Constraints, Contains, identity
from novita_mock._instances.inner import Generator
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.subschema import Json, Subschema, made

MOST_ITEMS = 2_000
_TRIES = 12


def subschemas_at(
    constraints: Constraints, index: int, met: frozenset[Contains] = frozenset()
) -> tuple[Subschema, ...]:
    """The schemas for the item at `index`, if it meets the `contains` demands in `met`."""
    subschemas = [
        subschema for rule in constraints.item_rules if (subschema := rule.at(index)) is not None
    ]
    subschemas += [demand.subschema for demand in constraints.contains if demand in met]
    for demand in constraints.contains:
        if demand.most is not None and demand not in met:
            subschemas.append(made(demand.subschema.pointer, not_=demand.subschema))
    for left in constraints.leftover_items:
        if not _evaluated(constraints, index, left.owner, met):
            subschemas.append(left.subschema)
    return tuple(dict.fromkeys(subschemas))


def _evaluated(
    constraints: Constraints, index: int, owner: Subschema, met: frozenset[Contains]
) -> bool:
    rules = any(
        owner in rule.owners and rule.at(index) is not None for rule in constraints.item_rules
    )
    inner = any(
        owner in left.owners and left.owner is not owner for left in constraints.leftover_items
    )
    return rules or inner or any(owner in demand.owners for demand in met)


def array(generator: Generator, constraints: Constraints, hint: Hint) -> list[Json]:
    """An array of a valid length with valid items."""
    least, most = _ends(constraints)
    count = (
        least
        if generator.small
        else generator.choices.count(*_preferred_length(constraints, least, most))
    )
    met = _assigned_demands(generator, constraints, count)
    items: list[Json] = []
    seen: set[object] = set()
    for index in range(count):
        try:
            items.append(_item(generator, constraints, index, met[index], seen, hint))
        except NoInstance:
            if index < least or any(met[index:]):
                raise
            break
    return items


def _preferred_length(
    constraints: Constraints, least: int, most: int | None
) -> tuple[int, int | None]:
    """The range to choose the length from: tuples are made whole."""
    whole = max((len(rule.prefix) for rule in constraints.item_rules), default=0)
    return (max(least, whole if most is None else min(whole, most)), most)


def _ends(constraints: Constraints) -> tuple[int, int | None]:
    for demand in constraints.contains:
        if demand.most is not None and demand.least > demand.most:
            raise NoInstance(
                constraints.pointer, "maxContains", "is less than what must be contained"
            )
    demanded = max((demand.least for demand in constraints.contains), default=0)
    least = max(constraints.min_items, demanded)
    keyword = "contains" if demanded > constraints.min_items else "minItems"
    if least > MOST_ITEMS:
        raise NoInstance(constraints.pointer, keyword, f"more than {MOST_ITEMS} items")
    most = _possible_length(constraints)
    if most is not None and least > most:
        raise NoInstance(constraints.pointer, keyword, f"at most {most} items are possible")
    return least, most


def _possible_length(constraints: Constraints) -> int | None:
    """The greatest possible length. Beyond the longest prefix, all indexes are alike."""
    longest = max((len(rule.prefix) for rule in constraints.item_rules), default=0)
    most = constraints.max_items
    for index in range(longest + 1 if most is None else min(most, longest + 1)):
        if any(subschema.never for subschema in subschemas_at(constraints, index)):
            return _length_by_contains(constraints, index) if constraints.contains else index
    return most


def _length_by_contains(constraints: Constraints, index: int) -> int:
    """The greatest possible length if every item from `index` on meets a demand of `contains`."""
    most = index
    for demand in constraints.contains:
        met = frozenset([demand])
        limit = index + (demand.most if demand.most is not None else max(demand.least, 1))
        while most < min(limit, MOST_ITEMS) and not any(
            subschema.never for subschema in subschemas_at(constraints, most, met)
        ):
            most += 1
    return most if constraints.max_items is None else min(most, constraints.max_items)


def _assigned_demands(
    generator: Generator, constraints: Constraints, count: int
) -> list[frozenset[Contains]]:
    """The demands of `contains` that each item has to meet."""
    assigned: list[frozenset[Contains]] = [frozenset()] * count
    for demand in constraints.contains:
        wanted = demand.least
        closed = [
            index
            for index in range(count)
            if any(
                subschema.never for subschema in subschemas_at(constraints, index, assigned[index])
            )
        ]
        order = closed + [i for i in generator.choices.order(range(count)) if i not in closed]
        wanted = max(wanted, min(len(closed), count))
        for index in order:
            both = assigned[index] | {demand}
            if wanted > 0 and not generator.contradictory(subschemas_at(constraints, index, both)):
                assigned[index] = both
                wanted -= 1
        if wanted > 0 and demand.least > 0:
            raise NoInstance(constraints.pointer, "contains", "no item can be as it says")
    return assigned


def _item(
    generator: Generator,
    constraints: Constraints,
    index: int,
    met: frozenset[Contains],
    seen: set[object],
    hint: Hint,
) -> Json:
    subschemas = subschemas_at(constraints, index, met)
    single = Hint(hint.name.removesuffix("s"), hint.description)
    for _ in range(_TRIES * 4 if constraints.unique else 1):
        value = generator.value(subschemas, single)
        if not constraints.unique:
            return value
        key = identity(value)
        if key not in seen:
            seen.add(key)
            return value
    raise NoInstance(constraints.pointer, "uniqueItems", "not enough different items were found")
