"""novita-mock: an offline Novita AI LLM API for development and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from novita_mock._core.http import Disconnect, Reply, Request, TimedBytes
    from novita_mock._core.timing import Pace
    from novita_mock._core.version import __version__
    from novita_mock._mock import Mock
    from novita_mock._stubs.model import ToolCall

    Beat, Cut = TimedBytes, Disconnect  # their former names

__all__ = [
    "Beat",
    "Cut",
    "Disconnect",
    "Mock",
    "Pace",
    "Reply",
    "Request",
    "TimedBytes",
    "ToolCall",
    "__version__",
]


if not TYPE_CHECKING:  # else type checkers would take every misspelt import for an `object`
    # pytest imports this package in every run of every user, so a name loads on first use.
    _MODULES = {
        **dict.fromkeys(("Disconnect", "Reply", "Request", "TimedBytes"), "_core.http"),
        "Pace": "_core.timing",
        "ToolCall": "_stubs.model",
        "Mock": "_mock",
        "__version__": "_core.version",
    }

    _FORMER = {"Beat": "TimedBytes", "Cut": "Disconnect"}

    def __getattr__(name: str) -> object:
        name = _FORMER.get(name, name)
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
