"""The report as one self-contained page: checks, drift, coverage, times and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from itertools import groupby
from typing import Any

from novita_mock._report.terminal import counted

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em;
       color: #222; background: #fff; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1.5em; }
td, th { border-bottom: 1px solid #ddd; padding: .3em .6em; text-align: left;
         vertical-align: top; overflow-wrap: anywhere; }
.passed { color: #176b34; } .failed { color: #b3261e; font-weight: 600; } .skipped { color: #777; }
pre { background: #f5f5f5; padding: .6em; overflow-x: auto; white-space: pre-wrap; }
svg { background: #fafafa; border: 1px solid #ddd; }
"""
WIDTH, HEIGHT, BARS = 420, 90, 30


def _row(cells: Iterable[object], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"


def _table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    if not rows:
        return "<p>None.</p>"
    return f"<table>{_row(columns, 'th')}{''.join(map(_row, rows))}</table>"


def _check(check: Mapping[str, Any]) -> str:
    detail = ""
    if check["verdict"] != "passed":
        shown = "\n".join(f"{e['curl']}\n→ {e['status']} {e['body']}" for e in check["exchanges"])
        body = f"{check['reason']}\n{shown}".strip()
        detail = f"<details><summary>why</summary><pre>{escape(body)}</pre></details>"
    sentence, source = escape(check["sentence"]), escape(check["source"])
    return (
        f'<tr><td class="{check["verdict"]}">{check["verdict"]}</td><td>{check["strength"]}</td>'
        f"<td>{sentence}{detail}</td><td>{source}</td></tr>"
    )


def _chapters(checks: list[Mapping[str, Any]]) -> str:
    parts = []
    for chapter, members in groupby(checks, key=lambda check: str(check["chapter"])):
        title = escape(chapter.removeprefix("test_").replace("_", " "))
        parts.append(f"<h3>{title}</h3><table>{''.join(map(_check, members))}</table>")
    return "".join(parts)


def _chart(title: str, seconds: list[float]) -> str:
    """A histogram of `seconds`, as bars."""
    if not seconds:
        return f"<p>{escape(title)}: not measured.</p>"
    low, high = min(seconds), max(seconds)
    step = (high - low) / BARS or 1.0
    counts = [0] * BARS
    for value in seconds:
        counts[min(BARS - 1, int((value - low) / step))] += 1
    wide, most = WIDTH / BARS, max(counts)
    bars = "".join(
        f'<rect x="{at * wide:.1f}" y="{HEIGHT - HEIGHT * n / most:.1f}" width="{wide - 1:.1f}" '
        f'height="{HEIGHT * n / most:.1f}" fill="#3367d6"/>'
        for at, n in enumerate(counts)
    )
    middle = sorted(seconds)[len(seconds) // 2]
    caption = f"{title}: {low:.3f} to {high:.3f} s, median {middle:.3f} s, {len(seconds)} times"
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    picture = f'<svg {size} role="img" aria-label="{escape(caption)}">{bars}</svg>'
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def written(report: Mapping[str, Any]) -> str:
    """The text of the file."""
    columns = ("check", "documented", "observed", "state", "count", "example")
    drift = [tuple(row.get(c if c != "check" else "sentence", "") for c in columns)
             for row in report["drift"]]  # fmt: skip
    seen = [*report["undocumented"].items(), *report["values"].items()]
    lines = "".join(f"<li>{escape(line)}</li>" for line in report["coverage"]["lines"])
    head = (
        f"{report['target']}, edition {report['edition']}: {report['requests']} requests, "
        f"{report['usd']:.5f} USD, {report['seconds']} s"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Contract report</title><style>{_STYLE}</style></head><body>"
        f"<h1>Contract report</h1><p>{escape(head)}</p><p>{escape(counted(report))}</p>"
        f"<h2>Drift</h2>{_table(columns, drift)}"
        f"<h2>Checks</h2>{_chapters(report['checks'])}"
        f"<h2>Coverage of the schemas</h2><ul>{lines}</ul>"
        f"<h2>Seen</h2>{_table(('undocumented members and values', 'count'), seen)}"
        f"<h2>Times</h2>{_chart('First byte', report['first_byte'])}"
        f"{_chart('Between chunks', report['gaps'])}"
        f"<h2>Cost</h2><p>{report['requests']} requests, {report['usd']:.6f} USD.</p>"
        "</body></html>\n"
    )
