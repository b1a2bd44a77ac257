"""Describes near misses: the call nearest to a rule, and a rule that would have taken a call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from novita_mock._api.request_view import RequestView
from novita_mock._journal.call import Call
from novita_mock._journal.describe import line, view
from novita_mock._stubs.conditions import Condition
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock._stubs.near_miss import seen
from novita_mock._verification.spelling import spell


def suggestion(call: Call, name: str = "novita") -> str:
    """A rule, ready to paste, that would have taken `call`."""
    text = call.redacted(view(call).last_user)
    when = When(operation=call.operation, model=call.model, last_user=text[:60] or None)
    return spell(Rule(ScriptedAnswer(say="..."), when), name)


def nearest(rule: Rule, calls: Iterable[Call]) -> str:
    """Why `rule` was never used: the nearest call, and its first mismatch."""
    best: tuple[int, str] | None = None
    for call in calls:
        request = view(call)
        differing = rule.when.differing(request)
        score = -len(differing)
        if best is None or score > best[0]:
            best = (score, f"{line(call)}\n    {_difference(differing, request)}")
    return best[1] if best else "no call came in"


def _difference(differing: Sequence[Condition], request: RequestView) -> str:
    if not differing:
        return "it fits, but an earlier rule took it"
    wrong = differing[0]
    return f"differs in {wrong.name}: wanted {wrong.wanted!r}, got {seen(wrong, request)}"
