"""How many requests and tokens of a model a key may use per minute, kept in token buckets.

pyrate-limiter does the arithmetic; `schemas/` has the figures. Must not know the time, which is
an argument of each call, nor headers: the refusal says what ran out.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from novita_mock._api.description import Description
from novita_mock._core.errors import Refused

if TYPE_CHECKING:
    from pyrate_limiter import AbstractClock

_PER_SECOND = 1_000_000  # ticks: a float of seconds since 1970 can hardly hold finer ones


class _Bucket:
    """Holds `limit` units at first and at most; an empty one is full after `window` seconds."""

    def __init__(self, limit: int, window: int) -> None:
        from pyrate_limiter import Rate, RateItem, StateBucket, TokenBucket

        self.limit = limit
        self._item = RateItem
        self._ticks = 0
        # The library needs whole ticks per unit. Ticks of a `limit`th of a step are whole for
        # every limit; with its milliseconds, 50,000,000 a minute would become 30,000,000.
        rate = Rate(limit, window * _PER_SECOND * limit)
        self._bucket = StateBucket([rate], TokenBucket(), clock=cast("AbstractClock", self))

    def now(self) -> int:
        """The time, in the form that the library needs."""
        return self._ticks

    def take(self, units: int, now: float) -> int | None:
        """Takes `units` at `now`, in seconds, and returns None.

        If there are fewer, it takes none and returns how many there are. If time runs backwards,
        it stays at the latest moment.
        """
        self._ticks = max(self._ticks, round(now * _PER_SECOND) * self.limit)
        if self._bucket.put(self._item("", self._ticks, units)) is True:
            return None
        return self.limit - cast(int, self._bucket.count())


class _Meter:
    """The buckets of one kind; `limit` returns the size of a model's bucket."""

    def __init__(self, situation: str, limit: Callable[[str], int], window: int) -> None:
        self._situation = situation
        self._limit = limit
        self._window = window
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, key: str, model: str, units: int, now: float) -> None:
        bucket = self._buckets.get((key, model))
        if bucket is None:
            fresh = _Bucket(self._limit(model), self._window)
            bucket = self._buckets.setdefault((key, model), fresh)
        remaining = bucket.take(units, now)
        if remaining is not None:
            raise Refused(self._situation, limit=bucket.limit, remaining=remaining)

    def reset(self) -> None:
        self._buckets.clear()


class Limits:
    """The rate limits of a mock; without arguments there are none.

    rpm, tpm: requests and tokens per minute, for each key and model. They override the tier's.
    tier: `T1` to `T5`; `schemas/models.json` has its figures per model (docs: Rate limits). A
    model that the page does not list gets the figures of most models.

    The API counts per account; the mock treats each key as an account of its own. A bucket starts
    full and refills evenly, so it lets a whole minute's worth through at once. The shape of the
    API's window is not documented.

    Raises ValueError for an unknown tier, or a limit below 1.
    """

    def __init__(
        self,
        description: Description,
        *,
        rpm: int | None = None,
        tpm: int | None = None,
        tier: str | None = None,
    ) -> None:
        window = description.accounts["window"]["seconds"]
        self._requests = _meter("request_rate", _limit(description, "rpm", rpm, tier), window)
        self._tokens = _meter("token_rate", _limit(description, "tpm", tpm, tier), window)
        if self._requests or self._tokens:
            import_module("pyrate_limiter")  # slow to import: not during the first call

    def take_request(self, key: str, model: str, now: float) -> None:
        """Counts a request of `key` to `model` at `now`, in seconds since any fixed moment.

        Raises Refused (`request_rate`, with `limit` and `remaining` requests) if there were too
        many. A refused request is not counted.
        """
        if self._requests is not None:
            self._requests.take(key, model, 1, now)

    def take_tokens(self, key: str, model: str, tokens: int, now: float) -> None:
        """Counts the `tokens` of one call, prompt and completion together.

        Raises Refused (`token_rate`, with `limit` and `remaining` tokens) if they do not all fit,
        and then counts none. More than a minute's worth never fits.
        """
        if self._tokens is not None:
            self._tokens.take(key, model, tokens, now)

    def reset(self) -> None:
        """Makes all buckets full again."""
        for meter in (self._requests, self._tokens):
            if meter is not None:
                meter.reset()


def _meter(situation: str, limit: Callable[[str], int] | None, window: int) -> _Meter | None:
    return None if limit is None else _Meter(situation, limit, window)


def _limit(
    description: Description, kind: str, configured: int | None, tier: str | None
) -> Callable[[str], int] | None:
    """A function from a model to its limit; None if there is no limit."""
    if configured is not None and configured < 1:
        raise ValueError(f"{kind}: expected at least 1 per minute; got {configured}")
    if tier is None:
        return None if configured is None else lambda model: configured
    table = description.catalogue["limits"]
    if tier not in table["tiers"]:
        known = ", ".join(table["tiers"])
        raise ValueError(f"unknown tier {tier!r}: expected one of {known}")
    if configured is not None:
        return lambda model: configured
    column, normal = table["tiers"].index(tier), table[kind]
    exceptions = table.get(f"{kind}_of", {})
    return lambda model: int(exceptions.get(model, normal)[column])
