"""Stub selection: which rule of the script answers a request. Only scripted mocks come here."""

from __future__ import annotations

from novita_mock._core.errors import Refused
from novita_mock._core.http import Json
from novita_mock._journal.call import CallMetadata, view_of
from novita_mock._stubs.model import IMPROVISED, ScriptedAnswer
from novita_mock._stubs.near_miss import nearest, ready
from novita_mock._stubs.script import Script


def select_stub(script: Script, metadata: CallMetadata, body: Json) -> ScriptedAnswer:
    """The answer of the rule that fits best; without one, an answer that leaves all open."""
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
        # Few scripts have templates, and their library takes a while to import.
        from novita_mock._stubs.templating import fill

        answer = fill(answer, view, rule.when, index)
    metadata.fault = metadata.fault or answer.fault
    if answer.refuse is not None:
        raise Refused(answer.refuse, message=answer.message)
    return answer
