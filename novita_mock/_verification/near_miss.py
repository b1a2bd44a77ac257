"""Near misses among recorded calls: why a rule was not used, and a rule that takes a call.

The comparison itself is in `_stubs/near_miss`; here is what only a call can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from novita_mock._api.description import load_description
from novita_mock._journal.call import Call
from novita_mock._journal.describe import line, view
from novita_mock._stubs.model import Rule
from novita_mock._stubs.near_miss import NearMiss, compare, mismatch, nearest_of, suggested
from novita_mock._stubs.spelling import as_python


def suggestion(call: Call, name: str = "novita") -> str:
    """A rule, ready to paste, that would have taken `call`."""
    return as_python(suggested(view(call)), name)


def nearest(rule: Rule, calls: Iterable[Call], rules: Sequence[Rule]) -> str:
    """The call nearest to `rule`, one of the script's `rules`, and why the rule did not take it. A
    call that scripts cannot answer is named only if there is no other."""
    calls = [*calls]
    answerable = [call for call in calls if _unanswerable(call) is None]
    miss = nearest_of(compare(rule, view(call), i) for i, call in enumerate(answerable))
    if miss is not None:
        call = answerable[miss.index]
        return f"{line(call)}\n    {_why_not(call, miss, rules)}"
    if not calls:
        return "no call came in"
    call = min(calls, key=lambda call: not _is_scripted(call))
    return f"{line(call)}\n    {_unanswerable(call)}"


def _is_scripted(call: Call) -> bool:
    return call.operation in load_description().scripted


def _unanswerable(call: Call) -> str | None:
    """Why no rule was asked for an answer to `call`; None if rules were, or might have been."""
    if call.operation is None:
        return "no operation is at this path"
    if not _is_scripted(call):
        return f"{call.operation} is not answered by scripts"
    return None if call.metadata.valid else "it was refused before any rule was tried"


def _why_not(call: Call, miss: NearMiss, rules: Sequence[Rule]) -> str:
    """Why the rule of `miss` did not take `call`."""
    if miss.differing:
        return f"the rule {mismatch(miss.differing[0], miss.view)}"
    index = call.metadata.rule
    if index is None and call.metadata.missed is None and call.metadata.reason is not None:
        return "it fits, but was refused before any rule was tried"
    # If another script has been loaded since, its rule at this place need not be the one.
    taker = rules[index] if index is not None and index < len(rules) else miss.rule
    if taker is miss.rule or taker.when.differing(miss.view) or taker.weight < miss.rule.weight:
        return "it fits, but came in before the rule was scripted"
    which = "an earlier" if taker.weight == miss.rule.weight else "a more specific"
    return f"it fits, but {which} rule took it"
