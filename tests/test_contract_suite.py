"""The parts of the contract suite: its requests, its parsers, its reports."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import HealthCheck, given, settings

from contract_tests.cases import coverage
from contract_tests.cases.boundaries import cases
from contract_tests.cases.catalogue import CATALOGUE, CONTESTED, api_of
from contract_tests.cases.clamp import MOST_CHOICES, clamp, tidy
from contract_tests.cases.full_requests import FULL_REQUESTS
from contract_tests.cases.reducer import reduce
from contract_tests.cases.requests import FEW
from contract_tests.cases.strategies import bodies
from contract_tests.judging import checks, verdicts
from contract_tests.judging.probe import Api
from contract_tests.judging.referee import first_fault, is_valid_request, referee, request_schema
from contract_tests.run import drift
from contract_tests.run.budget import MAX_REQUESTS
from contract_tests.run.options import LIVE_EXAMPLES
from contract_tests.run.redact import Redactor
from contract_tests.run.session import _merged
from contract_tests.wire import sse, strict_json
from contract_tests.wire.exchange import Json
from contract_tests.wire.target import InProcess
from contract_tests.wire.views import CHAT, TEXT
from novita_mock import _report
from novita_mock._api.description import shipped
from novita_mock._commands import contract
from novita_mock._report.html import written as html
from tests.contract_target import judged_by

OPERATIONS = (CHAT, TEXT)
MOST_REQUESTS = 150
RETRIES = 2
some = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def test_the_budget_suffices_for_the_catalogue_drawn_requests_and_retries() -> None:
    assert len(CATALOGUE) + LIVE_EXAMPLES * len(OPERATIONS) + RETRIES <= MAX_REQUESTS
    assert MAX_REQUESTS < MOST_REQUESTS
    assert set(CATALOGUE) >= CONTESTED


def test_there_are_a_hundred_checks_and_each_has_a_source() -> None:
    every = [check for strength in ("must", "should", "note") for check in judged_by(strength)]
    assert len(every) > 100
    assert all(check.source and check.sentence.endswith(".") for check in every)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_drawn_body_stays_valid_when_it_is_tidied_and_clamped(operation: str) -> None:
    @some
    @given(bodies(operation))
    def check(body: Json) -> None:
        assert is_valid_request(operation, body)
        assert is_valid_request(operation, tidy(body))
        small = clamp(body)
        assert is_valid_request(operation, small)
        assert small["max_tokens"] <= FEW
        assert (small.get("n") or 1) <= MOST_CHOICES
        assert "image_url" not in str(small.get("messages"))

    check()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_requests_that_boundaries_are_made_of_are_valid(operation: str) -> None:
    for body in FULL_REQUESTS[operation]:
        assert is_valid_request(operation, body)


def test_every_boundary_is_what_it_says() -> None:
    for case in cases():
        validator = referee(request_schema(case.operation), strict=False)
        assert validator.is_valid(case.body) == case.valid, case.name
    kinds = {case.keyword for case in cases() if not case.valid}
    assert kinds >= {"required", "type", "enum", "const", "minimum", "maximum", "maxLength",
                     "pattern", "minItems", "maxItems", "exclusiveMinimum"}  # fmt: skip


def run_all(**kwargs: Any) -> tuple[Api, list[checks.CheckResult]]:
    api = api_of(InProcess(), thorough=True, examples=40, **kwargs)
    for strength in ("must", "should", "note"):
        judged_by(strength)
    found = [
        checks.run(check, api, case)
        for check in checks.CHECKS.values()
        for case in check.cases or [None]
    ]
    return api, found


def test_a_default_run_on_the_mock_covers_the_schemas_and_evaluates_every_check() -> None:
    api, found = run_all()
    assert [f.check.name for f in found if f.verdict == verdicts.FAILED] == []
    sent = [(e.asked.operation, e.asked.json, e.asked.valid) for e in api.sent]
    seen = coverage.measured(sent, api.boundaries)
    assert seen.missing() == ([], [])
    silent = {f.check.name for f in found if f.verdict == verdicts.SKIPPED}
    # An in-process mock has no times, and no limit to run into.
    assert silent <= {
        "test_a_stream_comes_in_more_than_one_read", "test_a_rate_limit_says_when_to_come_back",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"a": NaN}', '{"a": 1} x', '{"a": Infinity}', '{"a": 1e999}', "\ufeff{}"],
)
def test_what_is_no_plain_json_is_refused(text: str) -> None:
    with pytest.raises(strict_json.JsonFault):
        strict_json.read(text.encode())


def test_a_float_is_no_integer() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2.0, "total_tokens": 3}
    fault = first_fault("common/usage.json", usage)
    assert fault is not None
    assert fault[0] == "$.completion_tokens"


@pytest.mark.parametrize(
    ("body", "count", "faults"),
    [
        (b"data: a\n\ndata: b\n\n", 2, 0),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", 3, 0),
        (b"data: a\n\ndata: b\n", 2, 1),
        (b"date: a\n\n", 0, 1),
        (b": hello\n\ndata: a\ndata: b\n\n", 1, 0),
        (b"data: \xff\n\n", 1, 1),
    ],
)
def test_events_are_read_as_the_standard_says(body: bytes, count: int, faults: int) -> None:
    found = sse.read(body)
    assert (len(found.events), len(found.faults)) == (count, faults)


KEY = "sk-secret-ÄÖ-key-123456"


@pytest.mark.parametrize(
    "text",
    [
        KEY, KEY.upper(), quote(KEY), json.dumps(KEY), KEY.encode().hex(), KEY[::-1],
        base64.b64encode(KEY.encode()).decode(), base64.b64encode(b"ab:" + KEY.encode()).decode(),
        base64.b64encode(b"user:" + KEY.encode()).decode(),
    ],
)  # fmt: skip
def test_a_secret_is_taken_out_in_every_spelling(text: str) -> None:
    assert Redactor(KEY).occurs(f"before {text} after")
    assert not Redactor(KEY).occurs(Redactor(KEY)(f"before {text} after"))


def test_a_failing_request_is_reduced_with_few_requests() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}] * 3, "n": 2,
            "temperature": 1.5, "stop": ["a", "b"], "top_p": 0.5}  # fmt: skip

    def fails(candidate: Json) -> bool:
        return bool(candidate.get("temperature", 0) >= 1)

    small, asked = reduce(body, lambda b: is_valid_request(CHAT, b), fails, 60)
    assert set(small) == {"model", "messages", "temperature"}
    assert asked <= 60


def test_a_known_drift_names_checks_that_exist() -> None:
    judged_by("must")
    for edition in ("v3", "2026", "live"):
        assert set(drift.known(edition)) <= set(checks.CHECKS)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Json:
    import os
    import subprocess
    import sys

    file = tmp_path_factory.mktemp("report") / "report.json"
    suite = shipped("contract_tests")
    command = [sys.executable, "-m", "pytest", str(suite), "-c", str(suite / "pytest.ini"), "-q",
               "-p", "no:cacheprovider", "--novita-examples=5", f"--novita-report={file}",
               "--deselect=nothing"]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=200)
    found: Json = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_a_json_report_has_the_form_of_its_schema(report: Json) -> None:
    assert first_fault("reports/report.json", report) is None
    assert len(report["checks"]) > 150


def with_trouble(report: Json) -> Json:
    shown = {"name": "x", "curl": "curl <a> & 'b' \x00", "status": 200, "body": "<script>"}
    first, *rest = report["checks"]
    broken = {**first, "verdict": "failed", "strength": "must", "exchanges": [shown],
              "reason": "$.choices[0]: 'index' is a required property \ud800",
              "documented": "the schema chat/completion.response.json"}  # fmt: skip
    return {**report, "checks": [broken, *rest], "first_byte": [0.1, 0.2, 0.4], "gaps": [0.01] * 5}


@pytest.mark.parametrize("suffix", _report.FORMS)
def test_a_report_can_be_written_in_every_form(suffix: str, report: Json, tmp_path: Path) -> None:
    file = tmp_path / f"report{suffix}"
    _report.write(with_trouble(report), str(file))
    text = file.read_text(encoding="utf-8")
    assert "<script>" not in text or suffix in (".json", ".md")
    if suffix == ".xml":
        failed = Xml.fromstring(text).findall(".//failure")
        assert len(failed) == 1
    if suffix == ".sarif":
        result = json.loads(text)["runs"][0]["results"][0]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "schemas/chat/completion.response.json"
        assert place["region"]["startLine"] > 1


class Page(HTMLParser):
    """What an HTML page shows: the texts of each kind of element, in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = defaultdict(list)
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag].append("")
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            continue  # elements without an end, such as meta

    def handle_data(self, data: str) -> None:
        if self._open:
            self.found[self._open[-1]][-1] += data


WHY = """$.choices[0]: 'index' is a required property \ud800
curl <a> & 'b' \x00
→ 200 <script>"""


def test_a_page_shows_every_check_and_why_it_did_not_pass(report: Json) -> None:
    report = with_trouble(report)
    found, checks = Page(html(report)).found, report["checks"]
    columns = [found["td"][column : 4 * len(checks) : 4] for column in range(4)]
    members = ("verdict", "strength", "sentence", "source")
    assert columns == [[check[member] for check in checks] for member in members]
    chapters = dict.fromkeys(check["chapter"] for check in checks)
    assert found["h3"] == [name.removeprefix("test_").replace("_", " ") for name in chapters]
    others = [check["reason"] for check in checks[1:] if check["verdict"] == "skipped"]
    assert found["pre"] == [WHY, *others]


def test_a_page_shows_drift_coverage_and_cost(report: Json) -> None:
    drift = {"sentence": "A <b>.", "documented": None, "observed": "&lt;", "state": "known"}
    cost = {"usd": 1.23456789, "requests": 7, "seconds": 2.5, "target": "<here>"}
    seen = {"undocumented": {"<x>": 2}, "values": {"y": 1}}
    found = Page(html({**report, **cost, **seen, "drift": [drift], "checks": []})).found
    assert found["h2"] == ["Drift", "Checks", "Coverage of the schemas", "Seen", "Times", "Cost"]
    assert found["td"] == ["A <b>.", "None", "&lt;", "known", "", "", "<x>", "2", "y", "1"]
    assert found["p"][0] == "<here>, edition v3: 7 requests, 1.23457 USD, 2.5 s"
    assert found["p"][-1] == "7 requests, 1.234568 USD."
    assert found["li"] == report["coverage"]["lines"]
    empty = Page(html({**report, "drift": [], "undocumented": {}, "values": {}})).found
    assert empty["p"].count("None.") == 2


def test_a_page_draws_the_times_that_were_measured(report: Json) -> None:
    text = html({**report, "first_byte": [1.0, 2.0, 2.0, 4.0], "gaps": []})
    found = Page(text).found
    assert found["figcaption"] == ["First byte: 1.000 to 4.000 s, median 2.000 s, 4 times"]
    assert "Between chunks: not measured." in found["p"]
    bars = re.findall(r'<rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', text)
    assert [x for x, *_ in bars] == [f"{14 * at}.0" for at in range(30)]
    assert [bar for bar in bars if bar[3] != "0.0"] == [
        ("0.0", "45.0", "13.0", "45.0"),
        ("140.0", "0.0", "13.0", "90.0"),
        ("406.0", "45.0", "13.0", "45.0"),
    ]


def test_two_reports_are_compared(report: Json) -> None:
    assert _report.compared(report, report) == []
    lines = _report.compared(report, with_trouble(report))
    assert lines[0].startswith("passed -> failed")


def test_a_report_of_version_1_is_compared_with_one_of_today(report: Json) -> None:
    words = {"passed": "held", "failed": "broken", "skipped": "undecided"}
    laws = [
        {**check, "law": check["check"], "verdict": words[check["verdict"]]}
        for check in report["checks"]
    ]
    former = {**report, "version": 1, "laws": laws}
    del former["checks"]
    assert _report.compared(former, report) == []
    assert _report.compared(former, with_trouble(report))[0].startswith("passed -> failed")


def test_parametrised_findings_become_one_row() -> None:
    row = {"check": "a", "chapter": "c", "judged": 1, "reason": ""}
    rows = _merged([{**row, "verdict": "passed"}, {**row, "verdict": "failed", "reason": "no"}])
    assert [(r["verdict"], r["count"], r["judged"]) for r in rows] == [("failed", 2, 2)]


def test_a_report_of_an_unknown_form_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert contract.run(report="report.pdf") == 2
    assert "report.pdf" in capsys.readouterr().err
