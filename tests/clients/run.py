"""Runs real clients against the server: openai 1, 2, 3, an agent, and Node.

    python run.py [--only 1,2,3,agent,node] [--cache DIR]

Each client is installed into an environment of its own in the cache directory (temporary by
default), and checked in every API version. Exit code 1 if a check fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
EDITIONS = ("v3", "2026", "live")
# The package and script of each Python client.
PYTHON = {
    "1": ("openai==1.*", "check_openai.py"),
    "2": ("openai==2.*", "check_openai.py"),
    "3": ("openai==3.*", "check_openai.py"),
    "agent": ("pydantic-ai-slim[openai]", "check_agent.py"),
}
NODE = "node"
KNOWN = (*PYTHON, NODE)
SCRIPTS = Path(sysconfig.get_path("scripts"))
SECONDS = 600
SERVING = "Serving "
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)

Command = list[str]


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client. `command`, followed by base URL and API version, runs its checks."""

    name: str
    folder: Path
    command: Command


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one client in one API version. `failed` is None if the run did not end."""

    client: str
    edition: str
    title: str
    passed: int
    failed: int | None
    complaints: str

    @property
    def good(self) -> bool:
        return self.failed == 0 and self.passed > 0

    @property
    def figures(self) -> tuple[str, str]:
        return str(self.passed), "broken" if self.failed is None else str(self.failed)


def environment() -> dict[str, str]:
    """The environment of this process, without variables that lead a client away from the mock."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def programs(home: Path) -> Path:
    """The program folder of a virtual environment."""
    return home / ("Scripts" if os.name == "nt" else "bin")


def install(command: Command, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def python_client(name: str, cache: Path) -> Client:
    """A client of `PYTHON` in a virtual environment."""
    package, script = PYTHON[name]
    folder = cache / f"python-{name}"
    python = str(programs(folder) / "python")
    if not folder.is_dir():
        install([sys.executable, "-m", "venv", str(folder)], cache)
    install([python, "-m", "pip", "install", "--quiet", "--upgrade", package], folder)
    return Client(package, folder, [python, str(HERE / script)])


def node_clients(cache: Path) -> Iterator[Client]:
    """Every release line of the Node client in package.json; none without Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        print(f"SKIPPED: {NODE}: no `node` and `npm` on the path", flush=True)
        return
    folder = cache / NODE
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "check_node.mjs"):
        shutil.copy(HERE / name, folder)
    install([npm, "install", "--no-audit", "--no-fund"], folder)
    for package in json.loads((HERE / "package.json").read_text())["dependencies"]:
        yield Client(f"{NODE} {package}", folder, [node, "check_node.mjs", "--package", package])


def clients(only: Iterable[str], cache: Path) -> Iterator[Client]:
    for name in only:
        print(f"installing {name}", flush=True)
        if name == NODE:
            yield from node_clients(cache)
        else:
            yield python_client(name, cache)


@contextmanager
def served(log: Path, *options: str, scripts: Path = SCRIPTS) -> Iterator[str]:
    """The base URL of a running server, which logs to the file `log`. `scripts`: the program folder
    of the environment whose command is started."""
    command = [str(scripts / "novita-mock"), "serve", "--port", "0", *options]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            lines = (line for line in process.stdout if line.startswith(SERVING))
            url = next(lines, "").removeprefix(SERVING).strip()
            if not url:
                sys.exit(f"novita-mock did not start:\n{log.read_text()}")
            yield url
        finally:
            process.terminate()


def check(client: Client, edition: str, url: str) -> Outcome:
    done = subprocess.run(
        [*client.command, url, "--edition", edition],
        cwd=client.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    title = done.stdout.partition(",")[0]
    figures = SUMMARY.search(done.stdout)
    if figures is None:
        return Outcome(client.name, edition, title, 0, None, done.stdout)
    passed, failed = map(int, figures.groups())
    complaints = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    return Outcome(client.name, edition, title, passed, failed, "\n".join(complaints))


def outcomes(found: list[Client], cache: Path) -> Iterator[Outcome]:
    for edition in EDITIONS:
        log = cache / f"serve-{edition}.log"
        with served(log, "--edition", edition) as url:
            yield from (check(client, edition, url) for client in found)
        if "Traceback" in log.read_text():
            yield Outcome("server", edition, "novita-mock", 0, None, log.read_text())


def table(rows: list[Outcome]) -> str:
    head = ("client", "version", "edition", "passed", "failed")
    body = [(row.client, row.title, row.edition, *row.figures) for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = (zip(line, widths, strict=True) for line in (head, *body))
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines
    )


def names(text: str) -> list[str]:
    asked = text.split(",")
    if unknown := [name for name in asked if name not in KNOWN]:
        raise argparse.ArgumentTypeError(f"no client {unknown[0]!r}; known are {','.join(KNOWN)}")
    return asked


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks novita-mock with real clients.")
    parser.add_argument("--only", type=names, default=list(KNOWN), metavar=",".join(KNOWN))
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the environments here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="novita-mock-clients-") as temporary:
        cache: Path = (options.cache or Path(temporary)).resolve()
        cache.mkdir(parents=True, exist_ok=True)
        found = list(clients(options.only, cache))
        rows = list(outcomes(found, cache)) if found else []
    for row in rows:
        if not row.good:
            print(f"\n{row.client}, edition {row.edition}:\n{row.complaints}")
    print(f"\n{table(rows)}")
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
