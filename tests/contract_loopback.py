"""Runs the contract suite against `novita-mock serve` over loopback, edition by edition:
`python -m tests.contract_loopback`. Exit code 1 if a check fails."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.clients.run import EDITIONS, SCRIPTS, served


def passes(edition: str, folder: Path) -> bool:
    """Whether a server of API version `edition` with one known key passes."""
    with served(folder / "log", "--edition", edition, "--api-key", "any-key") as url:
        command = [str(SCRIPTS / "novita-mock"), "contract", url, "--edition", edition]
        return subprocess.run(command, check=False).returncode == 0


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        failed = [edition for edition in EDITIONS if not passes(edition, Path(folder))]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
