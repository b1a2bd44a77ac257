"""Rules as values, and scenario files: which rule answers, and which files are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import yaml

from novita_mock import Disconnect, Mock
from novita_mock._api.request_view import RequestView
from novita_mock._core.timing import Pace
from novita_mock._stubs import scenario_file as file
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock._stubs.script import Script
from tests.ask import (
    CHAT,
    DESCRIPTION,
    KEY,
    MODEL,
    REASONS,
    TEXT,
    WRITTEN,
    ask,
    body_of,
    error,
    joined,
    posted,
    referee,
    stream,
    texts,
)

FACTS = RequestView(
    operation=CHAT,
    model="deepseek/deepseek-v3.2",
    stream=True,
    body={
        "messages": [
            {"role": "system", "content": "You are terse."},
            {"role": "user", "content": "Hi"},
            {"role": "user", "content": "What is the Weather in Straße 5?"},
            {"role": "tool", "content": "21 degrees", "tool_call_id": "0"},
        ],
        "tools": [
            {"type": "function", "function": {"name": name}} for name in ("get_weather", "search")
        ],
    },
    sent={b"x-team": b"Blue", b"authorization": b"Bearer sk-4f9a7c21d0"},
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
    {"last_user": {"exact": "What is the Weather in Straße 5?"}},
    {"last_user": {"regex": r"^What"}},
    {"system": {"exact": "You are terse."}},
    {"tool_result": {"exact": "21 degrees"}},
    {"turn": {"min": 2}},
    {"turn": {"max": 2}},
    {"turn": {"min": 1, "max": 3}},
    {"tools": True},
    {"tools": "search"},
    {"tools": "get_*"},
    {"tools": ["search", "get_weather"]},
    {"header": {"X-Team": "blue"}},
    {"header": {"x-team": {"exact": "Blue"}}},
    {"header": {"x-team": {"regex": "^B"}}},
    {"header": {"x-team": True, "x-other": False}},
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
    ({"last_user": {"exact": "what is the weather in straße 5?"}}, "last_user"),
    ({"last_user": {"exact": "What is the Weather"}}, "last_user"),
    ({"turn": {"min": 3}}, "turn"),
    ({"turn": {"max": 1}}, "turn"),
    ({"tools": False}, "tools"),
    ({"tools": "Search"}, "tools"),
    ({"tools": ["search", "book"]}, "tools"),
    ({"header": {"x-team": {"exact": "blue"}}}, "header x-team"),
    ({"header": {"x-team": False}}, "header x-team"),
    ({"header": {"x-other": True}}, "header x-other"),
    ({"header": {"x-other": "", "x-team": "blue"}}, "header x-other"),
]
WRONG_CONDITIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"operation": 1}, TypeError, "operation: expected a text; got 1"),
    ({"model": 1}, TypeError, "model: expected a text; got 1"),
    ({"stream": 1}, TypeError, "stream: expected True or False; got 1"),
    ({"last_user": 5}, TypeError, "last_user: expected a text, a compiled pattern"),
    ({"last_user": re.compile(b"x")}, TypeError, "last_user: expected a text, a compiled pattern"),
    ({"last_user": True}, TypeError, "last_user: expected a text, a compiled pattern"),
    ({"last_user": {}}, ValueError, "last_user: expected one of regex and exact; got {}"),
    ({"last_user": {"regex": "a", "exact": "a"}}, ValueError, "expected one of regex and exact"),
    ({"last_user": {"regex": "("}}, ValueError, "last_user.regex: missing ), unterminated"),
    ({"system": {"exact": 5}}, TypeError, "system.exact: expected a text; got 5"),
    ({"turn": 0}, ValueError, "turn: expected at least 1; got 0"),
    ({"turn": True}, TypeError, "turn: expected a whole number; got True"),
    ({"turn": 1.5}, TypeError, "turn: expected a whole number; got 1.5"),
    ({"turn": {}}, ValueError, "turn: expected min, max or both; got {}"),
    ({"turn": {"min": 3, "max": 2}}, ValueError, "turn: min is above max"),
    ({"tools": 5}, TypeError, "tools: expected names of tools"),
    ({"tools": []}, ValueError, "tools: expected a name or more; False asks for a request"),
    ({"tools": [1]}, TypeError, "tools: expected a text; got 1"),
    ({"header": "x-team"}, TypeError, "header: expected names of headers"),
    ({"header": {}}, ValueError, "header: expected a header or more"),
    ({"header": {"x-team": 5}}, TypeError, "header.x-team: expected a text, a compiled"),
    ({"header": {"Authorization": "x"}}, ValueError, "header.authorization: carries a credential"),
    ({"header": {"X-API-Key": True}}, ValueError, "header.x-api-key: carries a credential"),
]
SAID = ScriptedAnswer(say="x")


@pytest.mark.parametrize("when", FITTING, ids=str)
def test_conditions_fit(when: dict[str, Any]) -> None:
    assert When(**when).differs(FACTS) is None


@pytest.mark.parametrize(("when", "field"), DIFFERING, ids=str)
def test_the_first_condition_that_does_not_fit_is_named(when: dict[str, Any], field: str) -> None:
    assert When(**when).differs(FACTS) == field


@pytest.mark.parametrize(
    ("when", "kind", "text"), WRONG_CONDITIONS, ids=[str(c[0]) for c in WRONG_CONDITIONS]
)
def test_what_is_no_condition_is_refused(
    when: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as wrong:
        When(**when)
    assert text in str(wrong.value)


def test_a_credential_is_not_even_looked_at() -> None:
    assert "authorization" not in FACTS.headers


CHOICES: list[tuple[str, list[Rule], list[int], int | None]] = [
    ("no rule", [], [], None),
    ("none fits", [Rule(SAID, When(turn=9))], [0], None),
    ("of equals the first", [Rule(SAID), Rule(SAID)], [0, 0], 0),
    ("more conditions win", [Rule(SAID), Rule(SAID, When(turn=2))], [0, 0], 1),
    ("and come first", [Rule(SAID, When(turn=2)), Rule(SAID)], [0, 0], 0),
    ("each tool counts",
     [Rule(SAID, When(turn=2)), Rule(SAID, When(tools=["search", "get_*"]))], [0, 0], 1),
    ("each header counts",
     [Rule(SAID, When(turn=2)), Rule(SAID, When(header={"x-team": True, "x": False}))], [0, 0], 1),
    ("the exact text wins",
     [Rule(SAID, When(last_user="weather")),
      Rule(SAID, When(last_user={"exact": "What is the Weather in Straße 5?"}))], [0, 0], 1),
    ("the model's id wins",
     [Rule(SAID, When(model="deepseek/*")), Rule(SAID, When(model="deepseek/deepseek-v3.2"))],
     [0, 0], 1),
    ("but not over more conditions",
     [Rule(SAID, When(model="deepseek/deepseek-v3.2")), Rule(SAID, When(turn=2, model="*"))],
     [0, 0], 1),
    ("a default comes last", [Rule(SAID, fallback=True), Rule(SAID)], [0, 0], 1),
    ("a default answers the rest",
     [Rule(SAID, When(turn=9)), Rule(SAID, fallback=True)], [0, 0], 1),
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
    script = Script(rules)
    for number, uses in enumerate(used):
        if uses and uses == rules[number].times:
            script._index.drop(number)
    assert script.take(FACTS) == index


TEXTS = ["sun", "The Sun is sunny", "", "needle 7", "a needle 77 in the hay", "日本語の針"]
LONG = "".join(Random(1).choices("abc ", k=3_000))
TEXTS += [LONG[:200], LONG]
NEEDLES = ["", "s", "sun", "sunny", "needle", "needle 7", "針", "日本語の", "The Sun is sunny"]


def a_rule(chance: Random) -> Rule:
    """A random rule with conditions of all kinds that the index knows."""
    start = chance.randrange(len(LONG))
    cut = [LONG[start : start + chance.randrange(1, 12)] for _ in range(len(NEEDLES))]
    fields: dict[str, list[Any]] = {
        "last_user": [None, *NEEDLES, *cut, *({"exact": t} for t in TEXTS), {"regex": "n.*7"}],
        "system": [None, None, "sunny", {"exact": "sun"}],
        "tool_result": [None, None, True, False, "needle", {"exact": "sun"}],
        "model": [None, "a/b", "a/*", "a/c"],
        "turn": [None, None, 1, {"min": 2}],
    }
    when = {name: chance.choice(options) for name, options in fields.items()}
    return Rule(SAID, When(**when), chance.choice([None, None, 1, 2]), (), chance.random() < 0.05)


def some_facts(chance: Random) -> RequestView:
    said = [{"role": "system", "content": chance.choice(TEXTS)}]
    said += [
        {"role": "user", "content": chance.choice(TEXTS)} for _ in range(chance.choice((1, 2)))
    ]
    if chance.random() < 0.3:
        said.append({"role": "tool", "content": chance.choice(TEXTS)})
    return RequestView(CHAT, chance.choice(["a/b", "a/c", None]), False, {"messages": said})


@pytest.mark.parametrize("count", [1, 10, 400])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("few", [1, 64])
def test_the_index_finds_what_a_search_of_all_rules_finds(
    seed: int, count: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("novita_mock._stubs.index._FEW", few)
    chance = Random(seed)
    rules = [a_rule(chance) for _ in range(count)]
    script, used = Script(rules), [0] * count
    taken = set()
    for _ in range(300):
        view = some_facts(chance)
        fitting = [
            (rule.weight, -i)
            for i, rule in enumerate(rules)
            if rule.when.differs(view) is None and (rule.times is None or used[i] < rule.times)
        ]
        expected = -max(fitting)[1] if fitting else None
        assert script.take(view) == expected
        if expected is not None:
            used[expected] += 1
            taken.add(expected)
    assert len(taken) >= min(count, 4) // 2
    assert script.used == used


@pytest.mark.parametrize("wrong", [{"ttft": -1}, {"gap": -0.1}, {"jitter": -1}], ids=str)
def test_a_pace_below_zero_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is 0 or more; got -"):
        Pace(**wrong)


# --- files ---------------------------------------------------------------------------------------


def metadata(text: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}


def loaded(rules: Any, **more: Any) -> Mock:
    mock = Mock()
    mock.load({"rules": rules, **more})
    return mock


def test_a_file_is_read_as_yaml_or_json(tmp_path: Path) -> None:
    document = {"only": True, "rules": [{"when": {"turn": 1}, "say": "Hé", "times": 2}]}
    for name, text in {"a.json": json.dumps(document), "a.yaml": yaml.safe_dump(document)}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert file.read(tmp_path / name) == document
    rules, only = file.rules(DESCRIPTION, document)
    assert (rules, only) == ([Rule(ScriptedAnswer(say="Hé"), When(turn=1), 2)], True)


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
    assert isinstance(mock.answer(posted(body_of(stream=True))).chunks[-1], Disconnect)


def test_only_refuses_what_no_rule_takes_and_names_the_nearest() -> None:
    mock = loaded([{"when": {"turn": 1, "last_user": "sun"}, "say": "x"}], only=True)
    reply = mock.answer(posted(body_of()))
    assert (reply.status, error(reply)["reason"]) == (400, "INVALID_REQUEST_BODY")
    assert error(reply)["message"].startswith("no scripted rule takes this request: rule 1 wants")
    assert "last_user='sun'; got 'Tell me about rainbows'" in error(reply)["message"]
    empty = loaded([], only=True).answer(posted(body_of()))
    assert "there are no rules. A rule that does: - {" in error(empty)["message"]
    spent = loaded([{"say": "x", "times": 1}], only=True)
    assert texts(CHAT, ask(mock=spent)) == ["x"]
    assert "was used 1 times already" in error(spent.answer(posted(body_of())))["message"]


def test_what_only_refuses_comes_with_a_rule_that_takes_it() -> None:
    mock = loaded([{"when": {"turn": 9}, "say": "x"}], only=True)
    message = error(mock.answer(posted(body_of())))["message"]
    rows = yaml.safe_load(message.partition("A rule that does: ")[2])
    mock.load({"rules": rows, "only": True})
    assert texts(CHAT, ask(mock=mock)) == ["..."]


def test_what_only_says_about_a_request_is_short_and_has_no_key() -> None:
    mock = loaded([{"when": {"last_user": "x"}, "say": "x"}], only=True)
    long = error(mock.answer(posted(metadata("sun " * 5000))))["message"]
    assert len(long) < 400
    secret = error(mock.answer(posted(metadata(KEY))))["message"]
    assert KEY not in secret
    assert "***" in secret


def test_the_nearest_rule_is_the_one_of_which_most_fits() -> None:
    whens = [{"turn": 9}, {"turn": 1, "stream": True, "system": ""}]
    mock = loaded([{"when": when, "say": "x"} for when in whens], only=True)
    message = error(mock.answer(posted(body_of())))["message"]
    assert "rule 2 wants stream=True; got False" in message


def test_answers_are_given_in_turn_and_the_last_again_and_again() -> None:
    mock = loaded([{"answers": [{"say": "a"}, {"refuse": "ACCESS_DENY"}, {"say": "c"}]}])
    replies = [mock.answer(posted(body_of())) for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 403, 200, 200, 200]
    said = [texts(CHAT, json.loads(r.body))[0] for r in replies if r.status == 200]
    assert said == ["a", "c", "c", "c"]
    mock.load({"rules": [{"answers": [{"say": "a"}, {"say": "b"}], "times": 3}, {"say": "z"}]})
    assert [texts(CHAT, ask(mock=mock))[0] for _ in range(5)] == ["a", "b", "b", "z", "z"]


def test_each_of_several_answers_is_played_in_its_own_way() -> None:
    mock = loaded([{"answers": [{"say": "a b c", "cut_after": 2}, {"say": "b", "ttft": 2}]}])
    assert isinstance(mock.answer(posted(body_of(stream=True))).chunks[-1], Disconnect)
    assert mock.answer(posted(body_of())).chunks[0].pause == 2


def test_a_default_answers_what_no_rule_takes() -> None:
    rules = [{"when": {"last_user": "sun"}, "say": "sunny"}, {"say": "once", "times": 1}]
    mock = loaded(rules, default={"say": "?"})
    assert [texts(CHAT, ask(mock=mock))[0] for _ in range(3)] == ["once", "?", "?"]
    assert texts(CHAT, ask(mock=mock, **metadata("sun"))) == ["sunny"]
    assert loaded([], default={"say": "?"}).unused == ()


RECORDED: dict[str, Any] = {
    "id": "chatcmpl-tape",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "some/model",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "reasoning_content": "Let me see.",
                "tool_calls": [
                    {
                        "id": "call_7",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"city": "Paris"}'},
                    }
                ],
            },
            "finish_reason": "tool_calls",
            "vendor": [1, 2],
        }
    ],
    "usage": {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
        "prompt_tokens_details": {"cached_tokens": 3},
    },
    "vendor_note": {"b": 1, "a": 2},
}


def test_a_recorded_reply_is_played_as_it_is() -> None:
    mock = loaded([{"recorded": RECORDED}])
    assert mock.answer(posted(body_of(n=2, max_tokens=1))).body == orjson.dumps(RECORDED)
    assert mock.last.metadata.tokens == 7


def test_a_recorded_reply_is_streamed_as_what_it_says() -> None:
    options = {"include_usage": True}
    parts = stream(mock=loaded([{"recorded": RECORDED}]), stream_options=options)
    for part in parts:
        referee("chat/completion.chunk.json").validate(part)
        assert (part["id"], part["created"]) == ("chatcmpl-tape", 1700000000)
    assert parts[-1]["usage"] == RECORDED["usage"]
    choices = [choice for part in parts for choice in part["choices"]]
    deltas = [choice["delta"] for choice in choices]
    assert "".join(d.get("reasoning_content", "") for d in deltas) == "Let me see."
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert (calls[0]["id"], calls[0]["function"]["name"]) == ("call_7", "f")
    assert "".join(call["function"]["arguments"] for call in calls) == '{"city": "Paris"}'
    assert choices[-1]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("operation", WRITTEN)
def test_what_the_mock_answered_can_be_recorded_and_streamed(operation: str) -> None:
    taped = ask(operation)
    mock = loaded([{"recorded": taped}])
    assert ask(operation, mock=mock) == taped
    assert joined(operation, stream(operation, mock=mock)) == texts(operation, taped)
    other = TEXT if operation == CHAT else CHAT
    assert texts(other, ask(other, mock=mock)) == texts(other, ask(other))


def test_a_recorded_reply_may_leave_its_usage_out() -> None:
    taped = {name: value for name, value in RECORDED.items() if name != "usage"}
    mock = loaded([{"recorded": taped}])
    assert mock.answer(posted(body_of())).body == orjson.dumps(taped)
    assert mock.last.metadata.tokens > 5
    options = {"include_usage": True}
    assert stream(mock=mock, stream_options=options)[-1]["usage"]["completion_tokens"] > 5


def test_a_file_names_recorded_replies_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "tapes").mkdir()
    (tmp_path / "tapes" / "a.json").write_text(json.dumps(RECORDED))
    rules = [{"recorded": "tapes/a.json", "times": 1}, {"answers": [{"recorded": "tapes/a.json"}]}]
    (tmp_path / "s.json").write_text(
        json.dumps({"rules": rules, "default": {"recorded": "tapes/a.json"}})
    )
    mock = Mock(scenario=tmp_path / "s.json")
    assert [ask(mock=mock) for _ in range(2)] == [RECORDED] * 2
    (tmp_path / "tapes" / "a.json").unlink()
    mock.reset()
    assert ask(mock=mock) == RECORDED


def test_a_file_with_a_recorded_reply_that_cannot_be_read_says_where(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"rules": [{"say": "x"}, {"recorded": "a.json"}]}))
    tape = tmp_path / "a.json"
    for content, text in ((None, "No such file"), ("{", "not JSON"), ("[]", "expected the body")):
        if content is not None:
            tape.write_text(content)
        with pytest.raises(file.UnreadableScenario) as refused:
            file.read(path)
        assert str(refused.value).startswith(f"{path}: $.rules[1].recorded: {tape}: {text}")


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
     'f: $.rules[0]: expected no member "says"; got {"says":"x","say":"x"}'),
    ({"rules": [{"say": "x", "when": {"user": "x"}}]},
     'f: $.rules[0].when: expected no member "user"; got {"user":"x"}'),
    ({"rules": [{"say": "x", "when": {"operation": "chat"}}]},
     'f: $.rules[0].when.operation: expected one of "chat.completions", "completions"; got "chat"'),
    ({"rules": [{"say": "x", "when": {"last_user": 5}}]},
     "f: $.rules[0].when.last_user: expected string or object; got 5"),
    ({"rules": [{"say": "x", "when": {"last_user": {}}}]},
     "f: $.rules[0].when.last_user: expected one of regex and exact; got {}"),
    ({"rules": [{"say": "x", "when": {"last_user": {"regex": "("}}}]},
     "f: $.rules[0].when.last_user.regex: missing ), unterminated subpattern at position 0"),
    ({"rules": [{"say": "x"}, {"refuse": "NOPE"}]},
     f"f: $.rules[1].refuse: expected one of {', '.join(REASONS)}; got 'NOPE'"),
    ({"rules": [{"call_tool": {"arguments": {}}}]},
     "f: $.rules[0].call_tool.name: is missing, but required"),
    ({"rules": [{"say": "x", "when": {"header": {"Cookie": "x"}}}]},
     "f: $.rules[0].when.header.cookie: carries a credential, which no rule may look at"),
    ({"rules": [{"say": "x", "when": {"turn": {"min": 3, "max": 2}}}]},
     "f: $.rules[0].when.turn: min is above max; got {'min': 3, 'max': 2}"),
    ({"rules": [{"answers": []}]}, "f: $.rules[0].answers: expected at least 1 item; got []"),
    ({"rules": [{"answers": [{"say": "x"}], "say": "x"}]},
     "f: $.rules[0]: answers and say cannot stand in one rule"),
    ({"rules": [{"answers": [{"say": "x"}], "ttft": 1}]},
     "f: $.rules[0]: answers and ttft cannot stand in one rule"),
    ({"rules": [{"answers": [{"say": "x"}, {"refuse": "ACCESS_DENY", "say": "x"}]}]},
     "f: $.rules[0].answers[1]: refuse and say cannot stand in one rule"),
    ({"rules": [{"answers": [{"say": "x", "times": 2}]}]},
     'f: $.rules[0].answers[0]: expected no member "times"; got {"say":"x","times":2}'),
    ({"rules": [], "default": {"refuse": "NOPE"}},
     f"f: $.default.refuse: expected one of {', '.join(REASONS)}; got 'NOPE'"),
    ({"rules": [], "only": True, "default": {"say": "x"}},
     "f: $.default: nothing is left for it to answer: the file says only"),
    ({"rules": [{"recorded": "tape.json"}]},
     "f: $.rules[0].recorded: only a scenario that is a file itself names another; "
     "give the reply here"),
    ({"rules": [{"recorded": {"object": "list"}}]},
     "f: $.rules[0].recorded: $.object: expected that of an answer of chat.completions or "
     "completions"),
    ({"rules": [{"recorded": {"object": "text_completion"}}]},
     "f: $.rules[0].recorded: $.id: is missing, but required"),
    ({"rules": [{"recorded": {}, "say": "x"}]},
     "f: $.rules[0]: recorded and say cannot stand in one rule"),
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
    "rules in itself": "&a {rules: [*a]}",
    "answers in itself": "rules: [&a {answers: [*a]}]",
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
    assert isinstance(refused.value, file.UnreadableScenario)
    assert str(refused.value).startswith("f: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", YAML_ONLY.values(), ids=list(YAML_ONLY))
def test_such_a_file_is_read_and_then_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(file.UnreadableScenario, match="not JSON"):
        Mock().load(tmp_path / "s.yaml")


def test_a_date_is_answered_as_it_is_written() -> None:
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
    with pytest.raises(file.UnreadableScenario) as refused:
        file.read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(file.UnreadableScenario, match="Is a directory"):
        file.read(tmp_path)


def test_a_failed_load_leaves_the_script_as_it_was() -> None:
    mock = Mock()
    mock.on().say("kept")
    with pytest.raises(ValueError, match="rules"):
        mock.load({"rules": [{"say": 5}]})
    assert texts(CHAT, ask(mock=mock)) == ["kept"]
    assert stream(mock=mock)
    assert ask(TEXT, mock=mock, model=MODEL)
