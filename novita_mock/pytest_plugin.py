"""The pytest plugin: options, a marker and fixtures.

Every pytest run of every user loads this file, so it imports the standard library and pytest
only; what a fixture needs is imported when the fixture is asked for.
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
    _Option("--novita-live", "Check the real API; the key comes from NOVITA_API_KEY.", None),
    _Option("--novita-base-url", "Base URL of the API to check.", str, "URL"),
    _Option("--novita-model", "Model to check with.", str, "ID"),
    _Option("--novita-edition", "Edition that the API is held to: v3, 2026 or live.", str, "NAME"),
    _Option("--novita-examples", "Generated requests for each operation.", int, "N"),
    _Option("--novita-max-requests", "Most requests of a live run.", int, "N"),
    _Option("--novita-max-cost", "Most that a live run may cost, in USD.", float, "USD"),
    _Option("--novita-rpm", "Most requests a minute of a live run.", int, "N"),
    _Option("--novita-report", "Write a report: .json, .md, .html, .xml or .sarif.", str, "PATH"),
    _Option("--novita-strict", "Documented but contradicted checks fail the run, too.", None),
    _Option("--novita-guard", "In all tests, stop and fail what would reach the real API.", None),
)

_watches: pytest.StashKey[list[TeardownChecks]] = pytest.StashKey()
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
        "base URLs besides https://api.novita.ai that are answered in process and guarded",
        type="linelist",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker, and sets up the guard if it was asked for."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(edition='v3', seed=0, api_keys=(), any_model=False, ttft=0.0, gap=0.0, "
        "only=False, base_urls=()): what the mock of this test is like; "
        "the arguments are those of novita_mock.Mock",
    )
    if config.getoption("novita_guard"):
        from novita_mock.respx import guard

        stack = config.stash[_guard] = contextlib.ExitStack()
        config.stash[_escapes] = stack.enter_context(guard(_named_urls(config)))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Takes the guard away."""
    if _guard in config.stash:
        config.stash[_guard].close()


def _named_urls(config: pytest.Config) -> tuple[str, ...]:
    return ("https://api.novita.ai", *config.getini("novita_base_urls"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses marker arguments that `Mock` does not have."""
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
    """Fails a test that passed although a request escaped or a scripted answer was not used."""
    escapes = item.config.stash.get(_escapes, [])
    escapes.clear()
    result = yield
    problems = [text for watch in item.stash.get(_watches, []) for text in watch.problems()]
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
        for watch in item.stash.get(_watches, []):
            if calls := watch.report():
                report.sections.append(("novita calls", calls))
    return report


def _need(fixture: str, *names: str) -> None:
    """Fails with one line where packages that `fixture` needs are not installed."""
    from novita_mock._core.missing import absent, remedy

    if missing := absent(*names):
        pytest.fail(remedy(f"the fixture {fixture}", missing), pytrace=False)


def _new_mock(request: pytest.FixtureRequest) -> Mock:
    from novita_mock._mock import Mock

    arguments: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(MARKER))):
        arguments |= mark.kwargs
    named = request.config.getini("novita_base_urls")
    return Mock(**{**arguments, "base_urls": [*named, *arguments.get("base_urls", ())]})


@contextlib.contextmanager
def _watched(request: pytest.FixtureRequest, watch: TeardownChecks) -> Iterator[None]:
    request.node.stash.setdefault(_watches, []).append(watch)
    yield
    # What came after the test itself, from a thread or another fixture's end.
    if late := watch.problems():
        pytest.fail("\n".join(late), pytrace=False)


@pytest.fixture
def novita(request: pytest.FixtureRequest) -> Iterator[Mock]:
    """The Novita AI API in process: answers every httpx and httpx2 client, sync and async, at all
    base paths of https://api.novita.ai, and fails the test for a request that no route answers.

    Script answers with `say`, `call_tool`, `json`, `refuse` and `on(...)`; look at `calls` and
    `last`; assert with `assert_called(...)` and `assert_not_called()`.
    """
    _need("novita", "respx", "httpx")
    from novita_mock._testing.verification import TeardownChecks
    from novita_mock.respx import mocked

    mock = _new_mock(request)
    with mocked(mock) as door, _watched(request, TeardownChecks("novita", mock, door.escapes)):
        yield mock


@pytest.fixture(scope="session")
def _novita_loopback() -> Iterator[LiveServer]:
    from novita_mock._server.thread import LiveServer

    server = LiveServer()
    yield server
    server.stop()


@pytest.fixture
def novita_server(request: pytest.FixtureRequest, _novita_loopback: LiveServer) -> Iterator[Mock]:
    """The Novita AI API on a loopback port, for other processes and other languages: clients
    find it at `novita_server.base_url`. It speaks the same words as `novita`."""
    from novita_mock._testing.verification import TeardownChecks

    mock = _new_mock(request)
    address = _novita_loopback.open(mock)
    mock.origin = address
    with _watched(request, TeardownChecks("novita_server", mock)):
        yield mock
    _novita_loopback.close(address)


@pytest.fixture
def _novita_either(request: pytest.FixtureRequest) -> Mock:
    """The server if the test asked for it, else the mock in process."""
    name = "novita_server" if "novita_server" in request.fixturenames else "novita"
    mock: Mock = request.getfixturevalue(name)
    return mock


@pytest.fixture
def novita_env(_novita_either: Mock, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment variables that point an unmodified application at `novita_server`, if the test
    asks for that too, else at `novita`; gives what was set."""
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
    """An `openai.OpenAI` client on `novita_server`, if the test asks for that too, else on
    `novita`."""
    _need("novita_client", "openai")
    import openai

    with openai.OpenAI(base_url=_novita_either.base_url, api_key=_novita_either.api_key) as client:
        yield client


@pytest.fixture
def novita_async_client(_novita_either: Mock) -> AsyncOpenAI:
    """An `openai.AsyncOpenAI` client on `novita_server`, if the test asks for that too, else on
    `novita`. It belongs to the event loop of the test, which closes it."""
    _need("novita_async_client", "openai")
    import openai

    return openai.AsyncOpenAI(base_url=_novita_either.base_url, api_key=_novita_either.api_key)
