"""A real server on a loopback port for tests: one in a process, a mock for each test in it.

Each mock has a path of its own, so that tests that run side by side never meet.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading

import uvicorn
from starlette.types import Receive, Scope, Send

from novita_mock._mock import Mock
from novita_mock._server.protocol import Protocol, Server
from novita_mock._server.run import listen
from novita_mock.starlette import Endpoint

_START_SECONDS = 10.0
_GONE = b"this mock is closed: its test has ended"


class _Uvicorn(Server):
    """uvicorn that ends when it is told to, and at once: by itself it looks whether to end ten
    times a second, and waits another tenth for its connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for task in list(self.server_state.tasks):
            task.cancel()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # One turn of the loop for what was cancelled, one for the sockets to close.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def end(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)


class LiveServer:
    """The server. `open` gives a mock an address, `close` takes it away, `stop` ends it all."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}
        self._names = (f"t{number}" for number in itertools.count(1))
        self._socket = listen("127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=0,
            http=Protocol,
        )
        self._server = _Uvicorn(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="novita-mock", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            raise RuntimeError(f"the server at {self.origin} did not start")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, _, _ = str(scope.get("path", ""))[1:].partition("/")
        endpoint = self._endpoints.get(name)
        if endpoint is not None:
            await endpoint({**scope, "root_path": f"/{name}"}, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 410, "headers": []})
            await send({"type": "http.response.body", "body": _GONE})

    def open(self, mock: Mock) -> str:
        """Serves `mock`; gives the address under which its base paths are."""
        name = next(self._names)
        self._endpoints[name] = Endpoint(mock)
        return f"{self.origin}/{name}"

    def close(self, address: str) -> None:
        """Stops serving the mock at `address`."""
        del self._endpoints[address.rpartition("/")[2]]

    def stop(self) -> None:
        """Ends the server."""
        self._server.end()
        self._thread.join()
        self._socket.close()
