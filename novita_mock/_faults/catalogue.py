"""The faults that can be triggered: `schemas/faults.json`, and how to spell them.

The spelling is the same in Python, in a scenario file and in a header: `NAME`, or
`NAME(1, seconds=0.5)`. Must not know what a fault does to a reply.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import orjson

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._core.http import Json

_SPELLING = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_ARGUMENT = re.compile(r'\s*(?:(\w+)\s*=\s*)?("(?:[^"\\]|\\.)*"|[^,"]*?)\s*(?:,|$)')
STREAM, BODY = "stream", "body"


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A row of faults.json. `on`: the replies to which it applies: `stream`, `body` or `any`."""

    name: str
    on: str
    description: str
    guarantee: str
    parameters: Mapping[str, Json]

    @property
    def spelling(self) -> str:
        """The name, with its parameters and their defaults."""
        defaults = ", ".join(f"{name}={row['default']}" for name, row in self.parameters.items())
        return f"{self.name}({defaults})" if defaults else self.name


class Faults:
    """The catalogue of faults."""

    def __init__(self, description: Description) -> None:
        document = description.faults
        self.page: str = document["page"]
        self.pages: Mapping[str, tuple[int, str]] = document["pages"]
        """Status and title of the faults that arrive as an HTML page."""
        self.rows = {name: _row(name, row) for name, row in document["faults"].items()}
        self._schemas = {name: row["parameters"] for name, row in document["faults"].items()}
        self._reasons = description.errors.reasons

    def parse(self, text: str) -> Fault:
        """The fault that `text` spells, with all its arguments.

        Raises ValueError that says what is wrong and what would be right.
        """
        spelling = _SPELLING.fullmatch(text)
        name = spelling[1] if spelling else text
        row = self.rows.get(name)
        if spelling is None or row is None:
            near = difflib.get_close_matches(name, self.rows, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"no fault is spelt {text!r}: expected one of {self.known}.{hint}")
        arguments = _arguments(row, spelling[2] or "")
        self._check(row, arguments)
        return Fault(name, tuple(arguments.items()))

    @property
    def known(self) -> str:
        """The names of all faults, for a message."""
        return ", ".join(self.rows)

    def _check(self, row: FaultRow, arguments: Json) -> None:
        validator = jsonschema_rs.Draft202012Validator(self._schemas[row.name])
        if problem := problems.complaint(validator, arguments):
            raise ValueError(f"the fault {row.spelling}: {problem.removeprefix('$.')}")
        reason = arguments.get("reason")
        if reason is not None and reason not in self._reasons:
            known = ", ".join(self._reasons)
            raise ValueError(f"the fault {row.name}: reason: expected one of {known}")


def _row(name: str, row: Json) -> FaultRow:
    parameters = row["parameters"]["properties"]
    return FaultRow(name, row["on"], row["description"], row["guarantee"], parameters)


def _arguments(row: FaultRow, text: str) -> Json:
    """The arguments by name, including defaults."""
    names, given = list(row.parameters), dict[str, object]()
    for number, (name, value) in enumerate(_split(row, text)):
        if not name and number >= len(names):
            raise ValueError(f"the fault {row.spelling} takes {len(names)} arguments; got {text!r}")
        key = name or names[number]
        if key in given:
            raise ValueError(f"the fault {row.name}: {key} is given twice")
        given[key] = _value(value, row.parameters.get(key, {}))
    return {key: schema["default"] for key, schema in row.parameters.items()} | given


def _split(row: FaultRow, text: str) -> list[tuple[str, str]]:
    found, at = list[tuple[str, str]](), 0
    while at < len(text):
        argument = _ARGUMENT.match(text, at)
        if argument is None or not argument[2]:
            raise ValueError(f"the fault {row.spelling}: cannot read the arguments {text!r}")
        found.append((argument[1] or "", argument[2]))
        at = argument.end()
    return found


def _value(text: str, schema: Json) -> object:
    """The value of `text` as JSON; a bare word is a text."""
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    # A schema accepts 2.0 as an integer too, but nothing can be cut after 2.0 chunks.
    if schema.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a reply: a name of `schemas/faults.json`, and its arguments."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.name}({arguments})"
