"""The transport, where the table of `test_adapters.py` does not cover it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from novita_mock import Disconnect, Mock, Reply, TimedBytes
from novita_mock._core.clock import Clock
from novita_mock._core.timing import Pace
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock.httpx import Transport, async_openai_client, openai_client

MODEL = "meta-llama/llama-3.1-8b-instruct"
REQUEST: Any = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
URL = "https://api.novita.ai/v3/openai/models"
each_library = pytest.mark.parametrize("name", ["httpx", "httpx2"])


def scripted(pace: Pace) -> Mock:
    mock = Mock()
    mock._script.add(Rule(ScriptedAnswer(say="one two three four", pace=pace)))
    return mock


class Fixed:
    """A stand-in for a mock that always gives one reply."""

    def __init__(self, reply: Reply, clock: Clock) -> None:
        self._reply = reply
        self.clock = clock

    def answer(self, _: object) -> Reply:
        return self._reply


class HandClock(Clock):
    """A clock that advances only when someone sleeps."""

    at = 0.0

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


class Meeting(Clock):
    """A clock whose sleeps end only when `parties` of them run side by side."""

    def __init__(self, parties: int) -> None:
        super().__init__()
        self._barrier = asyncio.Barrier(parties)

    def monotonic(self) -> float:
        return 0.0

    async def asleep(self, seconds: float) -> None:
        await asyncio.wait_for(self._barrier.wait(), 60)  # ends a test that would hang


def fixed(*chunks: TimedBytes | Disconnect, clock: Clock | None = None, **reply: Any) -> Transport:
    mock: Any = Fixed(Reply(200, reply.get("headers", ()), chunks), clock or Clock())
    return Transport(mock)


def test_an_openai_client_is_answered() -> None:
    pytest.importorskip("openai")
    mock = Mock()
    with openai_client(mock) as client:
        completion = client.chat.completions.create(**REQUEST)
        ids = [model.id for model in client.models.list()]
    assert completion.choices[0].message.content
    assert completion.model == MODEL
    assert MODEL in ids
    assert [call.operation for call in mock.calls] == ["chat.completions", "models.list"]


def test_an_openai_client_streams() -> None:
    pytest.importorskip("openai")
    with openai_client(scripted(Pace())) as client:
        chunks = list(client.chat.completions.create(**REQUEST, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two three four"


def test_an_async_openai_client_is_answered_and_streams() -> None:
    pytest.importorskip("openai")

    async def talk() -> tuple[str | None, str]:
        async with async_openai_client(scripted(Pace(gap=0.001))) as client:
            whole = await client.chat.completions.create(**REQUEST)
            stream = await client.chat.completions.create(**REQUEST, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return whole.choices[0].message.content, "".join(pieces)

    assert asyncio.run(talk()) == ("one two three four", "one two three four")


def test_options_of_an_openai_client_are_the_callers() -> None:
    openai = pytest.importorskip("openai")
    with (
        openai_client(Mock(), api_key="mock-RATE_LIMIT_EXCEEDED", max_retries=0) as client,
        pytest.raises(openai.RateLimitError),
    ):
        client.chat.completions.create(**REQUEST)


def test_an_openai_client_gets_a_listed_key() -> None:
    pytest.importorskip("openai")
    with openai_client(Mock(api_keys=["the-key"])) as client:
        assert client.chat.completions.create(**REQUEST).choices


def test_a_cut_stream_is_a_lost_connection_for_openai() -> None:
    openai = pytest.importorskip("openai")
    mock = Mock().say("one two three four", cut_after=2)
    with openai_client(mock, max_retries=0) as client:
        stream = client.chat.completions.create(**REQUEST, stream=True)
        with pytest.raises(Exception, match="onnection") as caught:
            list(stream)
    names = {type(error).__name__ for error in (caught.value, caught.value.__cause__)}
    assert "RemoteProtocolError" in names
    assert not isinstance(caught.value, openai.APIStatusError)


@each_library
def test_one_transport_serves_sync_and_async_clients(name: str) -> None:
    library, transport = pytest.importorskip(name), Transport(Mock())
    headers = {"authorization": "Bearer k"}

    async def get() -> int:
        async with library.AsyncClient(transport=transport) as client:
            status: int = (await client.get(URL, headers=headers)).status_code
            return status

    with library.Client(transport=transport) as client:
        assert client.get(URL, headers=headers).status_code == 200
    assert asyncio.run(get()) == 200
    assert len(transport.mock.calls) == 2


@each_library
def test_bytes_arrive_when_they_are_due_however_slow_the_reader_is(name: str) -> None:
    library = pytest.importorskip(name)
    clock = HandClock()
    transport = fixed(TimedBytes(b"a", 4), TimedBytes(b"b", 8), TimedBytes(b"c", 8), clock=clock)
    arrivals = []
    with library.Client(transport=transport) as client, client.stream("GET", URL) as response:
        assert clock.monotonic() == 4
        for _ in response.iter_raw():
            arrivals.append(clock.monotonic())
            clock.sleep(3)  # not added to the pace
    assert arrivals == [4, 12, 20]


@each_library
def test_paced_streams_run_side_by_side(name: str) -> None:
    library = pytest.importorskip(name)

    async def read(client: Any) -> bytes:
        async with client.stream("GET", URL) as response:
            body: bytes = await response.aread()
            return body

    async def read_all() -> list[bytes]:
        transport = fixed(TimedBytes(b"a", 0.1), TimedBytes(b"b", 0.1), clock=Meeting(10))
        async with library.AsyncClient(transport=transport) as client:
            return await asyncio.gather(*(read(client) for _ in range(10)))

    assert asyncio.run(read_all()) == [b"ab"] * 10


def test_paced_streams_play_under_trio() -> None:
    trio, httpx = pytest.importorskip("trio"), pytest.importorskip("httpx")

    async def read() -> bytes:
        transport = fixed(TimedBytes(b"a", 0.01), TimedBytes(b"b", 0.01))
        async with httpx.AsyncClient(transport=transport) as client:
            content: bytes = (await client.get(URL)).content
            return content

    assert trio.run(read) == b"ab"


@each_library
def test_a_cut_body_of_known_length_says_how_much_came(name: str) -> None:
    library = pytest.importorskip(name)
    transport = fixed(TimedBytes(b"four"), Disconnect(), headers=((b"content-length", b"10"),))
    with (
        library.Client(transport=transport) as client,
        pytest.raises(library.RemoteProtocolError, match=r"\(received 4 bytes, expected 10\)"),
    ):
        client.get(URL)


@each_library
def test_a_stream_can_be_left_early(name: str) -> None:
    library = pytest.importorskip(name)
    transport = fixed(TimedBytes(b"a"), TimedBytes(b"b", 30.0))
    with library.Client(transport=transport) as client, client.stream("GET", URL) as response:
        assert next(response.iter_raw()) == b"a"


def test_the_transport_loads_neither_library() -> None:
    code = (
        "import sys; sys.modules['httpx'] = sys.modules['httpx2'] = None\n"
        "from novita_mock import Mock, httpx; httpx.Transport(Mock())\n"
        "assert not any(name.partition('.')[0] in ('httpcore', 'openai') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
