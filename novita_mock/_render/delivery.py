"""What the encoder has to know of a plan: how an answer is delivered."""

from __future__ import annotations

from typing import Protocol

from novita_mock._api.dialects import WireProfile
from novita_mock._core.timing import Pace


class Delivery(Protocol):
    """How an answer is delivered: streamed or not, how fast, and in whose dialect. `recorded` is a
    body that is sent as it stands."""

    @property
    def stream(self) -> bool: ...

    @property
    def include_usage(self) -> bool: ...

    @property
    def pace(self) -> Pace: ...

    @property
    def profile(self) -> WireProfile: ...

    @property
    def recorded(self) -> bytes | None: ...
