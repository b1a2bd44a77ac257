"""Below ASGI: the connection itself, for what no server sends of its own accord.

A server that is started with `protocol` hands its connections to the door. Under another one a
reply that needs the connection ends as that server ends an application that gives no answer.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from novita_mock._clock import Clock
from novita_mock._values import Beat, Cut, Loss, Reply

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import Receive, Scope

_CONNECTION, _REFUSE = "novita_mock.connection", "novita_mock.refuse"
_AT_ONCE = struct.pack("ii", 1, 0)
_BACKLOG = 2048


def protocol(server: Callable[[], uvicorn.Server]) -> Any:
    """uvicorn's protocol for HTTP, which hands its connection to the application. `server`: gives
    the server that it belongs to."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    def refuse(seconds: float) -> None:
        _refuse(server(), seconds)

    class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # one of two classes
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            own = {_CONNECTION: transport, _REFUSE: refuse}
            self.app_state: dict[str, Any] = {**self.app_state, **own}

    return Protocol


async def play(reply: Reply, scope: Scope, receive: Receive, clock: Clock) -> None:
    """Plays a reply on the connection, which it uses up."""
    state = scope.get("state") or {}
    transport = state.get(_CONNECTION)
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
        if isinstance(data, Cut):
            _lose(transport, data, state)
            break
        transport.write(data)
    transport.close()
    # Until the connection is gone, the server would answer for an application that did not.
    await left


def _steps(reply: Reply) -> list[tuple[float, bytes | Cut]]:
    """Seconds to wait, and what comes then: lines of the head, then the body."""
    head = _head(reply) if reply.status else []
    beats = [(b.pause, b.data if isinstance(b, Beat) else b) for b in reply.beats]
    return [*((reply.head_gap, line) for line in head), *beats]


def _head(reply: Reply) -> list[bytes]:
    phrase = HTTPStatus(reply.status).phrase.encode()
    lines = [b"%b: %b\r\n" % pair for pair in (*reply.headers, (b"connection", b"close"))]
    lines[-1] += b"\r\n"
    return [b"HTTP/1.1 %d %b\r\n" % (reply.status, phrase), *lines]


def _lose(transport: Any, cut: Cut, state: Any) -> None:
    if cut.loss is not Loss.CLOSED:
        # A socket that does not linger is reset when it is closed.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        transport.abort()
    if cut.away:
        state[_REFUSE](cut.away)


async def gone(receive: Receive) -> None:
    """Comes back when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _refuse(server: uvicorn.Server, seconds: float) -> None:
    """Takes no new connections for so long."""
    found = [sock for each in server.servers for sock in each.sockets]
    addresses = [(sock.family, sock.getsockname()) for sock in found]
    for each in server.servers:
        each.close()
    server.servers = []
    task = asyncio.ensure_future(_listen_again(server, addresses, seconds))
    server.server_state.tasks.add(task)
    task.add_done_callback(server.server_state.tasks.discard)


async def _listen_again(
    server: uvicorn.Server, addresses: Sequence[tuple[int, Any]], seconds: float
) -> None:
    await asyncio.sleep(seconds)

    def create() -> Any:
        kind: Any = server.config.http_protocol_class
        state, app_state = server.server_state, server.lifespan.state
        return kind(config=server.config, server_state=state, app_state=app_state)

    for family, address in addresses:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        again = await asyncio.get_running_loop().create_server(
            create, sock=listener, backlog=_BACKLOG
        )
        server.servers.append(again)
