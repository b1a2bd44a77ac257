"""One table of requests through every adapter: equal replies, equal failures."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import respx
import uvicorn

from novita_mock import Mock
from novita_mock._api.description import load_description
from novita_mock._core.timing import Pace
from novita_mock._faults.catalogue import Faults
from novita_mock._server.protocol import Protocol, Server
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock.httpx import Transport
from novita_mock.respx import MOCKER, mocked
from novita_mock.starlette import Endpoint

MODEL = "meta-llama/llama-3.1-8b-instruct"
BASE = "/v3/openai"
CHAT, TEXT, MODELS = f"{BASE}/chat/completions", f"{BASE}/completions", f"{BASE}/models"
KEY = {"authorization": "Bearer sk-a-key"}
JSON = {"content-type": "application/json"}
HEADERS = (
    "content-type",
    "content-length",
    "content-encoding",
    "cache-control",
    "allow",
    "location",
)
DESCRIPTION = load_description()
FAULTS = Faults(DESCRIPTION)
PROTOCOL = "RemoteProtocolError"
# Shared: making its own takes a client longer than the request.
TRUST = ssl.create_default_context()


@dataclass(frozen=True)
class Ask:
    """A request, the settings of the mock that gets it, and the expected outcome."""

    id: str
    path: str
    body: bytes | None = None
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: KEY | JSON)
    status: int | None = 200
    failure: str | None = None
    inside: str | None = None
    pace: Pace | None = None
    fault: str | None = None
    mock: dict[str, Any] = field(default_factory=dict)
    timeout: float = 10.0
    seconds: float = 0.0

    def fresh_mock(self) -> Mock:
        mock = Mock(**{"seed": 7} | self.mock)
        if self.pace or self.fault:
            fault = FAULTS.parse(self.fault) if self.fault else None
            answer = ScriptedAnswer(say="one two three four five six", pace=self.pace, fault=fault)
            mock.add(Rule(answer))
        return mock


@dataclass
class Outcome:
    """What a client received."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: str | None = None
    message: str | None = None
    seconds: float = field(default=0.0, compare=False)


def chat(**members: Any) -> bytes:
    messages = [{"role": "user", "content": "Tell me about the sea."}]
    return json.dumps({"model": MODEL, "messages": messages, "max_tokens": 24} | members).encode()


def text(**members: Any) -> bytes:
    request = {"model": MODEL, "prompt": "The sea is", "max_tokens": 24}
    return json.dumps(request | members).encode()


def get(id: str, path: str, **more: Any) -> Ask:
    return Ask(id, path, method="GET", headers=more.pop("headers", KEY), **more)


def errors() -> Iterator[Ask]:
    """Each error that a request can name, in each of the three ways."""
    for reason in DESCRIPTION.errors.reasons:
        header = {"x-novita-mock-error": reason}
        key = {"authorization": f"Bearer mock-{reason}"}
        yield Ask(f"header-{reason}", CHAT, chat(), headers=KEY | JSON | header, status=None)
        yield Ask(f"model-{reason}", CHAT, chat(model=f"mock/{reason}"), status=None)
        yield Ask(f"key-{reason}", CHAT, chat(), headers=JSON | key, status=None)


# Faults whose defaults take too long, with shorter arguments.
SPELT = {
    "connection_refused": "connection_refused(0)",
    "stall": "stall(2, seconds=0.05)",
    "slow_headers": "slow_headers(0.02)",
    "trickle": "trickle(100)",
    "long_chunk": "long_chunk(2, bytes=300000)",
    "gateway_timeout": "gateway_timeout(0.05)",
}
# The exception of a client that a fault causes, by the server and by the other adapters.
LOSSES = {
    # A server already has the connection when it reads the request: it can only tear it down.
    "connection_refused": ("ReadError", "ConnectError"),
    "reset": ("ReadError", "ReadError"),
    **dict.fromkeys(
        ("disconnect", "headers_only", "cut_after", "cut_in_frame", "cut_in_character",
         "truncated_body"),
        (PROTOCOL, PROTOCOL),
    ),
}  # fmt: skip
CUT_0, CUT_1, CUT_3 = "cut_after(0)", "cut_after(1)", "cut_after(chunks=3)"
GAP, BOTH = Pace(gap=0.01), Pace(0.02, 0.01)
NO_HEAD = ("connection_refused", "reset", "disconnect")
PAGES = {name: status for name, (status, _) in FAULTS.pages.items()} | {"redirect": 307}


def asked_for(fault: str) -> dict[str, str]:
    return {"x-novita-mock-fault": fault}


def faults() -> Iterator[Ask]:
    """Each fault, by header and by script, for each kind of answer that it applies to."""
    for name, row in FAULTS.rows.items():
        spelt = SPELT.get(name, name)
        asked = KEY | JSON | asked_for(spelt)
        served, inside = LOSSES.get(name, (None, None))
        status = None if name in NO_HEAD else PAGES.get(name, 200)
        common: dict[str, Any] = {"status": status, "failure": served, "inside": inside}
        if row.on != "body":
            yield Ask(f"fault-{name}-stream", CHAT, chat(stream=True), headers=asked, **common)
            yield Ask(f"fault-{name}-text", TEXT, text(stream=True), headers=asked, **common)
            yield Ask(f"fault-{name}-rule", CHAT, chat(stream=True), fault=spelt, **common)
        if row.on != "stream":
            yield Ask(f"fault-{name}-whole", CHAT, chat(), headers=asked, **common)
        if row.on == "any":
            yield get(f"fault-{name}-list", MODELS, headers=asked, **common)
            wrong = common | {"status": None if name in NO_HEAD else PAGES.get(name, 400)}
            body = chat(temperature=9)
            yield Ask(f"fault-{name}-refused", CHAT, body, headers=asked, **wrong)


def bases() -> Iterator[Ask]:
    """Each operation at each base path."""
    for base in DESCRIPTION.bases:
        name = base.strip("/").replace("/", "-")
        yield Ask(f"{name}-chat", f"{base}/chat/completions", chat())
        yield Ask(f"{name}-completion", f"{base}/completions", text())
        yield get(f"{name}-models", f"{base}/models")
        yield get(f"{name}-model", f"{base}/models/{MODEL}")


SPEC = {"function": {"name": "f", "parameters": {"type": "object"}}, "type": "function"}
E2026, LIVE = {"edition": "2026"}, {"edition": "live"}
USAGE = {"include_usage": True}
TOO_LARGE = b'{"model": "' + b"x" * DESCRIPTION.limits["body"] + b'"}'

ASKS = [
    *bases(),
    *errors(),
    *faults(),
    Ask("fault-unknown", CHAT, chat(), headers=KEY | asked_for("no"), status=400),
    Ask("fault-out-of-place", CHAT, chat(), headers=KEY | asked_for("crlf"), status=400),
    Ask("chat-stream", CHAT, chat(stream=True)),
    Ask("chat-stream-usage", CHAT, chat(stream=True, stream_options=USAGE)),
    Ask("chat-n", CHAT, chat(n=3)),
    Ask("chat-n-stream", CHAT, chat(n=3, stream=True)),
    Ask("chat-stop", CHAT, chat(stop=["e", "a"])),
    Ask("chat-stop-stream", CHAT, chat(stop="e", stream=True)),
    Ask("chat-logprobs", CHAT, chat(logprobs=True, top_logprobs=3)),
    Ask("chat-logprobs-stream", CHAT, chat(logprobs=True, top_logprobs=2, stream=True)),
    Ask("chat-one-token", CHAT, chat(max_tokens=1)),
    Ask("chat-greedy", CHAT, chat(temperature=0, seed=5)),
    Ask("chat-tools", CHAT, chat(tools=[SPEC])),
    Ask("chat-unicode", CHAT, chat(messages=[{"role": "user", "content": "Grüße, 世界 🌊"}])),
    Ask("chat-extra-field", CHAT, chat(never_heard_of=1)),
    Ask("chat-query", f"{CHAT}?a=1&b=%20", chat()),
    Ask("chat-no-content-type", CHAT, chat(), headers=KEY),
    Ask("completion-stream", TEXT, text(stream=True)),
    Ask("completion-stream-usage", TEXT, text(stream=True, stream_options=USAGE)),
    Ask("completion-n", TEXT, text(n=2)),
    Ask("completion-stop", TEXT, text(stop="e")),
    Ask("completion-logprobs", TEXT, text(logprobs=2)),
    Ask("completion-prompts", TEXT, text(prompt=["one", "two"])),
    Ask("wrong-key", CHAT, chat(), mock={"api_keys": ["x"]}, status=401),
    Ask("wrong-key-2026", CHAT, chat(), mock=E2026 | {"api_keys": ["x"]}, status=401),
    Ask("no-model-live", CHAT, chat(model="no/model"), mock=LIVE, status=404),
    Ask("any-model", CHAT, chat(model="no/model"), mock={"any_model": True}),
    Ask("only-scripted", CHAT, chat(), mock={"only": True}, status=400),
    get("model-encoded-slash", f"{MODELS}/meta-llama%2Fllama-3.1-8b-instruct"),
    get("model-unknown", f"{MODELS}/no/model", status=404),
    get("model-unicode", f"{MODELS}/%E4%B8%96", status=404),
    get("model-empty", f"{MODELS}/", status=404),
    get("models-no-key", MODELS, headers={}, status=401),
    get("models-query", f"{MODELS}?limit=1"),
    Ask("no-key", CHAT, chat(), headers=JSON, status=401),
    Ask("key-without-key", CHAT, chat(), headers=JSON | {"authorization": "Bearer"}, status=401),
    Ask(
        "key-that-is-no-header",
        CHAT,
        chat(),
        headers=JSON | {"authorization": "Bearer "},
        status=None,
        failure="LocalProtocolError",
    ),
    Ask("basic-auth", CHAT, chat(), headers=JSON | {"authorization": "Basic eDp5"}, status=401),
    Ask("unknown-error", CHAT, chat(), headers=KEY | {"x-novita-mock-error": "NO"}, status=400),
    Ask("body-empty", CHAT, b"", status=400),
    Ask("body-none", CHAT, None, status=400),
    Ask("body-broken", CHAT, b'{"model": ', status=400),
    Ask("body-list", CHAT, b"[]", status=400),
    Ask("body-not-utf8", CHAT, b"\xff\xfe", status=400),
    Ask("body-nul", CHAT, b"\x00" * 64, status=400),
    Ask("body-too-large", CHAT, TOO_LARGE, status=413),
    Ask("body-bad-role", CHAT, chat(messages=[{"role": "king", "content": "x"}]), status=400),
    Ask("body-bad-temperature", CHAT, chat(temperature=9), status=400),
    Ask("body-no-messages", CHAT, text(), status=400),
    Ask("completion-bad-prompt", TEXT, text(prompt=5), status=400),
    get("wrong-method-chat", CHAT, status=405),
    Ask("wrong-method-models", MODELS, b"{}", status=405),
    Ask("wrong-method-put", CHAT, chat(), method="PUT", status=405),
    Ask("wrong-method-head", MODELS, None, method="HEAD", status=405),
    Ask("wrong-method-options", TEXT, None, method="OPTIONS", status=405),
    Ask("unknown-route", f"{BASE}/embeddings", b"{}", status=404),
    get("unknown-root", "/", status=404),
    get("unknown-base", "/v9/models", status=404),
    get("unknown-slash", f"{MODELS}/x/../../nothing/", status=404),
    Ask("unknown-trailing-slash", f"{CHAT}/", chat(), status=404),
    Ask("unknown-encoded-slash", f"{BASE}/chat%2Fcompletions", chat()),
    Ask("ttft", CHAT, chat(), mock={"ttft": 0.06}, seconds=0.06),
    Ask("ttft-stream", CHAT, chat(stream=True), pace=Pace(ttft=0.06), seconds=0.06),
    Ask("gap-stream", CHAT, chat(stream=True), pace=Pace(gap=0.01), seconds=0.06),
    Ask("gap-completion", TEXT, text(stream=True), pace=Pace(0.02, 0.01), seconds=0.07),
    Ask("cut-at-once", CHAT, chat(stream=True), fault=CUT_3, failure=PROTOCOL),
    Ask("cut-first", CHAT, chat(stream=True), pace=Pace(0.02), fault=CUT_0, failure=PROTOCOL),
    Ask("cut-paced", CHAT, chat(stream=True), pace=BOTH, fault=CUT_3, failure=PROTOCOL),
    Ask("cut-completion", TEXT, text(stream=True), pace=GAP, fault=CUT_1, failure=PROTOCOL),
    Ask(
        "slower-than-the-client-waits",
        CHAT,
        chat(stream=True),
        pace=Pace(ttft=1.0),
        timeout=0.1,
        status=None,
        failure="ReadTimeout",
    ),
    Ask(
        "stalls-longer-than-the-client-waits",
        CHAT,
        chat(stream=True),
        pace=Pace(gap=1.0),
        timeout=0.1,
        failure="ReadTimeout",
    ),
]  # fmt: skip


def send(client: Any, origin: str, ask: Ask) -> Outcome:
    outcome, start = Outcome(), time.perf_counter()
    try:
        with client.stream(*arguments(origin, ask), **options(ask)) as response:
            begin(outcome, response)
            for piece in response.iter_raw():
                outcome.body += piece
    except Exception as error:
        fail(outcome, error)
    outcome.seconds = time.perf_counter() - start
    return outcome


async def send_async(client: Any, origin: str, ask: Ask) -> Outcome:
    outcome, start = Outcome(), time.perf_counter()
    try:
        async with client.stream(*arguments(origin, ask), **options(ask)) as response:
            begin(outcome, response)
            async for piece in response.aiter_raw():
                outcome.body += piece
    except Exception as error:
        fail(outcome, error)
    outcome.seconds = time.perf_counter() - start
    return outcome


def arguments(origin: str, ask: Ask) -> tuple[str, str]:
    return ask.method, origin + ask.path


def options(ask: Ask) -> dict[str, Any]:
    return {"content": ask.body, "headers": ask.headers, "timeout": ask.timeout}


def begin(outcome: Outcome, response: Any) -> None:
    outcome.status = response.status_code
    found = {name: response.headers.get(name) for name in HEADERS}
    outcome.headers = {name: value for name, value in found.items() if value is not None}


def fail(outcome: Outcome, error: Exception) -> None:
    outcome.failure = type(error).__name__
    if outcome.failure in (PROTOCOL, "LocalProtocolError"):
        outcome.message = str(error)


class LiveServer:
    """A server that plays each request against a mock of its own, one after the other."""

    def __init__(self) -> None:
        self.endpoint: Endpoint | None = None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self,
            log_level="critical",
            lifespan="off",
            access_log=False,
            http=Protocol,
        )
        self._server = Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.endpoint is not None
        await self.endpoint(scope, receive, send)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def play(self, ask: Ask) -> Outcome:
        import httpx

        self.endpoint = Endpoint(ask.fresh_mock())
        with httpx.Client(verify=TRUST) as client:
            return send(client, self.origin, ask)


ORIGIN = "https://api.novita.ai"


def through_routes(library: Any, ask: Ask) -> Outcome:
    with mocked(ask.fresh_mock(), pass_through=False), library.Client(verify=TRUST) as client:
        return send(client, ORIGIN, ask)


def beside_another_router(library: Any, ask: Ask) -> Outcome:
    """Beside another router, the routes answer through respx and its mockers."""
    with respx.mock(using=MOCKER):
        return through_routes(library, ask)


def through_transport(library: Any, ask: Ask) -> Outcome:
    with library.Client(transport=Transport(ask.fresh_mock())) as client:
        return send(client, ORIGIN, ask)


def through_routes_async(library: Any, ask: Ask) -> Outcome:
    async def play() -> Outcome:
        async with library.AsyncClient(verify=TRUST) as client:
            return await send_async(client, ORIGIN, ask)

    with mocked(ask.fresh_mock(), pass_through=False):
        return asyncio.run(play())


def beside_another_router_async(library: Any, ask: Ask) -> Outcome:
    with respx.mock(using=MOCKER):
        return through_routes_async(library, ask)


def through_transport_async(library: Any, ask: Ask) -> Outcome:
    async def play() -> Outcome:
        async with library.AsyncClient(transport=Transport(ask.fresh_mock())) as client:
            return await send_async(client, ORIGIN, ask)

    return asyncio.run(play())


ADAPTERS: dict[str, dict[str, Callable[[Any, Ask], Outcome]]] = {
    "respx": {
        "sync": through_routes,
        "async": through_routes_async,
        "beside": beside_another_router,
        "beside-async": beside_another_router_async,
    },
    "transport": {"sync": through_transport, "async": through_transport_async},
}
LIBRARIES = ("httpx", "httpx2")


@dataclass(frozen=True)
class Way:
    """One way through an adapter: the library, and how its client calls."""

    adapter: str
    how: str
    library: str

    @property
    def id(self) -> str:
        return f"{self.adapter}-{self.how}-{self.library}"

    def play(self, ask: Ask) -> Outcome:
        return ADAPTERS[self.adapter][self.how](pytest.importorskip(self.library), ask)


WAYS = [
    Way(adapter, how, name)
    for adapter, hows in ADAPTERS.items()
    for how in hows
    for name in LIBRARIES
]


def pairs() -> Iterator[tuple[Ask, Way]]:
    """Each request once with each adapter, by the ways through the adapter in turn."""
    for adapter in ADAPTERS:
        ways = [way for way in WAYS if way.adapter == adapter]
        yield from zip(ASKS, itertools.cycle(ways), strict=False)


PAIRS = list(pairs())
each_ask = pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.id)
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.id)
each_pair = pytest.mark.parametrize(
    ("ask", "way"), PAIRS, ids=[f"{ask.id}-{way.id}" for ask, way in PAIRS]
)


@pytest.fixture(scope="module")
def served() -> Iterator[Callable[[Ask], Outcome]]:
    """The outcome with the server; each request is sent once."""
    server, outcomes = LiveServer(), dict[str, Outcome]()

    def outcome(ask: Ask) -> Outcome:
        if ask.id not in outcomes:
            outcomes[ask.id] = server.play(ask)
        return outcomes[ask.id]

    yield outcome
    server.stop()


def test_the_table_is_long_and_its_ids_differ() -> None:
    assert len({ask.id for ask in ASKS}) == len(ASKS) >= 60


@each_ask
def test_the_server_gives_what_the_table_says(ask: Ask, served: Any) -> None:
    outcome = served(ask)
    assert outcome.failure == ask.failure
    if ask.status is not None:
        assert outcome.status == ask.status
    assert outcome.seconds >= ask.seconds


@pytest.mark.parametrize("reason", DESCRIPTION.errors.reasons)
def test_the_three_ways_to_an_error_give_the_same_error(reason: str, served: Any) -> None:
    ways = [served(ask) for ask in errors() if ask.id.partition("-")[2] == reason]
    codes = {(way.status, json.loads(way.body)["reason"]) for way in ways}
    assert len(ways) == 3
    assert len(codes) == 1
    assert min(codes)[0] >= 400
    assert min(codes)[1] == reason


def test_each_request_goes_once_through_each_adapter_and_each_way_is_taken() -> None:
    played = {(ask.id, way.adapter) for ask, way in PAIRS}
    assert len(played) == len(PAIRS) == len(ASKS) * len(ADAPTERS)
    taken = Counter(way for _, way in PAIRS)
    assert all(taken[way] >= len(ASKS) // len(WAYS) for way in WAYS)


@each_pair
def test_an_adapter_gives_what_the_server_gives(ask: Ask, way: Way, served: Any) -> None:
    outcome = way.play(ask)
    expected = served(ask)
    if ask.inside != ask.failure and ask.inside is not None:
        expected = replace(expected, failure=ask.inside)
    assert outcome == expected
    assert outcome.seconds >= ask.seconds


@each_way
def test_another_mock_gives_another_answer(way: Way, served: Any) -> None:
    ask = next(ask for ask in ASKS if ask.id == "chat-stream")
    outcome = way.play(replace(ask, mock={"seed": 8}))
    assert outcome.status == served(ask).status
    assert outcome.body != served(ask).body
