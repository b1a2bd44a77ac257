"""The benchmarks run to their end. Nothing here asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLACES = (
    "answers errors streams chunks paced start plugin fixture client growth instances suite"
).split()


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("benchmarks") / "figures.json"
    return run("--smoke", "--json", str(path)), path


@pytest.mark.parametrize("place", PLACES)
def test_the_smoke_run_prints_every_place(smoke: tuple[str, Path], place: str) -> None:
    text, _ = smoke
    assert f"\n{place}: " in text


def test_no_place_failed(smoke: tuple[str, Path]) -> None:
    rows = json.loads(smoke[1].read_text(encoding="utf-8"))["rows"]
    assert {row["place"] for row in rows} == set(PLACES)
    assert [row for row in rows if row["what"] == "failed"] == []


def test_one_place_can_be_measured_alone() -> None:
    text = run("--smoke", "--only", "instances")
    assert "\ninstances: " in text
    assert "\nanswers: " not in text
