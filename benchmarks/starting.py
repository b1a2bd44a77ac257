"""What is waited for before anything is answered: the server, pytest, the server fixture."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import load, requests
from benchmarks.effort import Effort
from benchmarks.servers import Server, accepts, free_port, kit, launch, stop
from benchmarks.table import Goal, Row
from novita_mock._mock import Mock
from novita_mock._server.thread import LiveServer

_IMPORTS = "import uvicorn, starlette.applications"
_PLUGIN = "no:novita_mock.pytest_plugin"


def _taken(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _worked(run: Callable[[], object]) -> float:
    """Seconds of processor time of the processes that `run` starts and waits for: a few
    milliseconds cannot be seen on a busy machine's clock."""

    def so_far() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    start = so_far()
    run()
    return so_far() - start


def _command(*arguments: str, folder: str | None = None) -> None:
    subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, check=True)


def _first_answer(server: Server) -> float | None:
    """Seconds from launch to the end of the first answer."""
    port, start = free_port(), time.perf_counter()
    process = launch(server, None, port)
    try:
        if not accepts(port, process):
            return None
        load.check(port, server.path, requests.request(), 200)
        return time.perf_counter() - start
    except load.Failed:
        return None
    finally:
        stop(process)


def start(effort: Effort, others: Sequence[Server]) -> list[Row]:
    """From launch to the first answer, against the imports that a server cannot do without."""
    shares: dict[str, list[float]] = {}
    for _ in range(effort.launches):
        imports = _taken(lambda: _command("-c", _IMPORTS))
        for server in (kit(), *others):
            # Once more if another program has taken the port before the server had it.
            taken = _first_answer(server) or _first_answer(server)
            if taken is not None:
                shares.setdefault(server.name, []).append(taken / imports)
    goal, unit = Goal(high=1.3), f'of python -c "{_IMPORTS}"'
    return [
        Row(
            "start",
            f"{name}, launch to first answer",
            unit,
            values,
            goal if name == "kit" else None,
        )
        for name, values in shares.items()
    ]


def plugin(effort: Effort, _others: Sequence[Server]) -> list[Row]:
    """pytest on an empty test with the plugin and without."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        base = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
        added = []
        _command(*base, folder=folder)  # writes what Python and pytest cache
        for _ in range(effort.launches):
            with_it = _worked(lambda: _command(*base, folder=folder))
            without = _worked(lambda: _command(*base, "-p", _PLUGIN, folder=folder))
            added.append((with_it - without) * 1e3)
    return [
        Row(
            "plugin", "loaded and unused, added to pytest", "ms of CPU time", added, Goal(high=10.0)
        )
    ]


def fixture(effort: Effort, _others: Sequence[Server]) -> list[Row]:
    """The server of the fixtures: started once a session, reset for each test, stopped."""
    found: dict[str, list[float]] = {"start": [], "reset": [], "stop": []}
    for _ in range(effort.launches):
        begun = time.perf_counter()
        loopback = LiveServer()
        address = loopback.open(Mock())
        found["start"].append(time.perf_counter() - begun)
        resets = []
        for _ in range(effort.calls):
            begun = time.perf_counter()
            loopback.close(address)
            address = loopback.open(Mock())
            resets.append(time.perf_counter() - begun)
        found["reset"].append(statistics.median(resets))
        found["stop"].append(_taken(loopback.stop))
    goals = {"start": 300.0, "reset": 1.0, "stop": 50.0}
    return [
        Row("fixture", name, "ms", [value * 1e3 for value in found[name]], Goal(high=goal))
        for name, goal in goals.items()
    ]


PLACES: Mapping[str, tuple[str, Callable[[Effort, Sequence[Server]], list[Row]]]] = {
    "start": ("from launch to the first answer", start),
    "plugin": ("pytest with the plugin installed", plugin),
    "fixture": ("the server fixture", fixture),
}
