"""What a user's type checkers must refuse, line by line: an unused ignore comment is an error.

So a type that decays to `Any` shows here, too, even if it has no public name.
"""

# A missing attribute would be reported as unknown as well.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import novita_mock
from novita_mock import Disconnect, Mock, Pace, Reply, Request, TimedBytes, ToolCall
from novita_mock.httpx import Transport, openai_client
from novita_mock.respx import Escape, Router, guard, install, mocked
from novita_mock.starlette import Endpoint, create_app


def a_misspelt_name_does_not_exist() -> None:
    novita_mock.Mok()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def conditions_are_known_fields(mock: Mock) -> None:
    mock.on(last_usr="news")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mock.on(turn="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.on(header={"x": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    mock.assert_called(1, usr="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mock.assert_not_called(usr="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_scenario_is_a_path_or_what_is_read_from_one(mock: Mock) -> None:
    Mock(scenario=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.load("rules.yaml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_mock_takes_its_arguments_by_name_and_only_those_that_it_has() -> None:
    Mock("2026")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Mock(editon="2026")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Mock(seed="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Mock(clock=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Mock(profiles={"*": 0.2})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]


def a_word_takes_what_it_says(mock: Mock) -> None:
    mock.say(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.say("one", tims=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mock.say("one", times="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.say("one", "think")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mock.json()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mock.call_tool({})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.call_tools("name")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.recorded(b"{}")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.refuse(429)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.fail(fault="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mock.on(times="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.assert_called("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def words_for_some_requests_are_no_more_than_words(mock: Mock) -> None:
    mock.on().sing("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    mock.default.sing()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    mock.on().say(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.default.say(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def what_a_mock_returns_is_read_only(mock: Mock, reply: Reply) -> None:
    mock.calls = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    mock.last.number = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    mock.last.status = 200  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    mock.calls.clear()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    reply.status = 200  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def values_are_made_of_what_they_say() -> None:
    Pace(ttft="fast")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Pace(speed=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ToolCall()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ToolCall("get_weather", 42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Request("GET")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Request("GET", "/", {"accept": "text"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    Reply(200, (), (b"data",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TimedBytes("data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Disconnect(kind="closed")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def time_and_money_are_counted(mock: Mock) -> None:
    mock.clock.jump("60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mock.wallet.top_up(mock.api_key)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mock.wallet.top_up(mock.api_key, [5])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def an_adapter_takes_a_mock(mock: Mock) -> None:
    Transport()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    openai_client("https://api.novita.ai")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    create_app("2026")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Endpoint("2026")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mocked()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    install(mock, mock)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Router(mock, ())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Escape("GET", "https://api.novita.ai/")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
