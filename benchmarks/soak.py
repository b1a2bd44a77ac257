"""Does the server leave anything behind? Many paced streams: some broken, some left by clients.

    python -m benchmarks.soak [--streams 1000] [--seconds 60] [--json FILE] [--smoke]

A first part fills what is filled once: caches, the journal, what the allocators set aside. What is
there when all is quiet again is compared with what was there after that part. Exit code 1 if a
bound is broken.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks import load, requests
from benchmarks.limits import GAP
from benchmarks.pacing import allow_files
from benchmarks.servers import Server, cores, started
from benchmarks.soak_bounds import HEAD, Bound, Seen, bounds
from benchmarks.soak_crowd import Crowd, Told, alone
from benchmarks.soak_journal import Journal
from benchmarks.soak_plan import Ask, Plan
from benchmarks.soak_server import EXACT, OPEN, ROOT
from benchmarks.table import aligned, report
from novita_mock._api.description import load_description

_QUIET_SECONDS = 10.0
_LOOK_AGAIN = 0.1
_AWAY = 0.3
_FILES_BESIDE = 200
_SHOWN = 5
_PARTS = 6
_FULL = 0.98


@dataclass(frozen=True, slots=True)
class Size:
    """`streams` at once, for `seconds`; `most_bytes`: what the journal keeps of bodies; the journal
    is read after each `looks` requests, so that no call leaves it unseen."""

    streams: int
    seconds: float
    most_bytes: int
    looks: int


SMOKE = Size(50, 3.0, 2**20, 4)


@click.command()
@click.option("--streams", default=1_000, type=click.IntRange(1), help="Streams at once.")
@click.option("--seconds", default=60.0, type=click.FloatRange(0.1), help="How long.")
@click.option("--seed", default=0, help="Another seed, other faults at other moments.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures here.")
@click.option("--smoke", is_flag=True, help="50 streams for 3 seconds, a small journal.")
def main(streams: int, seconds: float, seed: int, output: Path | None, smoke: bool) -> None:
    """See whether the server leaves anything behind."""
    kept = load_description().limits["bytes"]
    size = SMOKE if smoke else Size(streams, seconds, kept, max(streams // 2, 4))
    metadata = {"streams": size.streams, "seconds": size.seconds, "seed": seed}
    try:
        seen = soak(size, seed)
    except (load.Failed, OSError) as error:
        report(f"soak: {error}")
        sys.exit(1)
    found = bounds(seen, size.streams, size.most_bytes)
    _show(seen, found)
    if output is not None:
        rows = [asdict(bound) | {"kept": bound.kept} for bound in found]
        text = json.dumps({"about": metadata, "told": _told(seen.told), "bounds": rows}, indent=2)
        output.write_text(text + "\n", encoding="utf-8")
    sys.exit(0 if all(bound.kept for bound in found) else 1)


def soak(size: Size, seed: int) -> Seen:
    """All of it, on a server of its own."""
    allow_files(size.streams + _FILES_BESIDE)
    program = (sys.executable, "-m", "benchmarks.soak_server")
    command = (*program, "{port}", str(GAP), str(size.most_bytes))
    server = Server("soak", command, environment=EXACT)
    pinned, plan = cores(), Plan(seed, requests.TOKENS)
    with started([server], pinned[0] if pinned else None) as running:
        if not running:
            raise load.Failed("the server does not start")
        port = running[0].port
        before = _filled(port, plan, size)
        journal, told = _crowd(port, plan, size, size.seconds)
        came_back = _refused(port, plan.refusal(_AWAY), told)
        full = _quiet(port, before)
        journal.look()
        _ask(port, "forget")
        return Seen(before, full, _ask(port, "census"), told, journal, came_back)


def _ask(port: int, what: str, body: bytes = b"") -> Any:
    return json.loads(load.check(port, ROOT + what, body, 200).partition(b"\r\n\r\n")[2])


def _filled(port: int, plan: Plan, size: Size) -> Any:
    """What was open at first, and the memory once the journal has been full and was emptied. With
    few streams that takes long: then after as many seconds as will be measured."""
    _ask(port, "forget")
    first = _ask(port, "census")
    for _ in range(_PARTS):
        _crowd(port, plan, size, size.seconds / _PARTS)
        if _quiet(port, first)["bytes"] > _FULL * size.most_bytes:
            break
    _ask(port, "forget")
    return _ask(port, "census") | {name: first[name] for name in OPEN if name in first}


def _crowd(port: int, plan: Plan, size: Size, seconds: float) -> tuple[Journal, Told]:
    journal = Journal(lambda after: _ask(port, "journal", b"%d" % after))
    return journal, Crowd(port, plan, size.streams, size.looks, journal.look).run(seconds)


def _quiet(port: int, before: Any) -> Any:
    """The census once there is no more open than before, or when time is up."""
    end = time.perf_counter() + _QUIET_SECONDS
    while True:
        now = _ask(port, "census")
        more = any(now[name] > before[name] for name in OPEN if name in before)
        if not more or time.perf_counter() > end:
            return now
        time.sleep(_LOOK_AGAIN)


def _refused(port: int, ask: Ask, told: Told) -> bool:
    """Whether a server that was asked to refuse connections for a while takes them again."""
    alone(port, ask, told)
    end = time.perf_counter() + _QUIET_SECONDS
    while time.perf_counter() < end:
        try:
            _ask(port, "census")
        except OSError:
            time.sleep(_LOOK_AGAIN)
        else:
            return True
    return False


def _show(seen: Seen, found: Sequence[Bound]) -> None:
    told = seen.told
    paces = sorted(told.paces)
    pace = f"{paces[len(paces) // 2]:.2f} of the pace" if paces else "no stream read to its end"
    report(
        f"{len(told.sent)} requests in {told.seconds:.0f} s, {told.chunks} chunks: {told.whole} "
        f"read to [DONE] ({pace}), {told.broken} with a fault, {told.left} left by their client"
    )
    for line in aligned([HEAD, *(bound.cells() for bound in found)]):
        report(f"  {line}")
    for problem in [*told.wrong[:_SHOWN], *seen.after["exceptions"]]:
        report(f"wrong: {problem}")


def _told(told: Told) -> dict[str, Any]:
    figures = {name: getattr(told, name) for name in ("whole", "broken", "left", "again", "chunks")}
    return {"requests": len(told.sent), "seconds": told.seconds, **figures, "wrong": told.wrong}


if __name__ == "__main__":
    main()
