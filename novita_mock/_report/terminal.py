"""The report as a few lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

MOST = 20


def counted(report: Mapping[str, Any]) -> str:
    """How many checks passed, failed and were skipped, by strength."""
    counts = Counter((check["verdict"], check["strength"]) for check in report["checks"])
    parts = []
    for verdict in ("passed", "failed", "skipped"):
        by = [f"{counts[verdict, s]} {s}" for s in ("must", "should", "note") if counts[verdict, s]]
        parts.append(f"{verdict}: {', '.join(by) or 'none'}")
    return "; ".join(parts)


def told(report: Mapping[str, Any]) -> list[str]:
    """The lines of the summary."""
    lines = [
        f"{report['target']}, edition {report['edition']}: {report['requests']} requests, "
        f"{report['usd']:.5f} USD, {report['seconds']} s, seed {report['seed']}",
        f"{len(report['checks'])} checks; {counted(report)}",
    ]
    lines += [f"covered: {line}" for line in report["coverage"]["lines"]]
    skipped = [check["check"] for check in report["checks"] if check["verdict"] == "skipped"]
    lines += [f"never evaluated: {name}" for name in skipped[:MOST]]
    lines += [f"{row['state']} drift: {row['sentence']} {row['observed']:.200}"
              for row in report["drift"][:MOST]]  # fmt: skip
    lines += [f"undocumented: {name} ({count})"
              for name, count in list(report["undocumented"].items())[:MOST]]  # fmt: skip
    if report["stopped"]:
        lines.append(f"stopped: {report['stopped']}")
    return lines
