"""What happens inside one process: calls through a client, instances of schemas, the suite."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b

from benchmarks.effort import Effort
from benchmarks.servers import ROOT, Server
from benchmarks.table import Goal, Row
from novita_mock._instances import NoInstance, Seeded, prepare

_SCHEMAS = ROOT / "tests" / "data" / "caller_schemas.json"
_LARGEST = 4_096
_SUITE = ROOT / "contract_tests"
_SUMMARY = re.compile(r"(\d+) requests, .*?([\d.]+) s\b.*\n(\d+) checks")
_GOALS = {"respx": Goal(high=1.15), "transport": Goal(high=0.95)}


def client(effort: Effort, _: Sequence[Server]) -> list[Row]:
    """A call through the openai client, by each door, against a route written by hand."""
    try:
        from benchmarks import inprocess
    except ImportError as error:
        return [Row("client", "calls through openai", "", note=f"not measured: {error}")]
    rows = []
    for kind, medians in inprocess.rounds(max(3, effort.calls)):
        base = medians[inprocess.BY_HAND]
        for name, values in medians.items():
            ratios = [value / by_hand for value, by_hand in zip(values, base, strict=True)]
            goal = _GOALS.get(name) if kind != "stream" else None
            if name != inprocess.BY_HAND:
                rows.append(Row("client", f"{kind}, {name}", "of a route by hand", ratios, goal))
    return rows


def instances(effort: Effort, _: Sequence[Server]) -> list[Row]:
    """Values for the schemas of callers, each schema read anew."""
    if not _SCHEMAS.exists():
        return [Row("instances", "values for schemas", "", note="no schemas here")]
    schemas = list(json.loads(_SCHEMAS.read_bytes()).values())
    small = [schema for schema in schemas if len(json.dumps(schema)) < _LARGEST]
    medians, slow = [], []
    for number in range(max(2, effort.rounds)):
        taken = sorted(_instance_seconds(schema, number) for schema in small)
        medians.append(statistics.median(taken) * 1e3)
        slow.append(taken[len(taken) * 99 // 100] * 1e3)
    what = f"{len(small)} schemas under 4 KB"
    return [
        Row("instances", f"{what}, median", "ms", medians, Goal(high=2.0)),
        Row("instances", f"{what}, p99", "ms", slow, Goal(high=50.0)),
    ]


def _instance_seconds(schema: object, number: int) -> float:
    material = blake2b(b"%d" % number).digest()
    start = time.perf_counter()
    with suppress(NoInstance):  # to refuse takes time as well
        prepare(schema).instance(Seeded(material))
    return time.perf_counter() - start


def suite(effort: Effort, _: Sequence[Server]) -> list[Row]:
    """The contract suite, against a mock in its own process."""
    if not effort.suite or not _SUITE.is_dir():
        return [Row("suite", "contract suite", "", note="not run: too long, or not there")]
    command = [sys.executable, "-m", "pytest", "-q", str(_SUITE), "-p", "no:cacheprovider"]
    start = time.perf_counter()
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    whole = time.perf_counter() - start
    found = _SUMMARY.search(run.stdout)
    if found is None:
        return [Row("suite", "contract suite", "", note="its summary could not be read")]
    asked, took, checks = int(found[1]), float(found[2]), int(found[3])
    return [
        Row("suite", "from launch to end", "s", [whole], Goal(high=60.0)),
        Row("suite", f"{asked} requests", "a second", [asked / took], Goal(low=500.0)),
        Row("suite", f"{checks} checks", "a second", [checks / took]),
    ]
