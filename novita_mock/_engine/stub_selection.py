"""Stub selection: finds the rule of the script that answers a request."""

from __future__ import annotations

from novita_mock._core.errors import Refused
from novita_mock._core.http import Json, value
from novita_mock._journal.call import CallMetadata, view_of
from novita_mock._stubs.model import IMPROVISED, ScriptedAnswer
from novita_mock._stubs.near_miss import nearest, ready
from novita_mock._stubs.script import Script


@value
class Selection:
    """What the script says to a request: an answer, perhaps of the rule at an index, or a refusal.
    `missed`: why no rule took a request that only rules may answer."""

    answer: ScriptedAnswer = IMPROVISED
    rule: int | None = None
    missed: str | None = None
    refusal: Refused | None = None


NOTHING = Selection()


def select_stub(script: Script, metadata: CallMetadata, body: Json) -> Selection:
    """The answer of the best matching rule, which is used; else `NOTHING`, or a refusal if only
    rules may answer."""
    if not script.rules and not script.only:
        return NOTHING
    view = view_of(metadata, body)
    index = script.take(view)
    if index is None:
        if not script.only:
            return NOTHING
        missed = nearest(script, view)
        refusal = Refused("unscripted", nearest=missed, rule=ready(view))
        return Selection(missed=missed, refusal=refusal)
    rule = script.rules[index]
    answer = rule.nth(script.used[index])
    if answer.template is not None:
        # Deferred import: Jinja takes a while to load, and few scripts have templates.
        from novita_mock._stubs.templating import fill

        try:
            answer = fill(answer, view, rule.when, index)
        except Refused as refusal:
            return Selection(rule=index, refusal=refusal)
    if answer.refuse is not None:
        return Selection(answer, index, refusal=Refused(answer.refuse, message=answer.message))
    return Selection(answer, index)
