"""Spells rules: as the Python code that scripts them, and as YAML for a scenario file.

Both writers start from the row of a rule, its JSON in a scenario file; `scenario_rows` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from novita_mock._api.description import load_description
from novita_mock._core.http import Json
from novita_mock._core.text import shorten
from novita_mock._core.timing import Pace
from novita_mock._faults.catalogue import Fault
from novita_mock._stubs import scenario_file
from novita_mock._stubs.conditions import Exact, Turns
from novita_mock._stubs.model import JSON_TEMPLATE, Rule, ScriptedAnswer, ToolCall

# The builder's methods, and the words of an answer that each can give.
_METHODS: Mapping[str, frozenset[str]] = {
    "say": frozenset({"say", "think"}),
    "json": frozenset({"json"}),
    "call_tool": frozenset({"call_tool"}),
    "call_tools": frozenset({"call_tools"}),
    "recorded": frozenset({"recorded"}),
    "refuse": frozenset({"refuse", "message"}),
}
_PACE = ("ttft", "gap", "jitter", "spread")
_PLAYED = (*_PACE, "fault", "template")
# Texts that stand in the arguments of a fault without quotes.
_BARE = re.compile(r"(?!(?:true|false|null)$)[A-Za-z_][\w./-]*", re.ASCII)
_INLINE_FLAGS = {"a": re.A, "i": re.I, "m": re.M, "s": re.S, "x": re.X}
# What a YAML reader would refuse, or take for a line break, unless it is escaped.
_UNPRINTABLE = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_NEAT_BLOCK = re.compile(r"\S.*[^\n]\n?", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[-.\d]+e[-+\d]+')


def as_python(rule: Rule, name: str = "novita") -> str:
    """The Python code that scripts `rule` on the mock called `name`, with texts beyond 200
    characters shortened. A rule that the builder has no methods for is loaded as a scenario."""
    turns = [(_answer_row(answer), times) for answer, times in _turns(rule)]
    methods = [_method(row) for row, _ in turns]
    if None in methods:
        return f"{name}.load({shorten(repr(_document(rule)))})"
    implied = all(answer.recorded is not None for answer in rule.answers)
    criteria = _criteria(rule, implied)
    start, usual = name, None
    if rule.fallback:
        start = f"{name}.default"
    elif criteria:
        start = f"{name}.on({_keywords(criteria)})"
    else:
        usual = 1
    calls = (
        f".{method}({_arguments(row, str(method), {} if times == usual else {'times': times})})"
        for method, (row, times) in zip(methods, turns, strict=True)
    )
    return start + "".join(calls)


def as_yaml(rule: Rule) -> str:
    """`rule` in block style: an item of a scenario file's `rules`, or its `default` if the rule is
    a fallback. Raises ValueError for a rule that no scenario file can hold."""
    document = _document(rule)
    try:
        document = scenario_file.plain(document)
        scenario_file.rules(load_description(), document, "$")
    except ValueError as error:
        text = str(error).removeprefix("$: ")
        raise ValueError(f"no scenario file can hold this rule: {text}") from None
    part = {"default": document["default"]} if rule.fallback else document["rules"]
    width = float("inf")
    return str(yaml.dump(part, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=width))


def as_line(rule: Rule) -> str:
    """`rule`, which is no fallback, as an item of a scenario file's `rules`, in one line that is
    both YAML and JSON. Whether a file can hold the rule is not checked."""
    return "- " + _TOKEN.sub(_in_both, orjson.dumps(as_row(rule)).decode())


def as_row(rule: Rule) -> Json:
    """`rule` as the JSON of a scenario file, whether or not the schema allows all of it."""
    # One recorded reply in the row limits the rule to its operation.
    implied = any(answer.recorded is not None for answer in rule.answers)
    when = {name: _wanted(value) for name, value in _criteria(rule, implied).items()}
    times = {} if rule.times is None else {"times": rule.times}
    answers = [_answer_row(answer) for answer in rule.answers]
    content = {"answers": answers} if rule.later else answers[0]
    return ({"when": when} if when else {}) | content | times


def _document(rule: Rule) -> Json:
    """The smallest scenario that has the rule."""
    row = as_row(rule)
    return {"rules": [], "default": row} if rule.fallback else {"rules": [row]}


def _criteria(rule: Rule, implied: bool) -> Json:
    """The criteria of `rule`, without the operation if the answers imply it."""
    return {n: v for n, v in rule.when.asked().items() if not (implied and n == "operation")}


# --- rows ---


def _wanted(value: Any) -> Any:
    match value:
        case Exact():
            return {"exact": value.text}
        case re.Pattern():
            return {"regex": _with_flags(value)}
        case Turns():
            ends = {"min": value.min, "max": value.max}
            return {name: end for name, end in ends.items() if end is not None}
        case tuple():
            return value[0] if len(value) == 1 else list(value)
        case Mapping():
            return {name: _wanted(each) for name, each in value.items()}
    return value


def _with_flags(pattern: re.Pattern[str]) -> str:
    """The text of `pattern`, opened by the flags that it was compiled with and does not say."""
    try:
        own = re.compile(pattern.pattern).flags
    except re.error:  # it may be valid with its flags only
        own = 0
    missing = [name for name, flag in _INLINE_FLAGS.items() if pattern.flags & ~own & flag]
    return f"(?{''.join(missing)}){pattern.pattern}" if missing else pattern.pattern


def _answer_row(answer: ScriptedAnswer) -> Json:
    row: Json = {name: getattr(answer, name) for name in ("refuse", "message", "think", "say")}
    row = {name: text for name, text in row.items() if text is not None}
    if answer.recorded is not None:
        row["recorded"] = orjson.loads(answer.recorded)
    if _is_json(answer):
        row["json"] = orjson.loads(row.pop("say"))
    calls = [_tool_row(call) for call in answer.tool_calls]
    if calls:
        row |= {"call_tool": calls[0]} if len(calls) == 1 else {"call_tools": calls}
    if answer.template is not None:
        row["template"] = True
    if answer.pace is not None:
        row |= _pace_row(answer.pace)
    if answer.fault is not None:
        row["fault"] = _fault(answer.fault)
    return row


def _is_json(answer: ScriptedAnswer) -> bool:
    """Whether the word for the text is `json`: for templates in JSON it has to be, and for objects
    and arrays it is easier to read."""
    if answer.say is None or answer.template is not None or answer.think is not None:
        return answer.say is not None and answer.template == JSON_TEMPLATE
    try:
        value = orjson.loads(answer.say)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict | list) and orjson.dumps(value).decode() == answer.say


def _tool_row(call: ToolCall) -> Json:
    arguments = dict(call.arguments) if isinstance(call.arguments, Mapping) else call.arguments
    row: Json = {"name": call.name}
    row |= {} if arguments == {} else {"arguments": arguments}
    return row if call.id is None else {**row, "id": call.id}


def _pace_row(pace: Pace) -> Json:
    usual = Pace()
    fields = {name: getattr(pace, name) for name in _PACE}
    unusual = {name: value for name, value in fields.items() if value != getattr(usual, name)}
    # A row without a word of pace would leave the pace to the model or the mock.
    return unusual or {"ttft": usual.ttft}


def _fault(fault: Fault) -> str:
    arguments = ", ".join(f"{name}={_argument(value)}" for name, value in fault.arguments)
    return f"{fault.name}({arguments})" if arguments else fault.name


def _argument(value: object) -> str:
    text = orjson.dumps(value).decode()
    return str(value) if isinstance(value, str) and _BARE.fullmatch(value) else text


# --- Python ---


def _turns(rule: Rule) -> list[tuple[ScriptedAnswer, int | None]]:
    """The answers of `rule`, and how often each is given before the next one; None: always."""
    answers = rule.answers[: rule.times]
    last = None if rule.times is None else rule.times - len(answers) + 1
    return [*((answer, 1) for answer in answers[:-1]), (answers[-1], last)]


def _method(row: Json) -> str | None:
    """The builder's method that gives the answer in `row`; None if there is none."""
    content = row.keys() - set(_PLAYED)
    for method, words in _METHODS.items():
        if method in content and content <= words:
            return method
    return "fail" if not content and "fault" in row else None


def _arguments(row: Json, method: str, times: Json) -> str:
    """The arguments with which `method` gives the answer in `row`."""
    played = {name: row[name] for name in _PLAYED if name in row}
    match method:
        case "fail":
            first = [_code(played.pop("fault"))]
        case "call_tool":
            first = [_tool_arguments(row[method])]
        case "call_tools":
            first = [f"ToolCall({_tool_arguments(call)})" for call in row[method]]
        case _:
            first = [_short(row[method])]
    content = {name: row[name] for name in ("think", "message") if name in row}
    texts = (f"{name}={_short(value)}" for name, value in content.items())
    return ", ".join([*first, *texts, *filter(None, [_keywords(times | played)])])


def _tool_arguments(row: Json) -> str:
    arguments = [_short(row[name]) for name in ("name", "arguments") if name in row]
    return ", ".join([*arguments, *([f"id={row['id']!r}"] if "id" in row else [])])


def _keywords(arguments: Json) -> str:
    return ", ".join(f"{name}={_code(value)}" for name, value in arguments.items())


def _short(value: object) -> str:
    return repr(shorten(value)) if isinstance(value, str) else shorten(repr(value))


def _code(value: object) -> str:
    """`value` in Python syntax; the `repr` of a long pattern is cut off."""
    if isinstance(value, re.Pattern):
        flags = re.RegexFlag(value.flags & ~re.UNICODE)
        return f"re.compile({value.pattern!r}{f', {flags!r}' if flags else ''})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {_code(each)}' for name, each in value.items())}}}"
    return repr(value)


# --- YAML ---


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(_dumper: _Dumper, text: str) -> yaml.Node:
    style = None
    if _UNPRINTABLE.search(text) or "\n" in text:
        style = '"' if _UNPRINTABLE.search(text) or not _NEAT_BLOCK.fullmatch(text) else "|"
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _in_both(token: re.Match[str]) -> str:
    """A text of JSON, or a number with an exponent, as YAML 1.1 spells it too."""
    if token[0].startswith('"'):
        return _UNPRINTABLE.sub(lambda char: f"\\u{ord(char[0]):04x}", token[0])
    # In YAML 1.1 such a number needs a point and a sign, or else it is a text.
    digits, _, exponent = token[0].partition("e")
    return f"{digits if '.' in digits else f'{digits}.0'}e{int(exponent):+}"
