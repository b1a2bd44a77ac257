"""Reads a scenario file: YAML or JSON, described by `schemas/scenario/scenario.json`.

It makes the same values as the Python builder.
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
    """A scenario that cannot be used; the message says where and why, in one line."""


def read(path: Path) -> Json:
    """The document in the file `path`. Raises UnreadableScenario."""
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
    """The document in `data`; messages call it `name`. Raises UnreadableScenario."""
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
    """`document` with each file name of a recorded reply replaced by the reply itself. File names
    are relative to `folder`. Anything but a scenario stays unchanged. Raises Misfit."""
    # No reply is nested deeper than the answers of a rule, and a YAML document can contain itself.
    if not isinstance(document, dict) or len(steps) > _DEEPEST:
        return document
    whole = dict(document)
    for name in ("default", "recorded", "rules", "answers"):
        place = (*steps, name)
        match name, whole.get(name):
            case "recorded", str(path):
                try:
                    whole[name] = recorded.read(folder / path)
                except ValueError as error:
                    raise Misfit(place, str(error)) from None
            case "default", dict(row):
                whole[name] = with_recordings(row, folder, place)
            case "rules" | "answers", list(rows):
                numbered = enumerate(rows)
                whole[name] = [with_recordings(row, folder, (*place, i)) for i, row in numbered]
    return whole


def rules(
    description: Description, document: Json, name: str = "scenario"
) -> tuple[list[Rule], bool]:
    """The rules of `document`, and whether only they answer. Raises UnreadableScenario."""
    try:
        document = plain(document)
        if problem := problems.complaint(description.validator(SCHEMA), document):
            raise UnreadableScenario(problem)
        parser = RuleParser(description, Faults(description))
        parsed = [parser.rule(row, ("rules", i)) for i, row in enumerate(document["rules"])]
        return parsed + default(parser, document), document.get("only", False)
    except ValueError as error:
        raise UnreadableScenario(f"{name}: {error}") from None


def profiles(document: Json, name: str = "scenario") -> list[tuple[str, Pace]]:
    """The pace of models, by model id pattern. Raises UnreadableScenario."""
    paces = []
    for pattern, row in document.get("profiles", {}).items():
        try:
            paces.append((pattern, Pace(**row)))
        except ValueError as error:
            place = problems.path(["profiles", pattern])
            raise UnreadableScenario(f"{name}: {place}: {error}") from None
    return paces


def plain(document: Any) -> Any:
    """`document` as JSON. Raises UnreadableScenario for what only YAML can express: dates, sets,
    numbers as keys, a document that contains itself."""
    try:
        return orjson.loads(orjson.dumps(document))
    except TypeError as error:
        raise UnreadableScenario(f"not JSON: {error}") from None


def default(rows: RuleParser, document: Json) -> list[Rule]:
    """The rule for requests that no other rule takes, if there is one."""
    if "default" not in document:
        return []
    if document.get("only"):
        raise Misfit(("default",), "nothing is left for it to answer: the file says only")
    return [rows.default(document["default"])]
