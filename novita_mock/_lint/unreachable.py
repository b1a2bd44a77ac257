"""Finds rules that can never answer because another rule always does.

For that it decides whether one condition implies another. It knows no files and no messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from novita_mock._stubs.conditions import Exact, Turns, is_literal
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import Rule


def shadowed(rules: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Pairs of indices: a rule that never answers, and the one that answers in its place."""
    # Only a rule that answers without limit can take every request of another.
    unlimited = [(i, rule) for i, rule in enumerate(rules) if rule.times is None]
    for index, rule in enumerate(rules):
        rank = rule.weight, -index
        for other, before in unlimited:
            if (before.weight, -other) > rank and covers(before.when, rule.when):
                yield index, other
                break


def covers(wide: When, narrow: When) -> bool:
    """Whether every request that fits `narrow` certainly fits `wide`."""
    given = narrow.asked()
    return all(_follows(name, wanted, given.get(name)) for name, wanted in wide.asked().items())


def _follows(name: str, wanted: Any, given: Any) -> bool:
    """Whether the condition `given` implies `wanted`. `given` is None if there is no condition."""
    if wanted == given or (name == "model" and wanted == "*"):
        return True
    if given is None:
        return name in ("last_user", "system") and wanted == ""
    return _FOLLOWS.get(name, _never)(wanted, given)


def _never(_wanted: Any, _given: Any) -> bool:
    return False


def _text(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return wanted is True and given is not False
    if isinstance(wanted, str):
        text = given.text if isinstance(given, Exact) else given
        return isinstance(text, str) and wanted.casefold() in text.casefold()
    if isinstance(wanted, re.Pattern) and isinstance(given, Exact):
        return wanted.search(given.text) is not None
    return False


def _model(wanted: Any, given: Any) -> bool:
    return isinstance(wanted, str) and is_literal(given) and fnmatchcase(given, wanted)


def _turn(wanted: Any, given: Any) -> bool:
    if not isinstance(wanted, Turns):
        return False
    if isinstance(given, int):
        return wanted.holds(given)
    above = (given.min or 1) >= (wanted.min or 1)
    return above and (wanted.max is None or (given.max is not None and given.max <= wanted.max))


def _tools(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return wanted is True and given is not False
    return all(
        any(tool == name or (is_literal(tool) and fnmatchcase(tool, name)) for tool in given)
        for name in wanted
    )


def _header(wanted: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    return all(
        name in given and (given[name] == value or _text(value, given[name]))
        for name, value in wanted.items()
    )


_FOLLOWS: Mapping[str, Callable[[Any, Any], bool]] = {
    "model": _model,
    "last_user": _text,
    "system": _text,
    "tool_result": _text,
    "turn": _turn,
    "tools": _tools,
    "header": _header,
}
