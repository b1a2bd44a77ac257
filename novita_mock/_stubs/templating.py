"""Fills the templates of an answer from the request. Imported only by scripts with templates.

The language is sandboxed Jinja without everything that is unbounded: macros, includes, padding
filters and calls, except calls of a few methods. So a template ends, whatever a client sends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import Any

import orjson
from jinja2 import (
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from novita_mock._api.request_view import RequestView
from novita_mock._core.errors import Refused
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import JSON_TEMPLATE, ScriptedAnswer, ToolCall

MOST_TURNS = 1_000
MOST_CHARACTERS = 1_000_000
VARIABLES = (
    *("request", "model", "operation", "stream", "last_user", "system", "turn", "tool_result"),
    *("tools", "headers", "match"),
)
METHODS = (
    *("get", "items", "keys", "values", "split", "strip", "lower", "upper", "startswith"),
    *("endswith", "removeprefix", "removesuffix"),
)
FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby"),
    *("int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject"),
    *("rejectattr", "reverse", "round", "select", "selectattr", "sort", "string", "sum", "title"),
    *("trim", "truncate", "unique", "upper", "urlencode", "wordcount"),
)
_NODES = frozenset(
    "Template Output TemplateData Name Const Getattr Getitem Slice Filter Test For If CondExpr And "
    "Or Not Compare Operand Add Sub Mul Div FloorDiv Mod Neg Pos Concat List Tuple Dict Pair "
    "Keyword Assign Call".split()
)
# No template can contain these names, because they begin with a blank.
_TURNS, _COUNTED = " turns", " counted"

Leaf = Callable[[str], str]


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"only numbers stand beside {operator}")
        return super().call_binop(context, operator, left, right)


@pass_context
def _counted(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    """The items of a loop; stops the template once it has used up its turns."""
    for item in items:
        if next(context[_TURNS]) >= MOST_TURNS:
            raise SecurityError(f"its loops take more than {MOST_TURNS} turns")
        yield item


def _sandbox() -> _Sandbox:
    sandbox = _Sandbox(undefined=StrictUndefined, keep_trailing_newline=True)
    sandbox.globals.clear()
    known = {name: sandbox.filters[name] for name in FILTERS}
    tojson = {"tojson": lambda value: orjson.dumps(value).decode(), _COUNTED: _counted}
    sandbox.filters.clear()
    sandbox.filters.update(known, **tojson)
    return sandbox


_SANDBOX = _sandbox()


@lru_cache(maxsize=4096)
def _compiled(text: str) -> tuple[Template, frozenset[str]]:
    """The compiled template `text`, and the variables that it uses. Raises ValueError."""
    try:
        tree = _SANDBOX.parse(text)
        _check_nodes(tree)
        used = frozenset(find_undeclared_variables(tree))
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        code = _SANDBOX.compile(tree)
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno} of the template: {error.message}") from None
    return Template.from_code(_SANDBOX, code, {}), used


def _check_nodes(tree: nodes.Template) -> None:
    for node in (tree, *tree.find_all(nodes.Node)):
        name = type(node).__name__
        if name not in _NODES:
            raise TemplateSyntaxError(f"a template has no {name.lower()}", node.lineno)
        if isinstance(node, nodes.Name) and node.name == "self":
            raise TemplateSyntaxError("a template has no self", node.lineno)
        if isinstance(node, nodes.Call):
            called = getattr(node.node, "attr", getattr(node.node, "name", "that"))
            if called not in METHODS:
                known = ", ".join(METHODS)
                raise TemplateSyntaxError(f"{called} cannot be called; {known} can", node.lineno)


def texts(answer: ScriptedAnswer) -> list[str]:
    """The templates of `answer`."""
    templates: list[str] = []

    def keep(text: str) -> str:
        templates.append(text)
        return text

    _with(answer, keep)
    return templates


def check(answer: ScriptedAnswer, when: When) -> None:
    """Raises ValueError if the templates of `answer` cannot be filled from requests like `when`."""
    if answer.recorded is not None:
        raise ValueError("a recorded reply has no templates")
    for text in texts(answer):
        _, used = _compiled(text)
        if unknown := used - set(VARIABLES):
            known = ", ".join(VARIABLES)
            raise ValueError(f"no variable is called {min(unknown)!r}: expected one of {known}")
        if "match" in used and not isinstance(when.last_user, re.Pattern):
            raise ValueError("match is what a regex of last_user found, and there is none")


def fill(answer: ScriptedAnswer, view: RequestView, when: When, index: int) -> ScriptedAnswer:
    """`answer` with its templates filled; `index` is that of the rule. Refuses the request if a
    template cannot be filled."""
    variables = {**_variables(view), "match": _groups(when, view), _TURNS: count()}
    try:
        return _with(answer, lambda text: _rendered(text, variables))
    # Every client gets an answer, whatever it sends.
    except Exception as error:
        problem = str(error) if isinstance(error, TemplateError) else repr(error)
        raise Refused("template_failed", rule=index + 1, problem=problem) from None


def _variables(view: RequestView) -> dict[str, Any]:
    own = {name: getattr(view, name) for name in VARIABLES if name not in ("request", "match")}
    return {**own, "request": view.body, "tool_result": view.tool_result or ""}


def _groups(when: When, view: RequestView) -> Mapping[str | int, str]:
    pattern = when.last_user
    match = pattern.search(view.last_user) if isinstance(pattern, re.Pattern) else None
    if match is None:
        return {}
    groups: dict[str | int, str] = dict(enumerate((match[0], *match.groups(""))))
    return groups | match.groupdict("")


def _rendered(text: str, variables: Mapping[str, Any]) -> str:
    template, _ = _compiled(text)
    pieces, left = list[str](), MOST_CHARACTERS
    for piece in template.generate(variables):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise SecurityError(f"it gives more than {MOST_CHARACTERS} characters")
    return "".join(pieces)


def _with(answer: ScriptedAnswer, leaf: Leaf) -> ScriptedAnswer:
    """`answer` with `leaf` applied to each of its texts."""
    say = answer.say
    if say is not None and answer.template == JSON_TEMPLATE:
        say = orjson.dumps(_leaves(orjson.loads(say), leaf)).decode()
    elif say is not None:
        say = leaf(say)
    calls = tuple(_call(call, leaf) for call in answer.tool_calls)
    think, message = (
        None if text is None else leaf(text) for text in (answer.think, answer.message)
    )
    return replace(answer, say=say, tool_calls=calls, think=think, message=message)


def _call(call: ToolCall, leaf: Leaf) -> ToolCall:
    return replace(call, arguments=_leaves(call.arguments, leaf))


def _leaves(value: Any, leaf: Leaf) -> Any:
    """A JSON value with `leaf` applied to each string in it, except member names."""
    match value:
        case str():
            return leaf(value)
        case Mapping():
            return {name: _leaves(item, leaf) for name, item in value.items()}
        case list() | tuple():
            return [_leaves(item, leaf) for item in value]
    return value
