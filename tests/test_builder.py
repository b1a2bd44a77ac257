"""The fluent builder: the methods that script a mock in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from novita_mock import Mock
from novita_mock._stubs.model import ToolCall
from novita_mock._testing.verification import TeardownChecks
from tests.ask import CHAT, KEY, REASONS, TEXT, WRITTEN, ask, body_of, error, posted, stream, texts

UNSCRIPTED = texts(CHAT, ask())


def said(mock: Mock, **fields: Any) -> str:
    [text] = texts(CHAT, ask(mock=mock, **fields))
    return str(text)


def metadata(text: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **fields}


@pytest.mark.parametrize("operation", WRITTEN)
def test_say_answers_once_with_the_text(operation: str) -> None:
    mock = Mock()
    mock.say("First.").say("Second.")
    assert [texts(operation, ask(operation, mock=mock))[0] for _ in range(2)] == [
        "First.",
        "Second.",
    ]
    assert texts(operation, ask(operation, mock=mock)) == texts(operation, ask(operation))


@pytest.mark.parametrize("text", ["", " ", "\n", "日本語 🙂", "a" * 5000, '{"x": 1}'])
def test_say_gives_the_text_to_the_letter(text: str) -> None:
    mock = Mock()
    mock.on().say(text)
    assert said(mock) == text
    deltas = [choice["delta"] for c in stream(mock=mock) for choice in c["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == text


@pytest.mark.parametrize("value", [{"a": [1, None, "é"]}, [], "x", 5, None, True])
def test_json_answers_with_the_value(value: Any) -> None:
    mock = Mock()
    mock.json(value)
    assert json.loads(said(mock)) == value


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"a": 1}, '{"a":1}'), (None, "{}"), ({}, "{}"), ("not json", "not json")],
)
def test_call_tool_gives_arguments_as_text(arguments: Any, text: str) -> None:
    mock = Mock()
    mock.call_tool("f", arguments, id="call-7")
    [call] = ask(mock=mock)["choices"][0]["message"]["tool_calls"]
    function = {"name": "f", "arguments": text}
    assert call == {"id": "call-7", "type": "function", "function": function}


def test_an_empty_text_as_arguments_is_sent_as_it_is() -> None:
    mock = Mock()
    mock.call_tool("f", "")
    [call] = ask(mock=mock)["choices"][0]["message"]["tool_calls"]
    assert call["function"]["arguments"] == ""


def test_call_tools_calls_several_in_order() -> None:
    mock = Mock()
    mock.call_tools(ToolCall("f"), ToolCall("g", {"a": 1}))
    calls = ask(mock=mock)["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["f", "g"]
    assert len({call["id"] for call in calls}) == 2


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("reason", REASONS)
def test_refuse_answers_with_the_error(reason: str, streamed: bool) -> None:
    mock = Mock()
    mock.refuse(reason).refuse(reason, "in other words")
    replies = [mock.answer(posted(body_of(stream=streamed))) for _ in range(2)]
    assert [error(reply)["reason"] for reply in replies] == [reason] * 2
    assert error(replies[1])["message"] == "in other words"


@pytest.mark.parametrize("reason", ["", "nope", "model_not_found", "unknown_route"])
def test_refuse_knows_the_catalogues_reasons_only(reason: str) -> None:
    with pytest.raises(ValueError, match="no error is called") as wrong:
        Mock().refuse(reason)
    assert all(known in str(wrong.value) for known in REASONS)


def test_a_rule_answers_for_ever_and_one_with_times_that_often() -> None:
    mock = Mock()
    mock.on(times=2).say("twice")
    mock.on().say("always")
    assert [said(mock) for _ in range(4)] == ["twice", "twice", "always", "always"]
    once_more = Mock()
    once_more.say("a", times=3)
    assert [said(once_more) for _ in range(4)] == ["a", "a", "a", *UNSCRIPTED]
    standing = Mock()
    standing.say("a", times=None)
    assert [said(standing) for _ in range(3)] == ["a"] * 3


@pytest.mark.parametrize("times", [0, -1])
def test_times_is_one_or_more(times: int) -> None:
    with pytest.raises(ValueError, match="times is 1 or more"):
        Mock().say("x", times=times)
    with pytest.raises(ValueError, match="times is 1 or more"):
        Mock().on(times=times).say("x")


def test_the_rule_with_more_conditions_answers_first() -> None:
    mock = Mock()
    mock.on().say("any")
    mock.on(last_user="sun").say("sun")
    mock.on(last_user="sun", turn=2).say("sun again")
    assert said(mock) == "any"
    assert said(mock, **metadata("The Sun?")) == "sun"
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "sun"}]
    assert said(mock, messages=turns) == "sun again"


def tools(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name}} for name in names]


CALL = {"id": "0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"model": "deepseek/*"}, {"model": "deepseek/deepseek-v3.2"}, {}),
    ({"stream": False}, {"stream": False}, {"stream": None, "n": 2}),
    ({"turn": 1}, {}, {"messages": [{"role": "user", "content": "a"}] * 2}),
    ({"system": "pirate"},
     {"messages": [{"role": "system", "content": "Be a Pirate"}, {"role": "user", "content": ""}]},
     {}),
    ({"last_user": "cat"},
     {"messages": [{"role": "user", "content": [
         {"type": "text", "text": "A c"}, {"type": "text", "text": "at"}]}]},
     {"messages": [{"role": "user", "content": "cat"}, {"role": "user", "content": "dog"}]}),
    ({"tool_result": "21"},
     {"messages": [CALLED, {"role": "tool", "content": "21 degrees", "tool_call_id": "0"}]},
     {"messages": [{"role": "user", "content": "21"}]}),
    ({"last_user": {"exact": "Cat"}}, metadata("Cat"), metadata("Cat ")),
    ({"last_user": {"regex": "^c.t$"}}, metadata("cut"), metadata("Cut")),
    ({"turn": {"min": 2}}, {"messages": [{"role": "user", "content": "a"}] * 3}, {}),
    ({"tools": ["f", "get_*"]}, {"tools": tools("get_x", "f"), "tool_choice": "none"},
     {"tools": tools("get_x"), "tool_choice": "none"}),
    ({"tools": False}, {}, {"tools": tools("f"), "tool_choice": "none"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("when", "fits", "differs"), CONDITIONS, ids=[str(c[0]) for c in CONDITIONS]
)
def test_a_condition_decides(
    when: dict[str, Any], fits: dict[str, Any], differs: dict[str, Any]
) -> None:
    mock = Mock()
    mock.on(**when).say("scripted")
    assert said(mock, **fits) == "scripted"
    if when != {"stream": False}:
        assert "scripted" not in texts(CHAT, ask(mock=mock, **differs))


@pytest.mark.parametrize("wanted", ["BLUE", {"exact": "blue"}, {"regex": "^b"}, True], ids=str)
def test_a_header_decides(wanted: Any) -> None:
    mock = Mock()
    mock.on(header={"X-Team": wanted}).say("scripted")
    for headers, fits in (({b"x-team": b"blue"}, True), ({}, False)):
        reply = mock.answer(posted(body_of(), headers=headers))
        assert (texts(CHAT, json.loads(reply.body)) == ["scripted"]) is fits


def test_a_call_is_asserted_by_its_header_and_tools() -> None:
    mock = Mock()
    mock.answer(posted(body_of(tools=tools("f")), headers={b"x-team": b"blue"}))
    mock.assert_called(1, header={"x-team": "blue"}, tools="f")
    mock.assert_not_called(header={"x-team": "red"})
    mock.assert_not_called(tools=False)


def test_several_answers_come_in_turn_and_the_last_stays() -> None:
    mock = Mock()
    mock.on(turn=1, times=1).say("a").refuse("ACCESS_DENY").say("c", times=None)
    replies = [mock.answer(posted(body_of())) for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 403, 200, 200, 200]


def test_a_default_answers_what_no_rule_takes() -> None:
    mock = Mock(only=True)
    mock.default.say("?")
    mock.on(last_user="sun").say("sunny")
    mock.say("once")
    assert [said(mock) for _ in range(3)] == ["once", "?", "?"]
    assert said(mock, **metadata("sun")) == "sunny"
    assert [rule.answer.say for rule in mock.unused] == []


@pytest.mark.parametrize("form", [dict, str, Path])
def test_a_recorded_reply_is_played_again(form: Any, tmp_path: Path) -> None:
    taped = ask()
    path = tmp_path / "a.json"
    path.write_text(json.dumps(taped))
    mock = Mock()
    mock.recorded(taped if form is dict else form(path)).say("then this")
    assert ask(mock=mock, seed=5) == taped
    assert said(mock) == "then this"
    assert mock.rules[0].when.operation == CHAT


def test_what_is_no_recorded_reply_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.json: No such file or directory"):
        Mock().recorded(tmp_path / "none.json")
    with pytest.raises(ValueError, match=r"\$\.choices: expected array; got 1"):
        Mock().recorded({**ask(), "choices": 1})
    with pytest.raises(ValueError, match="a reply of completions does not answer chat"):
        Mock().on(operation=CHAT).recorded(ask(TEXT))


@pytest.mark.parametrize("operation", ["chat", "models.list", ""])
def test_an_operation_that_cannot_be_scripted_is_refused(operation: str) -> None:
    with pytest.raises(ValueError, match="operation: expected one of chat"):
        Mock().on(operation=operation)


@pytest.mark.parametrize("prompt", ["the sun", ["the sun"]], ids=str)
def test_a_completions_prompt_is_its_last_user_text(prompt: Any) -> None:
    mock = Mock()
    mock.on(operation="completions", last_user="sun").say("scripted")
    assert set(texts(TEXT, ask(TEXT, mock=mock, prompt=prompt))) == {"scripted"}
    assert "scripted" not in said(mock, **metadata("the sun"))


@pytest.mark.parametrize("wrong", [{"user": "x"}, {"modle": "x"}], ids=str)
def test_an_unknown_condition_is_a_type_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Mock().on(**wrong)


def test_an_unknown_argument_is_a_type_error_that_names_the_known_ones() -> None:
    with pytest.raises(TypeError, match="unknown argument 'delay': expected one of times, ttft"):
        Mock().say("x", later=2, delay=1)  # type: ignore[call-arg]


def test_an_unused_rule_is_reported() -> None:
    mock = Mock()
    mock.say("a").say("b")
    ask(mock=mock)
    assert [rule.answer.say for rule in mock.unused] == ["b"]
    assert [rule.answer.say for rule in mock.rules] == ["a", "b"]


def test_a_mock_that_is_only_scripted_refuses_the_rest() -> None:
    mock = Mock(only=True)
    mock.say("a")
    assert said(mock) == "a"
    assert mock.answer(posted(body_of())).status == 400


def test_a_request_that_is_refused_takes_no_rule() -> None:
    mock = Mock()
    mock.say("kept")
    for request in (
        posted(body_of(temperature=9)),
        posted(body_of(model="zzz")),
        posted(body_of(), key=None),
        posted(body_of(), headers={b"x-novita-mock-error": b"ACCESS_DENY"}),
    ):
        assert mock.answer(request).status >= 400
    assert said(mock) == "kept"


@pytest.mark.parametrize(
    "fields",
    [{"model": "baai/bge-m3"}, metadata("a " * 20_000)],
    ids=["endpoint", "context"],
)
def test_a_request_that_the_model_cannot_answer_takes_no_rule(fields: dict[str, Any]) -> None:
    mock = Mock()
    mock.say("kept")
    assert mock.answer(posted(body_of(**fields))).status == 400
    assert mock.unused
    assert said(mock) == "kept"


def test_resetting_forgets_the_script_and_the_calls() -> None:
    mock = Mock()
    mock.on().say("x")
    ask(mock=mock)
    mock.reset()
    assert (mock.rules, mock.calls, mock.unused) == ((), (), ())
    assert ask(mock=mock) == ask()


def test_a_request_that_no_rule_took_is_reported_without_the_key() -> None:
    mock = Mock(only=True)
    mock.on(last_user="sun").say("x")
    for blanks in ("", " " * 39):
        mock.answer(posted(body_of(**metadata(f"my key {blanks}is {KEY}"))))
    report = "\n".join(TeardownChecks("novita", mock).problems())
    assert "wants last_user='sun'; got 'my key is ***'" in report
    assert KEY[:6] not in report
    message = error(mock.calls[-1].reply)["message"]
    assert KEY[:6] not in message
