"""The report as JUnit XML: a suite for each chapter, a case for each check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as Xml

# Characters that no XML document may contain, escaped or not.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: object) -> str:
    return _ILLEGAL.sub("\ufffd", str(text))


def _add_case(suite: Xml.Element, check: Mapping[str, Any]) -> None:
    case = Xml.SubElement(
        suite, "testcase", name=check["check"], classname=check["chapter"], time="0"
    )
    properties = Xml.SubElement(case, "properties")
    for name in ("strength", "source", "judged"):
        Xml.SubElement(properties, "property", name=name, value=_clean(check[name]))
    if check["verdict"] == "skipped":
        Xml.SubElement(case, "skipped", message=_clean(check["reason"]))
    elif check["verdict"] == "failed" and check["strength"] == "must":
        failure = Xml.SubElement(case, "failure", message=_clean(check["reason"]))
        failure.text = _clean("\n".join(e["curl"] for e in check["exchanges"]))
    elif check["verdict"] == "failed":
        Xml.SubElement(case, "system-out").text = _clean(f"drift: {check['reason']}")


def written(report: Mapping[str, Any]) -> str:
    """The text of the file."""
    root = Xml.Element("testsuites", name="novita contract")
    for chapter, members in groupby(report["checks"], key=lambda check: str(check["chapter"])):
        checks = list(members)
        failed = sum(
            check["verdict"] == "failed" and check["strength"] == "must" for check in checks
        )
        skipped = sum(check["verdict"] == "skipped" for check in checks)
        suite = Xml.SubElement(
            root, "testsuite", name=chapter, tests=str(len(checks)), failures=str(failed),
            skipped=str(skipped), errors="0", time=str(report["seconds"]),
        )  # fmt: skip
        for check in checks:
            _add_case(suite, check)
    Xml.indent(root)
    text = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'
