"""Servers as processes, on a core of their own where there are two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
KIT = "from novita_mock.cli import run; run()"
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Server:
    """What is started: a command, in which `{port}` is replaced; `path` is where it is asked."""

    name: str
    command: tuple[str, ...]
    path: str = "/v3/openai/chat/completions"
    folder: Path = ROOT
    environment: Mapping[str, str] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that accepts connections."""

    server: Server
    port: int
    process: subprocess.Popen[bytes]

    @property
    def memory(self) -> int:
        """Bytes that are resident, or 0 where the system does not say."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    @property
    def work(self) -> float:
        """Seconds of processor time so far, or 0 where the system does not say."""
        try:
            status = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return 0.0
        # The name of the program is in brackets and may contain blanks.
        user, system = status.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def limit(name: str, *numbers: int) -> Server:
    """An application of `benchmarks.limits`."""
    numbered = tuple(map(str, numbers))
    return Server(name, (sys.executable, "-m", "benchmarks.limits", name, "{port}", *numbered))


def kit() -> Server:
    """The kit as its users start it."""
    return Server("kit", (sys.executable, "-c", KIT, "serve", "--quiet", "--port", "{port}"))


def paced_kit(gap: float) -> Server:
    """The kit with `gap` seconds between the tokens of a stream."""
    return Server("kit", (sys.executable, "-m", "benchmarks.kit", "{port}", str(gap)))


def cores() -> tuple[set[int], set[int]] | None:
    """The cores for servers and for the load; None if there are not two."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    found = sorted(os.sched_getaffinity(0))
    return ({found[0]}, set(found[1:])) if len(found) > 1 else None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def launch(server: Server, cpus: set[int] | None, port: int) -> subprocess.Popen[bytes]:
    """The process, started."""

    def pin() -> None:
        if cpus:
            os.sched_setaffinity(0, cpus)

    return subprocess.Popen(
        [part.replace("{port}", str(port)) for part in server.command],
        cwd=server.folder,
        env={**os.environ, **(server.environment or {}), "PORT": str(port)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=pin,
    )


def accepts(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Waits until something listens; False if the process ended or time is up."""
    end = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.002)
        else:
            return True
    return False


@contextmanager
def started(servers: Sequence[Server], cpus: set[int] | None) -> Iterator[list[Running]]:
    """The servers, running; one that does not start is left out."""
    with ExitStack() as stack:
        found = []
        for server in servers:
            running = _begun(server, cpus)
            if running is not None:
                stack.callback(stop, running.process)
                found.append(running)
        yield found


def _begun(server: Server, cpus: set[int] | None) -> Running | None:
    """The server, once it accepts connections. Its port may be taken before it has it: then it
    ends, and gets another one."""
    for _ in range(_ATTEMPTS):
        port = free_port()
        process = launch(server, cpus, port)
        if accepts(port, process):
            return Running(server, port, process)
        ended = process.poll() is not None
        stop(process)
        if not ended:
            break
    return None


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that was started here."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
