"""What an answered call costs in process, through the openai client that is installed.

    python -m benchmarks.inprocess [ROUNDS]

Compared with a hand-written respx route that returns a fixed body: the same call through
`novita_mock.respx` and through `novita_mock.httpx`, and through a bare transport of the HTTP
library. The doors take turns, round by round; the figures are medians of the rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import openai
import respx

from benchmarks.table import report
from novita_mock import Mock
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock.httpx import async_openai_client, openai_client
from novita_mock.respx import MOCKER, mocked

ROUNDS = 100
CALLS = 12
WARM = 2  # calls of a round that are not counted: what a client makes when it is first used
REQUEST: Any = {
    "model": "meta-llama/llama-3.1-8b-instruct",
    "messages": [{"role": "user", "content": "How are you?"}],
}
TEXT = " ".join(["word"] * 62)
TARGET: Any = {"base_url": "https://api.novita.ai/v3/openai", "api_key": "any-key"}

BY_HAND = "by hand"

Clients = tuple[openai.OpenAI, openai.AsyncOpenAI]
Door = Callable[[], AbstractContextManager[Clients]]


def scripted() -> Mock:
    """A mock that says `TEXT`."""
    mock = Mock()
    mock._script.add(Rule(ScriptedAnswer(say=TEXT)))
    return mock


@contextmanager
def fixed_route(body: bytes, content_type: str) -> Iterator[Clients]:
    """A route as a test's author would write it by hand."""
    if find_spec("pytest_httpx2"):
        import pytest_httpx2  # noqa: F401  # registers the mocker that respx lacks
    mocker = "httpcore2" if "httpcore2" in respx.mocks.Mocker.registry else MOCKER
    if openai.DefaultHttpxClient.__mro__[1].__module__.startswith("httpx."):
        mocker = "httpcore"
    with respx.mock(using=mocker) as router:
        route = router.post(f"{TARGET['base_url']}/chat/completions")
        route.respond(200, content=body, headers={"content-type": content_type})
        yield openai.OpenAI(**TARGET), openai.AsyncOpenAI(**TARGET)


@contextmanager
def routes() -> Iterator[Clients]:
    """`novita_mock.respx`."""
    with mocked(scripted()):
        yield openai.OpenAI(**TARGET), openai.AsyncOpenAI(**TARGET)


@contextmanager
def transport() -> Iterator[Clients]:
    """`novita_mock.httpx`."""
    mock = scripted()
    yield openai_client(mock), async_openai_client(mock)


@contextmanager
def fixed_transport(body: bytes, content_type: str) -> Iterator[Clients]:
    """The library's own transport for tests, with a fixed body."""
    library = import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])

    def answer(_: Any) -> Any:
        return library.Response(200, content=body, headers={"content-type": content_type})

    plain = library.Client(transport=library.MockTransport(answer))
    later = library.AsyncClient(transport=library.MockTransport(answer))
    yield (
        openai.OpenAI(**TARGET, http_client=plain),
        openai.AsyncOpenAI(**TARGET, http_client=later),
    )


def call(clients: Clients) -> list[float]:
    """Calls that want JSON; seconds of each."""
    return [timed(lambda: clients[0].chat.completions.create(**REQUEST)) for _ in range(CALLS)]


def call_async(clients: Clients) -> list[float]:
    """The same with the async client."""

    async def calls() -> list[float]:
        taken = []
        for _ in range(CALLS):
            start = time.perf_counter()
            await clients[1].chat.completions.create(**REQUEST)
            taken.append(time.perf_counter() - start)
        return taken

    return asyncio.run(calls())


def stream(clients: Clients) -> list[float]:
    """Calls that want a stream of 64 chunks."""
    create = clients[0].chat.completions.create
    return [timed(lambda: list(create(**REQUEST, stream=True))) for _ in range(CALLS)]


def timed(run: Callable[[], object]) -> float:
    """Seconds that `run` takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(
    run: Callable[[Clients], list[float]], doors: dict[str, Door], rounds: int
) -> dict[str, list[float]]:
    """Seconds a call by each door, the median of each round."""
    taken: dict[str, list[float]] = {name: [] for name in doors}
    for _ in range(rounds):
        for name, door in doors.items():
            with door() as clients:
                taken[name].append(statistics.median(run(clients)[WARM:]))
    return taken


def rounds(number: int) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """What is called, and the figures of its doors: JSON, sync and async, and streams."""
    bodies = {}
    for streamed in (False, True):
        raw = openai_client(scripted()).chat.completions.with_raw_response
        bodies[streamed] = raw.create(**REQUEST, stream=streamed).http_response.read()
    for run in (call, call_async, stream):
        streamed = run is stream
        kind = "text/event-stream" if streamed else "application/json"
        doors: dict[str, Door] = {
            BY_HAND: partial(fixed_route, bodies[streamed], kind),
            "respx": routes,
            "transport": transport,
            "bare transport": partial(fixed_transport, bodies[streamed], kind),
        }
        yield run.__name__, measure(run, doors, number)


def main() -> None:
    """Prints microseconds a call and the share of the route written by hand."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    report(f"openai {openai.__version__}, respx {respx.__version__}")
    for name, found in rounds(number):
        base = statistics.median(found[BY_HAND])
        for door, values in found.items():
            median = statistics.median(values)
            report(f"{name:12} {door:14} {median * 1e6:7.0f} us  {median / base:.2f}")


if __name__ == "__main__":
    main()
