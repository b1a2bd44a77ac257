"""Stub selection, a part of planning: finds the rule of the script that answers a request."""

from __future__ import annotations

from novita_mock._core.errors import Refused
from novita_mock._core.http import Json
from novita_mock._journal.call import CallMetadata, view_of
from novita_mock._stubs.model import IMPROVISED, ScriptedAnswer
from novita_mock._stubs.near_miss import nearest, ready
from novita_mock._stubs.script import Script


def select_stub(script: Script, metadata: CallMetadata, body: Json) -> ScriptedAnswer:
    """The answer of the best matching rule, else `IMPROVISED`. Refuses a request if its rule says
    so, or if no rule takes it and only rules may answer."""
    if not script.rules and not script.only:
        return IMPROVISED
    view = view_of(metadata, body)
    index = metadata.rule = script.take(view)
    if index is None:
        if script.only:
            metadata.missed = nearest(script, view)
            raise Refused("unscripted", nearest=metadata.missed, rule=ready(view))
        return IMPROVISED
    rule = script.rules[index]
    answer = rule.nth(script.used[index])
    if answer.template is not None:
        # Deferred import: Jinja takes a while to load, and few scripts have templates.
        from novita_mock._stubs.templating import fill

        answer = fill(answer, view, rule.when, index)
    metadata.fault = metadata.fault or answer.fault
    if answer.refuse is not None:
        raise Refused(answer.refuse, message=answer.message)
    return answer
