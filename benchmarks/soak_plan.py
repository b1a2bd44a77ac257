"""What the streams of a soak ask for, and what has to come back for it.

A reply is a value, so a mock in this process says what each request is owed, byte by byte: the
server has to send the same, but for the id. Nothing here opens a socket.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache, lru_cache

from benchmarks import load, requests
from benchmarks.limits import GAP
from novita_mock._api.description import load_description
from novita_mock._core.errors import FAULT_HEADER
from novita_mock._core.http import Disconnect, DisconnectKind, Reply, Request
from novita_mock._faults.catalogue import STREAM, Faults
from novita_mock._mock import Mock

NUMBER = "x-soak"
"""The header that tells a request from all others."""
BODIES = 16
_SHARE = 0.1
_MANY_CHUNKS = 24
_ID = re.compile(rb'"id":"([^"]*)"')
_NO_BYTE = {
    DisconnectKind.CLOSED: "closed",
    DisconnectKind.RESET: "reset",
    DisconnectKind.REFUSED: "reset",
}
# Short, so that a stream with a fault takes about as long as the others.
_ARGUMENTS = {"seconds": (0, 0.02, 0.1), "bytes": (64, 1_000, 4_096)}
_PIECES = {"seconds": (0, 0.001), "bytes": (64, 256)}  # of `trickle`: there are many
_COUNTS = frozenset({"chunks", "chunk"})
# Nobody could connect for as long as it says: `soak` asks for that when the others have gone.
_ZERO = {"connection_refused": "connection_refused(seconds=0)"}


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `fault`: as its header spells it; `leaves`: after so many chunks the client goes
    (with 0 at once: the server may not see the request); `keeps`: the connection is used again."""

    number: int
    body: bytes
    fault: str | None = None
    leaves: int | None = None
    keeps: bool = False

    @property
    def wire(self) -> bytes:
        """The request as it is sent."""
        more = [f"{NUMBER}: {self.number}"]
        if self.fault is not None:
            more.append(f"{FAULT_HEADER.decode()}: {self.fault}")
        return load.head(requests.PATH, len(self.body), *more) + self.body


@dataclass(frozen=True, slots=True)
class Got:
    """What came: head and body as bytes, and how it ended: `whole`, `closed` or `reset`."""

    head: bytes
    body: bytes
    end: str


@cache
def _faults() -> Faults:
    return Faults(load_description())


@cache
def _mock() -> Mock:
    return Mock(gap=GAP)


def suitable() -> tuple[str, ...]:
    """The faults that can happen to a stream."""
    return tuple(row.name for row in _faults().rows.values() if row.on in (STREAM, "any"))


class Plan:
    """The requests of a soak one after the other; the same ones for the same seed."""

    def __init__(self, seed: int, tokens: int) -> None:
        self._chance = random.Random(seed)
        self._bodies = [
            requests.request(f"Tell me story {n}, please.", stream=True, max_tokens=size)
            for n, size in enumerate(self._chance.choices(range(tokens // 2, tokens + 1), k=BODIES))
        ]
        self._number = 0

    def next(self) -> Ask:
        """The next request."""
        self._number += 1
        chance = self._chance
        body, draw = chance.choice(self._bodies), chance.random()
        fault = self._fault() if draw < _SHARE else None
        leaves = chance.randrange(_MANY_CHUNKS) if _SHARE <= draw < 2 * _SHARE else None
        return Ask(self._number, body, fault, leaves, keeps=chance.random() < 0.5)

    def refusal(self, seconds: float) -> Ask:
        """A request after which the server takes no connections for so long."""
        self._number += 1
        fault = f"connection_refused(seconds={seconds})"
        return Ask(self._number, self._bodies[0], fault)

    def _fault(self) -> str:
        name = self._chance.choice(suitable())
        if name in _ZERO:
            return _ZERO[name]
        choices, arguments = _PIECES if name == "trickle" else _ARGUMENTS, []
        for parameter in _faults().rows[name].parameters:
            if parameter in _COUNTS:
                arguments.append(f"{parameter}={self._chance.randrange(1, _MANY_CHUNKS)}")
            elif parameter in choices:
                arguments.append(f"{parameter}={self._chance.choice(choices[parameter])}")
        return f"{name}({', '.join(arguments)})" if arguments else name


@lru_cache(256)
def owed(body: bytes, fault: str | None) -> Reply:
    """The reply to a request with such a body and fault."""
    headers = {b"authorization": b"Bearer any-key", b"content-type": b"application/json"}
    if fault is not None:
        headers[FAULT_HEADER] = fault.encode()
    try:
        return _mock().answer(Request("POST", requests.PATH, headers, body))
    finally:
        _mock().reset()  # nobody reads this journal


def silent(ask: Ask) -> bool:
    """Whether no byte is owed."""
    return not owed(ask.body, ask.fault).status


def fault_name(ask: Ask) -> str | None:
    """The name of the fault that was asked for."""
    return ask.fault and ask.fault.partition("(")[0]


def wrong(ask: Ask, got: Got) -> str | None:
    """What is wrong with an answer; None if it is all that was owed."""
    reply = owed(ask.body, ask.fault)
    last = reply.chunks[-1]
    end = _NO_BYTE[last.kind] if isinstance(last, Disconnect) else "whole"
    said = f"request {ask.number}, fault {ask.fault}: "
    if not reply.status:
        told = got.end if not got.head else f"{len(got.head)} bytes"
        return None if told == end else f"{said}{told}, not {end}"
    if not got.head.startswith(b"HTTP/1.1 %d " % reply.status):
        return f"{said}{got.head[:40]!r}, not status {reply.status}; {got.end}"
    if missing := [pair for pair in reply.headers if b"%b: %b\r\n" % pair not in got.head]:
        return f"{said}headers {missing} are not in {got.head!r}"
    if _with_id(reply.body, got.body) != got.body:
        return f"{said}{_difference(reply.body, got.body)}; {got.end}"
    return None if got.end == end else f"{said}ended {got.end}, not {end}"


def id_of(got: Got) -> bytes | None:
    """The id of an answer."""
    found = _ID.search(got.body)
    return found[1] if found else None


def _with_id(body: bytes, other: bytes) -> bytes:
    """`body` with the id of another one."""
    ours, theirs = _ID.search(body), _ID.search(other)
    return body.replace(ours[1], theirs[1]) if ours and theirs else body


def _difference(owed: bytes, got: bytes) -> str:
    chunks = b"data: "
    counts = f"{got.count(chunks)} chunks of {owed.count(chunks)}"
    return f"{counts}, {len(got)} bytes of {len(owed)}"
