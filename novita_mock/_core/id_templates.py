"""Ids in the forms that were seen: text with places for an index, a name, or letters and digits."""

from __future__ import annotations

import re
from hashlib import blake2b

_DIGITS = ("hex", "alnum", "lower")
_PLACE = re.compile(r"\{(\w+)(?::(\d+))?\}")


def fill(form: str, source: str, index: int = 0, name: str = "") -> str:
    """`form` filled: `{index}` and `{index:02}`, `{name}`, and `{hex:N}`, `{alnum:N}`, `{lower:N}`
    with N characters that depend on `source` and `index` alone. Other places stay."""
    digits = blake2b(f"{source}\0{index}".encode()).hexdigest()

    def place(match: re.Match[str]) -> str:
        kind, size = match[1], match[2]
        if kind == "index":
            return f"{index:{size or ''}}"
        if kind == "name":
            return name
        return digits[: int(size)] if kind in _DIGITS else match[0]

    return _PLACE.sub(place, form)
