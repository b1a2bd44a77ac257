"""The load: `wrk` where it is installed, else sockets in this process. Loopback only.

`rate` gives answers a second of one server; the caller lets the sides take turns.
"""

from __future__ import annotations

import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

_WRK = shutil.which("wrk")
_SCRIPT = Path(__file__).with_name("wrk.lua")
_READ = 1 << 18
_PATIENCE = 20.0
_SHORTEST = 1.0  # wrk counts in whole seconds
_DONE = re.compile(r"(\d+) requests in ([\d.]+)(m?s)")
_SLOW = "sockets in Python (slower than the bare limit, so shares are too high)"


def generator(seconds: float) -> str:
    """What drives a load of so many seconds."""
    return "wrk" if _WRK and seconds >= _SHORTEST else _SLOW


class Failed(Exception):
    """A server did not answer as it should."""


def head(path: str, length: int, *more: str) -> bytes:
    """The head of a request with a body of `length` bytes, and perhaps `more` lines."""
    lines = [
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        "authorization: Bearer any-key",
        f"content-length: {length}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def check(port: int, path: str, body: bytes, status: int) -> bytes:
    """The answer to one request; raises Failed if its status is another one."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head(path, len(body)) + body)
        answer = b""
        while not _whole(answer):
            piece = connection.recv(_READ)
            if not piece:
                break
            answer += piece
    if not re.match(rb"HTTP/1.1 %d " % status, answer):
        raise Failed(f"answered {answer[:60]!r}, not {status}")
    return answer


def rate(port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float) -> float:
    """Answers a second."""
    if _WRK is None or seconds < _SHORTEST:
        return _by_sockets(port, path, bodies, connections, seconds)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(bodies) + b"\n")
        file.flush()
        script = [f"-s{_SCRIPT}", f"http://127.0.0.1:{port}", "--", file.name, path]
        length = f"-d{round(seconds)}s"
        command = [_WRK, "-t1", f"-c{connections}", length, "--timeout", "10s", *script]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    found = _DONE.search(run.stdout)
    if found is None or not int(found[1]):
        raise Failed(f"wrk: {run.stdout}{run.stderr}")
    return int(found[1]) / (float(found[2]) / (1000 if found[3] == "ms" else 1))


def _by_sockets(
    port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float
) -> float:
    requests = cycle([head(path, len(body)) + body for body in bodies])
    open_, read = selectors.DefaultSelector(), {}
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        open_.register(connection, selectors.EVENT_READ)
        read[connection.fileno()] = b""
        connection.sendall(next(requests))
    done, start = 0, time.perf_counter()
    # A busy machine may give none in a short time: a rate of nothing is none.
    while time.perf_counter() < start + seconds or not done:
        if time.perf_counter() > start + seconds + _PATIENCE:
            raise Failed(f"no answer in {_PATIENCE:g} s")
        for key, _ in open_.select(timeout=0.1):
            peer = key.fileobj
            assert isinstance(peer, socket.socket)
            answer = read[key.fd] + peer.recv(_READ)
            whole = _whole(answer)
            read[key.fd] = b"" if whole else answer
            if whole:
                done += 1
                peer.sendall(next(requests))
    taken = time.perf_counter() - start
    for selected in list(open_.get_map().values()):
        assert isinstance(selected.fileobj, socket.socket)
        selected.fileobj.close()
    open_.close()
    return done / taken


def _whole(answer: bytes) -> bool:
    """Whether all of an answer is there."""
    start, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", start)
    if length:
        return len(body) >= int(length[1])
    return body.endswith(b"0\r\n\r\n")
