"""What a rule finds, and the table of the rules. Part of `_verdict`."""

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
    """What a client did wrong: the rule, the numbers of the calls that show it, and a sentence.

    The sentence holds nothing of what was asked or answered.
    """

    rule: str
    calls: tuple[int, ...]
    message: str


@cache
def table() -> Json:
    """verdicts.json as it stands."""
    document: Json = orjson.loads((load_description().root / "verdicts.json").read_bytes())
    return document


def rules() -> Mapping[str, str]:
    """The rules, each with what it finds."""
    return {name: row["description"] for name, row in table()["rules"].items()}


def bounds(rule: str) -> Mapping[str, Any]:
    """The bounds of a rule by name, beside its description."""
    found: Mapping[str, Any] = table()["rules"][rule]
    return found
