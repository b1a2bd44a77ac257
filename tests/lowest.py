"""Runs the fast tests, and one `serve` with a chat, with the lowest versions that `pyproject.toml`
declares.

    python -m tests.lowest [--cache DIR] [PYTEST ARGUMENTS]

Exit code 1 if something fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.clients.run import environment, programs, served
from tests.say_hello import say_hello

ROOT = Path(__file__).parents[1]


def run(*command: str | Path) -> None:
    """Runs a command and shows its output. Ends the program if it fails."""
    shown = " ".join(map(str, command))
    print(f"$ {shown}", flush=True)
    if subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode:
        sys.exit(f"{Path(__file__).name}: failed: {shown}")


def install(home: Path) -> Path:
    """Installs the project with the lowest versions; returns the environment's program folder."""
    venv.create(home, with_pip=True, clear=True)
    scripts, pins = programs(home), home / "lowest.txt"
    python = scripts / "python"
    run(python, "-m", "pip", "install", "--quiet", "uv")
    options = ("--resolution", "lowest-direct", "--extra", "test", "--quiet", "--no-header")
    run(scripts / "uv", "pip", "compile", *options, "--output-file", pins, "pyproject.toml")
    run(scripts / "uv", "pip", "install", "--quiet", "--python", python, "-r", pins)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ".")
    return scripts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=Path, metavar="DIR", help="make the environment here")
    options, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="novita-mock-lowest-") as temporary:
        home = (options.cache or Path(temporary)).resolve() / "lowest"
        scripts = install(home)
        with served(home / "serve.log", scripts=scripts) as url:
            print(f"serve says: {say_hello(url)}", flush=True)
        run(scripts / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *more)
    return 0


if __name__ == "__main__":
    sys.exit(main())
