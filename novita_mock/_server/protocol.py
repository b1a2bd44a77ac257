"""uvicorn, extended: it hands its connections to the application, and can refuse new ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from novita_mock._asgi.raw_connection import CONNECTION, REFUSE

_BACKLOG = 2048


class _State(ServerState):
    """The state that all connections of a server share, and the server itself."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server


class Server(uvicorn.Server):
    """A server that can refuse new connections. Its connections reach it through their state."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = _State(self)

    def refuse(self, seconds: float) -> None:
        """Refuses new connections for `seconds`."""
        sockets = [sock for each in self.servers for sock in each.sockets]
        addresses = [(sock.family, sock.getsockname()) for sock in sockets]
        for each in self.servers:
            each.close()
        self.servers = []
        task = asyncio.ensure_future(self._listen_again(addresses, seconds))
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    async def _listen_again(self, addresses: Sequence[tuple[int, Any]], seconds: float) -> None:
        await asyncio.sleep(seconds)
        kind: Any = self.config.http_protocol_class
        state, app_state = self.server_state, self.lifespan.state
        create = partial(kind, config=self.config, server_state=state, app_state=app_state)
        for family, address in addresses:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            loop = asyncio.get_running_loop()
            again = await loop.create_server(create, sock=listener, backlog=_BACKLOG)
            self.servers.append(again)


class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # one of two classes
    """HTTP/1.1 that passes its connection to the application with each request."""

    def connection_made(self, transport: Any) -> None:
        """Adds the connection to the state of its requests."""
        super().connection_made(transport)
        own = {CONNECTION: transport}
        server = getattr(self.server_state, "server", None)
        if server is not None:
            own[REFUSE] = server.refuse
        self.app_state: dict[str, Any] = {**self.app_state, **own}
        self._running: Any = None

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        # With pipelined requests, `self.cycle` is the newest one, which may still be queued.
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Reports the disconnect to the request that is being answered, too."""
        super().connection_lost(exc)
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Answers bytes that are not a request, but not in the middle of another answer."""
        running = self._running or self.cycle
        if running is None or not (running.response_started or not running.more_body):
            self._refuse(msg)
        elif running.more_body:
            self.transport.close()
        elif running.response_complete:
            self._refuse(msg)
        else:
            running.keep_alive = False

    def _refuse(self, msg: str) -> None:
        import h11

        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # it is too late to begin an answer
            self.transport.close()
