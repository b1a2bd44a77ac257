"""Rules as values, and scenario files: which rule answers, and what is wrong with a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from novita_mock import Cut, Mock
from novita_mock import _scenario_file as file
from novita_mock._scenario import Answer, Facts, Pace, Rule, When, choose
from tests.ask import BOOK, CHAT, MODEL, REASONS, TEXT, ask, body_of, error, posted, stream, texts

FACTS = Facts(
    operation=CHAT,
    model="deepseek/deepseek-v3.2",
    stream=True,
    last_user="What is the Weather in Straße 5?",
    system="You are terse.",
    turn=2,
    tool_result="21 degrees",
)
FITTING: list[dict[str, Any]] = [
    {},
    {"operation": CHAT},
    {"model": "deepseek/deepseek-v3.2"},
    {"model": "deepseek/*"},
    {"model": "*v3.?"},
    {"model": re.compile(r"v3\.\d$")},
    {"last_user": "weather"},
    {"last_user": "WEATHER IN"},
    {"last_user": "STRASSE"},
    {"last_user": ""},
    {"last_user": re.compile(r"\d\?$")},
    {"system": "terse"},
    {"turn": 2},
    {"tool_result": True},
    {"tool_result": "degrees"},
    {"tool_result": re.compile(r"^\d+")},
    {"stream": True},
    {"operation": CHAT, "model": "*", "last_user": "weather", "turn": 2, "stream": True},
]
DIFFERING: list[tuple[dict[str, Any], str]] = [
    ({"operation": TEXT}, "operation"),
    ({"operation": "chat"}, "operation"),
    ({"model": "deepseek"}, "model"),
    ({"model": "DEEPSEEK/*"}, "model"),
    ({"last_user": "rain"}, "last_user"),
    ({"last_user": re.compile("weather")}, "last_user"),
    ({"system": "verbose"}, "system"),
    ({"turn": 1}, "turn"),
    ({"tool_result": False}, "tool_result"),
    ({"tool_result": "rain"}, "tool_result"),
    ({"stream": False}, "stream"),
    ({"model": "*", "turn": 1, "stream": False}, "turn"),
]
SAID = Answer(say="x")


@pytest.mark.parametrize("when", FITTING, ids=str)
def test_conditions_fit(when: dict[str, Any]) -> None:
    assert When(**when).differs(FACTS) is None


@pytest.mark.parametrize(("when", "field"), DIFFERING, ids=str)
def test_the_first_condition_that_does_not_fit_is_named(when: dict[str, Any], field: str) -> None:
    assert When(**when).differs(FACTS) == field


CHOICES: list[tuple[str, list[Rule], list[int], int | None]] = [
    ("no rule", [], [], None),
    ("none fits", [Rule(SAID, When(turn=9))], [0], None),
    ("of equals the first", [Rule(SAID), Rule(SAID)], [0, 0], 0),
    ("more conditions win", [Rule(SAID), Rule(SAID, When(turn=2))], [0, 0], 1),
    ("and come first", [Rule(SAID, When(turn=2)), Rule(SAID)], [0, 0], 0),
    ("the most that fit",
     [Rule(SAID, When(turn=2)), Rule(SAID, When(turn=9, stream=True)),
      Rule(SAID, When(turn=2, stream=True))], [0, 0, 0], 2),
    ("used up", [Rule(SAID, times=1), Rule(SAID)], [1, 5], 1),
    ("not used up", [Rule(SAID, times=2), Rule(SAID)], [1, 0], 0),
    ("all used up", [Rule(SAID, times=1)], [1], None),
    ("a used up specific one", [Rule(SAID, When(turn=2), 1), Rule(SAID)], [1, 0], 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "used", "index"), [row[1:] for row in CHOICES], ids=[row[0] for row in CHOICES]
)
def test_the_most_specific_rule_answers(
    rules: list[Rule], used: list[int], index: int | None
) -> None:
    assert choose(rules, used, FACTS) == index


@pytest.mark.parametrize("wrong", [{"ttft": -1}, {"gap": -0.1}, {"jitter": -1}], ids=str)
def test_a_pace_below_zero_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is 0 or more; got -"):
        Pace(**wrong)


# --- files ---------------------------------------------------------------------------------------


def loaded(rules: Any, **more: Any) -> Mock:
    mock = Mock()
    mock.load({"rules": rules, **more})
    return mock


def test_a_file_is_read_as_yaml_or_json(tmp_path: Path) -> None:
    document = {"only": True, "rules": [{"when": {"turn": 1}, "say": "Hé", "times": 2}]}
    for name, text in {"a.json": json.dumps(document), "a.yaml": yaml.safe_dump(document)}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert file.read(tmp_path / name) == document
    rules, only = file.rules(BOOK, document)
    assert (rules, only) == ([Rule(Answer(say="Hé"), When(turn=1), 2)], True)


def test_every_word_of_a_file_makes_the_rule_that_python_makes() -> None:
    python = Mock()
    on = python.on(model="deepseek/*", last_user=re.compile("a+"), tool_result=False)
    on.say("x", think="y", times=2, ttft=0.5, gap=0.1, cut_after=3)
    on.json({"a": [1]})
    on.call_tool("f", {"a": 1}, id="i")
    on.refuse("ACCESS_DENY", "no")
    when = {"model": "deepseek/*", "last_user": {"regex": "a+"}, "tool_result": False}
    played = {"times": 2, "ttft": 0.5, "gap": 0.1, "cut_after": 3}
    mock = loaded([
        {"when": when, "say": "x", "think": "y", **played},
        {"when": when, "json": {"a": [1]}},
        {"when": when, "call_tool": {"name": "f", "arguments": {"a": 1}, "id": "i"}},
        {"when": when, "refuse": "ACCESS_DENY", "message": "no"},
    ])  # fmt: skip
    assert mock.rules == python.rules


def test_a_files_rules_answer() -> None:
    mock = loaded(
        [
            {"refuse": "RATE_LIMIT_EXCEEDED", "times": 1},
            {"when": {"last_user": "rainbows"}, "say": "Seven colours."},
            {"call_tools": [{"name": "f"}, {"name": "g", "arguments": "{}"}]},
        ]
    )
    assert texts(CHAT, ask(mock=mock)) == ["Seven colours."]
    other = [{"role": "user", "content": "x"}]
    refused = mock.answer(posted(body_of(messages=other)))
    assert (refused.status, error(refused)["reason"]) == (429, "RATE_LIMIT_EXCEEDED")
    calls = ask(mock=mock, messages=other)["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["f", "g"]


def test_loading_takes_the_place_of_the_script_so_far() -> None:
    mock = Mock()
    mock.on().say("before")
    mock.load({"rules": [{"say": "after"}]})
    assert texts(CHAT, ask(mock=mock)) == ["after"]
    mock.load({"rules": []})
    assert "after" not in texts(CHAT, ask(mock=mock))


@pytest.mark.parametrize("value", [2, 2.0])
def test_a_whole_number_may_be_written_with_a_fraction(value: float) -> None:
    mock = loaded([{"say": "a b c", "cut_after": value, "times": value}])
    assert isinstance(mock.answer(posted(body_of(stream=True))).beats[-1], Cut)


def test_only_refuses_what_no_rule_takes_and_tells_the_nearest() -> None:
    mock = loaded([{"when": {"turn": 1, "last_user": "sun"}, "say": "x"}], only=True)
    reply = mock.answer(posted(body_of()))
    assert (reply.status, error(reply)["reason"]) == (400, "INVALID_REQUEST_BODY")
    assert error(reply)["message"].startswith("no scripted rule takes this request: rule 1 wants")
    assert "last_user='sun'; got 'Tell me about rainbows'" in error(reply)["message"]
    empty = loaded([], only=True).answer(posted(body_of()))
    assert error(empty)["message"].endswith("there are no rules")
    spent = loaded([{"say": "x", "times": 1}], only=True)
    assert texts(CHAT, ask(mock=spent)) == ["x"]
    assert "was used 1 times already" in error(spent.answer(posted(body_of())))["message"]


def test_resetting_makes_the_mock_as_if_new() -> None:
    mock = loaded([{"say": "x"}], only=True)
    mock.reset()
    assert mock.answer(posted(body_of())).body == Mock().answer(posted(body_of())).body


WRONG: list[tuple[Any, str]] = [
    (None, "f: $: expected object; got null"),
    ([], "f: $: expected object; got []"),
    ("rules", 'f: $: expected object; got "rules"'),
    ({}, "f: $.rules: is missing, but required"),
    ({"rules": {}}, "f: $.rules: expected array; got {}"),
    ({"rules": [1]}, "f: $.rules[0]: expected object; got 1"),
    ({"rule": [], "rules": []}, 'f: $: expected no member "rule"; got {"rule":[],"rules":[]}'),
    ({"rules": [], "only": 1}, "f: $.only: expected boolean; got 1"),
    ({"rules": [{"say": 1}]}, "f: $.rules[0].say: expected string; got 1"),
    ({"rules": [{"say": "x", "times": 0}]}, "f: $.rules[0].times: expected at least 1; got 0"),
    ({"rules": [{"say": "x", "gap": -1}]}, "f: $.rules[0].gap: expected at least 0; got -1"),
    ({"rules": [{"say": "x", "cut_after": 1.5}]},
     "f: $.rules[0].cut_after: expected integer; got 1.5"),
    ({"rules": [{"says": "x", "say": "x"}]},
     'f: $.rules[0]: expected no member "says"; got {"say":"x","says":"x"}'),
    ({"rules": [{"say": "x", "when": {"user": "x"}}]},
     'f: $.rules[0].when: expected no member "user"; got {"user":"x"}'),
    ({"rules": [{"say": "x", "when": {"operation": "chat"}}]},
     'f: $.rules[0].when.operation: expected one of "chat.completions", "completions"; got "chat"'),
    ({"rules": [{"say": "x", "when": {"last_user": 5}}]},
     "f: $.rules[0].when.last_user: expected string or object; got 5"),
    ({"rules": [{"say": "x", "when": {"last_user": {}}}]},
     "f: $.rules[0].when.last_user.regex: is missing, but required"),
    ({"rules": [{"say": "x", "when": {"last_user": {"regex": "("}}}]},
     "f: $.rules[0].when.last_user.regex: missing ), unterminated subpattern at position 0"),
    ({"rules": [{"say": "x"}, {"refuse": "NOPE"}]},
     f"f: $.rules[1].refuse: expected one of {', '.join(REASONS)}; got 'NOPE'"),
    ({"rules": [{"call_tool": {"arguments": {}}}]},
     "f: $.rules[0].call_tool.name: is missing, but required"),
    ({"rules": [{"call_tools": []}]}, "f: $.rules[0].call_tools: expected at least 1 item; got []"),
]  # fmt: skip
# Values that YAML can make and JSON cannot.
YAML_ONLY: dict[str, str] = {
    "a key that is a number": "rules: [{json: {1: 2}}]",
    "a key of the rule that is a number": "rules: [{1: 2}]",
    "a set": "rules: [{json: !!set {a, b}}]",
    "bytes": "rules: [{json: !!binary aGk=}]",
    "a number beyond 64 bits": f"rules: [{{json: {10**30}}}]",
    "itself": "rules: [{json: &a [*a]}]",
    "too deep": f"rules: [{{json: {'[' * 300}{']' * 300}}}]",
}


@pytest.mark.parametrize(("document", "message"), WRONG, ids=[str(row[0])[:50] for row in WRONG])
def test_a_file_that_is_no_scenario_is_refused_with_the_place(document: Any, message: str) -> None:
    with pytest.raises(ValueError, match="f: ") as refused:
        Mock().load(document, "f")
    assert str(refused.value) == message


def test_a_rule_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^f: \$\.rules\[0\]"):
        Mock().load({"rules": [{}]}, "f")


@pytest.mark.parametrize("text", YAML_ONLY.values(), ids=list(YAML_ONLY))
def test_a_file_whose_values_are_not_jsons_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="f: ") as refused:
        Mock().load(yaml.safe_load(text), "f")
    assert isinstance(refused.value, file.Unreadable)
    assert str(refused.value).startswith("f: ")
    assert "\n" not in str(refused.value)


def test_a_date_is_said_as_it_is_written() -> None:
    mock = Mock()
    mock.load(yaml.safe_load("rules: [{say: 2026-01-01}]"))
    assert texts(CHAT, ask(mock=mock)) == ["2026-01-01"]


UNREADABLE = {
    "no file": (None, "No such file or directory"),
    "not UTF-8": (b"rules: [\xff]", "not UTF-8"),
    "broken YAML": (b"rules: [", "while parsing"),
    "a tab": (b"rules:\n\t- say: x", "found character"),
    "a tag": (b"!!python/object:os.system {}", "could not determine a constructor"),
    "a zero byte": (b"rules: \x00", "unacceptable character"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "s.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(file.Unreadable) as refused:
        file.read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(file.Unreadable, match="Is a directory"):
        file.read(tmp_path)


def test_a_failed_load_leaves_the_script_as_it_was() -> None:
    mock = Mock()
    mock.on().say("kept")
    with pytest.raises(ValueError, match="rules"):
        mock.load({"rules": [{"say": 5}]})
    assert texts(CHAT, ask(mock=mock)) == ["kept"]
    assert stream(mock=mock)
    assert ask(TEXT, mock=mock, model=MODEL)
