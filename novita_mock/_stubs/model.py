"""The words of a script: what is answered, when, how often and how it is played.

Values only; `_stage` looks a rule up, `_compose` and `_encode` carry it out. The same words serve
Python, a pytest marker and a scenario file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from novita_mock._core.timing import Pace
from novita_mock._faults.catalogue import Fault
from novita_mock._stubs.criteria import When


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool. `arguments`: an object, or text to be sent as it is."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """What is answered: a text, tool calls and reasoning in any combination, a refusal, or a
    `recorded` reply; how fast it is played, and what goes wrong with it.

    `recorded` is the body of an answer that was not streamed, byte by byte. `template`: the texts
    are templates over the request; for JSON the texts inside `say`.
    """

    say: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    think: str | None = None
    refuse: str | None = None
    message: str | None = None
    pace: Pace | None = None
    fault: Fault | None = None
    recorded: bytes | None = None
    template: str | None = None

    @property
    def is_improvised(self) -> bool:
        """Whether it leaves open what is said."""
        said = (self.say, self.think, self.recorded)
        return not self.tool_calls and all(part is None for part in said)


IMPROVISED = ScriptedAnswer()
"""An answer that leaves everything open."""
TEXT_TEMPLATE, JSON_TEMPLATE = "text", "json"


@dataclass(frozen=True, slots=True)
class Rule:
    """Answer so, when the request is so; `times` at most (None: always).

    `later`: what is answered from the second time on, the last again and again. `fallback`: it
    answers only what no other rule takes.
    """

    answer: ScriptedAnswer
    when: When = field(default_factory=When)
    times: int | None = None
    later: tuple[ScriptedAnswer, ...] = ()
    fallback: bool = False

    @property
    def answers(self) -> tuple[ScriptedAnswer, ...]:
        """What is answered, in order."""
        return (self.answer, *self.later)

    @property
    def weight(self) -> tuple[int, int]:
        """How specific the rule is: of the rules that fit, the heaviest wins, then the first."""
        return (-1, 0) if self.fallback else self.when.weight

    def nth(self, use: int) -> ScriptedAnswer:
        """The answer to the request that the rule takes as its number `use`, counted from 1."""
        return self.answers[min(use, 1 + len(self.later)) - 1] if self.later else self.answer
