"""Which requests a rule answers: `When`, and how its fields are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

from novita_mock._api.request_view import RequestView
from novita_mock._core.redaction import CREDENTIALS
from novita_mock._stubs.conditions import Condition, Exact, Turns, conditions, is_exact

_TEXT = "a text, a compiled pattern, {'regex': ...} or {'exact': ...}"
Text = str | re.Pattern[str] | Exact | Mapping[str, str]


class Criteria(TypedDict, total=False):
    """The fields of `When`, as keyword arguments."""

    operation: str | None
    model: str | re.Pattern[str] | None
    last_user: Text | None
    system: Text | None
    turn: int | Turns | Mapping[str, int] | None
    tool_result: Text | bool | None
    stream: bool | None
    tools: str | Sequence[str] | bool | None
    header: Mapping[str, Text | bool] | None


@dataclass(frozen=True)
class When:
    """The conditions on a request. A field that is None matches any request.

    `model` takes the wildcards `*` and `?`. `last_user`, `system` and `tool_result` take text that
    must occur, ignoring case; `{"exact": text}` must equal the whole text; a compiled pattern or
    `{"regex": pattern}` must match somewhere. `tool_result` also takes a truth value: whether there
    is one. `turn` is the number of user messages so far: a number, or `{"min": 2, "max": 4}`.
    `tools`: names of tools, with wildcards, that must all be offered, or whether there are any.
    `header`: header names, each with a text as above or whether the header is present.

    Raises TypeError for a value of the wrong type and ValueError for an invalid value.
    """

    operation: str | None = None
    model: str | re.Pattern[str] | None = None
    last_user: Text | None = None
    system: Text | None = None
    turn: int | Turns | Mapping[str, int] | None = None
    tool_result: Text | bool | None = None
    stream: bool | None = None
    tools: str | Sequence[str] | bool | None = None
    header: Mapping[str, Text | bool] | None = None

    def __post_init__(self) -> None:
        for name, value in self.asked().items():
            object.__setattr__(self, name, _READERS[name](name, value))

    def asked(self) -> dict[str, Any]:
        """The fields that are set."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in named.items() if value is not None}

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The single conditions: one for each field, tool and header."""
        return tuple(c for name, wanted in self.asked().items() for c in conditions(name, wanted))

    @cached_property
    def weight(self) -> tuple[int, int]:
        """How specific this is: the number of conditions, and how many only one value can meet."""
        exact = sum(is_exact(condition) for condition in self.conditions)
        return len(self.conditions), exact

    def differing(self, view: RequestView) -> list[Condition]:
        """The conditions that the request does not meet."""
        return [condition for condition in self.conditions if not condition.fits(view)]

    def differs(self, view: RequestView) -> str | None:
        """The name of the first condition that the request does not meet; None if it meets all."""
        return next((c.name for c in self.conditions if not c.fits(view)), None)


def _wrong(name: str, expected: str, got: object) -> TypeError:
    return TypeError(f"{name}: expected {expected}; got {got!r}")


def _word(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a text", value)
    return value


def _model(name: str, value: Any) -> str | re.Pattern[str]:
    return value if isinstance(value, re.Pattern) else _word(name, value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "True or False", value)
    return value


def _text(name: str, value: Any) -> str | re.Pattern[str] | Exact:
    if isinstance(value, str | Exact):
        return value
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        return value
    if not isinstance(value, Mapping):
        raise _wrong(name, _TEXT, value)
    if len(value) != 1 or not value.keys() <= {"regex", "exact"}:
        raise ValueError(f"{name}: expected one of regex and exact; got {dict(value)!r}")
    [(kind, text)] = value.items()
    if kind == "exact":
        return Exact(_word(f"{name}.exact", text))
    try:
        return re.compile(_word(f"{name}.regex", text))
    except re.error as error:
        raise ValueError(f"{name}.regex: {error}") from None


def _text_or_flag(name: str, value: Any) -> str | re.Pattern[str] | Exact | bool:
    return value if isinstance(value, bool) else _text(name, value)


def _turn(name: str, value: Any) -> int | Turns:
    if isinstance(value, Turns):
        return value
    if not isinstance(value, Mapping):
        return _count(name, value)
    if not value or not value.keys() <= {"min", "max"}:
        raise ValueError(f"{name}: expected min, max or both; got {dict(value)!r}")
    ends = {end: _count(f"{name}.{end}", number) for end, number in value.items()}
    if ends.get("min", 1) > ends.get("max", ends.get("min", 1)):
        raise ValueError(f"{name}: min is above max; got {dict(value)!r}")
    return Turns(**ends)


def _count(name: str, value: Any) -> int:
    # 2.0 is a whole number too.
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not whole:
        raise _wrong(name, "a whole number", value)
    if value < 1:
        raise ValueError(f"{name}: expected at least 1; got {value}")
    return int(value)


def _tools(name: str, value: Any) -> tuple[str, ...] | bool:
    if isinstance(value, bool):
        return value
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence) or isinstance(names, bytes):
        raise _wrong(name, "names of tools, or whether there are some", value)
    if not names:
        raise ValueError(f"{name}: expected a name or more; False asks for a request without tools")
    return tuple(_word(name, tool) for tool in names)


def _header(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, "names of headers with what they must be", value)
    if not value:
        raise ValueError(f"{name}: expected a header or more")
    named = {_word(name, key).lower(): wanted for key, wanted in value.items()}
    if secret := CREDENTIALS & named.keys():
        raise ValueError(f"{name}.{min(secret)}: carries a credential, which no rule may look at")
    return {key: _text_or_flag(f"{name}.{key}", wanted) for key, wanted in sorted(named.items())}


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "operation": _word,
    "model": _model,
    "last_user": _text,
    "system": _text,
    "turn": _turn,
    "tool_result": _text_or_flag,
    "stream": _flag,
    "tools": _tools,
    "header": _header,
}
