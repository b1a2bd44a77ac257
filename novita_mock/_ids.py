"""Ids in the forms that were seen: text with places for an index, a name, or letters and digits."""

from __future__ import annotations

import re
from hashlib import blake2b

_PLACE = re.compile(r"\{(\w+)(?::(\d+))?\}")


def fill(form: str, source: str, index: int = 0, name: str = "") -> str:
    """`form` filled: `{index}` and `{index:02}`, `{name}`, and `{hex:N}`, `{alnum:N}`, `{lower:N}`
    with N characters that depend on `source` and `index` alone."""
    digits = blake2b(f"{source}\0{index}".encode()).hexdigest()

    def place(match: re.Match[str]) -> str:
        kind, size = match[1], match[2]
        if kind == "index":
            return f"{index:{size or ''}}"
        return name if kind == "name" else digits[: int(size)]

    return _PLACE.sub(place, form)
