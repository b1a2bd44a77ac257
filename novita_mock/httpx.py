"""The adapter for clients in this process: a transport for `httpx` and `httpx2`, sync and async.

It plays a reply as a client receives it from a server: the headers with the first bytes, each chunk
at its time, a disconnect as the error of a lost connection. This module imports neither library,
because the client that sends a request has already loaded its own.
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

    # Lets type checkers accept a `Transport` in the clients of either library.
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
"""Makes the error of this name, which exists in both libraries and both of their cores."""

# Messages of h11, httpcore and the operating system, as the client of a server gets them.
_SILENT = "Server disconnected without sending a response."
_RESET = "[Errno 104] Connection reset by peer"
_REFUSED = "[Errno 111] Connection refused"
_INCOMPLETE = "peer closed connection without sending complete message body"
_ILLEGAL = re.compile(rb"^[ \t]|[ \t]$|[\x00\r\n]")


class Transport(_AnyTransport):
    """Answers a client's requests as `mock` does, for any host and without a network.

    One object serves `httpx.Client`, `httpx.AsyncClient`, `httpx2.Client` and `httpx2.AsyncClient`.
    The client raises its library's `RemoteProtocolError` when the connection is lost, and its
    `ReadTimeout` when no bytes arrive within its read timeout.
    """

    def __init__(self, mock: Mock) -> None:
        self.mock = mock

    def handle_request(self, request: Any) -> Any:
        """The response to a request of either library; waits until its first bytes are due."""
        request.read()
        library, reply, stream = self._answer(request)
        if isinstance(stream, Playing):
            stream.open()
        return library.Response(reply.status, headers=reply.headers, stream=stream)

    async def handle_async_request(self, request: Any) -> Any:
        """Like `handle_request`, under asyncio or trio."""
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
    """An `openai.OpenAI` client that `mock` answers, whether openai is built on httpx or httpx2.

    `options` are those of `openai.OpenAI`. Raises ImportError if openai is not installed.
    """
    import openai

    client = openai.DefaultHttpxClient(transport=Transport(mock))
    return openai.OpenAI(**{**_defaults(mock), "http_client": client, **options})


def async_openai_client(mock: Mock, **options: Any) -> openai.AsyncOpenAI:
    """An `openai.AsyncOpenAI` client that `mock` answers; otherwise like `openai_client`."""
    import openai

    client = openai.DefaultAsyncHttpxClient(transport=Transport(mock))
    return openai.AsyncOpenAI(**{**_defaults(mock), "http_client": client, **options})


def _defaults(mock: Mock) -> dict[str, Any]:
    return {"base_url": mock.base_url, "api_key": mock.api_key}


def check_headers(request: Any, fail: Fail) -> None:
    """Raises the error of a client that cannot send a header, such as `Bearer ` without a key."""
    for _, value in request.headers.raw:
        if _ILLEGAL.search(value):
            raise fail("LocalProtocolError", f"Illegal header value {value!r}")


def request_of(request: Any, path: str) -> Request:
    """The mock's `Request` for a request of either library, whose body has been read."""
    headers = {name.lower(): value for name, value in request.headers.raw}
    query = request.url.query.decode("latin-1")
    return Request(request.method, path, headers, request.content, query)


def stream_of(library: Any, request: Any, reply: Reply, fail: Fail, clock: Clock) -> Any:
    """The body of `reply` as a stream of `library`: a `ByteStream` if all of it arrives at once,
    otherwise a `Playing`, which has to be opened."""
    match () if request.method == "HEAD" else reply.chunks:
        case ():
            return library.ByteStream(b"")
        case (TimedBytes(data=data, pause=0.0),) if not reply.head_gap:
            return library.ByteStream(data)
        case _:
            read_timeout = request.extensions.get("timeout", {}).get("read")
            return _playing(library)(reply, read_timeout, fail, clock)


@cache
def _playing(library: Any) -> type[Playing]:
    """`Playing` as a stream class of `library`, whose clients accept no other."""
    return type("Playing", (Playing, library.SyncByteStream, library.AsyncByteStream), {})


class Playing:
    """A reply on its way to a client: the byte stream of a response, sync and async.

    Its time starts when it is created. `read_timeout`: that of the client, in seconds.
    """

    def __init__(self, reply: Reply, read_timeout: float | None, fail: Fail, clock: Clock) -> None:
        self._clock = clock
        self._schedule = _schedule(reply, read_timeout, fail, clock)
        self._first: bytes | None = None

    def open(self) -> None:
        """Waits for the first bytes, which arrive together with the headers."""
        if self._first is None:
            self._first = self._piece() or b""

    async def aopen(self) -> None:
        """Like `open`, for async code."""
        if self._first is None:
            self._first = await self._apiece() or b""

    def _piece(self) -> bytes | None:
        for step in self._schedule:
            if isinstance(step, bytes):
                return step
            self._clock.sleep(step)
        return None

    async def _apiece(self) -> bytes | None:
        for step in self._schedule:
            if isinstance(step, bytes):
                return step
            await self._clock.asleep(step)
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


def _schedule(
    reply: Reply, read_timeout: float | None, fail: Fail, clock: Clock
) -> Iterator[bytes | float]:
    """Bytes to hand over and seconds to sleep, in order. Raises the error that the client sees."""
    due = clock.monotonic()
    for seconds, data in _steps(reply):
        due += seconds
        wait = due - clock.monotonic() if seconds else 0.0
        if read_timeout is not None and wait > read_timeout:
            yield read_timeout
            raise fail("ReadTimeout", "timed out")
        if wait > 0:
            yield wait
        if isinstance(data, Disconnect):
            if reply.status:
                yield b""  # the headers arrive even if nothing else does
            raise fail(*_lost(reply, data))
        if data is not None:
            yield data


def _steps(reply: Reply) -> Iterator[tuple[float, bytes | Disconnect | None]]:
    """Seconds to wait and what arrives then: None for a line of the head, which the client does not
    see by itself."""
    for _ in (None, *reply.headers) if reply.head_gap else ():
        yield reply.head_gap, None
    for chunk in reply.chunks:
        yield chunk.pause, chunk if isinstance(chunk, Disconnect) else chunk.data


def _lost(reply: Reply, disconnect: Disconnect) -> tuple[str, str]:
    """The name and the message of the error that a client raises for this disconnect."""
    if disconnect.kind is DisconnectKind.REFUSED:
        return "ConnectError", _REFUSED
    if disconnect.kind is DisconnectKind.RESET:
        return "ReadError", _RESET
    if not reply.status:
        return "RemoteProtocolError", _SILENT
    expected = dict(reply.headers).get(b"content-length")
    if expected is None:
        return "RemoteProtocolError", f"{_INCOMPLETE} (incomplete chunked read)"
    received = f"received {len(reply.body)} bytes, expected {expected.decode()}"
    return "RemoteProtocolError", f"{_INCOMPLETE} ({received})"
