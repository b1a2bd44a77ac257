"""Below ASGI: the connection itself, for what no server sends of its own accord.

The kit's own server hands its connections over. Under another one a reply that needs the connection
ends as that server ends an application that gives no answer.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from novita_mock._core.clock import Clock
from novita_mock._core.http import Disconnect, DisconnectKind, Reply, TimedBytes

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

CONNECTION, REFUSE = "novita_mock.connection", "novita_mock.refuse"
"""Where the state of a request has its connection, and what takes no new ones for some seconds."""
_AT_ONCE = struct.pack("ii", 1, 0)


async def play(reply: Reply, scope: Scope, receive: Receive, clock: Clock) -> None:
    """Plays a reply on the connection, which it uses up."""
    state = scope.get("state") or {}
    transport = state.get(CONNECTION)
    if transport is None:
        return
    left = asyncio.ensure_future(gone(receive))
    due = clock.monotonic()
    for pause, data in _steps(reply):
        due += pause
        if pause:
            await asyncio.wait({left}, timeout=clock.left(due))
        if left.done():
            return
        if isinstance(data, Disconnect):
            _lose(transport, data, state)
            break
        transport.write(data)
    transport.close()
    # Until the connection is gone, the server would answer for an application that did not.
    await left


def _steps(reply: Reply) -> list[tuple[float, bytes | Disconnect]]:
    """Seconds to wait, and what comes then: lines of the head, then the body."""
    head = _head(reply) if reply.status else []
    chunks = [(b.pause, b.data if isinstance(b, TimedBytes) else b) for b in reply.chunks]
    return [*((reply.head_gap, line) for line in head), *chunks]


def _head(reply: Reply) -> list[bytes]:
    phrase = HTTPStatus(reply.status).phrase.encode()
    lines = [b"%b: %b\r\n" % pair for pair in (*reply.headers, (b"connection", b"close"))]
    lines[-1] += b"\r\n"
    return [b"HTTP/1.1 %d %b\r\n" % (reply.status, phrase), *lines]


def _lose(transport: Any, cut: Disconnect, state: Any) -> None:
    if cut.kind is not DisconnectKind.CLOSED:
        # A socket that does not linger is reset when it is closed.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        transport.abort()
    if cut.outage and REFUSE in state:
        state[REFUSE](cut.outage)


async def gone(receive: Receive) -> None:
    """Comes back when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
