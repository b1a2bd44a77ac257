"""Tests the sample project of `examples/` with the built wheel, once per release line of openai.

    python downstream.py [--cache DIR]

The project is copied out of the checkout, so that novita_mock can only come from the wheel.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.clients.run import PYTHON, environment, install, python_client

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "weather_desk"
LINES = [name for name, (_, script) in PYTHON.items() if script == "check_openai.py"]


def built(folder: Path) -> Path:
    """Builds the wheel of the checkout."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    install(command, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def passes(line: str, wheel: Path, cache: Path) -> bool:
    """Whether the sample's tests pass with the wheel and one release line of openai."""
    client = python_client(line, cache)
    python = client.command[0]
    pip = [python, "-m", "pip", "install", "--quiet", str(wheel)]
    install(pip, cache)
    # The same version may be installed from an earlier wheel.
    install([*pip, "--force-reinstall", "--no-deps"], cache)
    with tempfile.TemporaryDirectory() as temporary:
        copy = shutil.copytree(SAMPLE, Path(temporary) / "sample")
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=copy, env=environment(), text=True, capture_output=True)
    print(f"{client.name}: {(done.stdout.strip() or done.stderr.strip()).splitlines()[-1]}")
    if done.returncode:
        print(done.stdout, done.stderr)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Tests the sample project from the wheel.")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the environments here")
    with tempfile.TemporaryDirectory(prefix="novita-mock-sample-") as temporary:
        cache: Path = (parser.parse_args().cache or Path(temporary)).resolve()
        cache.mkdir(parents=True, exist_ok=True)
        wheel = built(Path(tempfile.mkdtemp(dir=temporary)))
        passed = [passes(line, wheel, cache) for line in LINES]
        return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
