"""A live server on a loopback port for tests: one per process, with one mock per test.

Each mock has a path of its own, so that tests never see each other's requests.
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
    """A uvicorn that stops at once. The original checks ten times a second whether to stop, and
    then waits another 0.1 s for its connections."""

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
        # One turn of the loop ends the cancelled tasks, the next closes the sockets.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def end(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)


class LiveServer:
    """The server. `open` gives a mock an address, `close` removes the mock, `stop` ends it all."""

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
        """Serves `mock`. Returns the address that precedes its base paths."""
        name = next(self._names)
        self._endpoints[name] = Endpoint(mock)
        return f"{self.origin}/{name}"

    def close(self, address: str) -> None:
        """Stops serving the mock at `address`."""
        del self._endpoints[address.rpartition("/")[2]]

    def stop(self) -> None:
        """Ends the server and its thread."""
        self._server.end()
        self._thread.join()
        self._socket.close()
