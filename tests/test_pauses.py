"""Every adapter counts the pauses of a reply from its start, so that delays do not add up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from novita_mock import Reply, TimedBytes
from novita_mock._asgi import raw_connection
from novita_mock._core.clock import Clock
from novita_mock.httpx import Playing
from novita_mock.starlette import _play

DELAY = 3.0  # what it takes to hand over each piece


class HandClock(Clock):
    """A clock that advances when someone waits until a moment, or hands over a piece."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 100.0
        self.arrivals: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def left(self, due: float) -> float:
        self.at = max(self.at, due)
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    async def asleep(self, seconds: float) -> None:
        self.at += seconds

    def hand_over(self) -> None:
        self.arrivals.append(self.at - 100.0)
        self.at += DELAY


def transport(reply: Reply, clock: HandClock) -> None:
    for _ in Playing(reply, None, AssertionError, clock):
        clock.hand_over()


def async_transport(reply: Reply, clock: HandClock) -> None:
    async def read() -> None:
        async for _ in Playing(reply, None, AssertionError, clock):
            clock.hand_over()

    asyncio.run(read())


async def _nothing() -> Any:
    await asyncio.Event().wait()


def server(reply: Reply, clock: HandClock) -> None:
    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            clock.hand_over()

    asyncio.run(_play(reply, {"type": "http"}, _nothing, send, clock))


def raw(reply: Reply, clock: HandClock) -> None:
    class Connection:
        def write(self, _: bytes) -> None:
            clock.hand_over()

        def close(self) -> None:
            closed.set()

    closed = asyncio.Event()

    async def receive() -> Any:
        await closed.wait()
        return {"type": "http.disconnect"}

    # A reply without a status has no head.
    headless = Reply(0, (), reply.chunks)
    scope = {"type": "http", "state": {raw_connection.CONNECTION: Connection()}}
    asyncio.run(raw_connection.play(headless, scope, receive, clock))


@pytest.mark.parametrize(
    ("pauses", "arrivals"),
    [
        ((4, 8, 8), [4, 12, 20]),
        ((1, 1, 10), [1, 4, 12]),
        ((0, 5, 0, 5), [0, 5, 8, 11]),
    ],
    ids=["in time", "late, and in time again", "several at once"],
)
@pytest.mark.parametrize(
    "play", [transport, async_transport, server, raw], ids=lambda play: play.__name__
)
def test_pauses_are_counted_from_the_start(
    play: Callable[[Reply, HandClock], None], pauses: tuple[float, ...], arrivals: list[float]
) -> None:
    clock = HandClock()
    play(Reply(200, (), tuple(TimedBytes(b"x", pause) for pause in pauses)), clock)
    assert clock.arrivals == arrivals
