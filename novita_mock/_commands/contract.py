"""The command `novita-mock contract`: pytest runs the contract suite against the mock or a server.

Knows where the suite is and which options it takes, and nothing of its checks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from novita_mock import _report
from novita_mock._api.description import shipped
from novita_mock._core.missing import absent, remedy

EXIT_USAGE = 2
THOROUGH = "NOVITA_CONTRACT_THOROUGH"
KEY = "NOVITA_API_KEY"
LOCAL_KEY = "any-key"
NEEDED = ("pytest", "hypothesis", "jsonschema", "filelock", "rstr")


def run(
    base_url: str | None = None,
    *,
    examples: int | None = None,
    report: str | None = None,
    edition: str | None = None,
) -> int:
    """Runs the suite against the server at `base_url`, or against the mock if it is None.

    Returns the exit code of pytest, which is 0 if no must-check fails and 4 for a usage error; or
    2 if a package is missing or the report has an unknown extension.
    """
    suite = shipped("contract_tests")
    if missing := absent(*NEEDED):
        click.echo(f"novita-mock: {remedy('contract', missing)}", err=True)
        return EXIT_USAGE
    if report is not None and Path(report).suffix not in _report.FORMS:
        forms = ", ".join(_report.FORMS)
        click.echo(f"novita-mock: {report}: a report ends in one of {forms}", err=True)
        return EXIT_USAGE
    arguments = [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-q"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:randomly"]
    options = {"base-url": base_url, "examples": examples, "edition": edition}
    if report is not None:
        options["report"] = str(Path(report).absolute())
    arguments += [
        f"--novita-{name}={value}" for name, value in options.items() if value is not None
    ]
    if base_url is not None:
        arguments.append("--novita-live")
        _prepare(base_url)
    # A process of its own, because pytest rewrites only modules that it imports first.
    return subprocess.call([sys.executable, "-P", "-m", "pytest", *arguments])


def _prepare(base_url: str) -> None:
    """Requests to a loopback address cost nothing, so the suite sends its full list there, with a
    dummy key if none is set."""
    if any(f"//{host}" in base_url for host in ("127.", "localhost", "[::1]")):
        os.environ.setdefault(THOROUGH, "1")
        os.environ.setdefault(KEY, LOCAL_KEY)


def compare(before: str, after: str) -> int:
    """Prints the changes between two JSON reports. Returns 0, or 2 if one cannot be read."""
    reports = []
    for path in (before, after):
        try:
            reports.append(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            click.echo(f"novita-mock: {path}: {error}", err=True)
            return EXIT_USAGE
    lines = _report.compared(*reports)
    click.echo("\n".join(lines) or "nothing changed")
    return 0
