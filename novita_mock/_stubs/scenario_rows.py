"""Turns a row of a scenario file into a rule, the same value that the Python builder makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._core.http import Json
from novita_mock._faults.catalogue import Faults
from novita_mock._stubs.builder import check_word, fault_of, pace_of, replayed, templated
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import JSON_TEMPLATE, TEXT_TEMPLATE, Rule, ScriptedAnswer, ToolCall

Steps = tuple[str | int, ...]

_CONTENT = ("say", "json", "call_tool", "call_tools", "think")
_WORDS = (*_CONTENT, "recorded", "refuse", "fault")
_RULE_ONLY = frozenset({"when", "times", "answers"})
# A key, and the keys that one answer cannot combine with it.
_ALONE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("refuse", _CONTENT),
    ("json", ("say",)),
    ("recorded", (*_CONTENT, "refuse", "message", "template")),
)


class Misfit(ValueError):
    """A row that the schema allows but that makes no sense; `steps` lead to the place."""

    def __init__(self, steps: Steps, text: str) -> None:
        super().__init__(f"{problems.path(steps)}: {text}")
        self.steps = steps


class RuleParser:
    """Parses rows that are valid by the schema."""

    def __init__(self, description: Description, faults: Faults) -> None:
        self._description = description
        self._faults = faults
        self._reasons = description.errors.reasons

    def rule(self, row: Json, steps: Steps) -> Rule:
        """The rule in `row`, found at `steps`. Raises Misfit."""
        when = self._when(row.get("when", {}), steps)
        if "answers" in row and (others := row.keys() - _RULE_ONLY):
            raise Misfit(steps, f"answers and {min(others)} cannot stand in one rule")
        places = [(row, steps)]
        if "answers" in row:
            places = [(each, (*steps, "answers", i)) for i, each in enumerate(row["answers"])]
        answers = []
        for each, place in places:
            answer, when = self._answer(each, when, place)
            answers.append(answer)
        times = row.get("times")
        return Rule(answers[0], when, None if times is None else int(times), tuple(answers[1:]))

    def default(self, row: Json) -> Rule:
        """The rule for requests that no other rule takes."""
        answer, when = self._answer(row, When(), ("default",))
        return Rule(answer, when, fallback=True)

    def _answer(self, row: Json, when: When, steps: Steps) -> tuple[ScriptedAnswer, When]:
        """The answer in `row`, and the criteria of the requests that it answers."""
        _check_alone(row, steps)
        for word in row.keys() & set(_WORDS):
            _tried(steps, check_word, self._description, when.operation, word)
        content, when = self._content(row, when, steps)
        # 2.0 is a whole number too.
        whole = {name: int(row[name]) for name in ("cut_after", "junk") if name in row}
        played = {
            "pace": _tried(steps, pace_of, row),
            "fault": _tried(steps, fault_of, lambda: self._faults, row | whole),
        }
        return ScriptedAnswer(**content, **played), when

    def _when(self, row: Json, steps: Steps) -> When:
        operation, scripted = row.get("operation"), self._description.scripted
        if operation is not None and operation not in scripted:
            known = ", ".join(map(problems.show, scripted))
            text = f"expected one of {known}; got {problems.show(operation)}"
            raise Misfit((*steps, "when", "operation"), text)
        try:
            return When(**row)
        except (TypeError, ValueError) as error:
            where, _, text = str(error).partition(": ")
            raise Misfit((*steps, "when", *where.split(".")), text) from None

    def _content(self, row: Json, when: When, steps: Steps) -> tuple[Json, When]:
        if "recorded" in row:
            if not isinstance(row["recorded"], dict):
                only = "only a scenario that is a file itself names another; give the reply here"
                raise Misfit((*steps, "recorded"), only)
            answer, when = _tried((*steps, "recorded"), replayed, row["recorded"], when)
            return {"recorded": answer.recorded}, when
        refused = row.get("refuse")
        if refused is not None and refused not in self._reasons:
            known = ", ".join(self._reasons)
            raise Misfit((*steps, "refuse"), f"expected one of {known}; got {refused!r}")
        calls = [*row.get("call_tools", []), *([row["call_tool"]] if "call_tool" in row else [])]
        content: Json = {
            "say": orjson.dumps(row["json"]).decode() if "json" in row else row.get("say"),
            "tool_calls": tuple(ToolCall(**call) for call in calls),
            **{name: row.get(name) for name in ("think", "refuse", "message")},
        }
        if row.get("template"):
            form = JSON_TEMPLATE if "json" in row else TEXT_TEMPLATE
            _tried(steps, templated, ScriptedAnswer(**content), when, form)
            content["template"] = form
        return content, when


def _check_alone(row: Json, steps: Steps) -> None:
    """Rejects an answer that combines keys which exclude each other."""
    for word, others in _ALONE:
        if word in row and (both := [other for other in others if other in row]):
            raise Misfit(steps, f"{word} and {both[0]} cannot stand in one rule")


def _tried(steps: Steps, make: Callable[..., Any], *arguments: Any) -> Any:
    """The result of `make`. Its ValueError is raised again with the place."""
    try:
        return make(*arguments)
    except ValueError as error:
        raise Misfit(steps, str(error)) from None
