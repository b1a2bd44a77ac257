"""Many streams at once, paced: do the tokens come when they are due, and what does one cost?"""

from __future__ import annotations

import resource
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import load, requests
from benchmarks.effort import Effort
from benchmarks.limits import GAP
from benchmarks.servers import Running, Server, cores, limit, paced_kit, started
from benchmarks.table import Goal, Row

PLACE = "paced"
_READ = 1 << 16
_PATIENCE = 10.0
_ROUNDS = 3
_FILES_BESIDE = 200


@dataclass(slots=True)
class Stream:
    """One stream as it arrives: the moments at which chunks came."""

    socket: socket.socket
    moments: list[float] = field(default_factory=list)

    @property
    def pace(self) -> float:
        """Chunks a second between the first and the last, as a share of what was asked for."""
        taken = self.moments[-1] - self.moments[0]
        return (len(self.moments) - 1) * GAP / taken if taken else 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """One round of one server: shares of the pace, gaps in milliseconds, KiB a stream."""

    pace: float
    median_gap: float
    slow_gap: float
    memory: float


def paced(effort: Effort, _others: Sequence[Server]) -> list[Row]:
    """All streams at once, the kit and the bare limit taking turns."""
    allow_files(effort.streams + _FILES_BESIDE)
    pinned = cores()
    found: dict[str, list[Found]] = {"bare": [], "kit": []}
    for _ in range(min(effort.rounds, _ROUNDS)):
        bare = Server("bare", limit("paced", 220, effort.tokens).command)
        with started([bare, paced_kit(GAP)], pinned[0] if pinned else None) as running:
            for server in running:
                found[server.server.name].append(_measure(server, effort))
    return _rows(found, effort)


def _rows(found: dict[str, list[Found]], effort: Effort) -> list[Row]:
    bare, kit = found["bare"], found["kit"]
    shares = [ours.slow_gap / theirs.slow_gap for ours, theirs in zip(kit, bare, strict=True)]
    title = f"{effort.streams} streams"
    return [
        Row(PLACE, f"kit, {title}, pace", "of 1 / 20 ms", [f.pace for f in kit], Goal(low=0.99)),
        Row(PLACE, f"bare, {title}, pace", "of 1 / 20 ms", [f.pace for f in bare]),
        Row(PLACE, "kit, gap, p50", "ms", [f.median_gap for f in kit]),
        Row(PLACE, "kit, gap, p99", "ms", [f.slow_gap for f in kit]),
        Row(PLACE, "bare, gap, p99", "ms", [f.slow_gap for f in bare]),
        Row(PLACE, "kit, gap, p99", "of bare", shares, Goal(high=1.0)),
        Row(PLACE, "kit, memory", "KiB a stream", [f.memory for f in kit], Goal(high=16.0)),
        Row(PLACE, "bare, memory", "KiB a stream", [f.memory for f in bare]),
    ]


def _measure(running: Running, effort: Effort) -> Found:
    body = requests.request(stream=True, max_tokens=effort.tokens)
    ask = load.head(running.server.path, len(body)) + body
    # A server may listen before its start-up is over, and what that takes is not the streams'.
    load.check(running.port, running.server.path, body, 200)
    before = running.memory
    streams = [
        Stream(socket.create_connection(("127.0.0.1", running.port))) for _ in range(effort.streams)
    ]
    for stream in streams:
        stream.socket.sendall(ask)
    memory = _receive(streams, running, effort.tokens * GAP / 2)
    gaps = sorted(b - a for s in streams for a, b in zip(s.moments, s.moments[1:], strict=False))
    paces = sorted(stream.pace for stream in streams)
    return Found(
        pace=paces[len(paces) // 2],
        median_gap=gaps[len(gaps) // 2] * 1e3,
        slow_gap=gaps[len(gaps) * 99 // 100] * 1e3,
        memory=(memory - before) / 1024 / len(streams),
    )


def _receive(streams: Sequence[Stream], running: Running, middle: float) -> int:
    """Reads all streams to their ends; gives the server's memory in the middle."""
    selector = selectors.DefaultSelector()
    for opened in streams:
        opened.socket.setblocking(False)
        selector.register(opened.socket, selectors.EVENT_READ, opened)
    start, memory, left = time.perf_counter(), 0, len(streams)
    while left:
        ready = selector.select(_PATIENCE)
        if not ready:
            raise load.Failed(f"{running.server.name}: {left} streams stand still")
        for key, _ in ready:
            stream: Stream = key.data
            piece = stream.socket.recv(_READ)
            if not piece:
                raise load.Failed(f"{running.server.name}: a stream was cut")
            now = time.perf_counter()
            stream.moments += [now] * piece.count(b"data: ")
            if piece.endswith(b"0\r\n\r\n"):
                selector.unregister(stream.socket)
                stream.socket.close()
                left -= 1
        if not memory and time.perf_counter() > start + middle:
            memory = running.memory
    selector.close()
    return memory


def allow_files(number: int) -> None:
    """Lets this process, and those it starts, have so many files open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))
