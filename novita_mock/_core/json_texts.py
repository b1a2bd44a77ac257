"""The texts in JSON values, and which of them may be pieces of one text, as chunks of a stream are.

Nothing here recurses, because a caller's JSON may be nested deeper than Python's stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

_CLOSING = {"{": "}", "[": "]"}
_BRACKET = re.compile(r"[][{}]")
_LONGEST = 2**20
Holder = dict[str, Any] | list[Any]
_Place = tuple[dict[Any, Any], dict[str, Any]]


@dataclass(slots=True)
class Leaf:
    """A text or another scalar: `holder[key]`. `name`: of the member that it is, or in whose list
    it is."""

    holder: Any
    key: Any
    name: str = ""

    @property
    def value(self) -> Any:
        """The scalar itself."""
        return self.holder[self.key]

    @value.setter
    def value(self, value: Any) -> None:
        self.holder[self.key] = value


def leaves(root: Holder) -> Iterator[Leaf]:
    """Every scalar below `root`."""
    stack: list[tuple[Any, Any]] = [(root, "")]
    while stack:
        holder, name = stack.pop()
        is_list = isinstance(holder, list)
        for key, value in enumerate(holder) if is_list else holder.items():
            named: Any = name if is_list else key
            if isinstance(value, dict | list):
                stack.append((value, named))
            else:
                yield Leaf(holder, key, named)


def pieces(root: Holder) -> list[list[Leaf]]:
    """The texts below `root` that may be pieces of one text: those at the same place, apart from
    their position in lists. Items with an `index`, such as choices, are places of their own."""
    groups: list[list[Leaf]] = []
    # For each place, the texts by member, and the places below it.
    stack: list[tuple[Any, _Place]] = [(root, ({}, {}))]
    while stack:
        holder, (texts, places) = stack.pop()
        below: list[tuple[Any, _Place]] = []
        is_list = isinstance(holder, list)
        for key, value in enumerate(holder) if is_list else holder.items():
            kind = type(value)
            if kind is str:
                member = None if is_list else key
                if member not in texts:
                    texts[member] = []
                    groups.append(texts[member])
                texts[member].append(Leaf(holder, key))
            elif kind is dict or kind is list:
                place = (kind is dict and value.get("index")) if is_list else key
                below.append((value, places.setdefault(str(place), ({}, {}))))
        stack += reversed(below)
    return [group for group in groups if len({leaf.value for leaf in group}) > 1]


def objects(root: Holder) -> Iterator[dict[str, Any]]:
    """Every object below `root`."""
    stack: list[Any] = [root]
    while stack:
        holder = stack.pop()
        if isinstance(holder, dict):
            yield holder
        below = holder.values() if isinstance(holder, dict) else holder
        stack += [value for value in below if isinstance(value, dict | list)]


def read(text: str) -> tuple[Any, str]:
    """The JSON in `text`, and what is missing at its end if it was cut off. Raises ValueError if it
    is no JSON even with that."""
    try:
        return orjson.loads(text), ""
    except orjson.JSONDecodeError:
        if len(text) > _LONGEST:
            raise
        missing = _missing(text)
        return orjson.loads(text + missing), missing


def _missing(text: str) -> str:
    """The quote and brackets that would close what is open at the end of `text`."""
    pieces = text.split('"')
    is_open = False
    closing: list[str] = []
    for piece in pieces[:-1]:
        if not is_open:
            _follow(piece, closing)
        backslashes = len(piece) - len(piece.rstrip("\\"))
        is_open = not is_open or backslashes % 2 == 1
    if not is_open:
        _follow(pieces[-1], closing)
    return ('"' if is_open else "") + "".join(reversed(closing))


def _follow(outside: str, closing: list[str]) -> None:
    """Keeps account of the brackets in a piece of JSON that is outside of texts."""
    for bracket in _BRACKET.findall(outside):
        if bracket in _CLOSING:
            closing.append(_CLOSING[bracket])
        elif closing:
            closing.pop()
