"""The words of a script: what is answered, when, how often and how it is played.

Values only; `_stage` looks a rule up, `_compose` and `_encode` carry it out. The same words serve
Python, a pytest marker and a scenario file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import repeat
from random import Random
from typing import Any

Text = str | re.Pattern[str]


SPREADS = ("normal", "lognormal", "constant")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an answer is played.

    ttft: seconds to the first token.
    gap: seconds between tokens (inter-token latency).
    tokens_per_second: says the gap as a rate; one of the two.
    jitter: by how much both vary, as the standard deviation's share of the mean; 0: not at all.
    spread: the distribution of what varies: `normal`, `lognormal`, or `constant` for none.

    An answer that is not streamed comes when its last token would have come. Raises ValueError for
    a value below zero, an unknown spread, or a gap and a rate together.
    """

    ttft: float = 0.0
    gap: float = 0.0
    tokens_per_second: float | None = None
    jitter: float = 0.0
    spread: str = SPREADS[0]

    def __post_init__(self) -> None:
        for name in ("ttft", "gap", "jitter"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is 0 or more; got {getattr(self, name)}")
        if self.spread not in SPREADS:
            raise ValueError(f"spread is one of {', '.join(SPREADS)}; got {self.spread!r}")
        rate = self.tokens_per_second
        if rate is not None:
            if not rate > 0:
                raise ValueError(f"tokens_per_second is above 0; got {rate}")
            if self.gap:
                raise ValueError("gap and tokens_per_second say the same; give one of them")
            object.__setattr__(self, "gap", 1 / rate)
            object.__setattr__(self, "tokens_per_second", None)

    def pauses(self, seed: str) -> Iterator[float]:
        """Seconds to the first token, then those between tokens, without end. Equal seeds give
        equal pauses."""
        if not self.jitter or self.spread == "constant":
            yield self.ttft
            yield from repeat(self.gap)
        chance = Random(seed)
        yield self._varied(self.ttft, chance)
        while True:
            yield self._varied(self.gap, chance)

    def _varied(self, mean: float, chance: Random) -> float:
        if not mean:
            return 0.0
        if self.spread == "normal":
            return max(0.0, chance.gauss(mean, self.jitter * mean))
        variance = math.log1p(self.jitter**2)
        return chance.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a reply: a name of `schemas/faults.json`, and its arguments."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.name}({told})"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool. `arguments`: an object, or text to be sent as it is."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a text, tool calls and reasoning in any combination, or a refusal; how fast
    it is played, and what goes wrong with it."""

    say: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    think: str | None = None
    refuse: str | None = None
    message: str | None = None
    pace: Pace | None = None
    fault: Fault | None = None

    @property
    def is_improvised(self) -> bool:
        """Whether it leaves open what is said."""
        return self.say is None and not self.tool_calls and self.think is None


IMPROVISED = Answer()
"""An answer that leaves everything open."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule can look at in a request."""

    operation: str
    model: str | None
    stream: bool
    last_user: str
    system: str
    turn: int
    tool_result: str | None


@dataclass(frozen=True, slots=True)
class When:
    """What a request must be like. A field that is None does not matter.

    `model` takes the wildcards `*` and `?`; `last_user`, `system` and `tool_result` are text that
    must occur, case aside, or a compiled pattern that must match somewhere; `turn` counts the
    user's messages from 1.
    """

    operation: str | None = None
    model: str | None = None
    last_user: Text | None = None
    system: Text | None = None
    turn: int | None = None
    tool_result: Text | bool | None = None
    stream: bool | None = None

    def asked(self) -> dict[str, Any]:
        """The fields that matter."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in named.items() if value is not None}

    def differs(self, facts: Facts) -> str | None:
        """The first field in which `facts` are not as asked, or None if all are."""
        for name, wanted in self.asked().items():
            if not _fits(name, wanted, getattr(facts, name)):
                return name
        return None


def _fits(name: str, wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, re.Pattern):
        return actual is not None and wanted.search(actual) is not None
    if name == "model":
        return actual is not None and fnmatchcase(actual, wanted)
    if name == "tool_result" and isinstance(wanted, bool):
        return (actual is not None) is wanted
    if isinstance(wanted, str) and name != "operation":
        return actual is not None and wanted.casefold() in actual.casefold()
    return bool(actual == wanted)


@dataclass(frozen=True, slots=True)
class Rule:
    """Answer so, when the request is so; `times` at most (None: always)."""

    answer: Answer
    when: When = When()
    times: int | None = None

    @property
    def weight(self) -> int:
        """How specific the rule is: of the rules that fit, the heaviest wins, then the first."""
        return len(self.when.asked())


def choose(rules: Sequence[Rule], used: Sequence[int], facts: Facts) -> int | None:
    """Index of the rule that answers, given how often each was used; None if no rule fits."""
    best: int | None = None
    for index, rule in enumerate(rules):
        if rule.times is not None and used[index] >= rule.times:
            continue
        if best is not None and rule.weight <= rules[best].weight:
            continue
        if rule.when.differs(facts) is None:
            best = index
    return best
