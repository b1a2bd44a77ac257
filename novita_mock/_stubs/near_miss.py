"""The near miss: the rule that almost took a request, or the request that a rule almost took.

Refusals, `novita-mock explain` and the plugin's failures all compare with the one score here, and
say the same about a mismatch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from novita_mock._api.request_view import RequestView
from novita_mock._core.redaction import REDACTED
from novita_mock._core.text import shorten
from novita_mock._stubs.conditions import Condition, is_literal
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock._stubs.script import Script

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule and a request: the rule's conditions that the request meets, and those that differ.

    `index` is the place of the rule, or of the request, among those that were compared. `used_up`:
    the rule has answered as often as it may.
    """

    index: int
    rule: Rule
    view: RequestView
    matching: tuple[Condition, ...]
    differing: tuple[Condition, ...]
    used_up: bool = False

    @property
    def score(self) -> tuple[int, int]:
        """How near they are: the number of matching conditions; of equals, the one with fewer
        mismatches is nearer, so a rule that is only used up is nearer than one that differs."""
        return len(self.matching), -len(self.differing)

    @property
    def rule_name(self) -> str:
        """The rule as messages name it, if rules were compared."""
        return "default" if self.rule.fallback else f"rule {self.index + 1}"


def compare(rule: Rule, view: RequestView, index: int = 0, used: int = 0) -> NearMiss:
    """How near `rule`, which has answered `used` times, and the request are to each other."""
    differing = tuple(rule.when.differing(view))
    matching = tuple(c for c in rule.when.conditions if c not in differing)
    used_up = rule.times is not None and used >= rule.times
    return NearMiss(index, rule, view, matching, differing, used_up)


def nearest_of(compared: Iterable[NearMiss]) -> NearMiss | None:
    """The one with the highest score, of equals the first; None if nothing was compared."""
    return max(compared, key=lambda miss: miss.score, default=None)


def nearest(script: Script, view: RequestView) -> str:
    """Why no rule takes the request: the nearest rule, and its first mismatch."""
    pairs = zip(script.rules, script.used, strict=True)
    return why_not(nearest_of(compare(rule, view, i, used) for i, (rule, used) in enumerate(pairs)))


def why_not(miss: NearMiss | None) -> str:
    """Why the nearest rule, if there is one, does not take the request: a sentence without its
    full stop."""
    if miss is None:
        return "there are no rules"
    if miss.differing:
        return f"{miss.rule_name} {mismatch(miss.differing[0], miss.view)}"
    if miss.used_up:
        return f"{miss.rule_name} was used {miss.rule.times} times already"
    return f"{miss.rule_name} fits"


def mismatch(condition: Condition, view: RequestView) -> str:
    """What `condition` wants and the request has instead; a rule is the subject."""
    return f"wants {condition.name}={wanted(condition)}; got {seen(condition, view)}"


def wanted(condition: Condition) -> str:
    """The value that `condition` wants, in Python syntax, shortened."""
    return shorten(repr(condition.wanted), _SHOWN)


def seen(condition: Condition, view: RequestView) -> str:
    """The request's value for `condition`, shortened, without the caller's key."""
    # Hide before shortening: half a key would not be recognized.
    return shorten(view.hide(repr(condition.actual(view))), _SHOWN)


def suggested(view: RequestView) -> Rule:
    """A rule that would have taken the request, and does not show the caller's key."""
    # No request contains the mask, so the longest text beside it has to do.
    text = max(view.hide(view.last_user).split(REDACTED), key=len)[:_SHOWN]
    model = view.model if is_literal(view.model) else None
    return Rule(ScriptedAnswer(say="..."), When(view.operation, model, text or None))


def ready(view: RequestView) -> str:
    """A rule for a scenario file, ready to paste, that would have taken the request: one line that
    is both YAML and JSON."""
    # Deferred import: YAML takes a while to load, and few requests are missed.
    from novita_mock._stubs.spelling import as_line

    return as_line(suggested(view))
