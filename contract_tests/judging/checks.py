"""Checks: plain functions over a server's answers, each with its strength and its source.

`check` marks a function of the whole `Api`. `each` marks a function of one subject of an exchange
(an answer, a stream, an error ...), so that it judges generated requests, too. pytest, `run` below
and the reducer can all apply them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from novita_mock._core.redaction import Redactor

from ..wire.exchange import Exchange, Hide
from .probe import Api
from .verdicts import FAILED, PASSED, SKIPPED, UNREADABLE, Failed, Skipped

Select = Callable[[Api, Exchange], Iterable[Any]]
Judge = Callable[..., None]


@dataclass(frozen=True)
class Check:
    """A statement about a server. `select` finds the subjects of an `each` check."""

    name: str
    strength: str
    source: str
    chapter: str
    judge: Judge
    select: Select | None = None
    cases: tuple[Any, ...] = ()

    @property
    def sentence(self) -> str:
        words = self.name.removeprefix("test_").replace("_", " ")
        return words[:1].upper() + words[1:] + "."


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check; `judged` counts the subjects that it was applied to."""

    check: Check
    verdict: str
    judged: int = 0
    reason: str = ""
    documented: str = ""
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)
    case: str = ""


CHECKS: dict[str, Check] = {}


def check(strength: str, source: str, cases: Sequence[Any] = ()) -> Callable[[Judge], Judge]:
    """Marks `judge(api)`, or `judge(api, case)`, as a check."""

    def mark(judge: Judge) -> Judge:
        _register(judge, strength, source, None, tuple(cases))
        if cases:
            return pytest.mark.parametrize("case", cases, ids=str)(judge)
        return judge

    return mark


def each(select: Select, strength: str, source: str) -> Callable[[Judge], Judge]:
    """Marks `judge(subject)` as a check of everything that `select` finds in an exchange."""

    def mark(judge: Judge) -> Judge:
        made = _register(judge, strength, source, select, ())

        def over_all(api: Api) -> None:
            judge_all(made, api, api.exchanges())

        over_all.__name__ = judge.__name__
        over_all.__doc__ = judge.__doc__
        over_all.__module__ = judge.__module__
        return over_all

    return mark


def _register(
    judge: Judge, strength: str, source: str, select: Select | None, cases: tuple[Any, ...]
) -> Check:
    chapter = (inspect.getmodule(judge) or inspect).__name__.rpartition(".")[2]
    made = Check(judge.__name__, strength, source, chapter, judge, select, cases)
    CHECKS[made.name] = made
    return made


def judge_all(check: Check, api: Api, exchanges: Iterable[Exchange]) -> int:
    """Applies an `each` check to exchanges and counts the subjects; Skipped if there are none."""
    judged = sum(judge_one(check, api, exchange) for exchange in exchanges)
    if not judged:
        raise Skipped("no answer of the kind that this check speaks of came")
    return judged


def judge_one(check: Check, api: Api, exchange: Exchange) -> int:
    """Applies an `each` check to one exchange and counts the subjects in it."""
    judged = 0
    try:
        for subject in check.select(api, exchange) if check.select else ():
            check.judge(subject)
            judged += 1
    except UNREADABLE:
        return judged
    except Failed as failure:
        shown = failure.exchanges or (exchange,)
        raise Failed(failure.came, failure.documented, *shown) from None
    return judged


def run(check: Check, api: Api, case: Any = None) -> CheckResult:
    """Judges a target by one check."""
    named = "" if case is None else str(case)
    api.looked_at.clear()
    try:
        if check.select is not None:
            judged = judge_all(check, api, api.exchanges())
        else:
            check.judge(api, *([] if case is None else [case]))
            judged = len(api.looked_at)
    except Skipped as why:
        return CheckResult(check, SKIPPED, 0, str(why), case=named)
    except UNREADABLE as why:
        # Hide before shortening: half a key would not be recognized.
        shown = Redactor(api.target.key)(repr(why))[:120]
        reason = f"a reply has a shape that this check cannot read: {shown}"
        return CheckResult(check, SKIPPED, 0, reason, case=named)
    except Failed as failure:
        exchanges = failure.exchanges or tuple(api.looked_at[-2:])
        documented = failure.documented or check.sentence
        return CheckResult(check, FAILED, 1, failure.came, documented, exchanges, named)
    if not judged:
        return CheckResult(check, SKIPPED, 0, "the check looked at no answer", case=named)
    return CheckResult(check, PASSED, judged, case=named)


def message(finding: CheckResult, base: str, hide: Hide = str) -> str:
    """The text of a failed check: what was sent, what came, what is documented."""
    shown = [exchange.shown(base, hide) for exchange in finding.exchanges[:3]]
    check = finding.check
    head = f"{check.sentence} [{check.strength}; {check.source}]"
    expected = f"documented: {finding.documented} ({check.source})"
    return hide("\n".join([head, f"broken: {finding.reason}", *shown, expected]))
