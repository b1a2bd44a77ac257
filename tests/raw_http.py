"""HTTP as bytes, for tests on the wire: a strict response parser, and clients that can send
anything and leave at any moment."""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d) [\t\x20-\x7e]*")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)")
SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
EOL = b"\r\n"
AT_ONCE = struct.pack("ii", 1, 0)  # linger for no time: closing is a reset
PIECE = 65536


class NotHttp(Exception):
    """A server sent something that is not HTTP."""


class Hung(Exception):
    """A server neither answered nor closed."""


@dataclass(frozen=True)
class Response:
    """One response. `whole`: it reached the end that its own head announces."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    whole: bool


def responses(data: bytes, *, closed: bool, head: bool = False) -> list[Response]:
    """All responses in `data`, the last one possibly not whole; raises NotHttp.

    closed: the server has ended the connection. head: one of the requests may have been a HEAD
    request, whose response has no body.
    """
    found, rest = [], data
    while rest:
        response, rest = _response(rest, closed, head)
        found.append(response)
    return found


def _response(data: bytes, closed: bool, head: bool) -> tuple[Response, bytes]:
    """The first response in `data`, and the rest."""
    text, end, rest = data.partition(EOL + EOL)
    if not end:
        if not data.startswith(b"HTTP/1."[: len(data)]):
            raise NotHttp(f"expected a status line; got {data[:80]!r}")
        return Response(0, {}, b"", whole=False), b""
    status, headers = _head(text)
    if status < 200 or status in (204, 304) or (head and rest[:7] in (b"", b"HTTP/1.")):
        return Response(status, headers, b"", whole=True), rest
    body, left = _body(headers, rest, closed)
    return Response(status, headers, body, whole=left is not None), left or b""


def _head(text: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = text.split(EOL)
    start = STATUS_LINE.fullmatch(first)
    if start is None:
        raise NotHttp(f"expected a status line; got {first[:80]!r}")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        field = FIELD.fullmatch(line)
        if field is None:
            raise NotHttp(f"expected a header; got {line[:80]!r}")
        name = field[1].lower()
        if name in headers and name in (b"content-length", b"transfer-encoding", b"content-type"):
            raise NotHttp(f"two headers {name!r}")
        headers[name] = field[2]
    return int(start[1]), headers


def _body(headers: dict[bytes, bytes], data: bytes, closed: bool) -> tuple[bytes, bytes | None]:
    """The body at the start of `data`, and the rest; None if the body is incomplete."""
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if length is not None and coding is not None:
        raise NotHttp("a length and a transfer coding")
    if coding is not None:
        if coding.lower() != b"chunked":
            raise NotHttp(f"transfer coding {coding!r}")
        return _chunks(data)
    if length is None:
        if headers.get(b"connection", b"").lower() != b"close":
            raise NotHttp("nothing tells where the body ends")
        return data, b"" if closed else None
    if not length.isdigit():
        raise NotHttp(f"content-length {length!r}")
    size = int(length)
    return data[:size], data[size:] if len(data) >= size else None


def _chunks(data: bytes) -> tuple[bytes, bytes | None]:
    body, at = [], 0
    while (end := data.find(EOL, at)) >= 0:
        if SIZE.fullmatch(data, at, end) is None:
            raise NotHttp(f"expected a chunk's size; got {data[at : at + 40]!r}")
        size, start = int(data[at:end], 16), end + len(EOL)
        after = data[start + size : start + size + len(EOL)]
        if not EOL.startswith(after):
            raise NotHttp(f"expected the end of a chunk; got {after!r}")
        body.append(data[start : start + size])
        if after != EOL:
            return b"".join(body), None
        at = start + size + len(EOL)
        if size == 0:
            return b"".join(body), data[at:]
    return b"".join(body), None


def _connected(port: int, seconds: float, receive_buffer: int | None) -> socket.socket:
    """Connects, and retries if refused: a server may be away for a moment."""
    for left in range(int(seconds * 100), -1, -1):
        found = socket.socket()
        if receive_buffer is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        found.settimeout(seconds)
        try:
            found.connect(("127.0.0.1", port))
        except ConnectionError:
            found.close()
            if not left:
                raise
            time.sleep(0.01)
        else:
            return found
    raise AssertionError("unreachable")


class Wire:
    """A client's end of a connection. Reads while it writes, so that neither side blocks the other.

    seconds: how long a server may be silent before it counts as hung.
    """

    def __init__(self, port: int, seconds: float, receive_buffer: int | None = None) -> None:
        self.data = b""
        self.closed = self.reset = False
        self._seconds = seconds
        self._socket = _connected(port, seconds, receive_buffer)
        self._socket.setblocking(False)

    def send(self, data: bytes) -> None:
        """Sends all of `data`, or as much as the server takes before it closes."""
        left = memoryview(data)
        while left and not self.closed:
            readable, writable = self._wait(writing=True)
            if readable:
                self._take()
            if writable and not self.closed:
                left = left[self._give(left) :]

    def send_unread(self, data: bytes) -> None:
        """Sends the part of `data` that the socket takes at once, and reads nothing."""
        with self._lost_is_noted(), suppress(BlockingIOError):
            self._socket.send(data)

    def read(self, until: Callable[[bytes], bool] = lambda data: False) -> None:
        """Reads until the server closes, or until `until` accepts all data so far."""
        while not self.closed and not until(self.data):
            self._wait()
            self._take()

    def say_no_more(self) -> None:
        """Closes this end for writing only."""
        with self._lost_is_noted():
            self._socket.shutdown(socket.SHUT_WR)

    def close(self, *, reset: bool = False) -> None:
        """Closes the connection; with `reset`, by a TCP reset."""
        if reset:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self._socket.close()

    def _wait(self, *, writing: bool = False) -> tuple[bool, bool]:
        wanted = [self._socket] if writing else []
        readable, writable, _ = select.select([self._socket], wanted, [], self._seconds)
        if not readable and not writable:
            raise Hung(f"neither answered nor closed in {self._seconds:g} s")
        return bool(readable), bool(writable)

    def _take(self) -> None:
        with self._lost_is_noted(), suppress(BlockingIOError):
            piece = self._socket.recv(PIECE)
            self.data += piece
            self.closed = not piece

    def _give(self, data: memoryview) -> int:
        with self._lost_is_noted(), suppress(BlockingIOError):
            return self._socket.send(data[:PIECE])
        return 0

    @contextmanager
    def _lost_is_noted(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, BlockingIOError):
                raise
            # Data received before a broken pipe can still be read; after a reset, none can.
            self.closed = self.reset = True
            with suppress(OSError):
                while piece := self._socket.recv(PIECE):
                    self.data += piece
