"""Where a target differs from the documents, compared with the known differences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..judging.verdicts import FAILED, MUST, NOTE, PASSED

KNOWN = Path(__file__).parents[1] / "known_drift.json"


def known(edition: str) -> dict[str, dict[str, Any]]:
    """The known drift of the live API from one API version, by the name of the check."""
    checks = json.loads(KNOWN.read_text(encoding="utf-8"))["checks"]
    return {name: row for name, row in checks.items() if edition in row["editions"]}


def table(
    findings: list[dict[str, Any]], edition: str, *, live: bool, real: bool
) -> list[dict[str, Any]]:
    """One row per check that fails without failing the run, and per known drift not seen.

    Only the `real` API can show that a drift has disappeared. For any other server, one row joins
    all drift not seen.
    """
    expected, rows, gone = known(edition), [], []
    for finding in findings:
        name, verdict = finding["check"], finding["verdict"]
        if verdict == FAILED and finding["strength"] != MUST:
            state = "known" if name in expected else "new"
            rows.append(_row(finding, finding["reason"], state))
        elif verdict == PASSED and name in expected and live:
            observed = f"not seen: {expected[name]['observed']}"
            gone.append(_row(finding, observed, "disappeared"))
    return rows + (gone if real or len(gone) < 2 else [_joined(gone)])


def _joined(gone: list[dict[str, Any]]) -> dict[str, Any]:
    """One row for all drift that was not seen."""
    return {
        **gone[0], "check": "known drift", "strength": NOTE, "example": "",
        "sentence": f"{len(gone)} checks that the real API was seen to break are kept here.",
        "documented": "known_drift.json", "observed": ", ".join(row["check"] for row in gone),
        "count": len(gone),
    }  # fmt: skip


def _row(finding: dict[str, Any], observed: str, state: str) -> dict[str, Any]:
    example = finding["exchanges"][0]["curl"] if finding["exchanges"] else ""
    return {
        "check": finding["check"], "sentence": finding["sentence"], "strength": finding["strength"],
        "documented": finding["source"], "observed": observed, "state": state,
        "count": finding["judged"], "example": example,
    }  # fmt: skip
