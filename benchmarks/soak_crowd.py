"""Many clients at once, each with a socket of its own, that ask again until time is over.

Some leave early, some keep their connection; what the others get is compared with what is owed.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks import load
from benchmarks.limits import GAP
from benchmarks.soak_plan import Ask, Got, Plan, id_of, silent, wrong

_READ = 1 << 16
_PATIENCE = 20.0
_HEAD_END = b"\r\n\r\n"
_CHUNK = b"data: "
_LAST = b"\r\n0\r\n\r\n"
_CHUNKED = b"transfer-encoding: chunked"
_LENGTH = b"content-length: "
# A socket that does not linger is reset when it is closed.
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Told:
    """What the clients have to tell. `again`: requests sent once more, as the connection kept for
    them was closed."""

    sent: dict[int, Ask] = field(default_factory=dict)
    whole: int = 0
    broken: int = 0
    left: int = 0
    again: int = 0
    chunks: int = 0
    seconds: float = 0.0
    paces: list[float] = field(default_factory=list)
    ids: set[bytes] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Client:
    socket: socket.socket
    ask: Ask
    began: float
    reused: bool = False
    raw: bytearray = field(default_factory=bytearray)
    chunks: int = 0
    head: bytes = b""

    def read(self) -> str:
        """Reads what has arrived; says how the connection ended, if it did."""
        try:
            piece = self.socket.recv(_READ)
        except ConnectionResetError:
            return "reset"
        self.raw += piece
        self.chunks += piece.count(_CHUNK)
        if not self.head and (end := self.raw.find(_HEAD_END)) >= 0:
            self.head = bytes(self.raw[: end + 2])
        return "" if piece else "closed"

    @property
    def whole(self) -> bool:
        """Whether the end of the body is there; what only the end of the connection ends is not."""
        if not self.head:
            return False
        if _CHUNKED in self.head:
            return self.raw.endswith(_LAST)
        return len(self.raw) == len(self.head) + 2 + self._length

    @property
    def _length(self) -> int:
        _, found, rest = self.head.partition(_LENGTH)
        return int(rest.partition(b"\r\n")[0]) if found else -1

    def got(self, end: str) -> Got:
        """All that has arrived; `end`: how the connection was lost, if it was."""
        body = bytes(self.raw[len(self.head) + 2 :]) if self.head else b""
        if _CHUNKED in self.head:
            return Got(self.head, _joined(body), "whole" if self.whole else end)
        # Without a length, the end of the connection is the end of the body.
        whole = self.whole or (bool(self.head) and self._length < 0 and end == "closed")
        return Got(self.head or bytes(self.raw), body, "whole" if whole else end)


def _joined(body: bytes) -> bytes:
    """A chunked body without the lengths; what of it has arrived."""
    pieces, at = [], 0
    while (line := body.find(b"\r\n", at)) >= 0:
        try:
            size = int(body[at:line], 16)
        except ValueError:
            break
        pieces.append(body[line + 2 : line + 2 + size])
        at = line + 4 + size
    return b"".join(pieces)


class Crowd:
    """`streams` clients at once of the server at `port`, that ask what `plan` says.

    `look` is called after each `looks` requests, and may ask the server what it wants.
    """

    def __init__(
        self, port: int, plan: Plan, streams: int, looks: int, look: Callable[[], None]
    ) -> None:
        self.told = Told()
        self._port, self._plan, self._streams = port, plan, streams
        self._looks, self._look = looks, look
        self._selector = selectors.DefaultSelector()

    def run(self, seconds: float) -> Told:
        """Asks for so long, then reads what is still under way to its end."""
        start = time.perf_counter()
        end = start + seconds
        for _ in range(self._streams):
            self._ask(None)
        while self._selector.get_map():
            ready = self._selector.select(_PATIENCE)
            if not ready:
                raise load.Failed(f"{len(self._selector.get_map())} streams stand still")
            for key, _ in ready:
                self._read(key.data, again=time.perf_counter() < end)
        self._selector.close()
        self.told.seconds = time.perf_counter() - start
        return self.told

    def _ask(self, kept: socket.socket | None) -> None:
        """Sends the next request, and those before it whose client goes at once."""
        while True:
            ask = self._plan.next()
            if kept is not None and (_closed(kept) or silent(ask)):
                kept.close()
                kept = None
            self.told.sent[ask.number] = ask
            opened = self._send(ask, kept)
            if ask.number % self._looks == 0:
                self._look()
            if opened is None:
                return
            self._hang_up(opened, ask)
            kept = None

    def _send(self, ask: Ask, kept: socket.socket | None) -> socket.socket | None:
        """Sends a request; gives back the connection if nobody will listen there."""
        opened = kept or _connected(self._port)
        opened.setblocking(True)
        with suppress(ConnectionError):  # which is then read from it, too
            opened.sendall(ask.wire)
        if ask.leaves == 0:
            return opened
        opened.setblocking(False)
        client = _Client(opened, ask, time.perf_counter(), reused=kept is not None)
        self._selector.register(opened, selectors.EVENT_READ, client)
        return None

    def _hang_up(self, opened: socket.socket, ask: Ask) -> None:
        if ask.keeps:  # half of them the hard way
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        opened.close()
        self.told.left += 1

    def _read(self, client: _Client, *, again: bool) -> None:
        ask, end = client.ask, client.read()
        if not end and ask.leaves is not None and client.chunks >= ask.leaves:
            self._leave(client, again=again)
        elif end or client.whole:
            self._finish(client, client.got(end), again=again)

    def _leave(self, client: _Client, *, again: bool) -> None:
        self._selector.unregister(client.socket)
        self._hang_up(client.socket, client.ask)
        self.told.chunks += client.chunks
        if again:
            self._ask(None)

    def _finish(self, client: _Client, got: Got, *, again: bool) -> None:
        told, ask = self.told, client.ask
        self._selector.unregister(client.socket)
        if client.reused and not client.raw:
            # The server had closed it for being idle, as it may: clients then ask once more. If
            # it has seen the request all the same, there are two calls of it in the journal.
            client.socket.close()
            told.again += 1
            self._send(ask, None)
            return
        if problem := wrong(ask, got):
            told.wrong.append(problem)
        elif ask.fault is None:
            told.whole += 1
            self._time(client)
        else:
            told.broken += 1
        told.chunks += client.chunks
        if (id := id_of(got)) is not None:
            if id in told.ids:
                told.wrong.append(f"request {ask.number}: its id was given before")
            told.ids.add(id)
        keep = again and ask.keeps and got.end == "whole" and b"connection: close" not in got.head
        if not keep:
            client.socket.close()
        if again:
            self._ask(client.socket if keep else None)

    def _time(self, client: _Client) -> None:
        taken = time.perf_counter() - client.began
        self.told.paces.append((client.chunks - 1) * GAP / taken)


def alone(port: int, ask: Ask, told: Told) -> None:
    """One request more, of a client that closes its connection at the end."""
    client = _Client(_connected(port), ask, time.perf_counter())
    told.sent[ask.number], end = ask, ""
    with client.socket:
        client.socket.sendall(ask.wire)
        while not end and not client.whole:
            end = client.read()
    problem = wrong(ask, client.got(end))
    if problem:
        told.wrong.append(problem)
    else:
        told.broken += 1


def _closed(kept: socket.socket) -> bool:
    """Whether the other side has closed a connection that is not in use."""
    try:
        return not kept.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def _connected(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened
