"""The report as JUnit XML: a suite for each chapter, a case for each law."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as Xml

# What no XML document may hold, escaped or not.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: object) -> str:
    return _ILLEGAL.sub("\ufffd", str(text))


def _add_case(suite: Xml.Element, law: Mapping[str, Any]) -> None:
    case = Xml.SubElement(suite, "testcase", name=law["law"], classname=law["chapter"], time="0")
    properties = Xml.SubElement(case, "properties")
    for name in ("strength", "source", "judged"):
        Xml.SubElement(properties, "property", name=name, value=_clean(law[name]))
    if law["verdict"] == "undecided":
        Xml.SubElement(case, "skipped", message=_clean(law["reason"]))
    elif law["verdict"] == "broken" and law["strength"] == "must":
        told = Xml.SubElement(case, "failure", message=_clean(law["reason"]))
        told.text = _clean("\n".join(e["curl"] for e in law["exchanges"]))
    elif law["verdict"] == "broken":
        Xml.SubElement(case, "system-out").text = _clean(f"drift: {law['reason']}")


def written(report: Mapping[str, Any]) -> str:
    """The text of the file."""
    root = Xml.Element("testsuites", name="novita contract")
    for chapter, members in groupby(report["laws"], key=lambda law: str(law["chapter"])):
        laws = list(members)
        failed = sum(law["verdict"] == "broken" and law["strength"] == "must" for law in laws)
        skipped = sum(law["verdict"] == "undecided" for law in laws)
        suite = Xml.SubElement(
            root, "testsuite", name=chapter, tests=str(len(laws)), failures=str(failed),
            skipped=str(skipped), errors="0", time=str(report["seconds"]),
        )  # fmt: skip
        for law in laws:
            _add_case(suite, law)
    Xml.indent(root)
    text = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'
