"""Leaves out the slow cases unless they are asked for, and keeps plugins of other projects from
interfering with these tests."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_httpx2
from respx.mocks import Mocker

from tests.slow import slow_cases

# Imported once, because respx refuses a second import, which each pytester run in this process
# would cause. Its mocker is removed, so that the package's own mocker covers httpx2.
assert pytest_httpx2.httpx2_mock
_REGISTRY: dict[str, Any] = Mocker._Mocker__registry  # type: ignore[attr-defined]
_MOCKER = _REGISTRY.pop("httpcore2")
_left_out: pytest.StashKey[int] = pytest.StashKey()


@pytest.fixture
def with_pytest_httpx2(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the plugin pytest-httpx2 were installed: respx knows its mocker."""
    monkeypatch.setitem(_REGISTRY, "httpcore2", _MOCKER)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="Run the cases of tests/slow.txt, too.")
    parser.addoption("--no-skips", action="store_true", help="Fail if a test was skipped.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = [item for item in items if item.nodeid in slow_cases()]
    for item in slow:
        item.add_marker(pytest.mark.slow)
    if not _is_asked_for(config):
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)
        config.stash[_left_out] = len(slow)


def _is_asked_for(config: pytest.Config) -> bool:
    """Whether slow cases were requested: by the option, by their marker, or one by one."""
    named = any("::" in argument for argument in config.args)
    return bool(config.getoption("slow") or config.getoption("markexpr") or named)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("no_skips") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    if left := config.stash.get(_left_out, 0):
        minutes = round(sum(slow_cases().values()) / 60) or 1
        terminalreporter.write_line(
            f"{left} slow cases were left out. To run everything: python -m pytest --slow -n 2 "
            f"(about {minutes} minutes longer)"
        )
