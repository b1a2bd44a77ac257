"""The pytest plugin: options, a marker and fixtures.

Every pytest run of every user loads this file, so it imports only the standard library and pytest.
A fixture imports what it needs when a test requests it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

    from novita_mock._mock import Mock
    from novita_mock._server.thread import LiveServer
    from novita_mock._testing.verification import TeardownChecks

MARKER = "novita"


class _Option(NamedTuple):
    name: str
    help: str
    kind: type | None = str
    metavar: str | None = None


_OPTIONS = (
    _Option("--novita-live", "Check the real API with the key from NOVITA_API_KEY.", None),
    _Option("--novita-base-url", "Base URL of the API to check.", str, "URL"),
    _Option("--novita-model", "Model to send the requests to.", str, "ID"),
    _Option(
        "--novita-edition",
        "Version of the API documentation to check against: v3, 2026 or live.",
        str,
        "NAME",
    ),
    _Option("--novita-examples", "Number of generated requests for each operation.", int, "N"),
    _Option("--novita-max-requests", "Maximum number of requests in a live run.", int, "N"),
    _Option("--novita-max-cost", "Maximum cost of a live run, in USD.", float, "USD"),
    _Option("--novita-rpm", "Maximum requests per minute in a live run.", int, "N"),
    _Option(
        "--novita-report",
        "Write a report to this file (.json, .md, .html, .xml or .sarif).",
        str,
        "PATH",
    ),
    _Option(
        "--novita-strict",
        "Also fail the run for checks that are documented, but contradicted by another source.",
        None,
    ),
    _Option(
        "--novita-guard",
        "Block requests to the real API in every test and fail the test that sent one.",
        None,
    ),
)

_teardown_checks: pytest.StashKey[list[TeardownChecks]] = pytest.StashKey()
_escapes: pytest.StashKey[list[Any]] = pytest.StashKey()
_guard: pytest.StashKey[contextlib.ExitStack] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options."""
    group = parser.getgroup("novita", "novita-mock")
    for option in _OPTIONS:
        if option.kind is None:
            group.addoption(option.name, action="store_true", help=option.help)
        else:
            group.addoption(option.name, type=option.kind, metavar=option.metavar, help=option.help)
    parser.addini(
        "novita_base_urls",
        "base URLs to answer in process and to guard, in addition to https://api.novita.ai",
        type="linelist",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker, and installs the guard if the option is given."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(edition='v3', seed=0, api_keys=(), any_model=False, ttft=0.0, gap=0.0, "
        "only=False, base_urls=()): configure this test's mock; "
        "takes the arguments of novita_mock.Mock",
    )
    if config.getoption("novita_guard"):
        from novita_mock.respx import guard

        stack = config.stash[_guard] = contextlib.ExitStack()
        config.stash[_escapes] = stack.enter_context(guard(_named_urls(config)))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the guard."""
    if _guard in config.stash:
        config.stash[_guard].close()


def _named_urls(config: pytest.Config) -> tuple[str, ...]:
    return ("https://api.novita.ai", *config.getini("novita_base_urls"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rejects marker arguments that `Mock` does not have."""
    marked = [(item, mark) for item in items for mark in item.iter_markers(MARKER)]
    if not marked:
        return
    import inspect

    from novita_mock._mock import Mock

    known = list(inspect.signature(Mock).parameters)
    for item, mark in marked:
        unknown = [*map(repr, mark.args), *(name for name in mark.kwargs if name not in known)]
        if unknown:
            raise pytest.UsageError(
                f"{item.nodeid}: @pytest.mark.{MARKER} has no argument {unknown[0]}: "
                f"expected some of {', '.join(known)}, by name"
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a passing test if a request escaped or a scripted answer was not used."""
    escapes = item.config.stash.get(_escapes, [])
    escapes.clear()
    result = yield
    problems = [
        text for checks in item.stash.get(_teardown_checks, []) for text in checks.problems()
    ]
    if escapes:
        from novita_mock._testing.verification import describe

        problems += [describe("novita-guard", escape) for escape in escapes]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds this test's calls to the report of its failure."""
    report = yield
    if report.failed:
        for checks in item.stash.get(_teardown_checks, []):
            if calls := checks.report():
                report.sections.append(("novita calls", calls))
    return report


def _need(fixture: str, *names: str) -> None:
    """Fails with one line if packages that `fixture` needs are not installed."""
    from novita_mock._core.missing import absent, remedy

    if missing := absent(*names):
        pytest.fail(remedy(f"the fixture {fixture}", missing), pytrace=False)


def _new_mock(request: pytest.FixtureRequest) -> Mock:
    from novita_mock._mock import Mock

    arguments: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(MARKER))):
        arguments |= mark.kwargs
    configured = request.config.getini("novita_base_urls")
    return Mock(**{**arguments, "base_urls": [*configured, *arguments.get("base_urls", ())]})


@contextlib.contextmanager
def _checked(request: pytest.FixtureRequest, checks: TeardownChecks) -> Iterator[None]:
    request.node.stash.setdefault(_teardown_checks, []).append(checks)
    yield
    # Threads and the teardown of other fixtures can send requests after the test itself.
    if late := checks.problems():
        pytest.fail("\n".join(late), pytrace=False)


@pytest.fixture
def novita(request: pytest.FixtureRequest) -> Iterator[Mock]:
    """The Novita AI API in process. It answers every httpx and httpx2 client, sync and async, at
    all base paths of https://api.novita.ai. A request that no route answers fails the test.

    Script answers with `say`, `call_tool`, `json`, `refuse` and `on(...)`; inspect `calls` and
    `last`; assert with `assert_called(...)` and `assert_not_called()`.
    """
    _need("novita", "respx", "httpx")
    from novita_mock._testing.verification import TeardownChecks
    from novita_mock.respx import mocked

    mock = _new_mock(request)
    with mocked(mock) as router, _checked(request, TeardownChecks("novita", mock, router.escapes)):
        yield mock


@pytest.fixture(scope="session")
def _novita_loopback() -> Iterator[LiveServer]:
    from novita_mock._server.thread import LiveServer

    server = LiveServer()
    yield server
    server.stop()


@pytest.fixture
def novita_server(request: pytest.FixtureRequest, _novita_loopback: LiveServer) -> Iterator[Mock]:
    """The Novita AI API on a loopback port, for other processes and other languages. Clients
    connect to `novita_server.base_url`. Script it and assert on it as on `novita`."""
    from novita_mock._testing.verification import TeardownChecks

    mock = _new_mock(request)
    address = _novita_loopback.open(mock)
    mock.origin = address
    with _checked(request, TeardownChecks("novita_server", mock)):
        yield mock
    _novita_loopback.close(address)


@pytest.fixture
def _novita_either(request: pytest.FixtureRequest) -> Mock:
    """The server if the test requests it, otherwise the mock in process."""
    name = "novita_server" if "novita_server" in request.fixturenames else "novita"
    mock: Mock = request.getfixturevalue(name)
    return mock


@pytest.fixture
def novita_env(_novita_either: Mock, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment variables that point an unmodified application at `novita_server` if the test
    requests that too, otherwise at `novita`. Returns the variables that were set."""
    mock = _novita_either
    variables = {
        "OPENAI_BASE_URL": mock.base_url,
        "OPENAI_API_KEY": mock.api_key,
        "NOVITA_BASE_URL": mock.base_url,
        "NOVITA_API_KEY": mock.api_key,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def novita_client(_novita_either: Mock) -> Iterator[OpenAI]:
    """An `openai.OpenAI` client for `novita_server` if the test requests that too, otherwise for
    `novita`."""
    _need("novita_client", "openai")
    import openai

    with openai.OpenAI(base_url=_novita_either.base_url, api_key=_novita_either.api_key) as client:
        yield client


@pytest.fixture
def novita_async_client(_novita_either: Mock) -> AsyncOpenAI:
    """An `openai.AsyncOpenAI` client for `novita_server` if the test requests that too, otherwise
    for `novita`. It belongs to the event loop of the test, which closes it."""
    _need("novita_async_client", "openai")
    import openai

    return openai.AsyncOpenAI(base_url=_novita_either.base_url, api_key=_novita_either.api_key)
