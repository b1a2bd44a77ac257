"""The door for clients in the same process: a transport for `httpx` and `httpx2`, sync and async.

It plays a reply as the client of a server would get it: the headers together with the first bytes,
each beat at its time, a cut as the error of a lost connection. Neither library is imported here:
the client that sends the request has loaded its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from novita_mock._core.clock import Clock
from novita_mock._core.http import Disconnect, DisconnectKind, Reply, Request, TimedBytes
from novita_mock._mock import Mock

if TYPE_CHECKING:
    import httpx
    import httpx2
    import openai

    # So that type checkers take a `Transport` for either library's clients.
    class _AnyTransport(  # type: ignore[misc]  # each library has its own `Request`
        httpx.BaseTransport,
        httpx.AsyncBaseTransport,
        httpx2.BaseTransport,
        httpx2.AsyncBaseTransport,
    ): ...
else:
    _AnyTransport = object

__all__ = ["Transport", "async_openai_client", "openai_client"]

Fail = Callable[[str, str], Exception]
"""Makes the error that both libraries and both of their cores know by this name."""

# The words of h11, httpcore and the operating system, as the client of a server reads them.
_SILENT = "Server disconnected without sending a response."
_RESET = "[Errno 104] Connection reset by peer"
_REFUSED = "[Errno 111] Connection refused"
_INCOMPLETE = "peer closed connection without sending complete message body"
_ILLEGAL = re.compile(rb"^[ \t]|[ \t]$|[\x00\r\n]")


class Transport(_AnyTransport):
    """Answers the requests of a client as `mock` does, without any network and for any host.

    One object serves `httpx.Client`, `httpx.AsyncClient`, `httpx2.Client` and `httpx2.AsyncClient`.
    The client raises its library's `RemoteProtocolError` where the connection is lost, and its
    `ReadTimeout` where nothing comes for longer than its read timeout.
    """

    def __init__(self, mock: Mock) -> None:
        self.mock = mock

    def handle_request(self, request: Any) -> Any:
        """The response to a request of either library, once its first bytes are due."""
        request.read()
        library, reply, stream = self._answer(request)
        if isinstance(stream, Playing):
            stream.open()
        return library.Response(reply.status, headers=reply.headers, stream=stream)

    async def handle_async_request(self, request: Any) -> Any:
        """As `handle_request`, under asyncio or trio."""
        await request.aread()
        library, reply, stream = self._answer(request)
        if isinstance(stream, Playing):
            await stream.aopen()
        return library.Response(reply.status, headers=reply.headers, stream=stream)

    def _answer(self, request: Any) -> tuple[Any, Reply, Any]:
        library = sys.modules[type(request).__module__.partition(".")[0]]

        def fail(error: str, message: str) -> Exception:
            failure: Exception = getattr(library, error)(message, request=request)
            return failure

        check_headers(request, fail)
        reply = self.mock.answer(request_of(request, request.url.path))
        return library, reply, stream_of(library, request, reply, fail, self.mock.clock)

    def close(self) -> None:
        """There is nothing to close."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def openai_client(mock: Mock, **options: Any) -> openai.OpenAI:
    """An `openai.OpenAI` that `mock` answers, whichever line of openai is installed.

    `options` are those of `openai.OpenAI`. Raises ImportError without openai.
    """
    import openai

    client = openai.DefaultHttpxClient(transport=Transport(mock))
    return openai.OpenAI(**{**_defaults(mock), "http_client": client, **options})


def async_openai_client(mock: Mock, **options: Any) -> openai.AsyncOpenAI:
    """An `openai.AsyncOpenAI` that `mock` answers; else as `openai_client`."""
    import openai

    client = openai.DefaultAsyncHttpxClient(transport=Transport(mock))
    return openai.AsyncOpenAI(**{**_defaults(mock), "http_client": client, **options})


def _defaults(mock: Mock) -> dict[str, Any]:
    return {"base_url": mock.base_url, "api_key": mock.api_key}


def check_headers(request: Any, fail: Fail) -> None:
    """Raises what a client does that cannot put a header on the wire: `Bearer ` without a key."""
    for _, value in request.headers.raw:
        if _ILLEGAL.search(value):
            raise fail("LocalProtocolError", f"Illegal header value {value!r}")


def request_of(request: Any, path: str) -> Request:
    """A request of either library, whose body has been read, as the mock takes it."""
    headers = {name.lower(): value for name, value in request.headers.raw}
    return Request(request.method, path, headers, request.content)


def stream_of(library: Any, request: Any, reply: Reply, fail: Fail, clock: Clock) -> Any:
    """The body of `reply` as a stream of `library`: a `ByteStream` if all of it comes at once, else
    a `Playing` that wants to be opened."""
    match () if request.method == "HEAD" else reply.chunks:
        case ():
            return library.ByteStream(b"")
        case (TimedBytes(data=data, pause=0.0),) if not reply.head_gap:
            return library.ByteStream(data)
        case _:
            patience = request.extensions.get("timeout", {}).get("read")
            return _playing(library)(reply, patience, fail, clock)


@cache
def _playing(library: Any) -> type[Playing]:
    """`Playing` as a stream of `library`, whose clients take no other."""
    return type("Playing", (Playing, library.SyncByteStream, library.AsyncByteStream), {})


class Playing:
    """A reply on its way to a client: the byte stream of a response, sync and async.

    Time counts from when it is made. `patience`: the client's read timeout in seconds.
    """

    def __init__(self, reply: Reply, patience: float | None, fail: Fail, clock: Clock) -> None:
        self._clock = clock
        self._moves = _moves(reply, patience, fail, clock)
        self._first: bytes | None = None

    def open(self) -> None:
        """Waits for the first bytes, with which the headers come."""
        if self._first is None:
            self._first = self._piece() or b""

    async def aopen(self) -> None:
        """As `open`."""
        if self._first is None:
            self._first = await self._apiece() or b""

    def _piece(self) -> bytes | None:
        for move in self._moves:
            if isinstance(move, bytes):
                return move
            self._clock.sleep(move)
        return None

    async def _apiece(self) -> bytes | None:
        for move in self._moves:
            if isinstance(move, bytes):
                return move
            await self._clock.asleep(move)
        return None

    def __iter__(self) -> Iterator[bytes]:
        self.open()
        piece = self._first
        while piece is not None:
            yield piece
            piece = self._piece()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await self.aopen()
        piece = self._first
        while piece is not None:
            yield piece
            piece = await self._apiece()


def _moves(
    reply: Reply, patience: float | None, fail: Fail, clock: Clock
) -> Iterator[bytes | float]:
    """Bytes to hand over and seconds to sleep, in order; raises what the client would see."""
    due = clock.monotonic()
    for seconds, data in _steps(reply):
        due += seconds
        wait = due - clock.monotonic() if seconds else 0.0
        if patience is not None and wait > patience:
            yield patience
            raise fail("ReadTimeout", "timed out")
        if wait > 0:
            yield wait
        if isinstance(data, Disconnect):
            if reply.status:
                yield b""  # the headers come even if nothing else does
            raise fail(*_lost(reply, data))
        if data is not None:
            yield data


def _steps(reply: Reply) -> Iterator[tuple[float, bytes | Disconnect | None]]:
    """Seconds to wait, and what comes then: nothing to hand over where it is a line of the head."""
    for _ in (None, *reply.headers) if reply.head_gap else ():
        yield reply.head_gap, None
    for chunk in reply.chunks:
        yield chunk.pause, chunk if isinstance(chunk, Disconnect) else chunk.data


def _lost(reply: Reply, cut: Disconnect) -> tuple[str, str]:
    """The error of a client that loses its connection, and its message."""
    if cut.kind is DisconnectKind.REFUSED:
        return "ConnectError", _REFUSED
    if cut.kind is DisconnectKind.RESET:
        return "ReadError", _RESET
    if not reply.status:
        return "RemoteProtocolError", _SILENT
    expected = dict(reply.headers).get(b"content-length")
    if expected is None:
        return "RemoteProtocolError", f"{_INCOMPLETE} (incomplete chunked read)"
    received = f"received {len(reply.body)} bytes, expected {expected.decode()}"
    return "RemoteProtocolError", f"{_INCOMPLETE} ({received})"
