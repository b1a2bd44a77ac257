"""How many requests and tokens a key may use of a model in a minute, kept in token buckets.

The arithmetic is pyrate-limiter's, the figures are those of `schemas/`. This module must not know
the time: each call is told it. Nor does it know headers: what ran out goes with the refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from novita_mock._api.description import Description
from novita_mock._core.errors import Refused

if TYPE_CHECKING:
    from pyrate_limiter import AbstractClock

_PER_SECOND = 1_000_000  # steps of time: finer ones than a float of seconds since 1970 can hold


class _Bucket:
    """`limit` units at first and at most; an empty one is full after `window` seconds."""

    def __init__(self, limit: int, window: int) -> None:
        from pyrate_limiter import Rate, RateItem, StateBucket, TokenBucket

        self.limit = limit
        self._item = RateItem
        self._ticks = 0
        # The library wants whole ticks for each unit. A `limit`th of a step has them for every
        # limit, while of its milliseconds 50,000,000 a minute would become 30,000,000.
        rate = Rate(limit, window * _PER_SECOND * limit)
        self._bucket = StateBucket([rate], TokenBucket(), clock=cast("AbstractClock", self))

    def now(self) -> int:
        """The time, as the library asks for it."""
        return self._ticks

    def take(self, units: int, now: float) -> int | None:
        """Takes `units` at `now`, in seconds. If there are fewer it takes none, and tells how many
        there are; else None. Time that runs backwards stands still."""
        self._ticks = max(self._ticks, round(now * _PER_SECOND) * self.limit)
        if self._bucket.put(self._item("", self._ticks, units)) is True:
            return None
        return self.limit - cast(int, self._bucket.count())


class _Meter:
    """The buckets of one kind; `limit` tells the size of a model's."""

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
    """The rate limits of a mock; none at all without an argument.

    rpm, tpm: requests and tokens per minute, of each key and model. They go before the tier's.
    tier: `T1` to `T5`, whose figures for each model `schemas/models.json` has (docs: Rate limits).
    A model that the page does not list has those that most models have.

    The API counts per account; the kit takes each key for an account of its own. A bucket starts
    full and fills up evenly, so that it lets a whole minute's worth through at once; which shape
    the window of the API has is not documented.

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
            import_module("pyrate_limiter")  # takes a while: not during the first call

    def take_request(self, key: str, model: str, now: float) -> None:
        """Counts a request of `key` to `model` at `now`, in seconds since some moment.

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
        """All buckets are full again."""
        for meter in (self._requests, self._tokens):
            if meter is not None:
                meter.reset()


def _meter(situation: str, limit: Callable[[str], int] | None, window: int) -> _Meter | None:
    return None if limit is None else _Meter(situation, limit, window)


def _limit(
    description: Description, kind: str, configured: int | None, tier: str | None
) -> Callable[[str], int] | None:
    """What tells the limit of a model; None if there is none."""
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
