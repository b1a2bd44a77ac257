"""Every example in README and docs is executed, in the way that its fence says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator

import pytest
import yaml

from novita_mock import Mock
from novita_mock._server.thread import LiveServer
from tests.readme import Example, examples

KINDS = {
    ("python", "server"),
    ("python", "script"),
    ("python", "test"),
    ("sh", "server"),
    ("sh", "setup"),
    ("yaml", "scenario"),
}
# Shown but not run: lines to copy from the server's banner, and runs against other servers.
SHOWN = re.compile(r"^export \w+=|^novita-mock contract|^NOVITA_API_KEY=", re.MULTILINE)


def _each(*kinds: tuple[str, str]) -> pytest.MarkDecorator:
    found = [e for e in examples() if (e.language, e.kind) in kinds]
    # pytest numbers equal names by itself.
    names = [f"{e.place.partition(':')[0]}#{e.heading.lower().replace(' ', '-')}" for e in found]
    return pytest.mark.parametrize("example", found, ids=names)


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    server = LiveServer()
    mock = Mock()
    mock.origin = server.open(mock)
    yield {
        **os.environ,
        "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
        "OPENAI_BASE_URL": mock.base_url,
        "OPENAI_API_KEY": mock.api_key,
    }
    server.stop()


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@_each(("python", "server"), ("python", "script"))
def test_a_script_prints_something(
    example: Example, environment: dict[str, str], pytestconfig: pytest.Config
) -> None:
    warnings = [f"-W{row}" for row in pytestconfig.getini("filterwarnings")]
    assert _run([sys.executable, *warnings, "-c", example.text], environment).strip()


@_each(("sh", "server"))
def test_a_command_prints_something(example: Example, environment: dict[str, str]) -> None:
    assert _run(["bash", "-euc", example.text], environment).strip()


@_each(("python", "test"))
def test_a_test_file_passes(example: Example, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(example.text)
    passed = len(re.findall(r"^(?:async )?def test_", example.text, re.MULTILINE))
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=passed)


@_each(("yaml", "scenario"))
def test_a_scenario_is_read(example: Example) -> None:
    mock = Mock()
    mock.load(yaml.safe_load(example.text))
    assert mock.rules


def test_every_example_is_executed_or_shown_on_purpose() -> None:
    loose = [e for e in examples() if (e.language, e.kind) not in KINDS]
    assert [e.place for e in loose if not SHOWN.match(e.text)] == []


def test_the_readme_is_short_and_has_two_setup_commands() -> None:
    from tests.readme import ROOT

    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
    assert len(examples("setup")) == 2


# Folders that the pages name before they are built.
PLANNED = {"_recording/", "_state/", "_asgi/inspector/", "_load/"}
PATH = re.compile(r"`(\w[\w./]+/[\w./]*|\w+\.py)`")


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "contract_tests/README.md"])
def test_a_file_or_folder_that_a_page_names_is_there(page: str) -> None:
    from tests.readme import ROOT

    places = (ROOT, ROOT / "novita_mock", ROOT / "contract_tests", (ROOT / page).parent)
    named = set(PATH.findall((ROOT / page).read_text(encoding="utf-8"))) - PLANNED
    assert named
    assert {name for name in named if not any((place / name).exists() for place in places)} == set()
