"""A finding of the client report, and the table of its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from novita_mock._api.description import load_description
from novita_mock._core.http import Json


@dataclass(frozen=True, slots=True)
class Finding:
    """A client mistake: the rule, the numbers of the calls that show it, and a sentence.

    The sentence contains no text of requests or answers.
    """

    rule: str
    calls: tuple[int, ...]
    message: str


@cache
def table() -> Json:
    """The content of verdicts.json."""
    document: Json = orjson.loads((load_description().root / "verdicts.json").read_bytes())
    return document


def rules() -> Mapping[str, str]:
    """The rules by name, with their descriptions."""
    return {name: row["description"] for name, row in table()["rules"].items()}


def bounds(rule: str) -> Mapping[str, Any]:
    """The entry of a rule: its bounds by name, and its description."""
    entry: Mapping[str, Any] = table()["rules"][rule]
    return entry
