"""Which rule of the script answers a request. Part of the stage; only scripted mocks come here."""

from __future__ import annotations

import orjson

from novita_mock._api.request_view import Facts
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json
from novita_mock._journal.ledger import About, Script
from novita_mock._stubs.conditions import Condition
from novita_mock._stubs.model import IMPROVISED, Answer

_SHOWN = 60


def cue(script: Script, about: About, body: Json) -> Answer:
    """The answer of the rule that fits best; without one, an answer that leaves all open."""
    if not script.rules and not script.only:
        return IMPROVISED
    facts = facts_of(about, body)
    index = about.rule = script.take(facts)
    if index is None:
        if script.only:
            about.missed = nearest(script, facts)
            raise Refused("unscripted", nearest=about.missed, rule=ready(facts))
        return IMPROVISED
    rule = script.rules[index]
    answer = rule.nth(script.used[index])
    if answer.template is not None:
        # Few scripts have templates, and their library takes a while to import.
        from novita_mock._stubs.templating import fill

        answer = fill(answer, facts, rule.when, index)
    about.fault = about.fault or answer.fault
    if answer.refuse is not None:
        raise Refused(answer.refuse, message=answer.message)
    return answer


def facts_of(about: About, body: Json) -> Facts:
    """What a rule can look at in `body`, and in what is known `about` it."""
    return Facts(str(about.operation), about.model, about.stream, body, about.headers)


def nearest(script: Script, facts: Facts) -> str:
    """Why no rule fits: the rule of which most conditions do, and the first that does not."""
    found = [rule.when.differing(facts) for rule in script.rules]
    if not found:
        return "there are no rules"
    whens = [rule.when for rule in script.rules]
    # Of two rules with as many fitting conditions, the one that was used up comes nearer.
    scores = [(len(w.conditions) - len(d), not d) for w, d in zip(whens, found, strict=True)]
    index = scores.index(max(scores))
    if not found[index]:
        return f"rule {index + 1} was used {script.rules[index].times} times already"
    wrong = found[index][0]
    return f"rule {index + 1} wants {wrong.name}={wrong.wanted!r}; got {seen(wrong, facts)}"


def shown(value: object) -> str:
    """`value` as it is written in Python, shortened."""
    return _short(repr(value))


def seen(condition: Condition, facts: Facts) -> str:
    """What `facts` have where `condition` looks, shortened, without the caller's key."""
    # First hidden: half a key could not be found any more.
    return _short(facts.hide(repr(condition.actual(facts))))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def ready(facts: Facts) -> str:
    """A rule for a scenario file, ready to paste, that would have taken the request. In one line,
    which is YAML as well as JSON."""
    asked: Json = {"operation": facts.operation, "model": facts.model}
    if facts.last_user:
        asked["last_user"] = facts.hide(facts.last_user)[:_SHOWN]
    return "- " + orjson.dumps({"when": asked, "say": "..."}).decode()
