"""Explains in one sentence why a value violates its schema: where, what was expected, what came.

A table maps keywords to words. For `anyOf`, the branch that was meant is the one whose type and
discriminator fit. Knows schemas, not operations. The validator says what is wrong and where; the
wording and the order are our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jsonschema_rs
import orjson

from novita_mock._core.text import shorten

Problem = jsonschema_rs.ValidationError

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = 60
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


def found(validator: jsonschema_rs.Draft202012Validator, document: object) -> list[Problem]:
    """All problems of `document`, in the order of its members."""
    return sorted(validator.iter_errors(document), key=lambda problem: _position(problem, document))


def complaint(validator: jsonschema_rs.Draft202012Validator, document: object) -> str | None:
    """The first problem of `document` in one sentence; None if `document` is valid."""
    wrong = found(validator, document)
    return explain(wrong[0], document) if wrong else None


def _position(problem: Problem, document: Any) -> list[int]:
    """Where the value at fault is: the index of each member or item on the path to it."""
    indexes: list[int] = []
    for step in problem.instance_path:
        indexes.append(list(document).index(str(step)) if isinstance(document, dict) else int(step))
        document = _inside(document, step)
    return indexes


def _at(problem: Problem, document: Any) -> Any:
    """The value at fault as it was sent: the validator's copy has an order of its own."""
    for step in problem.instance_path:
        document = _inside(document, step)
    return document


def _inside(value: Any, step: str | int) -> Any:
    """The member or item at `step`. The validator reports a member named "5" as a number."""
    return value[str(step) if isinstance(value, dict) else step]


def path(steps: Sequence[str | int]) -> str:
    """`["messages", 0, "role"]` as `$.messages[0].role`."""
    return "$" + "".join(map(_step, steps))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_NAME.fullmatch(step) else f"[{show(step)}]"


def show(value: object) -> str:
    """`value` as JSON, shortened."""
    text = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()
    return shorten(text, _SHOWN)


def _one_of(values: Sequence[object]) -> str:
    shown = [show(value) for value in values]
    return shown[0] if len(shown) == 1 else "one of " + ", ".join(shown)


def _items(limit: int) -> str:
    return f"{limit} item{'' if limit == 1 else 's'}"


def _characters(limit: int) -> str:
    return f"{limit} character{'' if limit == 1 else 's'}"


_EXPECTED: dict[str, Callable[[Any], str]] = {
    "type": lambda k: " or ".join(sorted(k.types, key=_TYPES.index)),
    "const": lambda k: show(k.expected_value),
    "enum": lambda k: _one_of(k.options),
    "minimum": lambda k: f"at least {k.limit}",
    "maximum": lambda k: f"at most {k.limit}",
    "exclusiveMinimum": lambda k: f"more than {k.limit}",
    "exclusiveMaximum": lambda k: f"less than {k.limit}",
    "minLength": lambda k: f"at least {_characters(k.limit)}",
    "maxLength": lambda k: f"at most {_characters(k.limit)}",
    "minItems": lambda k: f"at least {_items(k.limit)}",
    "maxItems": lambda k: f"at most {_items(k.limit)}",
    "falseSchema": lambda _: "nothing here",
    "pattern": lambda k: f"text that matches {k.pattern}",
}


def explain(problem: Problem, document: object) -> str:
    """One sentence about `problem` in `document`, starting with the value's JSON path."""
    problem, expected = _meant(problem)
    kind: Any = problem.kind
    if kind.name == "required":
        return f"{path([*problem.instance_path, kind.property])}: is missing, but required"
    value = _at(problem, document)
    if kind.name == "additionalProperties":
        expected = f"no member {_one_of([name for name in value if name in kind.unexpected])}"
    expected = expected or _EXPECTED[kind.name](kind)
    return f"{path(problem.instance_path)}: expected {expected}; got {show(value)}"


def _meant(problem: Problem) -> tuple[Problem, str]:
    """The problem behind an `anyOf`, and what was expected if no single branch was meant."""
    while problem.kind.name == "anyOf":
        kind: Any = problem.kind
        branches = [list(branch) for branch in kind.context]
        meant = [b for b in branches if not any(_off(problem, p) for p in b)]
        if not meant:
            return _alternatives(problem, branches)
        problem = max((branch[0] for branch in meant), key=_nearness)
    return problem, ""


def _nearness(problem: Problem) -> tuple[list[int], bool]:
    """How many items of a list were right; at the same item, a wrong type is the worst."""
    items = [step for step in problem.instance_path if isinstance(step, int)]
    return items, problem.kind.name != "type"


def _off(parent: Problem, problem: Problem) -> bool:
    """Whether `problem` shows that its branch of `parent` was not the one meant."""
    depth = len(problem.instance_path) - len(parent.instance_path)
    kind = problem.kind.name
    return (kind in ("type", "enum") and depth == 0) or (kind == "const" and depth == 1)


def _alternatives(parent: Problem, branches: list[list[Problem]]) -> tuple[Problem, str]:
    tags = [p for b in branches for p in b if p.kind.name == "const" and _off(parent, p)]
    if tags:
        return tags[0], _one_of([_expected_value(p.kind) for p in tags])
    kinds = [p for b in branches for p in b if _off(parent, p)]
    return parent, " or ".join(dict.fromkeys(_words(kinds)))


def _expected_value(kind: Any) -> object:
    return kind.expected_value


def _words(problems: list[Problem]) -> Iterator[str]:
    for problem in problems:
        yield _EXPECTED[problem.kind.name](problem.kind)
