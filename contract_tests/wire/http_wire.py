"""HTTP/1.1 on a socket: one request per connection, every byte kept with its arrival time.

No HTTP library, because libraries repair, decode or hide what the wire checks are about.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .exchange import Came

LINGER = 0.3
MOST_BYTES = 64 * 1024 * 1024
_PORTS = {"http": 80, "https": 443}


@dataclass
class Received:
    """Bytes as they arrived, with the seconds since the request was sent."""

    data: bytearray = field(default_factory=bytearray)
    reads: list[tuple[float, int]] = field(default_factory=list)
    closed: bool = False


def send(base: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes,
         timeout: float) -> Came:  # fmt: skip
    """Sends one request below `base`. Raises OSError if no connection can be made."""
    url = urlsplit(base)
    port = url.port or _PORTS[url.scheme]
    lines = [f"{method} {url.path.rstrip('/')}{path} HTTP/1.1", f"host: {url.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in ("POST", "PUT"):
        lines.append(f"content-length: {len(body)}")
    head = "\r\n".join([*lines, "connection: close", "accept-encoding: identity", "", ""])
    began = time.time()
    with socket.create_connection((url.hostname or "", port), timeout) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = plain
        if url.scheme == "https":
            context = ssl.create_default_context()
            wire = context.wrap_socket(plain, server_hostname=url.hostname)
        with wire:
            received, problem = _talk(wire, head.encode("utf-8") + body, method, timeout)
    return _came(received, problem, method, began)


def _talk(wire: socket.socket, message: bytes, method: str, timeout: float) -> tuple[Received, str]:
    received, start = Received(), time.perf_counter()
    # The server may answer and close before it has read everything.
    with contextlib.suppress(OSError):
        wire.sendall(message)
    try:
        while not received.closed and len(received.data) < MOST_BYTES:
            done = _length(received.data, method) is not None
            left = start + timeout - time.perf_counter()
            wire.settimeout(LINGER if done else max(0.01, left))
            piece = wire.recv(65_536)
            received.closed = not piece
            received.data += piece
            received.reads.append((time.perf_counter() - start, len(received.data)))
    except TimeoutError:
        if _length(received.data, method) is None:
            return received, f"timeout: the reply was not complete after {timeout:g} s"
    except OSError as error:
        if _length(received.data, method) is None:
            return received, f"the connection broke: {error}"
    return received, ""


def _head(data: bytes | bytearray) -> tuple[int, list[tuple[str, str]], int] | None:
    """Status, headers and the offset of the body; None while the head is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *rest = bytes(data[:end]).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in rest]
    words = first.split(" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return status, [(name.strip().lower(), value.strip()) for name, _, value in pairs], end + 4


def _length(data: bytearray, method: str) -> int | None:
    """The offset where the reply ends by its own framing; None while it goes on."""
    head = _head(data)
    if head is None:
        return None
    status, headers, start = head
    fields = dict(headers)
    if method == "HEAD" or status in (204, 304):
        return start
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return _chunked(data, start)[1]
    size = fields.get("content-length", "")
    if size.isdigit():
        return start + int(size) if len(data) >= start + int(size) else None
    return None


def _chunked(data: bytes | bytearray, start: int) -> tuple[list[tuple[int, int]], int | None]:
    """The offsets of the pieces of a chunked body, and of its end if it was closed."""
    pieces: list[tuple[int, int]] = []
    at = start
    while (line := data.find(b"\r\n", at)) >= 0:
        try:
            size = int(bytes(data[at:line]).partition(b";")[0], 16)
        except ValueError:
            return pieces, None
        if size == 0:
            return pieces, line + 4 if len(data) >= line + 4 else None
        pieces.append((line + 2, min(line + 2 + size, len(data))))
        at = line + 2 + size + 2
        if at > len(data):
            return pieces, None
    return pieces, None


def _came(received: Received, problem: str, method: str, began: float) -> Came:
    data, head = received.data, _head(received.data)
    if head is None:
        problem = problem or "the connection was closed without a reply"
        return Came(0, (), bytes(data), (), began, time.time(), problem)
    status, headers, start = head
    fields, end = dict(headers), _length(data, method)
    if "chunked" in fields.get("transfer-encoding", "").lower():
        pieces = _chunked(data, start)[0]
        body = b"".join(bytes(data[low:high]) for low, high in pieces)
        problem = problem or ("" if end else "the chunked body was cut off before its end")
    else:
        body = bytes(data[start : end or len(data)])
        if end is None and "content-length" in fields:
            wanted = fields["content-length"]
            problem = problem or f"the body has {len(body)} bytes, Content-Length says {wanted}"
    if end is not None and len(data) > end:
        problem = f"{len(data) - end} bytes follow the end of the body that the headers announce"
    arrivals = tuple((at, size - start) for at, size in received.reads if size > start)
    return Came(status, tuple(headers), body, arrivals, began, time.time(), problem)
