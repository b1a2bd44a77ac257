"""How fast an answer arrives: the pauses between its tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from random import Random

SPREADS = ("normal", "lognormal", "constant")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an answer arrives.

    ttft: seconds to the first token.
    gap: seconds between tokens (inter-token latency).
    tokens_per_second: the gap as a rate; give one of the two.
    jitter: relative standard deviation of `ttft` and the gap (0.2 = 20 %); 0: no variation.
    spread: distribution of the jitter: `normal`, `lognormal`, or `constant` for no variation.

    An answer that is not streamed arrives when its last token would have arrived. Raises
    ValueError for a negative value, an unknown spread, or a gap and a rate together.
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
        """Seconds to the first token, then seconds between tokens, without end.

        Equal seeds give equal pauses.
        """
        if not self.jitter or self.spread == "constant":
            yield self.ttft
            yield from repeat(self.gap)
        rng = Random(seed)
        yield self._varied(self.ttft, rng)
        while True:
            yield self._varied(self.gap, rng)

    def _varied(self, mean: float, rng: Random) -> float:
        if not mean:
            return 0.0
        if self.spread == "normal":
            return max(0.0, rng.gauss(mean, self.jitter * mean))
        variance = math.log1p(self.jitter**2)
        return rng.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))
