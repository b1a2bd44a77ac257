"""Reports of a contract run: one value, written in the form that the file extension selects.

Knows only the data of `schemas/reports/report.json`: no target, no check, no pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from novita_mock._report.compare import compared
from novita_mock._report.html import written as html
from novita_mock._report.json_report import written as json
from novita_mock._report.junit import written as junit
from novita_mock._report.markdown import written as markdown
from novita_mock._report.sarif import written as sarif
from novita_mock._report.terminal import told

__all__ = ["FORMS", "Report", "compared", "told", "write"]

Report = Mapping[str, Any]

FORMS: Mapping[str, Callable[[Report], str]] = {
    ".json": json,
    ".md": markdown,
    ".html": html,
    ".xml": junit,
    ".sarif": sarif,
}


def write(report: Report, path: str) -> None:
    """Writes the report to `path`. Raises ValueError for an unknown extension."""
    file = Path(path)
    form = FORMS.get(file.suffix)
    if form is None:
        raise ValueError(f"{path}: a report ends in one of {', '.join(FORMS)}")
    file.parent.mkdir(parents=True, exist_ok=True)
    # Half a surrogate pair, which a server may send escaped, cannot be encoded as UTF-8.
    file.write_bytes(form(report).encode("utf-8", "backslashreplace"))
