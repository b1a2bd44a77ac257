"""The list of slow cases: it names existing tests, stays short, and leaves its cases out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.slow import LIST, slow_cases

ROOT = Path(__file__).parents[1]
MOST = 150


def collected(*arguments: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_each_case_of_the_list_is_a_test() -> None:
    files = {case.partition("::")[0] for case in slow_cases()}
    assert slow_cases().keys() - set(collected("--slow", *files)) == set()


def test_the_list_is_short_and_each_line_has_its_seconds() -> None:
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert len(lines) == len(slow_cases()) <= MOST
    assert all(seconds > 0 for seconds in slow_cases().values())


SLOW = "tests/test_slow.py::test_each_case_of_the_list_is_a_test"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("tests/test_slow.py",), False),
        (("tests/test_slow.py", "--slow"), True),
        (("tests/test_slow.py", "-m", "slow"), True),
        ((SLOW,), True),
    ],
    ids=["a file", "the option", "the marker", "by name"],
)
def test_a_slow_case_runs_where_it_is_asked_for(arguments: tuple[str, ...], expected: bool) -> None:
    assert (SLOW in collected(*arguments)) is expected
