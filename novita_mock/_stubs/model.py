"""The values of a script: what is answered, when, how often and how it is played.

Values only: planning selects a rule; generation and rendering carry it out. Python code, pytest
markers and scenario files make the same values.
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
    """A tool call. `arguments`: an object, or text that is sent verbatim."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """An answer: a text, tool calls and reasoning in any combination, a refusal, or a `recorded`
    reply; and the pace and the fault with which it is played.

    `recorded` is the unchanged body of a non-streamed answer. `template`: the texts are templates
    over the request; with `JSON_TEMPLATE`, the strings in the JSON of `say` are.
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
        """Whether it leaves the content open."""
        nothing = self.say is None and self.think is None and self.recorded is None
        return nothing and not self.tool_calls


IMPROVISED = ScriptedAnswer()
"""The answer that leaves everything open."""
TEXT_TEMPLATE, JSON_TEMPLATE = "text", "json"


@dataclass(frozen=True, slots=True)
class Rule:
    """Gives `answer` to requests that match `when`, at most `times` (None: always).

    `later`: the answers from the second request on; the last one repeats. `fallback`: the rule
    answers only requests that no other rule takes.
    """

    answer: ScriptedAnswer
    when: When = field(default_factory=When)
    times: int | None = None
    later: tuple[ScriptedAnswer, ...] = ()
    fallback: bool = False

    @property
    def answers(self) -> tuple[ScriptedAnswer, ...]:
        """All answers, in order."""
        return (self.answer, *self.later)

    @property
    def weight(self) -> tuple[int, int]:
        """How specific the rule is. Among matching rules the most specific wins, then the first."""
        return (-1, 0) if self.fallback else self.when.weight

    def nth(self, use: int) -> ScriptedAnswer:
        """The answer to the rule's request number `use`, counted from 1."""
        return self.answers[min(use, 1 + len(self.later)) - 1] if self.later else self.answer
