"""Which rule of a scenario answers a request, and why: what `novita-mock explain` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._api.request_view import RequestView
from novita_mock._core.http import Json
from novita_mock._stubs.model import Rule
from novita_mock._stubs.near_miss import (
    NearMiss,
    compare,
    mismatch,
    nearest_of,
    ready,
    seen,
    wanted,
    why_not,
)
from novita_mock._stubs.script import Script


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which of the `compared` rules wins, and why. If none does, `why` says it of the nearest rule,
    and `rule` is a rule that would have answered, ready to paste."""

    compared: tuple[NearMiss, ...]
    winner: str | None
    why: str
    rule: str | None

    def lines(self) -> list[str]:
        """The explanation as lines for a terminal."""
        lines = [line for one in self.compared for line in _lines(one)]
        lines += ["", self.why]
        return lines if self.rule is None else [*lines, "A rule that does:", "", self.rule]

    def as_json(self) -> Json:
        """The explanation as JSON."""
        rows = [
            {
                "rule": one.rule_name,
                "weight": one.rule.weight,
                "fits": not one.differing,
                "differs": [
                    {"condition": c.name, "wanted": wanted(c), "got": seen(c, one.view)}
                    for c in one.differing
                ],
            }
            for one in self.compared
        ]
        return {"winner": self.winner, "why": self.why, "ready": self.rule, "rules": rows}


def view(
    description: Description, data: bytes, headers: Mapping[str, str], operation: str | None = None
) -> RequestView:
    """The view of a request with the body `data`. Without `operation`, the members of the body
    identify it. Raises ValueError if `data` is not JSON or violates the operation's schema."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    row = description.operations[operation or _implied(description, body)]
    validator = description.validator(str(row.request))
    if problem := problems.complaint(validator, body):
        raise ValueError(problem)
    sent = {key.lower().encode("latin-1"): v.encode("latin-1") for key, v in headers.items()}
    stream = bool(body.get("stream"))
    return RequestView(row.name, body["model"], stream, body, sent, row.prompt)


def _implied(description: Description, body: Any) -> str:
    """The operation whose first required member, besides the model, `body` has. Raises
    ValueError."""
    members = {}
    for name in description.scripted:
        schema = description.schema(str(description.operations[name].request))
        members[name] = next(member for member in schema["required"] if member != "model")
    for name, member in members.items():
        if isinstance(body, dict) and member in body:
            return name
    neither = " nor ".join(members.values())
    raise ValueError(f"neither {neither} is in the body: give its --operation")


def explain(rules: Sequence[Rule], view: RequestView) -> Explanation:
    """Which of `rules` answers the request if none of them has been used yet."""
    index = Script(rules).take(view)
    compared = tuple(compare(rule, view, i) for i, rule in enumerate(rules))
    if index is not None:
        return Explanation(compared, compared[index].rule_name, _reason(compared, index), None)
    why = f"No rule answers: {why_not(nearest_of(compared))}."
    return Explanation(compared, None, why, ready(view))


def _lines(one: NearMiss) -> list[str]:
    conditions, exact = one.rule.weight
    head = f"{one.rule_name} ({max(conditions, 0)} conditions, {exact} exact)"
    if not one.differing:
        return [f"{head}: fits"]
    return [f"{head}: differs", *(f"  {mismatch(c, one.view)}" for c in one.differing)]


def _reason(compared: Sequence[NearMiss], index: int) -> str:
    name, weight = compared[index].rule_name, compared[index].rule.weight
    others = [one.rule.weight for one in compared if not one.differing and one.index != index]
    if weight[0] < 0:
        return f"{name} answers: no rule fits."
    if not others:
        return f"{name} answers: no other fits."
    best = max(others)
    if best[0] < weight[0]:
        return f"{name} answers: of those that fit it has the most conditions."
    if best < weight:
        return f"{name} answers: of those that fit with as many conditions it has the most exact."
    return f"{name} answers: of equals it is the first."
