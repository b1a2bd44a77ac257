"""The report as Markdown, for the summary of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from novita_mock._report.terminal import counted


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")[:240]


def _table(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row.get(c, "")) for c in columns) + " |" for row in rows]
    return lines if len(lines) > 2 else ["None."]


def _pairs(counts: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"seen": name, "count": count} for name, count in counts.items()]


def written(report: Mapping[str, Any]) -> str:
    """The text of the file."""
    failed = [check for check in report["checks"] if check["verdict"] == "failed"]
    skipped = [check for check in report["checks"] if check["verdict"] == "skipped"]
    lines = [
        "# Contract report", "",
        f"{report['target']}, edition {report['edition']}: {report['requests']} requests, "
        f"{report['usd']:.5f} USD, {report['seconds']} s.", "",
        f"{len(report['checks'])} checks. {counted(report)}.", "",
        "## Failed", "", *_table(("sentence", "strength", "reason", "source"), failed), "",
        "## Drift", "",
        *_table(("sentence", "documented", "observed", "state", "count"), report["drift"]), "",
        "## Never evaluated", "", *_table(("sentence", "strength", "reason"), skipped), "",
        "## Coverage", "", *[f"- {line}" for line in report["coverage"]["lines"]], "",
        "## Undocumented", "", *_table(("seen", "count"), _pairs(report["undocumented"])), "",
        "## Values", "", *_table(("seen", "count"), _pairs(report["values"])),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
