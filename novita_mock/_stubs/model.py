"""The words of a script: what is answered, when, how often and how it is played.

Values only; `_stage` looks a rule up, `_compose` and `_encode` carry it out. The same words serve
Python, a pytest marker and a scenario file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from random import Random
from typing import Any

from novita_mock._stubs.criteria import When

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


IMPROVISED = Answer()
"""An answer that leaves everything open."""
TEXT_TEMPLATE, JSON_TEMPLATE = "text", "json"


@dataclass(frozen=True, slots=True)
class Rule:
    """Answer so, when the request is so; `times` at most (None: always).

    `later`: what is answered from the second time on, the last again and again. `fallback`: it
    answers only what no other rule takes.
    """

    answer: Answer
    when: When = field(default_factory=When)
    times: int | None = None
    later: tuple[Answer, ...] = ()
    fallback: bool = False

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What is answered, in order."""
        return (self.answer, *self.later)

    @property
    def weight(self) -> tuple[int, int]:
        """How specific the rule is: of the rules that fit, the heaviest wins, then the first."""
        return (-1, 0) if self.fallback else self.when.weight

    def nth(self, use: int) -> Answer:
        """The answer to the request that the rule takes as its number `use`, counted from 1."""
        return self.answers[min(use, 1 + len(self.later)) - 1] if self.later else self.answer
