"""Describes the near miss: the rule that almost matched a request, and one that would have."""

from __future__ import annotations

import orjson

from novita_mock._api.request_view import RequestView
from novita_mock._core.http import Json
from novita_mock._core.text import shorten
from novita_mock._stubs.conditions import Condition
from novita_mock._stubs.script import Script

_SHOWN = 60


def nearest(script: Script, view: RequestView) -> str:
    """Describe the near miss: the rule with the most matching conditions and its first mismatch."""
    mismatches = [rule.when.differing(view) for rule in script.rules]
    if not mismatches:
        return "there are no rules"
    whens = [rule.when for rule in script.rules]
    # Of two rules with equally many matching conditions, one that is used up is nearer.
    scores = [(len(w.conditions) - len(m), not m) for w, m in zip(whens, mismatches, strict=True)]
    index = scores.index(max(scores))
    if not mismatches[index]:
        return f"rule {index + 1} was used {script.rules[index].times} times already"
    wrong = mismatches[index][0]
    return f"rule {index + 1} wants {wrong.name}={wrong.wanted!r}; got {seen(wrong, view)}"


def shown(value: object) -> str:
    """`value` in Python syntax, shortened."""
    return shorten(repr(value), _SHOWN)


def seen(condition: Condition, view: RequestView) -> str:
    """The request's value for `condition`, shortened, without the caller's key."""
    # Hide before shortening: half a key would not be recognized.
    return shorten(view.hide(repr(condition.actual(view))), _SHOWN)


def ready(view: RequestView) -> str:
    """A rule for a scenario file, ready to paste, that would have taken the request: one line that
    is both YAML and JSON."""
    when: Json = {"operation": view.operation, "model": view.model}
    if view.last_user:
        when["last_user"] = view.hide(view.last_user)[:_SHOWN]
    return "- " + orjson.dumps({"when": when, "say": "..."}).decode()
