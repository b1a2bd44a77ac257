"""Reads a scenario file: YAML or JSON, described by `schemas/scenario/scenario.json`.

What comes out are the same values as the words of Python make.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import yaml

from novita_mock import _explain
from novita_mock._book import Book, Json
from novita_mock._faults import Faults
from novita_mock._scenario import Answer, Rule, ToolCall, When
from novita_mock._words import fault_of, pace_of

SCHEMA = "scenario/scenario.json"
_ANSWERS = ("say", "json", "call_tool", "call_tools", "think")


class Unreadable(ValueError):
    """A scenario that cannot be used: its message says where and why, in one line."""


def read(path: Path) -> Json:
    """The document in the file `path`; raises Unreadable."""
    try:
        text = path.read_text(encoding="utf-8")
        document: Json = yaml.safe_load(text)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None
    except yaml.YAMLError as error:
        raise Unreadable(f"{path}: {' '.join(str(error).split())}") from None
    return document


def rules(book: Book, document: Json, name: str = "scenario") -> tuple[list[Rule], bool]:
    """The rules of `document`, and whether only they answer; raises Unreadable."""
    try:
        # What only YAML can say (dates, sets, keys that are numbers, itself) is no JSON.
        document = orjson.loads(orjson.dumps(document))
    except TypeError as error:
        raise Unreadable(f"{name}: not JSON: {error}") from None
    validator = book.validator(SCHEMA)
    for problem in validator.iter_errors(document):
        raise Unreadable(f"{name}: {_explain.explain(problem)}")
    faults, rows = Faults(book), enumerate(document["rules"])
    found = [_rule(book, faults, f"{name}: $.rules[{i}]", row) for i, row in rows]
    return found, document.get("only", False)


def _rule(book: Book, faults: Faults, place: str, row: Json) -> Rule:
    _check_alone(place, row)
    refused = row.get("refuse")
    if refused is not None and refused not in book.errors.reasons:
        known = ", ".join(book.errors.reasons)
        raise Unreadable(f"{place}.refuse: expected one of {known}; got {refused!r}")
    calls = [*row.get("call_tools", []), *([row["call_tool"]] if "call_tool" in row else [])]
    say = orjson.dumps(row["json"]).decode() if "json" in row else row.get("say")
    # 2.0 is a whole number, too.
    whole = {name: int(row[name]) for name in ("cut_after", "junk") if name in row}
    try:
        pace, fault = pace_of(row), fault_of(faults, row | whole)
    except ValueError as error:
        raise Unreadable(f"{place}: {error}") from None
    answer = Answer(
        say=say,
        tool_calls=tuple(ToolCall(**call) for call in calls),
        think=row.get("think"),
        refuse=refused,
        message=row.get("message"),
        pace=pace,
        fault=fault,
    )
    when = {name: _condition(place, name, v) for name, v in row.get("when", {}).items()}
    return Rule(answer, When(**when), row.get("times"))


def _check_alone(place: str, row: Json) -> None:
    """Refuses a rule that says two things at once."""
    for word, others in (("refuse", _ANSWERS), ("json", ("say",))):
        if word in row and (both := [other for other in others if other in row]):
            raise Unreadable(f"{place}: {word} and {both[0]} cannot stand in one rule")


def _condition(place: str, name: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    try:
        return re.compile(value["regex"])
    except re.error as error:
        raise Unreadable(f"{place}.when.{name}.regex: {error}") from None
