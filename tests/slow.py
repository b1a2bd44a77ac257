"""The slow cases, which only CI runs. `slow.txt` lists them with their seconds."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("slow.txt")


@cache
def slow_cases() -> dict[str, float]:
    """The node id of each slow case, and the seconds it took when it was listed."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    rows = (line.split(maxsplit=1) for line in lines if not line.startswith("#"))
    return {case: float(seconds) for seconds, case in rows}
