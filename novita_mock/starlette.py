"""The adapter for servers: replies played over ASGI, under uvicorn or in any ASGI application.

It reads a request from the wire and plays the reply to it. Others decide what to answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from novita_mock._asgi import access_log, raw_connection
from novita_mock._asgi.admin import ROOT, THIS_MACHINE, Access, admin
from novita_mock._core.clock import Clock
from novita_mock._core.http import Disconnect, Reply, Request, TimedBytes
from novita_mock._journal.call import Call
from novita_mock._mock import Mock

__all__ = ["Endpoint", "create_app"]

_ADMIN = f"{ROOT}/"
_NAP = 0.1
# Chunks sent in a row before the loop may notice a disconnect. asyncio warns after more than five
# writes to a lost connection, and the head and the end of a body are writes, too.
_CHUNKS_IN_A_ROW = 3

OnCall = Callable[[Call, float], None]


class Endpoint:
    """An ASGI application that answers as `mock` does, with its admin API under `/__mock__`.

    Each call is logged at level INFO by the logger `novita_mock.access`. `on_call` gets each call
    and its duration in seconds. `access`: who may use the admin API.
    """

    def __init__(
        self, mock: Mock, on_call: OnCall | None = None, access: Access = THIS_MACHINE
    ) -> None:
        self.mock = mock
        self._on_call = on_call
        self._most = mock.description.limits["body"]
        self._admin = admin(mock, access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope)
        if scope["type"] != "http" or path.startswith(_ADMIN):
            await self._admin({**scope, "path": path, "root_path": ""}, receive, send)
            return
        start = time.perf_counter()
        body = await _body(receive, self._most)
        if body is None:
            return
        query = scope["query_string"].decode("latin-1")
        call = self.mock.call(Request(scope["method"], path, dict(scope["headers"]), body, query))
        await _play(call.reply, scope, receive, send, self.mock.clock)
        seconds = time.perf_counter() - start
        access_log.log(call, seconds)
        if self._on_call is not None:
            self._on_call(call, seconds)


def create_app(mock: Mock | None = None) -> Starlette:
    """A Starlette application that answers as `mock` does (a new `Mock` if None).

    Serve it on its own, or mount it: `Mount("/llm", app=create_app())`.
    """
    return Starlette(routes=[Mount("/", app=Endpoint(mock or Mock()))])


def _path(scope: Scope) -> str:
    """The path below the mount point of the application."""
    path: str = scope.get("path", "")
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root else path


async def _body(receive: Receive, most: int) -> bytes | None:
    """The body. Of one above `most` bytes, a little more than `most` is kept and the rest dropped.

    None if the client disconnected before it had sent the whole body.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return None if message["type"] == "http.disconnect" else body
    pieces, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        if size <= most:
            pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


async def _play(reply: Reply, scope: Scope, receive: Receive, send: Send, clock: Clock) -> None:
    start = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
    match reply.chunks:
        case (TimedBytes(data=data, pause=0.0),) if not reply.head_gap:
            await send(start)
            await send({"type": "http.response.body", "body": data})
        case chunks if reply.status and not reply.head_gap:
            await _play_in_time(start, chunks, receive, send, clock)
        case _:
            await raw_connection.play(reply, scope, receive, clock)


async def _play_in_time(
    start: dict[str, Any],
    chunks: Sequence[TimedBytes | Disconnect],
    receive: Receive,
    send: Send,
    clock: Clock,
) -> None:
    """Sends each chunk at its time, counted from the start so that delays do not add up.

    It returns at once when the client disconnects. A `Disconnect` leaves the response unfinished,
    so the server closes the connection without the end of the body.
    """
    gone = asyncio.ensure_future(raw_connection.gone(receive))
    due, started, last = clock.monotonic(), False, len(chunks) - 1
    try:
        for index, chunk in enumerate(chunks):
            due += chunk.pause
            if chunk.pause and (left := clock.left(due)):
                # A plain sleep is cheap, and delays the notice of a disconnect by a nap at most.
                await (asyncio.sleep(left) if left < _NAP else asyncio.wait({gone}, timeout=left))
            elif not index % _CHUNKS_IN_A_ROW:
                await asyncio.sleep(0)
            if gone.done():
                return
            if not started:
                await send(start)
                started = True
            if isinstance(chunk, Disconnect):
                return
            more = index < last
            await send({"type": "http.response.body", "body": chunk.data, "more_body": more})
    finally:
        gone.cancel()
