"""The suite under pytest: one target per run, verdicts as outcomes, findings for the report.

With xdist, the workers judge and the process that started them writes the report.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from novita_mock import _report

from ..cases import coverage
from ..cases.catalogue import api_of
from ..judging.checks import CHECKS, Check, CheckResult, message, run
from ..judging.probe import Api, Direct
from ..judging.verdicts import FAILED, MUST, NOTE, PASSED, SKIPPED
from ..wire.exchange import Exchange
from ..wire.target import InProcess, OverHttp
from . import cost_estimate, drift
from .budget import Careful, Ledger
from .exchange_store import Store
from .observed import Observed
from .options import folder_of, read
from .redact import of_report

NAME = "novita-contract"
PROPERTY = "novita_finding"
MOCK_ONLY = ("test_a_request_at_an_edge_is_answered", "test_a_request_beyond_an_edge_is_refused")
EXIT_STOPPED = 4


def check_of(item: pytest.Item) -> Check | None:
    """The check behind a test, if there is one."""
    function = getattr(item, "function", None)
    found = CHECKS.get(getattr(function, "__name__", ""))
    module = getattr(function, "__module__", "") or ""
    return found if found and module.rpartition(".")[2] == found.chapter else None


class Session:
    """One run: its options, its target and its findings."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.options = config, read(config)
        self.folder, self.started = folder_of(config), time.time()
        self.worker = hasattr(config, "workerinput")
        self.redact = of_report(self.options.key, urlsplit(self.options.base_url).password)
        self.findings: list[dict[str, Any]] = []
        self.coverage, self.observed = coverage.Coverage(), Observed()
        self.ledger = Ledger(
            self.folder / "budget.json",
            self.options.max_requests,
            self.options.max_usd,
            self.options.rpm,
        )
        self._api: Api | None = None

    @property
    def api(self) -> Api:
        if self._api is None:
            self._api = self._open()
        return self._api

    def _open(self) -> Api:
        options, edition, model = self.options, self.options.edition, self.options.model
        extent: dict[str, Any] = {"thorough": options.thorough, "examples": options.examples}
        if not options.live:
            api = api_of(InProcess(edition), edition, model, Direct(), **extent)
        else:
            line = Careful(self.ledger, 0.1 if options.local else 1.0, self._progress)
            target, store = OverHttp(options.base_url, options.key), Store(self.folder)
            api = api_of(target, edition, model, line, store=store, **extent)
            line.api = api
        return api

    def _progress(self, exchange: Exchange, ledger: Ledger) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        state = ledger.state()
        if reporter is not None and not self.worker and state["requests"] % 10 == 0:
            count = f"{state['requests']} requests of at most {ledger.max_requests}"
            reporter.write_line(f"  {count}, {state['usd']:.5f} USD: {exchange.name}")

    # Judging ---------------------------------------------------------------------------

    def judge(self, item: pytest.Item, check: Check) -> None:
        """Runs a check as a test."""
        case = getattr(item, "callspec", None)
        finding = run(check, self.api, case.params["case"] if case else None)
        item.user_properties.append((PROPERTY, self.as_data(finding)))
        self._end(finding)

    def _end(self, finding: CheckResult) -> None:
        check, text = finding.check, message(finding, self.api.target.base, self.redact)
        if finding.verdict == SKIPPED:
            pytest.skip(f"not decidable: {self.redact(finding.reason)}")
        if finding.verdict == PASSED or check.strength == NOTE:
            return
        if check.strength == MUST or self.api.target.is_mock or self.options.strict:
            pytest.fail(text, pytrace=False)
        pytest.xfail(f"drift: {self.redact(finding.reason)}")

    def as_data(self, finding: CheckResult) -> dict[str, Any]:
        """A finding as data of the report, without the key."""
        check, base = finding.check, self.options.base_url if self.options.live else "in process"
        shown = [
            {
                "name": exchange.name,
                "curl": exchange.asked.as_curl(base, self.redact),
                "status": exchange.came.status,
                "body": self.redact(exchange.came.body.decode("utf-8", "backslashreplace"))[:700],
            }
            for exchange in finding.exchanges[:3]
        ]
        data = {
            "check": check.name, "sentence": check.sentence, "chapter": check.chapter,
            "strength": check.strength, "source": check.source, "verdict": finding.verdict,
            "judged": finding.judged, "reason": finding.reason,
            "documented": finding.documented, "case": finding.case, "exchanges": shown,
        }  # fmt: skip
        return self._hidden(data)

    def _hidden(self, data: dict[str, Any]) -> dict[str, Any]:
        """Data of the report without the key, which a server may have put into any text or name."""
        hidden: dict[str, Any] = self.redact.json(data, numbers=False)
        return hidden

    # The end of a run --------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """What a process contributes to the report: what it sent and what it saw."""
        api = self._api
        if api is None:
            return {}
        sent = [(e.asked.operation, e.asked.json, e.asked.valid) for e in api.sent]
        self.coverage = coverage.measured(sent, api.boundaries)
        self.observed = Observed.of(api.sent)
        return {
            "valid": sorted(self.coverage.valid), "invalid": sorted(self.coverage.invalid),
            "observed": self.observed.data(), "judged": api.judged, "sent": len(api.sent),
        }  # fmt: skip

    def report(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        """The report of the run, from the summaries of all processes."""
        covered = coverage.Coverage()
        observed = Observed()
        for part in parts:
            covered.valid |= {tuple(item) for item in part.get("valid", [])}
            covered.invalid |= {tuple(item) for item in part.get("invalid", [])}
            observed.merge(part.get("observed", {}))
        self.coverage, self.observed = covered, observed
        state = self.ledger.state() if self.options.live else {}
        sent = sum(part.get("sent", 0) for part in parts)
        options, live = self.options, self.options.live
        report = {
            "target": options.base_url if live else "in process",
            "edition": options.edition, "started": int(self.started), "strict": options.strict,
            "seconds": round(time.time() - self.started, 1), "seed": 0,
            "requests": max(sent, state.get("requests", 0)),
            "usd": round(state.get("usd", 0.0), 6), "stopped": state.get("stopped", ""),
            "checks": _merged(self.findings),
            "drift": drift.table(self.findings, options.edition, live=live, real=options.real),
            "coverage": {"lines": covered.lines(), "missing_valid": covered.missing()[0],
                         "missing_invalid": covered.missing()[1]},
            **observed.data(),
        }  # fmt: skip
        return self._hidden(report)


def _merged(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per check; the cases of a parametrised check are joined, and the worst counts."""
    order = (FAILED, PASSED, SKIPPED)
    rows: dict[str, dict[str, Any]] = {}
    for finding in findings:
        row = rows.get(finding["check"])
        if row is None:
            rows[finding["check"]] = {**finding, "count": 1}
            continue
        count, judged = row["count"] + 1, row["judged"] + finding["judged"]
        worse = order.index(finding["verdict"]) < order.index(row["verdict"])
        rows[finding["check"]] = {**(finding if worse else row), "count": count, "judged": judged}
    return sorted(rows.values(), key=lambda row: (row["chapter"], row["check"]))


# Hooks ---------------------------------------------------------------------------------


def session_of(config: pytest.Config) -> Session:
    """The session of a run, opened at the first call."""
    found: Any = getattr(config, "_novita_contract", None)
    if found is None:
        found = Session(config)
        config._novita_contract = found  # type: ignore[attr-defined]
    return found  # type: ignore[no-any-return]


class Hooks:
    """The hooks of the suite, registered once per run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.parts: list[dict[str, Any]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        if session_of(config).options.live:
            gone = [item for item in items if getattr(item, "originalname", "") in MOCK_ONLY]
            items[:] = [item for item in items if item not in gone]
            config.hook.pytest_deselected(items=gone)
        # Cheap, fatal checks first; a shuffled order would fetch their exchanges late.
        items.sort(key=lambda item: (item.path.name, item.reportinfo()[1] or 0))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        check = check_of(pyfuncitem)
        if check is None:
            return None
        session_of(self.config).judge(pyfuncitem, check)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, dict):
                session_of(self.config).findings.append(value)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["novita_folder"] = str(session_of(self.config).folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.parts.append(getattr(node, "workeroutput", {}).get("novita_part", {}))

    def pytest_report_header(self, config: pytest.Config) -> list[str]:
        options = session_of(config).options
        if not options.live:
            return [f"novita contract: the mock in this process, edition {options.edition}"]
        return [session_of(config).redact(line) for line in cost_estimate.lines(options)]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        contract = session_of(self.config)
        if contract.worker:
            self.config.workeroutput["novita_part"] = contract.summary()  # type: ignore[attr-defined]
            return
        if contract.findings:
            self._conclude(contract, session)
        shutil.rmtree(contract.folder, ignore_errors=True)

    def _conclude(self, contract: Session, session: pytest.Session) -> None:
        """Makes the report, and writes it if it is wanted."""
        self.parts.append(contract.summary())
        report = contract.report(self.parts)
        self.config._novita_report = report  # type: ignore[attr-defined]
        if contract.options.report:
            _report.write(report, contract.options.report)
        if report["stopped"]:
            session.exitstatus = EXIT_STOPPED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        report = getattr(self.config, "_novita_report", None)
        if report is not None:
            terminalreporter.section("novita contract")
            for line in _report.told(report):
                terminalreporter.write_line(line)


def register(config: pytest.Config) -> None:
    """Registers the hooks, unless another conftest has done so."""
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(Hooks(config), NAME)


def opened(config: pytest.Config) -> Iterator[Api]:
    """The target of the run, for the fixture."""
    yield session_of(config).api
