"""The spelling of rules: Python that scripts them, YAML that a scenario file can hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from textwrap import indent
from typing import Any
from unittest.mock import patch

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from novita_mock import Mock, ToolCall
from novita_mock._core.timing import SPREADS, Pace
from novita_mock._faults.catalogue import Faults
from novita_mock._stubs import scenario_file, spelling
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import JSON_TEMPLATE, TEXT_TEMPLATE, Rule, ScriptedAnswer
from novita_mock._stubs.spelling import as_line, as_python, as_row, as_yaml
from tests.ask import CHAT, DESCRIPTION, REASONS, TEXT, WRITTEN, ask, referee

# --- rules ---

some = settings(max_examples=200, deadline=None, database=None, derandomize=True)

TRICKY = [
    *("", " ", "\n", "a\n", "a\n\n", "\n a", "  a\nb", "a \nb", "a\n  b\n", "a\r\nb", "a\tb"),
    *("yes", "null", "~", "1", "1e3", "1e-7", "0x1", "2020-01-01", "=", "<<", "- a", "a: b", "# a"),
    *("'", '"', "\\", "{", "&a", "*a", "!a", "%a", "@a", "`", "---", "...", "? a", "|", ">"),
    *("\x00", "\x1b", "\x7f", "a\x85b", "a\u2028b\nc", "\ufeffa", "\ufffe", "\U0010ffff",),
    *("日本語 🙂\nb", "\t\n", '{"a": 1}', '{"a":1}', "[1]", "[1e1]", "5", "true"),
    "word " * 60,
]  # fmt: skip
text = st.text(max_size=40) | st.sampled_from(TRICKY)
name = text.filter(bool)
count = st.integers(1, 9)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
patterns = st.sampled_from(
    [
        re.compile(pattern, flags)
        for pattern, flags in [
            ("a|b", 0),
            ("(?i)hi", 0),
            ("(?i)(?s)hi.", 0),
            ("hi", re.I),
            (r"h i \# # \n", re.X | re.S),
            ("  (?i)x", re.X),
            (r"^\w+$", re.M | re.A),
            (r"(?P<name>\w+)" + "x" * 300, 0),
        ]
    ]
)
matched = text | text.map(lambda t: {"exact": t}) | patterns
limits = st.tuples(count, count).map(sorted)
turns = st.one_of(
    count,
    count.map(lambda n: {"min": n}),
    count.map(lambda n: {"max": n}),
    limits.map(lambda ends: dict(zip(("min", "max"), ends, strict=True))),
)
headers = st.sampled_from(["x-team", "user-agent", "yes", "1", "x: y"])
criteria: dict[str, st.SearchStrategy[Any]] = {
    "operation": st.sampled_from(WRITTEN),
    "model": text,
    "last_user": matched,
    "system": matched,
    "turn": turns,
    "tool_result": matched | st.booleans(),
    "stream": st.booleans(),
    "tools": st.booleans() | text | st.lists(text, min_size=1, max_size=3),
    "header": st.dictionaries(headers, matched | st.booleans(), min_size=1, max_size=2),
}
whens = st.fixed_dictionaries({}, optional=criteria).map(lambda given: When(**given))

catalogue = Faults(DESCRIPTION)
faults = st.sampled_from(
    [
        *map(catalogue.parse, catalogue.rows),
        *map(
            catalogue.parse,
            (
                "stall(2, seconds=0.0000001)",
                f"error_event(3, {REASONS[0]})",
                'redirect(301, "/a,b)\\"c\\"")',
                'wrong_content_type("true")',
            ),
        ),
    ]
)
seconds = st.floats(0, 1e9) | st.just(1 / 3)
paces = st.builds(
    Pace, ttft=seconds, gap=seconds, jitter=seconds, spread=st.sampled_from(SPREADS)
) | st.just(Pace())
tool_calls = st.builds(
    ToolCall, name, st.dictionaries(text, values, max_size=3) | text, st.none() | name
)
said = st.builds(
    ScriptedAnswer,
    say=text | values.map(lambda value: orjson.dumps(value).decode()),
    think=st.none() | text,
    tool_calls=st.lists(tool_calls, max_size=2).map(tuple),
    message=st.none() | text,
)
called = st.builds(
    ScriptedAnswer,
    tool_calls=st.lists(tool_calls, min_size=1, max_size=3).map(tuple),
    think=st.none() | text,
)
refused = st.builds(ScriptedAnswer, refuse=st.sampled_from(REASONS), message=st.none() | text)
templates = st.sampled_from(["{{ turn }}", "a\n{{ last_user }}", '{"a":"{{ turn }}"}', "plain"])
templated = st.builds(
    ScriptedAnswer,
    say=templates,
    think=st.none() | templates,
    tool_calls=st.sampled_from([(), (ToolCall("f", {"a": "{{ turn }}"}),)]),
    template=st.just(TEXT_TEMPLATE),
) | st.builds(
    ScriptedAnswer,
    say=(templates | st.lists(templates, max_size=2)).map(lambda v: orjson.dumps(v).decode()),
    think=st.none() | templates,
    tool_calls=st.sampled_from([(), (ToolCall("f", {"a": "{{ turn }}"}),)]),
    template=st.just(JSON_TEMPLATE),
)
ANSWERED = {operation: orjson.dumps(ask(operation)) for operation in WRITTEN}
REPLIES = {operation: ScriptedAnswer(recorded=body) for operation, body in ANSWERED.items()}


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule that a scenario file can hold."""
    operation = draw(st.sampled_from(WRITTEN))
    content = st.one_of(said, called, refused, templated, st.just(REPLIES[operation]))
    played = st.builds(replace, content, pace=st.none() | paces, fault=st.none() | faults)
    faulty = st.builds(ScriptedAnswer, pace=st.none() | paces, fault=faults)
    answers = draw(st.lists(played | faulty, min_size=1, max_size=3))
    replayed = any(answer.recorded is not None for answer in answers)
    if draw(st.integers(0, 4)) == 4:
        when = When(operation=operation) if answers[0].recorded is not None else When()
        return Rule(answers[0], when, fallback=True)
    when = draw(whens)
    if replayed:
        when = replace(when, operation=operation)
    return Rule(answers[0], when, draw(st.none() | count), tuple(answers[1:]))


def plain(value: Any) -> Any:
    """Flags of a pattern can be given in two ways: this says both the same."""
    if isinstance(value, re.Pattern):
        return re.sub(r"^(\(\?[aimsx]+\))+", "", value.pattern), value.flags
    return {n: plain(v) for n, v in value.items()} if isinstance(value, dict) else value


def parts(rule: Rule) -> Any:
    """What two rules that do the same have in common."""
    return rule.answers, rule.times, rule.fallback, plain(rule.when.asked())


def loaded(text: str) -> list[Rule]:
    """The rules of a scenario file, which the schema allows."""
    document = scenario_file.parse(text.encode(), "test")
    referee("scenario/scenario.json").validate(document)
    found, _ = scenario_file.rules(DESCRIPTION, document)
    return found


# --- YAML ---


@some
@given(rule=rules())
def test_what_is_written_and_loaded_again_is_the_rule(rule: Rule) -> None:
    written = as_yaml(rule)
    file = f"rules: []\n{written}" if rule.fallback else f"rules:\n{written}"
    assert [parts(found) for found in loaded(file)] == [parts(rule)]
    if not rule.fallback:
        assert loaded(f"rules:\n{indent(written, '    ')}\nonly: true") == loaded(file)


@pytest.mark.parametrize("text", TRICKY, ids=ascii)
def test_every_text_is_read_as_it_was(text: str) -> None:
    saying = Rule(ScriptedAnswer(say=text, tool_calls=(ToolCall("f", {text: text}, "c"),)))
    # The text ends the first item and the file.
    written = as_yaml(Rule(ScriptedAnswer(say=text))) + as_yaml(saying)
    written += as_yaml(Rule(ScriptedAnswer(say=text, message=text)))
    found = loaded(f"rules:\n{written}")
    assert [rule.answer.say for rule in found] == [text] * 3
    assert found[1].answer.tool_calls[0].arguments == {text: text}
    [line] = loaded(f"rules:\n{as_line(saying)}")
    assert line == saying


@some
@given(rule=rules().filter(lambda rule: not rule.fallback))
def test_the_line_is_yaml_and_json_of_the_same_rule(rule: Rule) -> None:
    line = as_line(rule)
    assert "\n" not in line
    assert [parts(found) for found in loaded(f"rules:\n{line}")] == [parts(rule)]
    assert yaml.safe_load(line) == [json.loads(line.removeprefix("- "))]


def test_a_rule_reads_as_somebody_would_write_it() -> None:
    mock = Mock()
    builder = mock.on(last_user=re.compile("(?i)rain"), tools=["get_*"], turn={"min": 2}, times=2)
    builder.say("Rain.\nBring a coat.", ttft=0.2, fault="stall(2)")
    mock.on(header={"x-team": "blue"}).json({"city": "Paris", "on": [1, True]})
    mock.call_tool("get_weather", {"city": "Paris"}, times=None)
    mock.default.refuse("ACCESS_DENY")
    assert (
        "".join(map(as_yaml, mock.rules))
        == """\
- when:
    last_user:
      regex: (?i)rain
    turn:
      min: 2
    tools: get_*
  say: |-
    Rain.
    Bring a coat.
  ttft: 0.2
  fault: stall(chunks=2, seconds=60)
  times: 2
- when:
    header:
      x-team: blue
  json:
    city: Paris
    'on':
    - 1
    - true
- call_tool:
    name: get_weather
    arguments:
      city: Paris
default:
  refuse: ACCESS_DENY
"""
    )


def test_texts_stay_readable() -> None:
    long = Rule(ScriptedAnswer(say="so 日本語 🙂 " * 99 + "."))
    assert as_yaml(long) == f"- say: {long.answer.say}\n"
    block = Rule(ScriptedAnswer(say="日本語 🙂\n  b\n"))
    assert as_yaml(block) == "- say: |\n    日本語 🙂\n      b\n"
    assert as_line(block) == '- {"say":"日本語 🙂\\n  b\\n"}'


NUMBERS = [1e-7, 1.5e-7, 1e16, 1.5e300, -1e-300, 0.1, 12, 5e-324]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_stays_one(number: float) -> None:
    rule = Rule(ScriptedAnswer(say=orjson.dumps([number]).decode(), pace=Pace(ttft=abs(number))))
    assert loaded(f"rules:\n{as_line(rule)}") == loaded(f"rules:\n{as_yaml(rule)}") == [rule]


@pytest.mark.parametrize(
    ("text", "word"),
    [('{"a":1}', "json"), ("[]", "json"), ("5", "say"), ('"a"', "say"), ('{"a": 1}', "say")],
)
def test_only_objects_and_arrays_are_written_as_json(text: str, word: str) -> None:
    answer = ScriptedAnswer(say=text)
    assert as_row(Rule(answer)) == {word: json.loads(text) if word == "json" else text}
    templated = replace(answer, template=JSON_TEMPLATE)
    assert as_row(Rule(templated)) == {"json": json.loads(text), "template": True}
    assert "json" not in as_row(Rule(replace(answer, template=TEXT_TEMPLATE)))


def test_a_recorded_reply_is_written_without_the_operation_that_it_implies() -> None:
    mock = Mock()
    mock.recorded(ask())
    assert as_row(mock.rules[0]) == {"recorded": ask(), "times": 1}
    assert as_python(mock.rules[0]).startswith("novita.recorded({'id': 'chatcmpl-")
    mixed = replace(mock.rules[0], later=(ScriptedAnswer(say="x"),), times=None)
    assert as_row(mixed) == {"answers": [{"recorded": ask()}, {"say": "x"}]}
    assert as_python(mixed).startswith("novita.on(operation='chat.completions').recorded({")


X = ScriptedAnswer(say="x")
IMPOSSIBLE = [
    (Rule(X, When(model=re.compile("x"))), '$.rules[0].when.model: expected string; got {"regex"'),
    (Rule(X, When(operation="models.list")), '$.rules[0].when.operation: expected one of "chat.'),
    (Rule(X, times=2, fallback=True), '$.default: expected no member "times"'),
    (Rule(X, When(turn=1), fallback=True), '$.default: expected no member "when"'),
    (Rule(X, fallback=True, later=(X,)), '$.default: '),
    (Rule(ScriptedAnswer()), "$.rules[0].say: is missing"),
    (Rule(ScriptedAnswer(think="x")), "$.rules[0].say: is missing"),
    (Rule(ScriptedAnswer(refuse="NOPE")), "$.rules[0].refuse: expected one of INVALID_API_KEY"),
    (Rule(ScriptedAnswer(say="x", refuse=REASONS[0])), "$.rules[0]: refuse and say cannot stand"),
    (Rule(ScriptedAnswer(say="{{ x }}", template=TEXT_TEMPLATE)), "no variable is called 'x'"),
    (Rule(ScriptedAnswer(say="\ud800")), "not JSON: "),
    (Rule(replace(X, pace=Pace(ttft=float("inf")))), "$.rules[0].ttft: expected number"),
    (Rule(ScriptedAnswer(tool_calls=(ToolCall("f", {1: 2}),))), "not JSON: "),  # type: ignore[dict-item]
]  # fmt: skip


@pytest.mark.parametrize(("rule", "message"), IMPOSSIBLE, ids=[row[1] for row in IMPOSSIBLE])
def test_a_rule_that_no_file_can_hold_is_refused_with_the_reason(rule: Rule, message: str) -> None:
    with pytest.raises(ValueError, match="no scenario file can hold this rule") as failure:
        as_yaml(rule)
    assert message in str(failure.value)


# --- Python ---

SCRIPTS = [
    "novita.on(last_user={'exact': 'x'}, turn={'min': 2}, header={'x-a': True}).say('a')",
    "novita.on(tool_result=False, tools=('a', 'b')).refuse('ACCESS_DENY')",
    "novita.on(system=re.compile('x')).say('{{ turn }}', template=True)",
    "novita.on(model=re.compile('x'), header={'x-a': re.compile('x', re.IGNORECASE)}).say('a')",
    "novita.default.say('x')",
    "novita.say('x')",
    "novita.say('x', think='hm', times=None, ttft=0.5)",
    "novita.on(turn=1).say('x', times=2)",
    "novita.say('{\"a\":1}', think='hm')",
    "novita.json({'a': [1, None]})",
    "novita.json({'a': '{{ turn }}'}, template=True)",
    "novita.call_tool('f', {'a': 1}, id='c1')",
    "novita.call_tools(ToolCall('f'), ToolCall('g', 'not json'))",
    "novita.refuse('ACCESS_DENY', message='no')",
    "novita.fail('stall(chunks=2, seconds=60)', gap=0.1)",
    "novita.say('x', fault='reset')",
    f"novita.recorded({ask(TEXT, max_tokens=1)!r})",
    "novita.load({'rules': [{'say': 'x', 'call_tool': {'name': 'f'}}]})",
    "novita.load({'rules': [], 'default': {'think': 'hm', 'call_tool': {'name': 'f'}}})",
]


def scripted(code: str) -> tuple[Rule, ...]:
    mock = Mock()
    exec(code, {"novita": mock, "re": re, "ToolCall": ToolCall})
    return mock.rules


@pytest.mark.parametrize("script", SCRIPTS, ids=[script[:60] for script in SCRIPTS])
def test_a_rule_is_spelt_as_it_is_scripted(script: str) -> None:
    with patch.object(spelling, "shorten", str):
        assert as_python(scripted(script)[0]) == script


@some
@given(rule=rules())
def test_the_python_code_scripts_the_rule(rule: Rule) -> None:
    with patch.object(spelling, "shorten", str):
        code = as_python(rule)
    found = scripted(code)
    if len(rule.answers) == 1 or ".load(" in code:
        assert [parts(each) for each in found] == [parts(rule)]
    else:
        assert [given_in_turn(found, n) for n in range(12)] == [nth(rule, n) for n in range(12)]
        assert {str(plain(each.when.asked())) for each in found} == {str(plain(rule.when.asked()))}


def given_in_turn(found: tuple[Rule, ...], n: int) -> ScriptedAnswer | None:
    """The answer of a script to its request number `n` from 0, all of which match."""
    line = [rule.answer for rule in found for _ in range(99 if rule.times is None else rule.times)]
    return line[n] if n < len(line) else None


def nth(rule: Rule, n: int) -> ScriptedAnswer | None:
    return rule.nth(n + 1) if rule.times is None or n < rule.times else None


def test_several_answers_are_scripted_one_after_the_other() -> None:
    later = tuple(ScriptedAnswer(say=letter) for letter in "bc")
    rule = Rule(ScriptedAnswer(say="a"), When(turn=1), None, later)
    start = "novita.on(turn=1).say('a', times=1)"
    assert as_python(rule) == f"{start}.say('b', times=1).say('c')"
    assert as_python(replace(rule, times=5)) == f"{start}.say('b', times=1).say('c', times=3)"
    assert as_python(replace(rule, times=2)) == f"{start}.say('b', times=1)"


def test_a_long_text_is_shortened_in_python_only() -> None:
    rule = Rule(ScriptedAnswer(say="a" * 999), When(operation=CHAT))
    assert as_python(rule) == f"novita.on(operation='{CHAT}').say('{'a' * 200}...')"
    assert "a" * 999 in as_yaml(rule)
