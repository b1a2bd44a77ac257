"""Answers, refusals and streams a second, each as a share of the bare limit in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import load, requests
from benchmarks.effort import Effort
from benchmarks.servers import Running, Server, cores, kit, limit, paced_kit, started
from benchmarks.table import Goal, Row

_CONNECTIONS = 64
# A pause that no clock can measure: the kit then sends chunk by chunk.
_NO_PAUSE = 1e-9
_UNPACED = {1: Goal(low=0.5), 64: Goal(low=0.5), 256: Goal(low=0.5)}


@dataclass(frozen=True, slots=True)
class Side:
    """A server and what it is asked, again and again; `status` is what it has to answer."""

    name: str
    running: Running
    bodies: Sequence[bytes]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Rates:
    """By side and round: answers a second, and answers a second of processor time."""

    seen: dict[str, list[float]]
    worked: dict[str, list[float]]


def rates(sides: Sequence[Side], connections: int, effort: Effort) -> Rates:
    """What each side answers, the sides taking turns."""
    found = Rates({side.name: [] for side in sides}, {side.name: [] for side in sides})
    for _ in range(effort.rounds):
        for side in sides:
            server, port = side.running.server, side.running.port
            before, start = side.running.work, time.perf_counter()
            rate = load.rate(port, server.path, side.bodies, connections, effort.seconds)
            answers = rate * (time.perf_counter() - start)
            found.seen[side.name].append(rate)
            found.worked[side.name].append(answers / max(side.running.work - before, 0.01))
    return found


def working(sides: Sequence[Side]) -> tuple[list[Side], list[str]]:
    """The sides that answer as they should, and what is wrong with the others."""
    good, wrong = [], []
    for side in sides:
        try:
            load.check(side.running.port, side.running.server.path, side.bodies[0], side.status)
        except (OSError, load.Failed) as error:
            wrong.append(f"{side.name}: {error}")
        else:
            good.append(side)
    return good, wrong


def shares(found: Mapping[str, list[float]], of: str) -> dict[str, list[float]]:
    """The rates of each round as shares of those of the side `of`."""
    return {
        name: [rate / base for rate, base in zip(rates, found[of], strict=True)]
        for name, rates in found.items()
    }


def answers(effort: Effort, peers: Sequence[Server]) -> list[Row]:
    """JSON answers: the kit at each number of connections, the others at 64."""
    one, many = [requests.request()], requests.different()
    rows = []
    fixed = [limit("bare"), limit("starlette"), kit(), *peers]
    with started(fixed, _server_cores()) as running:
        for connections in effort.connections:
            sides = [Side(r.server.name, r, one) for r in running]
            if connections != _CONNECTIONS:
                sides = sides[:3]
            kits = Side("kit, requests that differ", sides[2].running, many)
            sides, _ = working([*sides[:3], kits, *sides[3:]])
            found = rates(sides, connections, effort)
            rows += _answer_rows("answers", found.seen, sides, connections)
            rows += _by_work(found.worked, connections)
    return rows


def _answer_rows(
    place: str, found: dict[str, list[float]], sides: Sequence[Side], connections: int
) -> list[Row]:
    notes = {side.name: side.running.server.note for side in sides}
    of_bare = shares(found, "bare")
    rows = [
        Row(
            place,
            f"{name}, {connections} connections",
            "of bare",
            values,
            _UNPACED.get(connections) if name.startswith("kit") else None,
            notes[name],
        )
        for name, values in of_bare.items()
        if name != "bare"
    ]
    return rows + _against_peers(place, found, sides, Goal(low=1.5))


def _by_work(found: dict[str, list[float]], connections: int) -> list[Row]:
    # Other work on the machine, and a generator that is the slower one, do not show in this.
    return [
        Row("answers", f"{name}, {connections} connections", "of bare, by CPU time", values)
        for name, values in shares(found, "bare").items()
        if name.startswith("kit")
    ]


def _against_peers(
    place: str, found: dict[str, list[float]], sides: Sequence[Side], goal: Goal
) -> list[Row]:
    limits = ("bare", "starlette")
    names = [side.name for side in sides if side.name not in limits]
    peers = [name for name in names if not name.startswith("kit") and min(found[name])]
    if not peers:
        return []
    best = max(peers, key=lambda name: sorted(found[name])[len(found[name]) // 2])
    values = shares(found, best)["kit"]
    return [Row(place, f"kit, against the fastest peer ({best})", "times", values, goal)]


def errors(effort: Effort, _: Sequence[Server]) -> list[Row]:
    """Requests that are refused with the path of what is wrong in them."""
    with started([kit()], _server_cores()) as running:
        good = Side("answers", running[0], [requests.request()])
        bad = Side("refusals", running[0], [requests.bad()], status=400)
        sides, wrong = working([good, bad])
        if wrong:
            return [Row("errors", "400 with its path", "", note="; ".join(wrong))]
        found = rates(sides, _CONNECTIONS, effort).seen
    values = shares(found, "answers")["refusals"]
    return [Row("errors", "400 with its path", "of answers", values, Goal(low=0.8))]


def streams(effort: Effort, peers: Sequence[Server]) -> list[Row]:
    """Streams of 64 tokens that nothing paces."""
    asked = [requests.request(stream=True)]
    return _streams("streams", kit(), asked, effort, peers, Goal(low=5.0))


def chunks(effort: Effort, _: Sequence[Server]) -> list[Row]:
    """The same sent chunk by chunk."""
    asked = [requests.request(stream=True)]
    return _streams("chunks", paced_kit(_NO_PAUSE), asked, effort, (), Goal(low=0.85))


def _streams(
    place: str,
    kits: Server,
    bodies: Sequence[bytes],
    effort: Effort,
    peers: Sequence[Server],
    goal: Goal,
) -> list[Row]:
    size, count = _frames(kits, bodies[0])
    with started([limit("chunks", size, count), kits, *peers], _server_cores()) as running:
        sides, wrong = working([Side(r.server.name, r, bodies) for r in running])
        found = rates(sides, _CONNECTIONS, effort).seen
    notes = {side.name: side.running.server.note for side in sides}
    rows = [
        Row(
            place,
            f"{name}, {count} chunks, {_CONNECTIONS} connections",
            "of bare, one send a chunk",
            values,
            goal if name == "kit" else None,
            notes[name],
        )
        for name, values in shares(found, "chunks").items()
        if name != "chunks"
    ]
    rows += _against_peers(place, found, [s for s in sides if s.name != "chunks"], Goal(low=3.5))
    return rows + [Row(place, said, "", note="left out") for said in wrong]


def _frames(kits: Server, body: bytes) -> tuple[int, int]:
    """Bytes of a middle chunk of the kit's stream, and how many chunks there are."""
    with started([kits], None) as running:
        answer = load.check(running[0].port, kits.path, body, 200)
    frames = [part for part in answer.split(b"data: ")[1:] if part]
    return max(8, len(frames[len(frames) // 2].partition(b"\n\n")[0]) + 8), len(frames)


def _server_cores() -> set[int] | None:
    found = cores()
    return found[0] if found else None


PLACES: Mapping[str, tuple[str, Callable[[Effort, Sequence[Server]], list[Row]]]] = {
    "answers": ("validated chat answers a second, 3 messages, 1.4 kB", answers),
    "errors": ("refusals a second", errors),
    "streams": ("streams a second, unpaced", streams),
    "chunks": ("streams a second, sent chunk by chunk", chunks),
}
