"""JSON parsed as strictly as RFC 8259 allows: anything that trips a typed client is refused."""

from __future__ import annotations

import json
import math
from typing import Any

_BOM = b"\xef\xbb\xbf"


class JsonFault(ValueError):
    """The reason why bytes are not one plain JSON document."""


def read(data: bytes) -> Any:
    """The document in `data`; raises JsonFault."""
    if data.startswith(_BOM):
        raise JsonFault("it starts with a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonFault(f"it is not UTF-8: {error}") from None
    return read_text(text)


def read_text(text: str) -> Any:
    """The document in `text`; raises JsonFault."""
    try:
        return json.loads(
            text, object_pairs_hook=_members, parse_constant=_constant, parse_float=_fraction
        )
    except json.JSONDecodeError as error:
        raise JsonFault(f"it is not one JSON document: {error}") from None
    except RecursionError:
        raise JsonFault("it is nested too deeply to be read") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonFault(f"the key {twice!r} stands twice in one object")
    return members


def _constant(name: str) -> Any:
    raise JsonFault(f"{name} is no JSON")


def _fraction(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise JsonFault(f"the number {text} is beyond every float")
    return number
