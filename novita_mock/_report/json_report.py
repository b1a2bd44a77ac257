"""The report as JSON, as `schemas/reports/report.json` describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

VERSION = 2


def written(report: Mapping[str, Any]) -> str:
    """The text of the file."""
    return json.dumps({"version": VERSION, **report}, ensure_ascii=False, indent=1) + "\n"
