"""The raw connection below ASGI, for replies that no server sends of its own accord.

novita-mock's own server (`_server/protocol.py`) provides its connections. Another server does not:
it then treats such a reply as an application that sends no answer.
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
"""Keys in the state of a request: its transport, and a function that makes the server refuse new
connections for a number of seconds."""
_NO_LINGER = struct.pack("ii", 1, 0)


async def play(reply: Reply, scope: Scope, receive: Receive, clock: Clock) -> None:
    """Plays a reply on the connection, and closes it."""
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
    # If this returned before the connection is gone, the server would send an answer of its own.
    await left


def _steps(reply: Reply) -> list[tuple[float, bytes | Disconnect]]:
    """Seconds to wait and what to send then: the lines of the head, then the body."""
    head = _head(reply) if reply.status else []
    chunks = [(b.pause, b.data if isinstance(b, TimedBytes) else b) for b in reply.chunks]
    return [*((reply.head_gap, line) for line in head), *chunks]


def _head(reply: Reply) -> list[bytes]:
    phrase = HTTPStatus(reply.status).phrase.encode()
    lines = [b"%b: %b\r\n" % pair for pair in (*reply.headers, (b"connection", b"close"))]
    lines[-1] += b"\r\n"
    return [b"HTTP/1.1 %d %b\r\n" % (reply.status, phrase), *lines]


def _lose(transport: Any, disconnect: Disconnect, state: Any) -> None:
    if disconnect.kind is not DisconnectKind.CLOSED:
        # Closing a socket whose linger time is 0 resets the connection.
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    if disconnect.outage and REFUSE in state:
        state[REFUSE](disconnect.outage)


async def gone(receive: Receive) -> None:
    """Returns when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
