"""The kit's server, with a way to look into it: what is open, what is kept, what went wrong.

    python -m benchmarks.soak_server PORT GAP MOST_BYTES

MOST_BYTES: of bodies that the journal keeps. It is served like any other mock; requests below
`/soak/` are answered beside it and leave nothing in its journal. It has to be started in the
environment `EXACT`.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import kit
from benchmarks.soak_plan import NUMBER
from novita_mock._core.http import Request
from novita_mock._journal.call import Call, CallMetadata
from novita_mock._mock import Mock
from novita_mock._render.errors import dumps, json_reply

ROOT = "/soak/"
OPEN = ("tasks", "sockets", "files")
"""Of what the census counts, what is closed in the end."""
EXACT = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
"""The environment in which the system's library knows each byte in use, and gives back what is
free."""
_FILES = Path("/dev/fd")
_LOGS = ("asyncio", "uvicorn.error")


class _Mallinfo(ctypes.Structure):
    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


class _Log(logging.Handler):
    """Keeps the exceptions that a server logs; other lines are what faults are meant to do."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.exceptions: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a line of the log."""
        if record.exc_info:
            self.exceptions.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


class Watched(Mock):
    """A mock that tells what it holds."""

    def __init__(self, gap: float) -> None:
        super().__init__(gap=gap)
        self._log = _Log()
        self._told: dict[str, Callable[[bytes], Any]] = {
            "census": self._census,
            "journal": self._journal,
            "forget": self._forget,
        }

    def call(self, request: Request) -> Call:
        """Answers as any mock, but for the requests of the soak itself."""
        if not request.path.startswith(ROOT):
            return super().call(request)
        told = self._told[request.path.removeprefix(ROOT)](request.body)
        return Call(0, 0.0, CallMetadata(), json_reply(200, dumps(told)), request)

    def _census(self, _: bytes) -> dict[str, int | list[str]]:
        """What is there now, once all is collected that nobody holds."""
        gc.collect()
        trim()
        return {
            "tasks": len(asyncio.all_tasks()),
            **_open_files(),
            **_memory(),
            "kept": len(self.calls),
            "bytes": sum(call.size for call in self.calls),
            "exceptions": self._log.exceptions[:3],
        }

    def _journal(self, after: bytes) -> list[tuple[int, int, str | None, str | None]]:
        """Of the calls after that number: number, status, fault, and the header of the soak."""
        rows, last = [], int(after)
        for call in reversed(self.calls):
            if call.number <= last:
                break
            # What a call has read of itself it keeps: here a copy does.
            headers, fault = replace(call).headers, call.metadata.fault
            name = fault.name if fault else None
            rows.append((call.number, call.status, name, headers.get(NUMBER)))
        return rows[::-1]

    def _forget(self, _: bytes) -> None:
        """Empties the journal. What the server's log says counts from now on."""
        self.reset()
        for name in _LOGS:
            log = logging.getLogger(name)
            log.handlers, log.propagate = [self._log], False
            log.setLevel(logging.ERROR)


def trim() -> None:
    """Gives free memory back, where the system's library can."""
    free: Any = getattr(_library(), "malloc_trim", None)
    if free is not None:
        free(0)


def _library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def _memory() -> dict[str, int]:
    """Bytes in use, if the system's library has them all, and bytes that are resident."""
    found = {}
    info: Any = getattr(_library(), "mallinfo2", None)
    if info is not None:
        info.restype = _Mallinfo
        used = info()
        found["used"] = used.uordblks + used.hblkhd
    status = Path("/proc/self/status")
    if status.exists():
        said = status.read_text(encoding="ascii").partition("VmRSS:")[2]
        found["resident"] = int(said.split()[0]) * 1024
    return found


def _open_files() -> dict[str, int]:
    if not _FILES.is_dir():
        return {}
    modes = []
    for name in os.listdir(_FILES):  # noqa: PTH208  # a path would be looked up while it is listed
        try:
            modes.append(os.fstat(int(name)).st_mode)
        except OSError:  # the listing's own, closed since
            continue
    return {"files": len(modes), "sockets": sum(map(stat.S_ISSOCK, modes))}


if __name__ == "__main__":
    mock = Watched(float(sys.argv[2]))
    mock._ledger._most_bytes = int(sys.argv[3])
    kit.serve(mock, int(sys.argv[1]))
