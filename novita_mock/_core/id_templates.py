"""Ids in the observed forms: text with placeholders for an index, a name, or random characters."""

from __future__ import annotations

import re
from hashlib import blake2b

_DIGITS = ("hex", "alnum", "lower")
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\d+))?\}")


def fill(form: str, source: str, index: int = 0, name: str = "") -> str:
    """`form` with its placeholders filled.

    They are `{index}`, `{index:02}`, `{name}`, and `{hex:N}`, `{alnum:N}`, `{lower:N}` for N
    characters that depend only on `source` and `index`. Other placeholders stay.
    """
    digits = blake2b(f"{source}\0{index}".encode()).hexdigest()

    def filled(match: re.Match[str]) -> str:
        kind, size = match[1], match[2]
        if kind == "index":
            return f"{index:{size or ''}}"
        if kind == "name":
            return name
        return digits[: int(size)] if kind in _DIGITS else match[0]

    return _PLACEHOLDER.sub(filled, form)
