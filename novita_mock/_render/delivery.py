"""What the encoder needs to know of a plan: how to deliver an answer."""

from __future__ import annotations

from typing import Protocol

from novita_mock._api.dialects import WireProfile
from novita_mock._core.timing import Pace


class Delivery(Protocol):
    """How to deliver an answer: streamed or not, how fast, and in which dialect.

    `recorded` is a body that is sent unchanged.
    """

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
