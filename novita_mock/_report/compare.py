"""What changed between two runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = ("undocumented", "values")
# The former names of the verdicts, in version 1 of the report, and those of today.
_FORMER = {"held": "passed", "broken": "failed", "undecided": "skipped"}


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each changed verdict, and for each field or value that appeared or disappeared."""
    lines = []
    old, new = _checks(before), _checks(after)
    for name in sorted({*old, *new}):
        was, now = _verdict(old.get(name)), _verdict(new.get(name))
        if was != now:
            check = new.get(name) or old[name]
            lines.append(f"{was} -> {now}: {check['sentence']} {check['reason']:.160}".rstrip())
    for kind in _FIELDS:
        gone, added = set(before[kind]) - set(after[kind]), set(after[kind]) - set(before[kind])
        lines += [f"no longer seen: {name}" for name in sorted(gone)]
        lines += [f"newly seen: {name} ({after[kind][name]})" for name in sorted(added)]
    return lines


def _checks(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The checks of a report by name; version 1 has former names for keys and verdicts."""
    if report.get("version") != 1:
        return {check["check"]: check for check in report["checks"]}
    checks = report["laws"]  # the former name of `checks`, as `law` is that of `check`
    return {check["law"]: {**check, "verdict": _FORMER[check["verdict"]]} for check in checks}


def _verdict(check: Mapping[str, Any] | None) -> str:
    return "absent" if check is None else str(check["verdict"])
