"""The near miss: one score and one sentence for refusals, `explain` and the plugin's failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from novita_mock import Mock, Request
from novita_mock._api.request_view import RequestView
from novita_mock._stubs.criteria import When
from novita_mock._stubs.explain import explain
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock._stubs.near_miss import compare, nearest, nearest_of, ready, suggested
from novita_mock._stubs.script import Script
from novita_mock._testing.verification import TeardownChecks
from novita_mock._verification.near_miss import nearest as nearest_call
from novita_mock._verification.near_miss import suggestion
from tests.ask import CHAT, KEY, MODEL, TEXT, body_of, got, posted

HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
YES: dict[str, Any] = {"turn": 1, "operation": CHAT, "stream": False}
NO: dict[str, Any] = {"last_user": "sun", "system": "moon", "tools": "f"}


def view(text: str = "Hi", model: str = MODEL) -> RequestView:
    messages = [{"role": "user", "content": text}]
    return RequestView(CHAT, model, False, {"model": model, "messages": messages})


def rule(yes: int = 0, no: int = 0, times: int | None = None) -> Rule:
    """A rule of which `yes` conditions match the request "Hi", and `no` differ."""
    criteria = dict([*YES.items()][:yes]) | dict([*NO.items()][:no])
    return Rule(ScriptedAnswer(say="x"), When(**criteria), times)


def script(*rules: Rule) -> Script:
    """A script whose rules with a limit are used up."""
    made = Script(rules)
    while made.take(view()) is not None:
        pass
    return made


# --- the score ---

ORDER = [
    ("the most matching conditions", [rule(1, 1), rule(2, 3)], 1),
    ("the most matching, though another is used up", [rule(1, times=1), rule(2, 1)], 1),
    ("of equals the one with fewer mismatches", [rule(1, 2), rule(1, 1)], 1),
    ("of equals the one that is used up", [rule(1, 1), rule(1, times=1)], 1),
    ("of equals in both the first", [rule(2, 1), rule(2, 1)], 0),
    ("the first, where nothing fits", [rule(0, 1), rule(0, 1)], 0),
]


@pytest.mark.parametrize(("rules", "index"), [r[1:] for r in ORDER], ids=[r[0] for r in ORDER])
def test_the_nearest_rule(rules: list[Rule], index: int) -> None:
    near = nearest_of(compare(one, view(), i) for i, one in enumerate(rules))
    assert near is not None
    assert near.index == index
    assert nearest(script(*rules), view()).startswith(f"rule {index + 1} ")
    if not any(one.times for one in rules):
        assert explain(rules, view()).why.startswith(f"No rule answers: rule {index + 1} wants ")


def test_the_nearest_call_is_chosen_by_the_same_score() -> None:
    mock = Mock()
    wanted = Rule(ScriptedAnswer(say="x"), When(last_user="sun", stream=True, turn=1))
    for stream in (False, True, True):
        mock.answer(posted(body_of(**HI, stream=stream)))
    assert nearest_call(wanted, mock.calls, ()).startswith("2. POST ")


def test_the_conditions_are_split_into_those_that_match_and_those_that_differ() -> None:
    near = compare(Rule(ScriptedAnswer(), When(**YES, **NO), times=2), view(), used=2)
    assert [condition.name for condition in near.matching] == ["operation", "turn", "stream"]
    assert [condition.name for condition in near.differing] == ["last_user", "system", "tools"]
    assert near.used_up
    assert not compare(near.rule, view(), used=1).used_up
    assert not compare(rule(1), view(), used=9).used_up
    assert nearest_of([]) is None


# --- the sentences ---


def test_all_three_say_the_same_of_a_mismatch() -> None:
    mock = Mock(only=True)
    mock.on(last_user="sun").say("x")
    mock.answer(posted(body_of(**HI)))
    said = "wants last_user='sun'; got 'Hi'"
    missed, unused = TeardownChecks("novita", mock).problems()
    assert f"\n\nrule 1 {said}\n" in missed
    assert f"\n    the rule {said}\n" in unused
    explained = explain(mock.rules, view()).lines()
    assert f"  {said}" in explained
    assert f"No rule answers: rule 1 {said}." in explained


def test_long_values_are_shortened_on_both_sides() -> None:
    text = nearest(script(Rule(ScriptedAnswer(), When(last_user="a" * 99))), view("b" * 99))
    assert text == f"rule 1 wants last_user='{'a' * 59}...; got '{'b' * 59}..."


def test_the_first_of_the_conditions_that_differ_is_named() -> None:
    assert nearest(script(rule(1, 2)), view()) == "rule 1 wants last_user='sun'; got 'Hi'"


def test_why_no_rule_takes_a_request_that_differs_in_nothing() -> None:
    assert nearest(Script(), view()) == "there are no rules"
    assert nearest(script(rule(times=2)), view()) == "rule 1 was used 2 times already"
    spent = Rule(ScriptedAnswer(say="x"), times=1, fallback=True)
    assert nearest(script(rule(0, 1), spent), view()) == "default was used 1 times already"
    # Another thread may have added it since.
    assert nearest(Script([rule(1)]), view()) == "rule 1 fits"


# --- calls ---

LIST, NOWHERE = got("/models"), got("/nowhere")
CHAT_HI = posted(body_of(**HI))
UNREADABLE = posted(body_of(temperature=9))
KEYLESS = posted(body_of(**HI), key=None)
UNKNOWN = posted(body_of(**HI, model="no/such-model"))
REFUSED = "it was refused before any rule was tried"

CALLS: list[tuple[str, list[Request], str, str]] = [
    ("an operation without scripts", [LIST], "1. GET", "models.list is not answered by scripts"),
    ("an unknown path", [NOWHERE], "1. GET", "no operation is at this path"),
    ("an invalid body", [UNREADABLE], "1. POST", REFUSED),
    ("a missing key", [KEYLESS], "1. POST", REFUSED),
    ("an unknown model", [UNKNOWN], "1. POST", "it fits, but was refused before any rule was"),
    ("a refused call before a list", [LIST, UNREADABLE], "2. POST", REFUSED),
    ("a call before all others", [LIST, KEYLESS, UNKNOWN], "3. POST", "it fits, but was refused"),
    ("no call", [], "no call came in", ""),
]


@pytest.mark.parametrize(
    ("requests", "line", "why"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS]
)
def test_why_a_rule_without_conditions_was_not_used(
    requests: list[Request], line: str, why: str
) -> None:
    mock = Mock()
    mock.say("A")
    for request in requests:
        mock.answer(request)
    assert len(mock.unused) == 1
    text = nearest_call(mock.unused[0], mock.calls, mock.rules)
    assert text.startswith(line)
    assert why in text.partition("\n    ")[2]


def test_a_call_that_scripts_cannot_answer_is_not_the_nearest() -> None:
    mock = Mock()
    mock.on(last_user="sun").say("A")
    for request in (LIST, UNREADABLE, CHAT_HI):
        mock.answer(request)
    text = nearest_call(mock.unused[0], mock.calls, mock.rules)
    assert text.startswith("3. POST")
    assert text.endswith("\n    the rule wants last_user='sun'; got 'Hi'")


def why_unused(mock: Mock) -> str:
    return nearest_call(mock.unused[-1], mock.calls, mock.rules).partition("\n    ")[2]


def test_which_rule_took_the_call_instead() -> None:
    mock = Mock()
    mock.on(last_user="Hi").say("first")
    mock.on(last_user="Hi").say("second")
    mock.answer(CHAT_HI)
    assert why_unused(mock) == "it fits, but an earlier rule took it"
    mock = Mock()
    mock.say("general")
    mock.on(last_user="Hi").say("special")
    mock.answer(CHAT_HI)
    assert why_unused(mock) == "it fits, but a more specific rule took it"


BEFORE = "it fits, but came in before the rule was scripted"


def test_a_call_that_came_before_the_rule() -> None:
    mock = Mock()
    mock.answer(CHAT_HI)
    mock.say("late")
    assert why_unused(mock) == BEFORE
    mock = Mock(only=True)
    mock.answer(CHAT_HI)
    mock.say("late")
    assert why_unused(mock) == BEFORE
    mock = Mock()
    mock.on().say("general")
    mock.answer(CHAT_HI)
    mock.on(last_user="Hi").say("late")
    assert why_unused(mock) == BEFORE


OTHER = {"when": {"last_user": "sun"}, "say": "other"}


@pytest.mark.parametrize(
    "rows", [[{"say": "new"}], [OTHER, {"say": "new"}], [{"say": "new"}, OTHER]]
)
def test_a_call_that_the_former_script_answered(rows: list[Any]) -> None:
    mock = Mock(scenario={"rules": [OTHER, {"say": "old"}]})
    mock.answer(CHAT_HI)
    mock.load({"rules": rows})
    [new] = [rule for rule in mock.unused if rule.answer.say == "new"]
    assert nearest_call(new, mock.calls, mock.rules).endswith(BEFORE)


# --- the rule to paste ---

ASKED = [
    *("Hi", "", 'it\'s "so": - x', "a\nb\tc", "naïve 日本語 🙂", "\x7f\x85\u2028\ufeff\x01"),
    *("sun " * 100, f"my key is {KEY}", KEY, f"{KEY} and a longer text", "yes", "1e3"),
]


@pytest.mark.parametrize("model", [MODEL, "org/any[1]"])
@pytest.mark.parametrize("text", ASKED, ids=ascii)
def test_the_suggested_rule_takes_the_request(text: str, model: str) -> None:
    mock = Mock(only=True, any_model=True)
    request = posted(body_of(messages=[{"role": "user", "content": text}], model=model))
    mock.answer(request)
    message = json.loads(mock.last.reply.body)["message"]
    line = message.partition("A rule that does: ")[2]
    assert KEY not in message
    assert "\n" not in line
    rows = yaml.safe_load(line)
    assert rows == [json.loads(line.removeprefix("- "))]
    code = suggestion(mock.last)
    assert KEY not in code
    pasted = Mock(any_model=True, only=True)
    eval(code, {"novita": pasted})
    for other in (pasted, Mock(any_model=True, scenario={"rules": rows, "only": True})):
        assert other.answer(request).status == 200


def test_the_suggested_rule_is_one_value_with_two_spellings() -> None:
    rule = suggested(view("Hi"))
    assert rule == Rule(ScriptedAnswer(say="..."), When(CHAT, MODEL, "Hi"))
    when = {"operation": CHAT, "model": MODEL, "last_user": "Hi"}
    assert json.loads(ready(view("Hi")).removeprefix("- ")) == {"when": when, "say": "..."}
    mock = Mock()
    mock.answer(posted({"model": MODEL, "prompt": "Hi"}, TEXT))
    assert suggestion(mock.last, "m") == (
        f"m.on(operation='{TEXT}', model='{MODEL}', last_user='Hi').say('...')"
    )
