"""Finds mistakes in a scenario file, for `novita-mock lint`.

An error cannot be intended: the file is refused, a rule never answers, an answer breaks the API's
schemas, or the file has a secret in it. Whatever may be intended is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._core.http import Json
from novita_mock._faults.catalogue import Faults
from novita_mock._lint.checks import CHECKS, Context, Found
from novita_mock._lint.source import Lines, secrets
from novita_mock._stubs import scenario_file
from novita_mock._stubs.model import Rule
from novita_mock._stubs.scenario_rows import Misfit, RuleParser, Steps

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class LintMessage:
    """One mistake and its place: a line of a file, counted from 1."""

    file: str
    line: int
    severity: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.text}"


def lint(description: Description, path: Path, *, any_model: bool = False) -> list[LintMessage]:
    """The mistakes in the scenario file at `path`, in the order of its lines. `any_model`: the
    scenario is for a mock that accepts any model id. A file that cannot be read is a mistake, too.
    """
    try:
        data = path.read_bytes()
        document = scenario_file.parse(data, "")
    except OSError as error:
        return [LintMessage(str(path), 1, ERROR, str(error.strerror))]
    except scenario_file.UnreadableScenario as error:
        text = str(error).removeprefix(": ")
        return [LintMessage(str(path), _marked_line(error), ERROR, text)]
    lines = Lines(data.decode())
    rows = [(line, ERROR, text) for line, text in lines.twice]
    rows += [(line, ERROR, text) for line, text in secrets(data.decode())]
    for steps, severity, text in _mistakes(description, document, path.parent, any_model):
        rows.append((lines.of(steps), severity, text))
    return [LintMessage(str(path), *row) for row in sorted(rows, key=lambda row: row[0])]


def _marked_line(error: BaseException) -> int:
    """The line that a YAML error points to; 1 if it points to none."""
    mark = getattr(error.__context__, "problem_mark", None)
    return mark.line + 1 if isinstance(mark, yaml.Mark) else 1


def _mistakes(
    description: Description, document: Any, folder: Path, any_model: bool
) -> Iterator[tuple[Steps, str, str]]:
    """The mistakes in `document`: where, how severe, and what."""
    try:
        document = scenario_file.plain(scenario_file.with_recordings(document, folder))
    except Misfit as error:
        yield error.steps, ERROR, str(error)
        return
    except scenario_file.UnreadableScenario as error:
        yield (), ERROR, str(error)
        return
    breaches = problems.found(description.validator(scenario_file.SCHEMA), document)
    for problem in breaches:
        yield tuple(problem.instance_path), ERROR, problems.explain(problem, document)
    if breaches:
        return
    rules: list[tuple[Steps, Rule]] = []
    for steps, read in _read(description, document):
        if isinstance(read, Rule):
            rules.append((steps, read))
        else:
            yield read.steps, ERROR, str(read)
    context = Context(description, any_model)
    for check in CHECKS:
        for found in check(context, rules):
            yield _row(found)


def _row(found: Found) -> tuple[Steps, str, str]:
    severity = WARNING if found.may_be_meant else ERROR
    return found.steps, severity, f"{problems.path(found.steps)}: {found.text}"


def _read(description: Description, document: Json) -> Iterator[tuple[Steps, Rule | Misfit]]:
    """Each rule, or why it cannot be read; the default comes last."""
    parser = RuleParser(description, Faults(description))
    for index, row in enumerate(document["rules"]):
        steps: Steps = ("rules", index)
        try:
            yield steps, parser.rule(row, steps)
        except Misfit as error:
            yield steps, error
    try:
        for rule in scenario_file.default(parser, document):
            yield ("default",), rule
    except Misfit as error:
        yield ("default",), error
