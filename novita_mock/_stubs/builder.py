"""The fluent builder that scripts answers in Python: `say`, `json`, `call_tool`, `refuse`...

It only makes rules, which are values of `model`. A scenario file makes the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import orjson

from novita_mock._api.description import Description, load_description
from novita_mock._core.timing import Pace
from novita_mock._faults.catalogue import Fault
from novita_mock._stubs import recorded as recordings
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import JSON_TEMPLATE, TEXT_TEMPLATE, Rule, ScriptedAnswer, ToolCall

if TYPE_CHECKING:
    from novita_mock._faults.catalogue import Faults

Append = Callable[[Rule], None]


class Played(TypedDict, total=False):
    """How often an answer is given, and how it is played; see `RuleBuilder`."""

    times: int | None
    ttft: float
    gap: float
    tokens_per_second: float
    jitter: float
    spread: str
    fault: str
    cut_after: int
    junk: int
    template: bool


_PACE = ("ttft", "gap", "tokens_per_second", "jitter", "spread")
_SHORT = ("cut_after", "junk")


def pace_of(played: Mapping[str, Any]) -> Pace | None:
    """How fast an answer is played; None if `played` leaves it open. Raises ValueError."""
    given = {name: played[name] for name in _PACE if name in played}
    return Pace(**given) if given else None


def fault_of(faults: Callable[[], Faults], played: Mapping[str, Any]) -> Fault | None:
    """The fault of an answer: `fault`, or a fault's name with its first argument. Raises ValueError
    for an unknown fault, and for two faults."""
    spelled = [str(played["fault"])] if "fault" in played else []
    spelled += [f"{name}({played[name]})" for name in _SHORT if name in played]
    if len(spelled) > 1:
        raise ValueError(f"one answer has one fault; got {' and '.join(spelled)}")
    return faults().parse(spelled[0]) if spelled else None


def templated(answer: ScriptedAnswer, when: When, form: str = TEXT_TEMPLATE) -> ScriptedAnswer:
    """`answer` with its texts, or the strings in its JSON, marked as templates. Raises ValueError
    for an invalid template."""
    # Deferred import: Jinja takes a while to load, and few scripts have templates.
    from novita_mock._stubs import templating

    template = replace(answer, template=form)
    templating.check(template, when)
    return template


def check_word(description: Description, operation: str | None, word: str) -> None:
    """Raises ValueError if `operation` takes no scripted answer of that kind."""
    words = description.operations[operation].words if operation else (word,)
    if word not in words:
        raise ValueError(f"{word}: {operation} takes no such answer; it takes {', '.join(words)}")


def replayed(reply: Mapping[str, Any], when: When) -> tuple[ScriptedAnswer, When]:
    """The answer that replays a recorded `reply`, and `when` limited to the operation of the reply.
    Raises ValueError for an invalid reply."""
    data, operation = recordings.recorded(load_description(), reply)
    if when.operation not in (None, operation):
        raise ValueError(f"a reply of {operation} does not answer {when.operation}")
    return ScriptedAnswer(recorded=data), replace(when, operation=operation)


class RuleBuilder:
    """Scripts answers for requests that match `when`. The methods can be chained.

    All methods take `times`, how often the answer is given (None: always); `ttft`, `gap`,
    `tokens_per_second`, `jitter` and `spread`, how fast it is played (see `Pace`); and `fault`,
    what goes wrong with it, spelled as `novita-mock faults` lists it: `"stall(2, seconds=30)"`.
    `cut_after=2` and `junk=2` are short for the faults of these names. With `template=True`, the
    texts are templates over the request. Rules with more conditions answer first, then those that
    were scripted first.
    """

    def __init__(
        self,
        append: Append,
        when: When,
        times: int | None,
        reasons: Collection[str],
        faults: Callable[[], Faults],
    ) -> None:
        self._append = append
        self._when = when
        self._times = times
        self._reasons = reasons
        self._faults = faults

    def say(self, text: str, *, think: str | None = None, **played: Unpack[Played]) -> Self:
        """Answers with `text`, preceded by the reasoning `think` if given."""
        return self._give("say", ScriptedAnswer(say=text, think=think), **played)

    def json(self, value: object, **played: Unpack[Played]) -> Self:
        """Answers with `value` as JSON text."""
        answer = ScriptedAnswer(say=orjson.dumps(value).decode())
        return self._give("json", answer, JSON_TEMPLATE, **played)

    def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | None = None,
        *,
        id: str | None = None,
        **played: Unpack[Played],
    ) -> Self:
        """Answers with a call of the tool `name`. `arguments`: an object, or text sent verbatim."""
        return self.call_tools(ToolCall(name, {} if arguments is None else arguments, id), **played)

    def call_tools(self, *calls: ToolCall, **played: Unpack[Played]) -> Self:
        """Answers with several tool calls at once."""
        return self._give("call_tools", ScriptedAnswer(tool_calls=calls), **played)

    def recorded(self, reply: Mapping[str, Any] | Path | str, **played: Unpack[Played]) -> Self:
        """Answers requests of its operation with a recorded `reply`: the body of a non-streamed
        answer, or the path of a file with it. Raises ValueError for an invalid reply."""
        body = reply if isinstance(reply, Mapping) else recordings.read(Path(reply))
        answer, when = replayed(body, self._when)
        builder = RuleBuilder(self._append, when, self._times, self._reasons, self._faults)
        builder._give("recorded", answer, **played)
        return self

    def refuse(self, reason: str, message: str | None = None, **played: Unpack[Played]) -> Self:
        """Answers with the error `reason`, with the edition's wording unless `message` is given.

        Raises ValueError for a reason that `novita-mock errors` does not list.
        """
        if reason not in self._reasons:
            known = ", ".join(self._reasons)
            raise ValueError(f"no error is called {reason!r}: expected one of {known}")
        return self._give("refuse", ScriptedAnswer(refuse=reason, message=message), **played)

    def fail(self, fault: str, /, **played: Unpack[Played]) -> Self:
        """Answers with generated text, broken by `fault`.

        Raises ValueError for a fault that `novita-mock faults` does not list.
        """
        faulty: Played = {**played, "fault": fault}
        return self._give("fault", ScriptedAnswer(), **faulty)

    def _give(
        self,
        word: str,
        answer: ScriptedAnswer,
        form: str = TEXT_TEMPLATE,
        **played: Unpack[Played],
    ) -> Self:
        check_word(load_description(), self._when.operation, word)
        if unknown := set(played) - Played.__annotations__.keys():
            known = ", ".join(Played.__annotations__)
            raise TypeError(f"unknown argument {sorted(unknown)[0]!r}: expected one of {known}")
        times = played.pop("times", self._times)
        if times is not None and times < 1:
            raise ValueError(f"times is 1 or more, or None for always; got {times}")
        pace, fault = pace_of(played), fault_of(self._faults, played)
        if played.get("template"):
            answer = templated(answer, self._when, form)
        self._append(Rule(replace(answer, pace=pace, fault=fault), self._when, times))
        return self
