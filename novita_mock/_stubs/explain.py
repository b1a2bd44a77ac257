"""Which rule of a scenario answers a request, and why: what `novita-mock explain` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._api.request_view import RequestView
from novita_mock._core.http import Json
from novita_mock._stubs.model import Rule
from novita_mock._stubs.near_miss import ready, seen, shown
from novita_mock._stubs.script import Script

# The member of a body that identifies its operation.
_OPERATION_BY_MEMBER = {"messages": "chat.completions", "prompt": "completions"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule matches a request. Each item of `differs` is a condition that the request does
    not meet: its name, the wanted value and the actual value."""

    name: str
    weight: tuple[int, int]
    differs: tuple[tuple[str, str, str], ...]

    @property
    def fits(self) -> bool:
        """Whether the rule may answer."""
        return not self.differs


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which of the `verdicts` wins, and why. If none does, `why` names the nearest rule, and `rule`
    is a rule that would have answered, ready to paste."""

    verdicts: tuple[Verdict, ...]
    winner: str | None
    why: str
    rule: str | None

    def lines(self) -> list[str]:
        """The explanation as lines for a terminal."""
        lines = [line for verdict in self.verdicts for line in _lines(verdict)]
        lines += ["", self.why]
        return lines if self.rule is None else [*lines, "A rule that does:", "", self.rule]

    def as_json(self) -> Json:
        """The explanation as JSON."""
        names = ("condition", "wanted", "got")
        rows = [
            {
                "rule": verdict.name,
                "weight": verdict.weight,
                "fits": verdict.fits,
                "differs": [dict(zip(names, row, strict=True)) for row in verdict.differs],
            }
            for verdict in self.verdicts
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
    members = body if isinstance(body, dict) else {}
    named = (name for member, name in _OPERATION_BY_MEMBER.items() if member in members)
    name = operation or next(named, None)
    if name is None:
        neither = " nor ".join(_OPERATION_BY_MEMBER)
        raise ValueError(f"neither {neither} is in the body: give its --operation")
    validator = description.validator(str(description.operations[name].request))
    if problem := problems.complaint(validator, body):
        raise ValueError(problem)
    sent = {key.lower().encode("latin-1"): v.encode("latin-1") for key, v in headers.items()}
    return RequestView(name, body["model"], bool(body.get("stream")), body, sent)


def explain(rules: Sequence[Rule], view: RequestView) -> Explanation:
    """Which of `rules` answers the request if none of them has been used yet."""
    index = Script(rules).take(view)
    names = ["default" if rule.fallback else f"rule {i + 1}" for i, rule in enumerate(rules)]
    verdicts = tuple(_verdict(*pair, view) for pair in zip(names, rules, strict=True))
    if index is not None:
        return Explanation(verdicts, names[index], _reason(verdicts, index), None)
    return Explanation(verdicts, None, f"No rule answers. {_nearest(verdicts)}", ready(view))


def _verdict(name: str, rule: Rule, view: RequestView) -> Verdict:
    differing = rule.when.differing(view)
    rows = ((c.name, shown(c.wanted), seen(c, view)) for c in differing)
    return Verdict(name, rule.weight, tuple(rows))


def _lines(verdict: Verdict) -> list[str]:
    conditions, exact = verdict.weight
    weight = f"{max(conditions, 0)} conditions, {exact} exact"
    if verdict.fits:
        return [f"{verdict.name} ({weight}): fits"]
    head = f"{verdict.name} ({weight}): differs"
    return [head, *(f"  in {name}: wants {want}; got {got}" for name, want, got in verdict.differs)]


def _reason(verdicts: Sequence[Verdict], index: int) -> str:
    name, weight = verdicts[index].name, verdicts[index].weight
    others = [v.weight for i, v in enumerate(verdicts) if v.fits and i != index]
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


def _nearest(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return "There are none."
    near = max(verdicts, key=lambda verdict: verdict.weight[0] - len(verdict.differs))
    name, wanted, got = near.differs[0]
    return f"The nearest is {near.name}, which first differs in {name}: wants {wanted}; got {got}."
