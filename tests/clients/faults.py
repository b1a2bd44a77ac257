"""Writes into docs/faults.md what the real clients make of each fault: openai 1, 2, 3, and Node.

    python faults.py [--cache DIR] [--check | --catalogue]

Each client is installed into an environment of its own in the cache directory (temporary by
default), and calls a server of its own. `--check` writes nothing, and fails if the page is out of
date; `--catalogue` runs no client and writes only the list of faults.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.clients import fault_table as tables
from tests.clients import run
from tests.clients.fault_table import Line, Observed, Row, Seen

HERE = Path(__file__).parent
LINES = ("1", "2", "3")
SECONDS = 300
# A line of the server's log: the request, its path, its model.
LOGGED = re.compile(r"^\S+ POST (\S+) (\S+) \d+ ", re.MULTILINE)
BASE = "/v3/openai"

Case = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client. `command`, the server's origin and `more` run its probe."""

    language: str
    major: str
    folder: Path
    command: list[str]
    more: tuple[str, ...] = ()


def clients(cache: Path) -> Iterator[Client]:
    for name in LINES:
        found = run.python_client(name, cache)
        command = [found.command[0], str(HERE / "probe_fault.py")]
        yield Client("Python", f"{name}.x", found.folder, command)
    for found in run.node_clients(cache):
        (found.folder / "probe_fault.mjs").write_bytes((HERE / "probe_fault.mjs").read_bytes())
        package = found.command[-1]
        major = f"{package.rpartition('-')[2]}.x"
        yield Client("Node", major, found.folder, [found.command[0], "probe_fault.mjs"], (package,))


def cases(row: Row, number: int, language: str) -> list[Case]:
    """The calls for one row. Each has a model of its own, which identifies it in the log."""
    asked = {
        "fault": row.asked,
        "stream": row.stream,
        "timeout": row.timeout,
        "usually": (row.name, language) in tables.USUALLY,
    }
    ways: list[Case] = [{"retries": 0, "mode": "sync"}, {"retries": None, "mode": "sync"}]
    if language == "Python":
        ways.append({"retries": 0, "mode": "async"})
    return [{**asked, **way, "model": f"{row.name}/{number}-{at}"} for at, way in enumerate(ways)]


@contextmanager
def served(folder: Path, log: Path) -> Iterator[str]:
    """The origin of a running server, whose log goes to the file `log`."""
    script = str(Path(sysconfig.get_path("scripts")) / "novita-mock")
    rules = folder / "faults.json"
    rules.write_text(json.dumps({"rules": [{"say": tables.TEXT}]}), encoding="utf-8")
    command = [script, "serve", "--port", "0", "--any-model", "--scenario", str(rules)]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            lines = (line for line in process.stdout if line.startswith(run.SERVING))
            url = next(lines, "").removeprefix(run.SERVING).strip()
            if not url:
                sys.exit(f"novita-mock did not start:\n{log.read_text()}")
            yield url.removesuffix(BASE)
        finally:
            process.terminate()


def probed(client: Client, asked: list[Case], origin: str) -> dict[str, Any]:
    done = subprocess.run(
        [*client.command, origin, *client.more],
        input=json.dumps(asked),
        capture_output=True,
        cwd=client.folder,
        env=run.environment(),
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        sys.exit(f"{client.language} {client.major}: exit {done.returncode}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def requests(log: str) -> Counter[str]:
    """The number of requests for each model. A request without a model followed a redirect of the
    request before it."""
    counted, last = Counter[str](), ""
    for _, model in LOGGED.findall(log):
        last = last if model == "-" else model
        counted[last] += 1
    return counted


def line(client: Client, rows: list[Row], cache: Path) -> Line:
    """What one client made of all rows."""
    asked = [cases(row, number, client.language) for number, row in enumerate(rows)]
    plain = asked[0][0] | {"model": "none", "fault": None, "stream": True}
    folder = cache / f"faults-{client.language}-{client.major}"
    folder.mkdir(exist_ok=True)
    log = folder / "serve.log"
    with served(folder, log) as origin:
        flat = [plain, *(case for group in asked for case in group)]
        found = probed(client, flat, origin)
    if "Traceback" in log.read_text():
        sys.exit(f"novita-mock:\n{log.read_text()}")
    counted, seen = requests(log.read_text()), iter(found["seen"])
    faultless: Seen = next(seen)
    observed = {
        row: _observed([next(seen) for _ in group], counted)
        for row, group in zip(rows, asked, strict=True)
    }
    version, runtime = found["version"], found["runtime"]
    return Line(client.language, client.major, version, runtime, observed, faultless["chunks"])


def _observed(seen: list[Seen], counted: Counter[str]) -> Observed:
    once, again, *later = seen
    return Observed(once, again, later[0] if later else None, counted[again["model"]])


def table_of_clients(cache: Path) -> str:
    """The table of the clients, which run side by side."""
    faults = tables.known()
    rows = tables.rows(faults)
    found = list(clients(cache))
    if {client.language for client in found} != {"Python", "Node"}:
        sys.exit("the table has a column of Node: put `node` and `npm` on the path")
    with ThreadPoolExecutor(len(found)) as pool:
        lines = list(pool.map(lambda client: line(client, rows, cache), found))
    return tables.clients(faults, lines)


def complaint(page: str, catalogue: str, table: str) -> str | None:
    """The parts of the page that are out of date; None if there are none."""
    if tables.part(page, tables.CATALOGUE) != catalogue:
        return "the catalogue"
    had = tables.without_patches(tables.part(page, tables.CLIENTS)).splitlines()
    wanted = tables.without_patches(table).splitlines()
    other = [f"- {line}" for line in had if line not in wanted]
    other += [f"+ {line}" for line in wanted if line not in had]
    return "\n".join(["the table of the clients:", *other]) if had != wanted else None


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the tables of docs/faults.md.")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the environments here")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--check", action="store_true", help="write nothing; fail if they differ")
    way.add_argument("--catalogue", action="store_true", help="write the list of faults alone")
    options = parser.parse_args()
    page, catalogue = tables.read(), tables.catalogue(tables.known())
    written = tables.with_part(page, tables.CATALOGUE, catalogue)
    if not options.catalogue:
        with tempfile.TemporaryDirectory(prefix="novita-mock-clients-") as temporary:
            cache: Path = (options.cache or Path(temporary)).resolve()
            cache.mkdir(parents=True, exist_ok=True)
            table = table_of_clients(cache)
        if options.check:
            wrong = complaint(page, catalogue, table)
            print(
                f"docs/faults.md is behind in {wrong}" if wrong else "docs/faults.md is up to date"
            )
            return 1 if wrong else 0
        written = tables.with_part(written, tables.CLIENTS, table)
    tables.PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
