"""python -m benchmarks [--quick | --smoke] [--only PLACE]... [--peers FOLDER] [--json PATH]"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import click

from benchmarks import answering, growing, inside, load, pacing, peers, starting
from benchmarks.effort import FULL, QUICK, SMOKE, Effort
from benchmarks.servers import Server, cores
from benchmarks.table import Row, report, save, show

Measure = Callable[[Effort, Sequence[Server]], list[Row]]
PLACES: Mapping[str, tuple[str, Measure]] = {
    **answering.PLACES,
    pacing.PLACE: ("streams at once, 20 ms between tokens", pacing.paced),
    **starting.PLACES,
    "client": ("a call in process through the openai client", inside.client),
    growing.PLACE: ("how an answer's time grows, in process", growing.growth),
    "instances": ("values for schemas of callers", inside.instances),
    "suite": ("the contract suite", inside.suite),
}
_FAILED = "failed"
_PACKAGES = ("novita-mock", "uvicorn", "uvloop", "httptools", "starlette", "orjson", "openai")


@click.command()
@click.option("--quick", is_flag=True, help="About a minute and a half: fewer rounds.")
@click.option("--smoke", is_flag=True, help="A few seconds: only whether it runs.")
@click.option("--only", multiple=True, type=click.Choice(list(PLACES)), help="Only this place.")
@click.option("--peers", "folder", type=click.Path(path_type=Path), help="What peers.sh made.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures here.")
def main(
    quick: bool, smoke: bool, only: tuple[str, ...], folder: Path | None, output: Path | None
) -> None:
    """Measure the kit beside its limits and its peers. Only ratios mean anything.

    Exit code 1 if a place could not be measured; a goal that is missed is no failure."""
    effort = SMOKE if smoke else QUICK if quick else FULL
    others = peers.installed(folder)
    about = _about(effort, others)
    for name, said in about.items():
        report(f"{name}: {said}")
    pinned = cores()
    if pinned:
        # What is started inherits this, but for servers, which are given the other core.
        os.sched_setaffinity(0, pinned[1])
    rows: list[Row] = []
    for place, (title, measure) in PLACES.items():
        if only and place not in only:
            continue
        found = _measured(place, measure, effort, others)
        show(place, title, found)
        rows += found
    report(f"\n{_summary(rows)}")
    if output is not None:
        save(output, about, rows)
    sys.exit(any(row.what == _FAILED for row in rows))


def _measured(place: str, measure: Measure, effort: Effort, others: Sequence[Server]) -> list[Row]:
    try:
        return measure(effort, others)
    except (load.Failed, OSError) as error:
        return [Row(place, _FAILED, "", note=str(error))]


def _about(effort: Effort, others: Sequence[Server]) -> dict[str, str]:
    names = " ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return {
        "python": f"{platform.python_version()}, {names}",
        "load": load.generator(effort.seconds),
        "cores": "one for servers, the others for the load" if cores() else "shared",
        "rounds": f"{effort.rounds} of {effort.seconds:g} s a side",
        "peers": ", ".join(peer.name for peer in others) or "none (see benchmarks/peers.sh)",
    }


def _summary(rows: Sequence[Row]) -> str:
    verdicts = [row.verdict for row in rows]
    missed = [f"{row.place} ({row.what})" for row in rows if row.verdict == "missed"]
    counted = f"goals: {verdicts.count('reached')} reached, {len(missed)} missed"
    return counted + (": " + "; ".join(missed) if missed else "")


if __name__ == "__main__":
    main()
