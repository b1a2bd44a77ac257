"""Code of a user's project, with a line for each public name. It is type-checked, not run.

`assert_type` states the expected type, so that a type that decays to `Any` is an error. Types
without a public name are known by their attributes. `check.py` checks this file with the wheel.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import click
import httpx
import httpx2
import pytest
import respx
from openai import AsyncOpenAI, OpenAI
from starlette.applications import Starlette
from starlette.routing import Mount

from novita_mock import (
    Beat,
    Cut,
    Disconnect,
    Mock,
    Pace,
    Reply,
    Request,
    TimedBytes,
    ToolCall,
    __version__,
)
from novita_mock.cli import main, run
from novita_mock.httpx import Transport, async_openai_client, openai_client
from novita_mock.respx import MOCKER, UNKNOWN, Escape, Router, guard, install, mocked
from novita_mock.starlette import Endpoint, create_app

# novita_mock: the mock itself


def a_mock_takes_settings() -> None:
    assert_type(Mock(), Mock)
    Mock(edition="2026", seed=1, api_keys=["sk-right-key"], any_model=True)
    Mock(ttft=0.2, gap=0.02, jitter=0.3, spread="lognormal")
    Mock(tokens_per_second=80, profiles={"deepseek/*": Pace(ttft=1.2)})
    Mock(rpm=30, tpm=50_000, tier="T1", balance="0.01")
    Mock(balance=Decimal(5))
    Mock(balance=0.5)
    Mock(scenario="rules.yaml", only=True)
    Mock(scenario={"rules": [{"say": "Hello."}]})
    Mock(base_urls=("https://gateway.example/llm",), clock=time.time)
    Mock(clock=Mock().clock)
    assert_type(__version__, str)
    assert __version__ != "0.0.1"


def a_mock_tells_where_and_how_it_is_reached(mock: Mock) -> None:
    assert_type(mock.base_url, str)
    assert_type(mock.base_urls, tuple[str, ...])
    assert_type(mock.origin, str)
    mock.origin = "http://127.0.0.1:4010"
    assert_type(mock.api_key, str)
    assert_type(mock.any_key, bool)
    assert_type(mock.edition, str)
    assert_type(mock.description.bases, tuple[str, ...])


def a_request_is_answered(mock: Mock) -> None:
    request = Request("GET", "/v3/openai/models", {b"authorization": b"Bearer key"})
    assert_type(mock.answer(request), Reply)
    assert_type(mock.call(request).reply, Reply)


def every_word_can_be_followed_by_the_next(mock: Mock) -> None:
    assert_type(mock.say("Sunny."), Mock)
    assert_type(mock.say("Sunny.", think="The sky is blue."), Mock)
    assert_type(mock.json({"sky": ["blue"]}), Mock)
    assert_type(mock.call_tool("get_weather"), Mock)
    assert_type(mock.call_tool("get_weather", {"city": "Oslo"}, id="call-1"), Mock)
    assert_type(mock.call_tool("get_weather", '{"city": '), Mock)
    assert_type(mock.call_tools(ToolCall("get_weather"), ToolCall("get_news")), Mock)
    assert_type(mock.recorded({"choices": []}), Mock)
    assert_type(mock.recorded("answer.json"), Mock)
    assert_type(mock.recorded(Path("answer.json")), Mock)
    assert_type(mock.refuse("RATE_LIMIT_EXCEEDED"), Mock)
    assert_type(mock.refuse("RATE_LIMIT_EXCEEDED", "Slowly!"), Mock)
    assert_type(mock.refuse("RATE_LIMIT_EXCEEDED", message="Slowly!"), Mock)
    assert_type(mock.fail("bad_gateway"), Mock)


def every_word_takes_how_often_and_how_it_is_played(mock: Mock) -> None:
    mock.say("one", times=2).json({}, times=None)
    mock.call_tool("get_weather", ttft=1, gap=0.1, jitter=0.3, spread="constant")
    mock.call_tools(ToolCall("get_weather"), tokens_per_second=25)
    mock.recorded("answer.json", cut_after=2)
    mock.refuse("RATE_LIMIT_EXCEEDED", fault="stall(2, seconds=30)")
    mock.fail("bad_gateway", times=3)
    mock.say("{{ model }}", junk=2, template=True)


def words_for_some_requests_are_those_of_the_mock(mock: Mock) -> None:
    words = mock.on(operation="chat.completions", model="deepseek/*", stream=True)
    words = words.say("Sunny.")
    words = words.json({"sky": "blue"})
    words = words.call_tool("get_weather", {"city": "Oslo"})
    words = words.call_tools(ToolCall("get_weather"))
    words = words.recorded("answer.json")
    words = words.refuse("ACCESS_DENY")
    words = words.fail("bad_gateway")
    words = mock.default
    words.say("Who are you?", times=None)


def conditions_select_requests(mock: Mock) -> None:
    mock.on(last_user="weather", system={"exact": "ping"}, times=1)
    mock.on(last_user=re.compile("I am .*"), model=re.compile("^deepseek/"))
    mock.on(turn=2)
    mock.on(turn={"min": 2, "max": 4}, tool_result=False)
    mock.on(tools="get_*", header={"x-team": "blue", "x-trace": True})
    mock.on(tools=["get_weather", "get_news"], tool_result={"regex": "Sunny|Rainy"})


def a_script_can_be_read_and_changed(mock: Mock) -> None:
    for rule in mock.rules + mock.unused:
        mock.add(rule)
        assert_type(rule.times, int | None)
        assert_type(rule.fallback, bool)
        assert_type(rule.answer.say, str | None)
        assert_type(rule.answer.pace, Pace | None)
        assert_type(rule.answer.tool_calls, tuple[ToolCall, ...])
        assert_type(rule.when.stream, bool | None)
    mock.load({"rules": []})
    mock.load(Path("rules.yaml"), lasting=True)
    mock.load({"rules": []}, "the one of the test")
    assert mock.scenario == {"rules": []}
    assert_type(mock.reset, Callable[[], None])
    assert_type(mock.forget, Callable[[], None])


def a_mock_records_calls(mock: Mock) -> None:
    assert_type(len(mock.calls), int)
    assert_type(mock.calls[0].status, int)
    assert_type([call.status for call in mock.calls], list[int])
    assert_type(mock.last.status, int)
    assert_type(mock.size, int)
    mock.assert_called()
    mock.assert_called(1, last_user="sourdough")
    mock.assert_called(times=2, turn={"min": 2}, stream=True)
    mock.assert_not_called(tools="get_*")
    assert_type(mock.counters.requests, dict[tuple[str | int | None, ...], int])
    assert_type(mock.counters.clear, Callable[[], None])


def a_client_is_judged(mock: Mock) -> None:
    for finding in mock.verdict():
        assert_type(finding.rule, str)
        assert_type(finding.calls, tuple[int, ...])
        assert_type(finding.message, str)
    mock.assert_well_behaved()
    mock.assert_well_behaved(allow=["gave_up_at_once"])
    mock.assert_well_behaved({"gave_up_at_once"})


# novita_mock: what a mock returns


def a_call_has_the_request_and_the_reply(mock: Mock) -> None:
    call = mock.last
    assert_type(call.number, int)
    assert_type(call.at, float)
    assert_type(call.operation, str | None)
    assert_type(call.model, str | None)
    assert_type(call.stream, bool)
    assert_type(call.method, str)
    assert_type(call.path, str)
    assert_type(call.size, int)
    assert_type(call.status, int)
    assert_type(call.reason, str | None)
    assert_type(call.sent, Request)
    assert_type(call.headers, Mapping[str, str])
    assert_type(call.body, str)
    assert_type(call.request, Any)
    assert_type(call.answer, Any)
    assert_type(call.reply, Reply)
    assert_type(call.redacted("Bearer key"), str)
    assert_type(call.unknown, tuple[str, ...])
    assert_type(call.metadata.rule, int | None)
    assert_type(call.metadata.tokens, int)


def a_clock_can_jump_and_skip_waits(mock: Mock) -> None:
    clock = mock.clock
    clock.jump(60)
    assert_type(clock.now(), float)
    assert_type(clock.created(), float)
    assert_type(clock.monotonic(), float)
    assert_type(clock.left(clock.monotonic() + 1), float)
    clock.sleep(0.1)
    with clock.skipping() as skipped:
        assert_type(skipped.now(), float)


async def a_clock_waits_for_async_code(mock: Mock) -> None:
    clock = mock.clock
    await clock.asleep(0.1)


def a_wallet_shows_the_balance(mock: Mock) -> None:
    wallet = mock.wallet
    assert_type(wallet.left(mock.api_key), Decimal)
    wallet.top_up(mock.api_key, 5)
    wallet.top_up(mock.api_key, "0.01")
    wallet.top_up(mock.api_key, usd=Decimal(5))
    wallet.check(mock.api_key)
    wallet.charge(mock.api_key, {}, prompt_tokens=1, completion_tokens=1)
    assert_type(wallet.charges(200), bool)
    assert_type(wallet.detail(mock.api_key), dict[str, Any])
    assert_type(wallet.reset, Callable[[], None])


# novita_mock: values


def a_pace_has_figures(pace: Pace) -> None:
    Pace()
    Pace(0.2, 0.02, jitter=0.3, spread="lognormal")
    Pace(tokens_per_second=25)
    assert_type(pace.ttft, float)
    assert_type(pace.gap, float)
    assert_type(pace.tokens_per_second, float | None)
    assert_type(pace.jitter, float)
    assert_type(pace.spread, str)
    assert_type(next(pace.pauses("seed")), float)


def a_tool_call_has_a_name_and_arguments(tool_call: ToolCall) -> None:
    ToolCall("get_weather")
    ToolCall("get_weather", {"city": "Oslo"}, "call-1")
    ToolCall(name="get_weather", arguments='{"city": ', id=None)
    assert_type(tool_call.name, str)
    assert_type(tool_call.arguments, Mapping[str, Any] | str)
    assert_type(tool_call.id, str | None)


def a_request_is_made_of_bytes(request: Request) -> None:
    Request("GET", "/v3/openai/models")
    Request(method="POST", path="/v3/openai/completions", headers={b"a": b"b"}, body=b"{}")
    assert_type(request.method, str)
    assert_type(request.path, str)
    assert_type(request.headers, Mapping[bytes, bytes])
    assert_type(request.body, bytes)
    assert_type(request.query, str)


def a_reply_is_made_of_chunks(reply: Reply) -> None:
    Reply(200, ((b"content-type", b"text/plain"),), (TimedBytes(b"Hello."), Disconnect()))
    Reply(status=200, headers=(), chunks=(), head_gap=0.1)
    assert_type(reply.status, int)
    assert_type(reply.headers, tuple[tuple[bytes, bytes], ...])
    assert_type(reply.head_gap, float)
    assert_type(reply.body, bytes)
    assert_type(reply.size, int)
    assert_type(reply.chunks[0], TimedBytes | Disconnect)
    assert_type(reply.chunks[1:], tuple[TimedBytes | Disconnect, ...])
    assert_type(len(reply.chunks), int)
    for chunk in reply.chunks:
        assert_type(chunk, TimedBytes | Disconnect)


def timed_bytes_and_disconnects_can_be_matched(played: TimedBytes | Disconnect) -> None:
    match played:
        case TimedBytes(data=data, pause=pause):
            assert_type(data, bytes)
            assert_type(pause, float)
        case Disconnect(pause=pause, outage=outage):
            assert_type(pause, float)
            assert_type(outage, float)


def chunks_have_pauses(chunk: TimedBytes, disconnect: Disconnect) -> None:
    TimedBytes(b"data", 0.5)
    TimedBytes(data=b"data", pause=0.5)
    Disconnect(0.5)
    Disconnect(pause=0.5, outage=2.0)
    assert_type(chunk.data, bytes)
    assert_type(chunk.pause, float)
    assert_type(disconnect.pause, float)
    assert_type(disconnect.outage, float)
    assert_type([disconnect.kind.value], list[str])


def former_names_stay_in_use(mock: Mock, reply: Reply, disconnect: Disconnect) -> None:
    call = mock.last
    assert_type(Beat(b"data"), TimedBytes)
    assert_type(Cut(), Disconnect)
    assert_type(reply.beats[0], TimedBytes | Disconnect)
    assert_type(disconnect.away, float)
    assert_type([disconnect.loss.value], list[str])
    assert_type(mock.book is mock.description, bool)
    assert_type(call.about is call.metadata, bool)


def values_can_be_compared_and_hashed(request: Request, reply: Reply, chunk: TimedBytes) -> None:
    assert_type({request}, set[Request])
    assert_type({chunk: reply}, dict[TimedBytes, Reply])
    assert_type(reply == Reply(200, (), (chunk,)), bool)


# novita_mock.httpx


def a_transport_is_one_of_either_library(mock: Mock) -> None:
    transport = Transport(mock)
    assert_type(transport.mock, Mock)
    httpx.Client(transport=transport)
    httpx2.Client(transport=transport)
    httpx.AsyncClient(transport=transport)
    httpx2.AsyncClient(transport=transport)
    httpx.Client(mounts={"https://api.novita.ai": transport})
    assert_type(transport.close, Callable[[], None])
    response: httpx.Response = transport.handle_request(httpx.Request("GET", mock.base_url))
    assert response.status_code == 200
    with transport as entered:
        assert_type(entered, Transport)


async def a_transport_is_one_of_async_clients(transport: Transport) -> None:
    sent = httpx2.Request("GET", "https://api.novita.ai/v3/openai/models")
    response: httpx2.Response = await transport.handle_async_request(sent)
    assert response.status_code == 200
    await transport.aclose()
    async with transport as entered:
        assert_type(entered, Transport)


def a_client_of_openai_is_made_for_a_mock(mock: Mock) -> None:
    assert_type(openai_client(mock), OpenAI)
    assert_type(openai_client(mock, max_retries=0, timeout=1.5), OpenAI)
    assert_type(async_openai_client(mock), AsyncOpenAI)
    assert_type(async_openai_client(mock, api_key="sk-other-key"), AsyncOpenAI)


# novita_mock.respx


def a_mock_answers_while_it_is_entered(mock: Mock) -> None:
    with mocked(mock) as router:
        assert_type(router, Router)
        router.get("https://api.novita.ai/v3/openai/models").respond(json={"data": []})
    with mocked(
        mock,
        base_urls=["https://gateway.example"],
        assert_all_called=True,
        pass_through=False,
        unknown=False,
    ) as router:
        assert_type(router.escapes, list[Escape])


@mocked(Mock())
def a_mock_answers_a_decorated_function(question: str) -> int:
    return len(question)


def a_decorated_function_keeps_its_type() -> None:
    assert_type(a_mock_answers_a_decorated_function("How long?"), int)


def a_router_is_one_of_respx(mock: Mock) -> None:
    router = Router(mock, mock.base_urls, assert_all_called=False, pass_through=True)
    plain: respx.MockRouter = router
    plain.get("https://api.novita.ai/v3/openai/models")
    assert_type(router.mock, Mock)
    assert_type(router.transport, Transport)
    assert_type(router.escapes, list[Escape])
    router.install(unknown=True)
    assert_type(router.add(respx.Route(method="GET"), name="mine"), respx.Route)
    assert_type(router.assert_all_called, Callable[[], None])
    sent = httpx.Request("GET", mock.base_url)
    assert_type(router.early_route(sent), respx.Route | None)
    assert_type(router.refusal(sent, alone=True), Exception)


def a_mock_is_installed_in_a_router_of_respx(mock: Mock) -> None:
    escapes: list[Escape] = []
    with respx.mock(using=MOCKER) as router:
        routes = install(router, mock, ["https://gateway.example"], unknown=True, escapes=escapes)
        assert_type(routes, dict[str, respx.Route])
        assert_type(routes[UNKNOWN], respx.Route)
    assert_type(install(respx.Router(), mock), dict[str, respx.Route])
    assert_type(MOCKER, str)
    assert_type(UNKNOWN, str)


def the_guard_records_escapes() -> None:
    with guard() as escapes:
        assert_type(escapes, list[Escape])
    with guard(["https://gateway.example"]) as escapes:
        escapes.clear()


def an_escape_records_a_request(escape: Escape) -> None:
    assert_type(escape.method, str)
    assert_type(escape.url, str)
    assert_type(escape.headers, dict[str, str])
    assert_type(escape.body, str)
    assert_type(escape.why, str)
    assert_type(escape.status, int | None)
    Escape("GET", "https://api.novita.ai/", {}, "", "No mock was active.", status=404)


# novita_mock.starlette


def an_application_answers_as_the_mock_does(mock: Mock) -> None:
    assert_type(create_app(), Starlette)
    assert_type(create_app(mock), Starlette)
    Starlette(routes=[Mount("/llm", app=create_app(mock)), Mount("/", app=Endpoint(mock))])


def an_endpoint_reports_each_call_and_its_seconds(mock: Mock) -> None:
    endpoint = Endpoint(mock, on_call=lambda call, seconds: print(call.status + seconds))
    assert_type(endpoint.mock, Mock)


# novita_mock.pytest_plugin: fixtures, as tests use them


@pytest.mark.novita(edition="2026", rpm=1, balance="0.01")
def a_test_asks_for_the_mock_and_a_client(novita: Mock, novita_client: OpenAI) -> None:
    novita.say("Sunny.")
    answer = novita_client.chat.completions.create(
        model="meta-llama/llama-3.1-8b-instruct",
        messages=[{"role": "user", "content": "How is the weather?"}],
    )
    assert_type(answer.choices[0].message.content, str | None)
    with novita.clock.skipping():
        novita.assert_called(1)


async def a_test_asks_for_an_async_client(novita: Mock, novita_async_client: AsyncOpenAI) -> None:
    async with novita_async_client as client:
        assert_type((await client.models.list()).data[0].id, str)
    assert_type(novita.last.status, int)


def a_test_asks_for_a_server_and_its_variables(
    novita_server: Mock, novita_env: dict[str, str]
) -> None:
    assert_type(novita_server.say("Hello."), Mock)
    assert novita_env["OPENAI_BASE_URL"] == novita_server.base_url


# novita_mock.cli


def the_command_is_one_of_click() -> None:
    assert_type(main, click.Group)
    assert_type(run, Callable[[], None])
