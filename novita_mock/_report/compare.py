"""What changed from one run to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = ("undocumented", "values")
# The words of version 1, and those of today.
_FORMER = {"held": "passed", "broken": "failed", "undecided": "skipped"}


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each change of a verdict, and for each field or value that came or went."""
    lines = []
    old, new = _checks(before), _checks(after)
    for name in sorted({*old, *new}):
        was, now = _verdict(old.get(name)), _verdict(new.get(name))
        if was != now:
            check = new.get(name) or old[name]
            lines.append(f"{was} -> {now}: {check['sentence']} {check['reason']:.160}".rstrip())
    for kind in _FIELDS:
        gone, come = set(before[kind]) - set(after[kind]), set(after[kind]) - set(before[kind])
        lines += [f"no longer seen: {name}" for name in sorted(gone)]
        lines += [f"newly seen: {name} ({after[kind][name]})" for name in sorted(come)]
    return lines


def _checks(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The checks of a report by name; one of version 1 calls them laws."""
    if report.get("version") != 1:
        return {check["check"]: check for check in report["checks"]}
    laws = report["laws"]
    return {law["law"]: {**law, "verdict": _FORMER[law["verdict"]]} for law in laws}


def _verdict(check: Mapping[str, Any] | None) -> str:
    return "absent" if check is None else str(check["verdict"])
