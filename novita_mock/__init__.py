"""novita-mock: an offline Novita AI LLM API for development and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from novita_mock._core.http import Beat, Cut, Reply, Request
    from novita_mock._core.timing import Pace
    from novita_mock._mock import Mock
    from novita_mock._stubs.model import ToolCall

__all__ = ["Beat", "Cut", "Mock", "Pace", "Reply", "Request", "ToolCall", "__version__"]

__version__: str
__version__ = "0.2.0"


if not TYPE_CHECKING:  # else every misspelt import would be an `object`

    def __getattr__(name: str) -> object:
        # pytest imports this package in every run of every user: names load when asked for.
        if name == "Mock":
            from novita_mock import _mock

            return _mock.Mock
        if name in ("Pace", "ToolCall"):
            from novita_mock._stubs import model

            return getattr(model, name)
        if name in __all__:
            from novita_mock._core import http

            return getattr(http, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
