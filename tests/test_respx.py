"""The routes, the mocker below them and the guard, beyond the table of `test_adapters.py`."""

from __future__ import annotations

import asyncio
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import httpx
import pytest
import respx

from novita_mock import Mock
from novita_mock._api.description import load_description
from novita_mock.respx import MOCKER, UNKNOWN, Escape, Router, guard, install, mocked

MODEL = "meta-llama/llama-3.1-8b-instruct"
REQUEST: Any = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
API = "https://api.novita.ai"
BASE = f"{API}/v3/openai"
CHAT, MODELS = f"{BASE}/chat/completions", f"{BASE}/models"
ONLY = f"Only what is under {API} is answered."
SECRET = "sk-never-shown"
KEY = {"authorization": f"Bearer {SECRET}"}

each_library = pytest.mark.parametrize("name", ["httpx", "httpx2"])
each_way = pytest.mark.parametrize("way", ["sync", "async"])


def fetch(name: str, way: str, method: str, url: str, **options: Any) -> Any:
    """The response that a client of the library `name` receives."""
    library = pytest.importorskip(name)
    options = {"headers": KEY, "timeout": 5.0} | options

    async def fetch_async() -> Any:
        async with library.AsyncClient() as client:
            return await client.request(method, url, **options)

    if way == "async":
        return asyncio.run(fetch_async())
    with library.Client() as client:
        return client.request(method, url, **options)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A server that is not the API."""

    class Here(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Here)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


# Routes


@each_library
@each_way
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside-another-router"])
def test_a_call_is_recorded_at_the_route_of_its_operation(name: str, way: str, alone: bool) -> None:
    with ExitStack() as stack:
        if not alone:
            stack.enter_context(respx.mock(using=MOCKER))
        router = stack.enter_context(mocked(Mock()))
        fetch(name, way, "POST", CHAT, json=REQUEST)
        fetch(name, way, "GET", MODELS)
        fetch(name, way, "GET", f"{MODELS}/{MODEL}")
        assert router["chat.completions"].calls.last.response.json()["model"] == MODEL
        counts = {route.name: route.call_count for route in router.routes}
    assert counts == {
        "billing.balance": 0,
        "chat.completions": 1,
        "completions": 0,
        "models.list": 1,
        "models.retrieve": 1,
        UNKNOWN: 0,
    }
    assert router.escapes == []


def test_there_is_a_route_for_each_operation() -> None:
    routes = install(respx.MockRouter(), Mock())
    assert set(routes) == {*load_description().operations, UNKNOWN}
    assert set(install(respx.MockRouter(), Mock(), unknown=False)) == set(
        load_description().operations
    )


@each_library
def test_a_route_added_later_goes_first(name: str) -> None:
    with mocked(Mock()) as router:
        override = router.post(CHAT).respond(418)
        assert fetch(name, "sync", "POST", CHAT, json=REQUEST).status_code == 418
        assert fetch(name, "sync", "GET", MODELS).status_code == 200
        assert override.call_count == 1
        assert not router["chat.completions"].called


def test_a_route_that_declines_leaves_the_request_to_the_mock() -> None:
    def second_time(request: httpx.Request, route: respx.Route) -> httpx.Response | None:
        return httpx.Response(418) if b"teapot" in request.content else None

    with mocked(Mock()) as router:
        router.post(CHAT).mock(side_effect=second_time)
        assert fetch("httpx", "sync", "POST", CHAT, json=REQUEST).status_code == 200
        teapot = REQUEST | {"user": "teapot"}
        assert fetch("httpx", "sync", "POST", CHAT, json=teapot).status_code == 418


@each_library
@each_way
def test_a_route_of_the_mock_can_be_given_another_answer(name: str, way: str) -> None:
    with mocked(Mock()) as router:
        router["models.list"].respond(503)
        router["chat.completions"].mock(side_effect=[httpx.Response(500), httpx.Response(502)])
        assert fetch(name, way, "GET", MODELS).status_code == 503
        assert fetch(name, way, "POST", CHAT, json=REQUEST).status_code == 500
        assert fetch(name, way, "POST", CHAT, json=REQUEST).status_code == 502


@each_library
@each_way
@pytest.mark.parametrize("kind", ["ConnectTimeout", "ReadTimeout", "ConnectError"])
def test_an_error_of_a_route_is_one_of_the_clients_own_library(
    name: str, way: str, kind: str
) -> None:
    library = pytest.importorskip(name)
    with mocked(Mock()) as router:
        router.get(MODELS).mock(side_effect=getattr(httpx, kind))
        with pytest.raises(getattr(library, kind)):
            fetch(name, way, "GET", MODELS)


def test_plain_respx_takes_the_routes() -> None:
    with respx.mock(assert_all_called=False) as router:
        routes = install(router, Mock())
        assert fetch("httpx", "sync", "GET", MODELS).status_code == 200
        assert fetch("httpx", "async", "GET", MODELS).status_code == 200
        assert routes["models.list"].call_count == 2
        router.get(MODELS).respond(418)
        assert fetch("httpx", "sync", "GET", MODELS).status_code == 418


def test_the_fixture_of_respx_takes_the_routes(respx_mock: respx.MockRouter) -> None:
    routes = install(respx_mock, Mock())
    assert fetch("httpx", "sync", "GET", MODELS).status_code == 200
    assert routes["models.list"].called


@each_library
@each_way
def test_plain_respx_covers_both_libraries_with_our_mocker(name: str, way: str) -> None:
    escapes: list[Escape] = []
    with respx.mock(using=MOCKER, assert_all_called=False) as router:
        install(router, Mock(), escapes=escapes)
        assert fetch(name, way, "GET", MODELS).status_code == 200
        assert fetch(name, way, "GET", f"{BASE}/files").status_code == 404
    assert [escape.url for escape in escapes] == [f"{BASE}/files"]


def test_a_router_with_a_base_url_takes_the_routes() -> None:
    with respx.mock(base_url="https://example.test/", assert_all_called=False) as router:
        install(router, Mock())
        assert fetch("httpx", "sync", "GET", MODELS).status_code == 200


@each_library
def test_a_mocker_that_was_stopped_takes_nothing(name: str) -> None:
    with guard() as escapes, mocked(Mock()) as router:
        router.stop()
        with pytest.raises(pytest.importorskip(name).ConnectError):
            fetch(name, "sync", "GET", MODELS)
    assert len(escapes) == 1


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://llm.example", "https://llm.example/openai/v1/models"),
        ("https://llm.example/", "https://llm.example/v3/openai/models?x=1"),
        ("https://llm.example/v3/openai", "https://llm.example/v3/openai/models"),
        ("https://llm.example/v3/openai/v1/", "https://llm.example/openai/models"),
        ("http://localhost:8123/proxy", "http://localhost:8123/proxy/openai/models"),
        ("http://localhost:8123/proxy", "http://localhost:8123/proxy/models"),
        ("https://LLM.example:443/a.b", "https://llm.example/a.b/models"),
        ("http://[::1]:8123", "http://[::1]:8123/openai/models"),
    ],
)
def test_further_base_urls_are_answered(base_url: str, url: str) -> None:
    with mocked(Mock(base_urls=[base_url]), pass_through=False) as router:
        assert fetch("httpx", "sync", "GET", url).status_code == 200
        assert fetch("httpx", "sync", "GET", f"{url.partition('?')[0]}/{MODEL}").status_code == 200
        assert fetch("httpx", "sync", "GET", MODELS).status_code == 200
        assert router["models.list"].call_count == 2
        assert router.escapes == []


@pytest.mark.parametrize("url", ["", "api.novita.ai", "/v3/openai", "ftp://api.novita.ai"])
def test_a_base_url_must_say_scheme_and_host(url: str) -> None:
    with pytest.raises(ValueError, match=r"a base URL begins like https://api\.novita\.ai; got"):
        install(respx.MockRouter(), Mock(), [url])


def test_only_the_callers_routes_must_all_be_called() -> None:
    with mocked(Mock(), assert_all_called=True) as router:
        pass
    with pytest.raises(AssertionError, match="some routes were not called"):  # noqa: SIM117
        with mocked(Mock(), assert_all_called=True) as router:
            router.get("https://example.test/")


# Other traffic and other routers


@each_library
@each_way
def test_requests_to_other_hosts_go_through(name: str, way: str, elsewhere: str) -> None:
    with mocked(Mock()) as router:
        assert fetch(name, way, "GET", elsewhere).status_code == 204
    assert router.escapes == []


@each_library
@each_way
def test_requests_to_other_hosts_can_be_refused(name: str, way: str, elsewhere: str) -> None:
    with (
        mocked(Mock(), pass_through=False) as router,
        pytest.raises(AssertionError, match="not mocked"),
    ):
        fetch(name, way, "GET", elsewhere)
    assert router.escapes == []


ORDERS = pytest.mark.parametrize("ours_first", [True, False], ids=["ours-first", "theirs-first"])


def entered(stack: ExitStack, ours_first: bool, theirs: AbstractContextManager[Any]) -> Any:
    """Enters `theirs` and a mock in either order; yields `theirs`."""
    if ours_first:
        stack.enter_context(mocked(Mock()))
    other = stack.enter_context(theirs)
    if not ours_first:
        stack.enter_context(mocked(Mock()))
    return other


@ORDERS
@pytest.mark.parametrize(("name", "using"), [("httpx", "httpcore"), ("httpx2", "httpcore2")])
def test_another_router_of_the_test_answers_its_routes(
    name: str, using: str, ours_first: bool, elsewhere: str, with_pytest_httpx2: None
) -> None:
    with ExitStack() as stack:
        router = entered(stack, ours_first, respx.mock(using=using, assert_all_called=False))
        router.get(MODELS).respond(418)
        router.get("https://example.test/").respond(201)
        assert fetch(name, "sync", "GET", MODELS).status_code == 418
        assert fetch(name, "sync", "POST", CHAT, json=REQUEST).status_code == 200
        assert fetch(name, "async", "GET", "https://example.test/").status_code == 201
        with pytest.raises(AssertionError, match="not mocked"):
            fetch(name, "sync", "GET", elsewhere)


@each_library
@each_way
def test_of_two_mocks_the_inner_one_answers(name: str, way: str) -> None:
    outer, inner = Mock(), Mock()
    with mocked(outer):
        with mocked(inner):
            fetch(name, way, "GET", MODELS)
        assert (len(outer.calls), len(inner.calls)) == (0, 1)
        fetch(name, way, "GET", MODELS)
    assert (len(outer.calls), len(inner.calls)) == (1, 1)


ALONE = """
import httpx2, respx.mocks
from novita_mock import Mock
from novita_mock.respx import mocked

def get():
    with mocked(Mock()), httpx2.Client() as client:
        headers = {"authorization": "Bearer k"}
        return client.get("https://api.novita.ai/openai/models", headers=headers).status_code

assert "httpcore2" not in respx.mocks.Mocker.registry
assert get() == 200
import pytest_httpx2
assert "httpcore2" in respx.mocks.Mocker.registry
assert get() == 200
"""


def test_httpx2_is_covered_without_pytest_httpx2_and_when_it_is_loaded_late() -> None:
    subprocess.run([sys.executable, "-c", ALONE], check=True)


# Escapes


def remove(router: Router) -> None:
    for route in list(router.routes):
        router.pop(str(route.name))


@each_library
@each_way
@pytest.mark.parametrize(
    ("method", "url", "why"),
    [
        ("POST", f"{BASE}/embeddings", "No operation has the path /v3/openai/embeddings."),
        ("GET", f"{CHAT}?x=1", "The operation chat.completions is POST, not GET."),
        ("POST", "http://api.novita.ai/openai/models", ONLY),
        ("GET", "https://api.novita.ai:8443/openai/models", ONLY),
    ],
    ids=["path", "method", "scheme", "port"],
)  # fmt: skip
def test_what_no_route_takes_is_stopped_and_recorded(
    name: str, way: str, method: str, url: str, why: str
) -> None:
    library = pytest.importorskip(name)
    with (
        mocked(Mock(), unknown=False) as router,
        pytest.raises(library.ConnectError, match="stopped"),
    ):
        fetch(name, way, method, url, content=b'{"key": "%s"}' % SECRET.encode())
    [escape] = router.escapes
    assert (escape.method, escape.url, escape.why) == (method, url, why)
    assert (escape.body, escape.status) == ('{"key": "***"}', None)
    assert escape.headers["authorization"] == "***"
    assert SECRET not in f"{escape}{escape.headers}"


@each_library
def test_what_no_operation_takes_is_answered_and_recorded(name: str) -> None:
    with mocked(Mock()) as router:
        assert fetch(name, "sync", "POST", f"{BASE}/embeddings", json={}).status_code == 404
        assert router[UNKNOWN].called
    [escape] = router.escapes
    path = "/v3/openai/embeddings"
    assert escape.why == f"No operation has the path {path}. It was answered with 404."
    assert (escape.body, escape.status) == ("{}", 404)
    assert escape.headers["authorization"] == "***"


def test_a_request_whose_route_was_taken_away_is_stopped() -> None:
    with mocked(Mock()) as router:
        remove(router)
        with pytest.raises(httpx.ConnectError, match=r"models\.list is there no longer"):
            fetch("httpx", "sync", "GET", MODELS)
    assert len(router.escapes) == 1


@each_way
@pytest.mark.parametrize("unknown", [True, False])
def test_an_application_that_swallows_errors_is_found_out(way: str, unknown: bool) -> None:
    openai = pytest.importorskip("openai")
    options = {"base_url": BASE, "api_key": SECRET, "max_retries": 0}

    async def ask_async() -> None:
        async with openai.AsyncOpenAI(**options) as client:
            try:
                await client.embeddings.create(model="m", input="x")
            except openai.OpenAIError:
                return

    def ask() -> None:
        with openai.OpenAI(**options) as client:
            try:
                client.embeddings.create(model="m", input="x")
            except openai.OpenAIError:
                return

    with mocked(Mock(), unknown=unknown) as router:
        asyncio.run(ask_async()) if way == "async" else ask()
    assert [escape.url for escape in router.escapes] == [f"{BASE}/embeddings"]


@each_way
@pytest.mark.parametrize("base", load_description().bases)
def test_an_unmodified_openai_client_is_answered(way: str, base: str) -> None:
    openai = pytest.importorskip("openai")
    options = {"base_url": API + base, "api_key": SECRET}

    async def ask_async() -> int:
        async with openai.AsyncOpenAI(**options) as client:
            await client.chat.completions.create(**REQUEST)
            stream = await client.chat.completions.create(**REQUEST, stream=True)
            return len([chunk async for chunk in stream])

    def ask() -> int:
        with openai.OpenAI(**options) as client:
            client.chat.completions.create(**REQUEST)
            return len(list(client.chat.completions.create(**REQUEST, stream=True)))

    mock = Mock(gap=0.0001)
    with mocked(mock) as router:
        assert (asyncio.run(ask_async()) if way == "async" else ask()) > 2
    assert [call.stream for call in mock.calls] == [False, True]
    assert router.escapes == []


# The guard


def pools() -> list[Any]:
    """The functions through which all requests go."""
    cores = [pytest.importorskip(name) for name in ("httpcore", "httpcore2")]
    return [
        function
        for core in cores
        for function in (
            core.ConnectionPool.handle_request,
            core.AsyncConnectionPool.handle_async_request,
        )
    ]


@each_library
@each_way
def test_the_guard_stops_and_records(name: str, way: str) -> None:
    library, before = pytest.importorskip(name), pools()
    with guard() as escapes, pytest.raises(library.ConnectError, match="No mock was active"):
        fetch(name, way, "POST", CHAT, json={"key": SECRET})
    [escape] = escapes
    assert (escape.method, escape.url, escape.status) == ("POST", CHAT, None)
    assert escape.body.replace(" ", "") == '{"key":"***"}'
    assert escape.headers["authorization"] == "***"
    assert pools() == before


@each_library
@each_way
def test_the_guard_lets_other_traffic_go(name: str, way: str, elsewhere: str) -> None:
    with guard(["http://127.0.0.1:1/v1", API]) as escapes:
        assert fetch(name, way, "GET", elsewhere).status_code == 204
    assert escapes == []


@each_library
@each_way
@pytest.mark.parametrize("guard_first", [True, False], ids=["guard-first", "mock-first"])
def test_the_guard_lies_below_the_routes(name: str, way: str, guard_first: bool) -> None:
    library, before = pytest.importorskip(name), pools()
    managers: list[Any] = [guard(), mocked(Mock())]
    with ExitStack() as stack:
        first, second = map(stack.enter_context, managers if guard_first else managers[::-1])
        escapes, router = (first, second) if guard_first else (second, first)
        assert fetch(name, way, "GET", MODELS).status_code == 200
        assert escapes == []
        router["models.list"].pass_through()
        with pytest.raises(library.ConnectError):
            fetch(name, way, "GET", MODELS)
        assert len(escapes) == 1
    assert pools() == before


def test_the_guard_can_end_before_the_mock() -> None:
    before = pools()
    guarded, mock = guard(), mocked(Mock())
    guarded.__enter__()
    mock.__enter__()
    guarded.__exit__(None, None, None)
    assert fetch("httpx", "sync", "GET", MODELS).status_code == 200
    mock.__exit__(None, None, None)
    assert pools() == before


def test_respx_alone_is_watched_by_the_guard() -> None:
    with guard() as escapes, respx.mock(assert_all_called=False) as router:
        router.get(MODELS).pass_through()
        with pytest.raises(httpx.ConnectError):
            fetch("httpx", "sync", "GET", MODELS)
    assert [escape.url for escape in escapes] == [MODELS]
