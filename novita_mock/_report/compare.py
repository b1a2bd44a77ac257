"""What changed from one run to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = ("undocumented", "values")


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each change of a verdict, and for each field or value that came or went."""
    lines = []
    old = {law["law"]: law for law in before["laws"]}
    new = {law["law"]: law for law in after["laws"]}
    for name in sorted({*old, *new}):
        was, now = _verdict(old.get(name)), _verdict(new.get(name))
        if was != now:
            law = new.get(name) or old[name]
            lines.append(f"{was} -> {now}: {law['sentence']} {law['reason']:.160}".rstrip())
    for kind in _FIELDS:
        gone, come = set(before[kind]) - set(after[kind]), set(after[kind]) - set(before[kind])
        lines += [f"no longer seen: {name}" for name in sorted(gone)]
        lines += [f"newly seen: {name} ({after[kind][name]})" for name in sorted(come)]
    return lines


def _verdict(law: Mapping[str, Any] | None) -> str:
    return "absent" if law is None else str(law["verdict"])
