"""Laws: plain functions over a server's answers, each with its strength and its source.

`law` marks a function that is given the whole `Api`; `each` marks one that is given subjects of
single exchanges (answers, streams, errors ...), which makes it hold for generated requests too.
Both can be run by pytest, by `judge` below and by the reducer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ..wire.exchange import Exchange
from .probe import Api
from .verdicts import BROKEN, HELD, UNDECIDED, UNREADABLE, Broken, Undecided

Select = Callable[[Api, Exchange], Iterable[Any]]
Judge = Callable[..., None]


@dataclass(frozen=True)
class Law:
    """A sentence that holds for a server. `select` gives the subjects of an `each` law."""

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
class Finding:
    """What became of one law: `judged` counts the subjects that it was held against."""

    law: Law
    verdict: str
    judged: int = 0
    reason: str = ""
    documented: str = ""
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)
    case: str = ""


LAWS: dict[str, Law] = {}


def law(strength: str, source: str, cases: Sequence[Any] = ()) -> Callable[[Judge], Judge]:
    """Marks `judge(api)`, or `judge(api, case)`, as a law."""

    def mark(judge: Judge) -> Judge:
        _register(judge, strength, source, None, tuple(cases))
        if cases:
            return pytest.mark.parametrize("case", cases, ids=str)(judge)
        return judge

    return mark


def each(select: Select, strength: str, source: str) -> Callable[[Judge], Judge]:
    """Marks `judge(subject)` as a law of everything that `select` finds in an exchange."""

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
) -> Law:
    chapter = (inspect.getmodule(judge) or inspect).__name__.rpartition(".")[2]
    made = Law(judge.__name__, strength, source, chapter, judge, select, cases)
    LAWS[made.name] = made
    return made


def judge_all(law: Law, api: Api, exchanges: Iterable[Exchange]) -> int:
    """Holds an `each` law against exchanges; how many subjects there were."""
    judged = sum(judge_one(law, api, exchange) for exchange in exchanges)
    if not judged:
        raise Undecided("no answer of the kind that this law speaks of came")
    return judged


def judge_one(law: Law, api: Api, exchange: Exchange) -> int:
    """Holds an `each` law against one exchange; how many subjects were in it."""
    judged = 0
    try:
        for subject in law.select(api, exchange) if law.select else ():
            law.judge(subject)
            judged += 1
    except UNREADABLE:
        return judged
    except Broken as broken:
        shown = broken.exchanges or (exchange,)
        raise Broken(broken.came, broken.documented, *shown) from None
    return judged


def run(law: Law, api: Api, case: Any = None) -> Finding:
    """Holds a law against a target."""
    named = "" if case is None else str(case)
    api.looked_at.clear()
    try:
        if law.select is not None:
            judged = judge_all(law, api, api.exchanges())
        else:
            law.judge(api, *([] if case is None else [case]))
            judged = len(api.looked_at)
    except Undecided as why:
        return Finding(law, UNDECIDED, 0, str(why), case=named)
    except UNREADABLE as why:
        told = f"a reply has a shape that this law cannot read: {why!r:.120}"
        return Finding(law, UNDECIDED, 0, told, case=named)
    except Broken as broken:
        exchanges = broken.exchanges or tuple(api.looked_at[-2:])
        documented = broken.documented or law.sentence
        return Finding(law, BROKEN, 1, broken.came, documented, exchanges, named)
    if not judged:
        return Finding(law, UNDECIDED, 0, "the law looked at no answer", case=named)
    return Finding(law, HELD, judged, case=named)


def message(finding: Finding, base: str) -> str:
    """The text of a broken law: what was sent, what came, what was documented."""
    shown = [exchange.shown(base) for exchange in finding.exchanges[:3]]
    law = finding.law
    head = f"{law.sentence} [{law.strength}; {law.source}]"
    told = f"documented: {finding.documented} ({law.source})"
    return "\n".join([head, f"broken: {finding.reason}", *shown, told])
