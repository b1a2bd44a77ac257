"""The ASGI application by itself: how it plays a reply."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from novita_mock import Reply, TimedBytes
from novita_mock._core.clock import Clock
from novita_mock.starlette import _play

# asyncio prints a warning at the sixth write to a connection that the client has reset.
MOST_WRITES = 5


def writes_in_a_row(reply: Reply) -> int:
    """The most writes to a connection that leave before the loop can tell that it is gone."""
    most = now = 0

    async def play() -> None:
        loop = asyncio.get_running_loop()

        def tick() -> None:
            nonlocal now
            now = 0
            loop.call_soon(tick)

        async def send(message: Any) -> None:
            nonlocal most, now
            is_body = message["type"] == "http.response.body"
            now += 2 if is_body and not message.get("more_body") else 1
            most = max(most, now)

        async def receive() -> Any:
            await asyncio.Event().wait()

        loop.call_soon(tick)
        await _play(reply, {"type": "http"}, receive, send, Clock())

    asyncio.run(play())
    return most


@pytest.mark.parametrize("pause", [0.0, 1e-9], ids=["at once", "late"])
@pytest.mark.parametrize("chunks", range(1, 13))
def test_few_writes_leave_before_a_lost_client_is_noticed(chunks: int, pause: float) -> None:
    reply = Reply(200, (), tuple(TimedBytes(b"x", pause) for _ in range(chunks)))
    assert writes_in_a_row(reply) <= MOST_WRITES
