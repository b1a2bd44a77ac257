"""Reads a scenario file: YAML or JSON, described by `schemas/scenario/scenario.json`.

What comes out are the same values as the words of Python make.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import yaml

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._core.http import Json
from novita_mock._core.timing import Pace
from novita_mock._faults.catalogue import Faults
from novita_mock._stubs import recorded
from novita_mock._stubs.model import Rule
from novita_mock._stubs.scenario_rows import Misfit, RuleParser, Steps

SCHEMA = "scenario/scenario.json"
_DEEPEST = 4


class UnreadableScenario(ValueError):
    """A scenario that cannot be used: its message says where and why, in one line."""


def read(path: Path) -> Json:
    """The document in the file `path`; raises Unreadable."""
    try:
        document = parse(path.read_bytes(), str(path))
    except OSError as error:
        raise UnreadableScenario(f"{path}: {error.strerror}") from None
    try:
        whole: Json = with_recordings(document, path.parent)
    except ValueError as error:
        raise UnreadableScenario(f"{path}: {error}") from None
    return whole


def parse(data: bytes, name: str) -> Json:
    """The document that `data` holds, called `name` in messages; raises Unreadable."""
    try:
        document: Json = yaml.safe_load(data.decode())
    except UnicodeDecodeError as error:
        raise UnreadableScenario(
            f"{name}: not UTF-8 ({error.reason} at byte {error.start})"
        ) from None
    except yaml.YAMLError as error:
        raise UnreadableScenario(f"{name}: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UnreadableScenario(f"{name}: nested too deep") from None
    return document


def with_recordings(document: Any, folder: Path, steps: Steps = ()) -> Any:
    """`document` with the replies in place of the files that it names, which are looked for from
    its own `folder`. What is no scenario stays as it is. Raises Misfit."""
    # Deeper than the answers of a rule there is none; YAML can hold itself.
    if not isinstance(document, dict) or len(steps) > _DEEPEST:
        return document
    found = dict(document)
    for name in ("default", "recorded", "rules", "answers"):
        place = (*steps, name)
        match name, found.get(name):
            case "recorded", str(path):
                try:
                    found[name] = recorded.read(folder / path)
                except ValueError as error:
                    raise Misfit(place, str(error)) from None
            case "default", dict(row):
                found[name] = with_recordings(row, folder, place)
            case "rules" | "answers", list(rows):
                every = enumerate(rows)
                found[name] = [with_recordings(row, folder, (*place, i)) for i, row in every]
    return found


def rules(
    description: Description, document: Json, name: str = "scenario"
) -> tuple[list[Rule], bool]:
    """The rules of `document`, and whether only they answer; raises Unreadable."""
    try:
        document = plain(document)
        if problem := problems.complaint(description.validator(SCHEMA), document):
            raise UnreadableScenario(problem)
        rows = RuleParser(Faults(description), description.errors.reasons)
        found = [rows.rule(row, ("rules", i)) for i, row in enumerate(document["rules"])]
        return found + default(rows, document), document.get("only", False)
    except ValueError as error:
        raise UnreadableScenario(f"{name}: {error}") from None


def profiles(document: Json, name: str = "scenario") -> list[tuple[str, Pace]]:
    """How fast models answer, by the pattern of their ids; raises Unreadable."""
    found = []
    for pattern, row in document.get("profiles", {}).items():
        try:
            found.append((pattern, Pace(**row)))
        except ValueError as error:
            place = problems.path(["profiles", pattern])
            raise UnreadableScenario(f"{name}: {place}: {error}") from None
    return found


def plain(document: Any) -> Any:
    """`document` as JSON; raises Unreadable for what only YAML can say: dates, sets, keys that are
    numbers, itself."""
    try:
        return orjson.loads(orjson.dumps(document))
    except TypeError as error:
        raise UnreadableScenario(f"not JSON: {error}") from None


def default(rows: RuleParser, document: Json) -> list[Rule]:
    """The rule for what no other takes, if there is one."""
    if "default" not in document:
        return []
    if document.get("only"):
        raise Misfit(("default",), "nothing is left for it to answer: the file says only")
    return [rows.default(document["default"])]
