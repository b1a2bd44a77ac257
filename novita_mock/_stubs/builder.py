"""The words with which an answer is scripted in Python: `say`, `json`, `call_tool`, `refuse`...

They only make rules, which are values of `_scenario`; a scenario file makes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import orjson

from novita_mock._api.description import load_description
from novita_mock._core.timing import Pace
from novita_mock._faults.catalogue import Fault
from novita_mock._stubs import recorded as recordings
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import JSON_TEMPLATE, TEXT_TEMPLATE, Rule, ScriptedAnswer, ToolCall

if TYPE_CHECKING:
    from novita_mock._faults.catalogue import Faults

Append = Callable[[Rule], None]


class Played(TypedDict, total=False):
    """How often and how an answer is given; see `Words`."""

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
    """How fast an answer is played; None if nothing is said of it. Raises ValueError."""
    said = {name: played[name] for name in _PACE if name in played}
    return Pace(**said) if said else None


def fault_of(faults: Callable[[], Faults], played: Mapping[str, Any]) -> Fault | None:
    """What goes wrong with an answer: `fault`, or a fault's name with its first argument. Raises
    ValueError for what is no fault, and for two of them."""
    asked = [str(played["fault"])] if "fault" in played else []
    asked += [f"{name}({played[name]})" for name in _SHORT if name in played]
    if len(asked) > 1:
        raise ValueError(f"one answer has one fault; got {' and '.join(asked)}")
    return faults().parse(asked[0]) if asked else None


def templated(answer: ScriptedAnswer, when: When, form: str = TEXT_TEMPLATE) -> ScriptedAnswer:
    """`answer` with its texts as templates, or those inside its JSON. Raises ValueError for what
    is no template."""
    # Few scripts have templates, and their library takes a while to import.
    from novita_mock._stubs import templating

    made = replace(answer, template=form)
    templating.check(made, when)
    return made


def replayed(reply: Mapping[str, Any], when: When) -> tuple[ScriptedAnswer, When]:
    """The answer that plays a recorded `reply` again, and the requests that it is for: those of
    its operation. Raises ValueError for what is no reply."""
    data, operation = recordings.recorded(load_description(), reply)
    if when.operation not in (None, operation):
        raise ValueError(f"a reply of {operation} does not answer {when.operation}")
    return ScriptedAnswer(recorded=data), replace(when, operation=operation)


class RuleBuilder:
    """Scripts answers for the requests that fit `when`; each word can be followed by the next.

    All words take `times`, how often the answer is given (None: always); `ttft`, `gap`,
    `tokens_per_second`, `jitter`, `spread`, how fast it is played (see `Pace`); and `fault`, what
    goes wrong with it, spelt as `novita-mock faults` lists them: `"stall(2, seconds=30)"`.
    `cut_after=2` is short for the fault of that name, and so is `junk=2`. With `template=True` the
    texts are templates over the request. Answers are given in the order in which they were
    scripted, those with more conditions first.
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
        """Answers with `text`, after the reasoning `think` if there is one."""
        return self._give(ScriptedAnswer(say=text, think=think), **played)

    def json(self, value: object, **played: Unpack[Played]) -> Self:
        """Answers with `value` as JSON text."""
        return self._give(ScriptedAnswer(say=orjson.dumps(value).decode()), JSON_TEMPLATE, **played)

    def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | None = None,
        *,
        id: str | None = None,
        **played: Unpack[Played],
    ) -> Self:
        """Answers with a call of the tool `name`. `arguments`: an object, or text sent as it is."""
        return self.call_tools(ToolCall(name, {} if arguments is None else arguments, id), **played)

    def call_tools(self, *calls: ToolCall, **played: Unpack[Played]) -> Self:
        """Answers with several calls at once."""
        return self._give(ScriptedAnswer(tool_calls=calls), **played)

    def recorded(self, reply: Mapping[str, Any] | Path | str, **played: Unpack[Played]) -> Self:
        """Answers requests of its operation with a recorded `reply`: the body of an answer that was
        not streamed, or the path of a file that has it. Raises ValueError for what is none."""
        body = reply if isinstance(reply, Mapping) else recordings.read(Path(reply))
        answer, when = replayed(body, self._when)
        words = RuleBuilder(self._append, when, self._times, self._reasons, self._faults)
        words._give(answer, **played)
        return self

    def refuse(self, reason: str, message: str | None = None, **played: Unpack[Played]) -> Self:
        """Answers with the error `reason`, worded as the edition does unless `message` is given.

        Raises ValueError for a reason that `novita-mock errors` does not list.
        """
        if reason not in self._reasons:
            known = ", ".join(self._reasons)
            raise ValueError(f"no error is called {reason!r}: expected one of {known}")
        return self._give(ScriptedAnswer(refuse=reason, message=message), **played)

    def fail(self, fault: str, /, **played: Unpack[Played]) -> Self:
        """Answers with a made-up text, and with what goes wrong in `fault`.

        Raises ValueError for a fault that `novita-mock faults` does not list.
        """
        given: Played = {**played, "fault": fault}
        return self._give(ScriptedAnswer(), **given)

    def _give(
        self, answer: ScriptedAnswer, form: str = TEXT_TEMPLATE, **played: Unpack[Played]
    ) -> Self:
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
