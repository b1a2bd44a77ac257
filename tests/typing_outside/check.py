"""Checks the code of a user's project with mypy and pyright, both strict, against the wheel.

    python -m tests.typing_outside.check [--cache DIR]

The wheel and the checkers are installed into environments of their own in the cache directory
(temporary by default), and the code is copied out of the checkout, so that novita_mock can only
come from the wheel. Exit code 1 if a checker complains.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.clients.downstream import built
from tests.clients.run import Command, environment, install

HERE = Path(__file__).parent
CODE = ("uses.py", "misuses.py")
PACKAGES = ("mypy>=2", "openai>=3", "httpx2>=2")
PYRIGHT = "pyright@1"
STRICT = {
    "typeCheckingMode": "strict",
    "enableTypeIgnoreComments": False,  # those are mypy's
    "reportUnnecessaryTypeIgnoreComment": "error",
}
ELSEWHERE = ("PYTHONPATH", "MYPYPATH")
"""Variables that would let another package than the installed one answer."""


def python_with(wheel: Path, cache: Path) -> str:
    """The Python of an environment with the wheel, the libraries of its users and mypy."""
    folder = cache / "python-typing"
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    if not folder.is_dir():
        install([sys.executable, "-m", "venv", str(folder)], cache)
    pip = [python, "-m", "pip", "install", "--quiet"]
    install([*pip, "--upgrade", str(wheel), *PACKAGES], cache)
    # The same version may be installed from an earlier wheel.
    install([*pip, "--force-reinstall", "--no-deps", str(wheel)], cache)
    return python


def checkers(python: str, cache: Path) -> Iterator[tuple[str, Command]]:
    """Each checker with the command that runs it; without Node, only mypy."""
    yield "mypy --strict", [python, "-m", "mypy", "--strict", "--config-file=", *CODE]
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        print("SKIPPED: pyright: no `node` and `npm` on the path", flush=True)
        return
    folder = cache / "node-typing"
    folder.mkdir(exist_ok=True)
    install([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", PYRIGHT], folder)
    program = folder / "node_modules" / "pyright" / "index.js"
    yield "pyright, strict", [node, str(program), "--pythonpath", python]


def passes(name: str, command: Command, folder: Path) -> bool:
    """Whether a checker accepts the code in `folder`."""
    clean = {key: value for key, value in environment().items() if key not in ELSEWHERE}
    done = subprocess.run(command, cwd=folder, env=clean, text=True, capture_output=True)
    said = f"{done.stdout}{done.stderr}".strip()
    print(f"{name}: {said.splitlines()[-1] if said else 'nothing said'}", flush=True)
    if done.returncode:
        print(said, flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the types of the wheel from outside.")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the environments here")
    with tempfile.TemporaryDirectory(prefix="novita-mock-typing-") as temporary:
        cache: Path = (parser.parse_args().cache or Path(temporary) / "cache").resolve()
        cache.mkdir(parents=True, exist_ok=True)
        python = python_with(built(Path(tempfile.mkdtemp(dir=temporary))), cache)
        folder = Path(tempfile.mkdtemp(dir=temporary))
        for name in CODE:
            shutil.copy(HERE / name, folder)
        (folder / "pyrightconfig.json").write_text(json.dumps(STRICT), encoding="utf-8")
        passed = [passes(*checker, folder) for checker in checkers(python, cache)]
        return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
