"""The report as SARIF 2.1.0: each failed check at the line of the schema that it is about."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from novita_mock._api.description import shipped

_LEVELS = {"must": "error", "should": "warning", "note": "note"}
_SCHEMA = re.compile(r"the schema (\S+\.json)")
_MEMBER = re.compile(r"'(\w+)' is a required|\.(\w+)(?:\[\d+\])*:")
_DEFAULT = "operations.json"


def _place(check: Mapping[str, Any]) -> tuple[str, int]:
    """The schema file that a failed check is about, and the line of the member."""
    found = _SCHEMA.search(check.get("documented", ""))
    file = found[1] if found else _DEFAULT
    member = _MEMBER.search(check["reason"])
    name = next((group for group in (member.groups() if member else ()) if group), "")
    return file, _line(shipped("schemas") / file, name)


def _line(file: Path, name: str) -> int:
    if not name or not file.is_file():
        return 1
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((at for at, line in enumerate(lines, 1) if f'"{name}"' in line), 1)


def _result(check: Mapping[str, Any]) -> dict[str, Any]:
    file, line = _place(check)
    location = {
        "artifactLocation": {"uri": f"schemas/{file}"},
        "region": {"startLine": line},
    }
    return {
        "ruleId": check["check"],
        "level": _LEVELS[check["strength"]],
        "message": {"text": f"{check['sentence']} {check['reason']}"},
        "locations": [{"physicalLocation": location}],
    }


def written(report: Mapping[str, Any]) -> str:
    """The text of the file."""
    failed = [check for check in report["checks"] if check["verdict"] == "failed"]
    rules = [{"id": check["check"], "shortDescription": {"text": check["sentence"]},
              "help": {"text": check["source"]}} for check in failed]  # fmt: skip
    run = {
        "tool": {"driver": {"name": "novita-mock contract", "rules": rules}},
        "results": list(map(_result, failed)),
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    document = {"$schema": schema, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
