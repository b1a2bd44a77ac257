"""Which rule of the script answers a request. Part of the stage; only scripted mocks come here."""

from __future__ import annotations

import orjson

from novita_mock._api.request_view import RequestView
from novita_mock._core.http import Json
from novita_mock._core.text import shorten
from novita_mock._stubs.conditions import Condition
from novita_mock._stubs.script import Script

_SHOWN = 60


def nearest(script: Script, view: RequestView) -> str:
    """Why no rule fits: the rule of which most conditions do, and the first that does not."""
    found = [rule.when.differing(view) for rule in script.rules]
    if not found:
        return "there are no rules"
    whens = [rule.when for rule in script.rules]
    # Of two rules with as many fitting conditions, the one that was used up comes nearer.
    scores = [(len(w.conditions) - len(d), not d) for w, d in zip(whens, found, strict=True)]
    index = scores.index(max(scores))
    if not found[index]:
        return f"rule {index + 1} was used {script.rules[index].times} times already"
    wrong = found[index][0]
    return f"rule {index + 1} wants {wrong.name}={wrong.wanted!r}; got {seen(wrong, view)}"


def shown(value: object) -> str:
    """`value` as it is written in Python, shortened."""
    return shorten(repr(value), _SHOWN)


def seen(condition: Condition, view: RequestView) -> str:
    """What `facts` have where `condition` looks, shortened, without the caller's key."""
    # First hidden: half a key could not be found any more.
    return shorten(view.hide(repr(condition.actual(view))), _SHOWN)


def ready(view: RequestView) -> str:
    """A rule for a scenario file, ready to paste, that would have taken the request. In one line,
    which is YAML as well as JSON."""
    asked: Json = {"operation": view.operation, "model": view.model}
    if view.last_user:
        asked["last_user"] = view.hide(view.last_user)[:_SHOWN]
    return "- " + orjson.dumps({"when": asked, "say": "..."}).decode()
