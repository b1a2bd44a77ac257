"""The report as one self-contained page: checks, drift, coverage, times and cost.

Prepares what the template `report.html.j2` shows; the template escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from novita_mock._report.terminal import counted

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_DRIFT = ("check", "documented", "observed", "state", "count", "example")
WIDTH, HEIGHT, BARS = 420, 90, 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A histogram with its caption; it has no bars if nothing was measured."""

    caption: str
    bars: tuple[Bar, ...] = ()


def _chart(title: str, seconds: list[float]) -> Chart:
    if not seconds:
        return Chart(f"{title}: not measured.")
    low, high = min(seconds), max(seconds)
    step = (high - low) / BARS or 1.0
    counts = [0] * BARS
    for value in seconds:
        counts[min(BARS - 1, int((value - low) / step))] += 1
    middle = sorted(seconds)[len(seconds) // 2]
    return Chart(
        f"{title}: {low:.3f} to {high:.3f} s, median {middle:.3f} s, {len(seconds)} times",
        tuple(_bar(at, count / max(counts)) for at, count in enumerate(counts)),
    )


def _bar(at: int, share: float) -> Bar:
    """The bar at place `at`; `share` is its part of the full height."""
    wide, high = WIDTH / BARS, HEIGHT * share
    return Bar(*(round(size, 1) for size in (at * wide, HEIGHT - high, wide - 1, high)))


def _chapters(checks: list[Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    """The title of each chapter and its checks, each with why it did not pass."""
    return [
        (name.removeprefix("test_").replace("_", " "), [(one, _why(one)) for one in members])
        for name, members in groupby(checks, key=lambda check: str(check["chapter"]))
    ]


def _why(check: Mapping[str, Any]) -> str | None:
    if check["verdict"] == "passed":
        return None
    shown = "\n".join(f"{e['curl']}\n→ {e['status']} {e['body']}" for e in check["exchanges"])
    return f"{check['reason']}\n{shown}".strip()


def written(report: Mapping[str, Any]) -> str:
    """The text of the file."""
    # Deferred import: most runs write no page.
    from jinja2 import Environment, StrictUndefined

    page = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    ).from_string(_TEMPLATE.read_text(encoding="utf-8"))
    drift = [
        [row.get(c if c != "check" else "sentence", "") for c in _DRIFT] for row in report["drift"]
    ]
    return page.render(
        report=report,
        counted=counted(report),
        drift_columns=_DRIFT,
        drift=drift,
        chapters=_chapters(report["checks"]),
        seen=[*report["undocumented"].items(), *report["values"].items()],
        first_byte=_chart("First byte", report["first_byte"]),
        gaps=_chart("Between chunks", report["gaps"]),
        width=WIDTH,
        height=HEIGHT,
    )
