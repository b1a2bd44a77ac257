"""Finds a smaller request that fails in the same way, with few requests.

Hypothesis needs a thousand. Here, candidates are validated locally and only valid ones are sent.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from ..wire.exchange import Json

Path = tuple[str | int, ...]


def reduce(
    body: Json, is_valid: Callable[[Json], bool], fails: Callable[[Json], bool], most: int
) -> tuple[Json, int]:
    """The smallest body found that is valid and still fails, and the number of `fails` calls."""
    calls, known = 0, {repr(body)}
    shrunk = True
    while shrunk and calls < most:
        shrunk = False
        for candidate in _candidates(body):
            if repr(candidate) in known or not is_valid(candidate):
                continue
            known.add(repr(candidate))
            if calls >= most:
                break
            calls += 1
            if fails(candidate):
                body, shrunk = candidate, True
                break
    return body, calls


def _candidates(body: Json) -> Iterator[Json]:
    """Bodies with one thing less: first without a member or element, then with a smaller leaf."""
    places = sorted(_places(body), key=len)
    for path in places:
        made = copy.deepcopy(body)
        del _at(made, path[:-1])[path[-1]]
        yield made
    for path in places:
        for small in _smaller(_at(body, path)):
            made = copy.deepcopy(body)
            _at(made, path[:-1])[path[-1]] = small
            yield made


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    items: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    for key, member in items:
        yield (*path, key)
        yield from _places(member, (*path, key))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _smaller(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and len(value) > 1:
        yield "a"
        yield value[: len(value) // 2]
    if isinstance(value, int | float) and not isinstance(value, bool) and value not in (0, 1):
        yield 1
        yield 0
