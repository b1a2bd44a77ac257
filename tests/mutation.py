"""Breaks a module line by line, in a copy, and counts what its tests notice:

    python -m tests.mutation novita_mock/_accounts/rate_limits.py tests/test_limits.py [MORE TESTS]

It needs `pip install cosmic-ray`, and takes minutes per module; `--sample 30` tries 30 of the
possible changes, always the same ones. It prints each change that the tests missed, and how many
they noticed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS = 60.0
CONFIG = """
[cosmic-ray]
module-path = {module}
timeout = {seconds}
excluded-modules = []
test-command = {command}

[cosmic-ray.distributor]
name = "local"

# Nearly all of these are in annotations, which nothing evaluates.
[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
"""
SURVIVED, SKIPPED = "survived", "skipped"


def copied(folder: Path) -> Path:
    """Copies the checkout without ignored files, uncommitted changes included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    return folder


def cosmic_ray(folder: Path, *arguments: str, module: str = "cosmic_ray.cli") -> str:
    """The output of a cosmic-ray command, run in the copy."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


def thin_out(database: Path, most: int) -> None:
    """Skips mutations until at most `most` are left, chosen at random but always the same."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    with use_db(str(database), WorkDB.Mode.open) as work:
        pending = [item.job_id for item in work.pending_work_items]
        kept = set(random.Random(0).sample(range(len(pending)), min(most, len(pending))))
        left_out = [job for place, job in enumerate(pending) if place not in kept]
        skipped = WorkResult(output="not in the sample", worker_outcome=WorkerOutcome.SKIPPED)
        work.set_multiple_results(left_out, skipped)


def mutated(
    module: str, tests: list[str], folder: Path, sample: int | None
) -> Iterator[dict[str, Any]]:
    """The result of each mutation of a module, or of `sample` of them."""
    pytest = "-m pytest -q -x -p no:cacheprovider -p no:randomly"
    command = json.dumps(f"{sys.executable} {pytest} {' '.join(tests)}")
    values = {"module": json.dumps(module), "seconds": SECONDS, "command": command}
    (folder / "mutation.toml").write_text(CONFIG.format(**values), encoding="utf-8")
    cosmic_ray(folder, "init", "mutation.toml", "mutation.sqlite")
    operators = "cosmic_ray.tools.filters.operators_filter"
    cosmic_ray(folder, "mutation.sqlite", "mutation.toml", module=operators)
    if sample is not None:
        thin_out(folder / "mutation.sqlite", sample)
    cosmic_ray(folder, "baseline", "mutation.toml")
    cosmic_ray(folder, "exec", "mutation.toml", "mutation.sqlite")
    for line in cosmic_ray(folder, "dump", "mutation.sqlite").splitlines():
        _, result = json.loads(line)
        if result["worker_outcome"] != SKIPPED:
            yield result


def main() -> int:
    parser = argparse.ArgumentParser(description="Breaks a module and counts what tests notice.")
    parser.add_argument("module", help="the file to break")
    parser.add_argument("tests", nargs="+", help="the tests that should notice")
    parser.add_argument("--sample", type=int, metavar="N", help="try N changes instead of all")
    options = parser.parse_args()
    if find_spec("cosmic_ray") is None:
        print("mutation needs the package cosmic-ray: python -m pip install cosmic-ray")
        return 2
    with tempfile.TemporaryDirectory(prefix="novita-mock-mutation-") as temporary:
        folder = copied(Path(temporary))
        found = list(mutated(options.module, options.tests, folder, options.sample))
    alive = [result["diff"] for result in found if result["test_outcome"] == SURVIVED]
    print("\n\n".join(alive))
    print(f"{options.module}: {len(found) - len(alive)} of {len(found)} changes noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
