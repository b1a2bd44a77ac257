"""The single conditions that a rule can set on a request.

Each condition is compiled once, when the rule is made. No condition reads credentials.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from novita_mock._api.request_view import HEADER, RequestView

TEXTS = ("last_user", "system", "tool_result")
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Exact:
    """The whole text, compared exactly."""

    text: str

    def __repr__(self) -> str:
        return repr({"exact": self.text})


@dataclass(frozen=True, slots=True)
class Turns:
    """An inclusive range of turns; None: unbounded."""

    min: int | None = None
    max: int | None = None

    def __repr__(self) -> str:
        ends = {"min": self.min, "max": self.max}
        return repr({name: end for name, end in ends.items() if end is not None})

    def holds(self, turn: int) -> bool:
        """Whether `turn` is in the range."""
        return (self.min or 0) <= turn and (self.max is None or turn <= self.max)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a request: the `name` of the field, the `wanted` value, whether a request
    `fits`, and the `actual` value of a request."""

    name: str
    wanted: Any
    fits: Callable[[RequestView], bool]
    actual: Callable[[RequestView], Any]


def is_literal(model: object) -> bool:
    """Whether `model` is a single id, without wildcards."""
    return isinstance(model, str) and not _WILD.search(model)


def is_exact(condition: Condition) -> bool:
    """Whether only one value can meet `condition`."""
    wanted = condition.wanted
    return isinstance(wanted, Exact) or (condition.name == "model" and is_literal(wanted))


def conditions(name: str, wanted: Any) -> list[Condition]:
    """The conditions of the field `name` of a rule: one for each header and each tool."""
    if name == "header":
        return [_of_text(HEADER + key, value) for key, value in wanted.items()]
    if name == "tools":
        # A truth value is one condition, and so is each name.
        return [_of_tools(each) for each in ((wanted,) if isinstance(wanted, bool) else wanted)]
    if name == "model":
        # Wildcards match from the first letter, a pattern anywhere.
        fits = re.compile(translate(wanted)).match if isinstance(wanted, str) else wanted.search
        return [_of_value(name, wanted, lambda model: model is not None and bool(fits(model)))]
    if name == "turn" and isinstance(wanted, Turns):
        return [_of_value(name, wanted, wanted.holds)]
    if name in ("operation", "turn", "stream"):
        return [_of_value(name, wanted, lambda actual: bool(actual == wanted))]
    return [_of_text(name, wanted)]


def _of_value(name: str, wanted: Any, fits: Callable[[Any], bool]) -> Condition:
    return Condition(
        name, wanted, lambda view: fits(getattr(view, name)), lambda view: getattr(view, name)
    )


def _of_text(name: str, wanted: Any) -> Condition:
    return Condition(name, wanted, _text_fits(name, wanted), lambda view: view.text(name))


def _text_fits(name: str, wanted: Any) -> Callable[[RequestView], bool]:
    if isinstance(wanted, bool):
        return lambda view: (view.text(name) is not None) is wanted
    if isinstance(wanted, Exact):
        return lambda view: view.text(name) == wanted.text
    if isinstance(wanted, re.Pattern):
        return lambda view: (text := view.text(name)) is not None and bool(wanted.search(text))
    needle = wanted.casefold()
    return lambda view: (folded := view.folded(name)) is not None and needle in folded


def _of_tools(wanted: str | bool) -> Condition:
    if isinstance(wanted, bool):
        return _of_value("tools", wanted, lambda tools: bool(tools) is wanted)
    fits = re.compile(translate(wanted)).match
    return _of_value("tools", wanted, lambda tools: any(map(fits, tools)))
