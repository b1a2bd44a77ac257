"""How much is measured: what a run of each kind takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """`rounds`: how often the sides of a comparison take turns; `seconds`: how long a side is under
    load in a round; `streams`: how many paced streams at once, of `tokens` each; `calls`: how
    often something short is timed in a round; `launches`: how often a process is started for
    each side; `journal`: calls in a long journal; `suite`: whether the contract suite is run."""

    rounds: int
    seconds: float
    connections: tuple[int, ...]
    streams: int
    tokens: int
    calls: int
    launches: int
    journal: int
    suite: bool


FULL = Effort(7, 3.0, (1, 16, 64, 256), 1_000, 64, 100, 15, 100_000, suite=True)
QUICK = Effort(2, 1.0, (1, 64, 256), 1_000, 64, 15, 4, 100_000, suite=True)
SMOKE = Effort(1, 0.1, (1, 4), 10, 8, 3, 1, 1_000, suite=False)
