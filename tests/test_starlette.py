"""The ASGI application by itself: how it plays a reply, and what it logs."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from novita_mock import Reply, TimedBytes
from novita_mock._core.clock import Clock
from novita_mock.starlette import _play, create_app

# asyncio prints a warning at the sixth write to a connection that the client has reset.
MOST_WRITES = 5


def writes_in_a_row(reply: Reply) -> int:
    """The most writes to a connection before the event loop can notice that it is gone."""
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


@pytest.mark.parametrize(("level", "lines"), [("INFO", 1), ("WARNING", 0)])
def test_a_mounted_mock_logs_its_calls_as_the_application_logs(
    level: str, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level, "novita_mock.access")
    key = {"Authorization": "Bearer sk-a-long-secret-key"}
    path = "/llm/v3/openai/models/sk-a-long-secret-key"
    with TestClient(Starlette(routes=[Mount("/llm", create_app())])) as client:
        client.get(path, headers=key)
    assert len(caplog.records) == lines
    assert "sk-a-long" not in caplog.text
    for record in caplog.records:
        assert record.name == "novita_mock.access"
        assert re.fullmatch(
            r"GET /v3/openai/models/\*{3} \*{3} 404 - \d+\.\d ms", record.getMessage()
        )
