"""The boundary cases for every target: one request for nearly every constraint.

A constraint is a node of the request schemas and a way to break it; what both operations share
counts once. Those that a server most likely forgets come first, up to `MOST_CASES`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from ..wire.exchange import Json
from ..wire.views import CHAT, TEXT
from .boundaries import Case, cases, confirmed, put, settled
from .clamp import MEDIA
from .full_requests import MODEL
from .requests import MESSAGES, PROMPT

# The requests of a default live run that are left for constraints.
MOST_CASES = 77
# A typed decoder catches the later ones by itself; the first ones need a line of code each.
WAYS = ("value", "missing", "above", "type", "pattern", "below", "fraction", "null")
_SIDES = {
    "required": "missing", "enum": "value", "const": "value", "pattern": "pattern",
    "maximum": "above", "exclusiveMaximum": "above", "maxItems": "above", "maxLength": "above",
    "minimum": "below", "exclusiveMinimum": "below", "minItems": "below", "minLength": "below",
}  # fmt: skip
# The least that an operation needs, and cheap if it is answered after all.
PLAIN: dict[str, Json] = {
    CHAT: {"model": MODEL, "messages": MESSAGES, "max_tokens": 1},
    TEXT: {"model": MODEL, "prompt": PROMPT, "max_tokens": 1},
}


def way(case: Case) -> str:
    """How a case breaks its keyword."""
    if case.keyword == "type":
        return case.what if case.what in ("fraction", "null") else "type"
    return _SIDES[case.keyword]


def _is_clear(case: Case) -> bool:
    """Whether the value is wrong by more than rounding, and in every reading of the docs."""
    near = case.what.startswith(("above", "below", "at ")) and not _is_whole(case)
    return not near and case.what != "wrong case"


def _is_whole(case: Case) -> bool:
    value: Any = case.body
    for step in case.path:
        value = value[step]
    return isinstance(value, int) and case.keyword in ("minimum", "maximum")


@cache
def constraints() -> dict[str, dict[str, list[Case]]]:
    """By node and way, the cases that break the constraint, one per operation."""
    found: dict[str, dict[str, list[Case]]] = {}
    for case in cases():
        if case.valid or not settled(case) or not _is_clear(case):
            continue
        there = found.setdefault(case.node, {}).setdefault(way(case), [])
        if case.operation not in [one.operation for one in there]:
            there.append(case)
    for ways in found.values():
        # An unlisted value is refused whatever its type.
        if "value" in ways:
            ways.pop("type", None)
    return found


def _rank(case: Case, turn: int) -> int:
    """How early a constraint comes; `turn` counts the earlier ones of the same node."""
    names = [step for step in case.path if isinstance(step, str)]
    if way(case) in ("fraction", "null"):
        return 6
    if len(names) == 1:
        return (0, 2, 3)[turn]
    if turn:
        return 5
    if set(names) & set(MEDIA):
        # A text model refuses them for another reason.
        return 5
    return 4 if way(case) == "type" and isinstance(case.path[-1], str) else 1


@cache
def ranked() -> tuple[Case, ...]:
    """One case per constraint, the most telling ones first; operations take turns."""
    rows: list[tuple[int, int, Case]] = []
    for number, ways in enumerate(constraints().values()):
        for turn, name in enumerate(sorted(ways, key=WAYS.index)):
            there = ways[name]
            case = there[(number + turn) % len(there)]
            rows.append((_rank(case, turn), len(rows), case))
    return tuple(case for *_, case in sorted(rows, key=lambda row: row[:2]))


def plain(case: Case) -> Case:
    """The same constraint broken in the smallest request that breaks nothing else."""
    own = PLAIN[case.operation]
    kept = {key: value for key, value in own.items() if key != case.root}
    wanted = {case.root: case.body[case.root]} if case.root in case.body else {}
    made = replace(case, body={**kept, **wanted})
    needed = iter(case.body)
    while not confirmed(made):
        name = next(needed)
        if name not in (*own, case.root):
            made = replace(case, body={**kept, **wanted, name: case.body[name]})
    return made


@cache
def chosen() -> dict[str, Case]:
    """The cases of the catalogue by name."""
    return {case.name: plain(case) for case in ranked()[:MOST_CASES]}


def streamed(case: Case) -> Case:
    """The case as a stream, if that breaks nothing else."""
    made = replace(case, body=put(case.body, ("stream",), True))
    return made if confirmed(made) else case


def about(case: Case) -> str:
    """The member whose constraints are judged together, e.g. `messages.tool_calls`."""
    names = [step for step in case.path if isinstance(step, str)]
    return ".".join(names[:2])


def outermost(members: set[str]) -> set[str]:
    """The members inside no other one: a server that ignores a member ignores its content."""
    return {
        one for one in members
        if not any(one.startswith(f"{other}.") for other in members)
    }  # fmt: skip
