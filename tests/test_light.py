"""What each use of the package imports: it works without the packages of the other uses."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.say_hello import say_hello
from tests.test_serve import process_of, stdout_of

ROOT = Path(__file__).parents[1]
IMPORTS = {"pyyaml": "yaml", "jsonschema-rs": "jsonschema_rs", "pyrate-limiter": "pyrate_limiter",
           "prometheus-client": "prometheus_client"}  # fmt: skip
# Packages that answer a request, and those between the answer and the socket.
SERVING = {"click", "httptools", "jsonschema_rs", "orjson", "starlette", "uvicorn", "uvloop"}
OF_TESTS = ("filelock", "pytest", "hypothesis", "respx", "httpx", "rich", "jsonschema")
WITHOUT = """
import sys
for name in sys.argv.pop(1).split():
    sys.modules[name] = None
from novita_mock.cli import run
run()
"""


def dependencies() -> set[str]:
    """The import names of the declared dependencies."""
    declared = map(Requirement, metadata.requires("novita-mock") or ())
    names = [found.name for found in declared if "extra" not in str(found.marker or "")]
    return {IMPORTS.get(name.lower(), name.lower()) for name in names}


def loaded(code: str, *arguments: str) -> set[str]:
    """The dependencies that a fresh interpreter has loaded after `code`."""
    program = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    names = json.loads(done.stdout.splitlines()[-1])
    return {name.partition(".")[0] for name in names} & dependencies()


def without(names: tuple[str, ...], *arguments: str) -> list[str]:
    """The command line for an interpreter that cannot import `names`."""
    return [sys.executable, "-c", WITHOUT, " ".join(names), *arguments]


def test_the_plugin_imports_pytest_alone() -> None:
    assert loaded("import pytest, novita_mock.pytest_plugin") == {"pytest"}


ANSWER = """
from novita_mock import Mock, Request
body = b'{"model": "meta-llama/llama-3.1-8b-instruct", "messages": [{"role": "user", "content": "Hi"}]}'
headers = {b"authorization": b"Bearer a"}
assert Mock().answer(Request("POST", "/v3/openai/chat/completions", headers, body)).status == 200
"""  # noqa: E501
SERVE = """
import os, signal, sys, threading
from novita_mock.cli import run
import novita_mock._server.run as serve
serve.announce = lambda *_, **__: threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
sys.argv[1:] = ["serve", "--port", "0"]
try:
    run()
except SystemExit as end:
    assert not end.code
"""  # noqa: E501
CONTRACT = """
import sys, subprocess
subprocess.call = lambda *_, **__: 0
from novita_mock.cli import run
sys.argv[1:] = ["contract"]
try:
    run()
except SystemExit as end:
    assert not end.code
"""
# Other plugins in the environment import other packages.
SUITE = """
import os
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
import pytest
arguments = ["contract_tests", "--collect-only", "-q", "-p", "novita_mock.pytest_plugin"]
assert pytest.main(arguments) == 0
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ANSWER, {"jsonschema_rs", "orjson"}),
        (SERVE, SERVING),
        (CONTRACT, {"click", "jsonschema_rs", "orjson"}),
        (
            SUITE,
            {"filelock", "hypothesis", "jsonschema", "jsonschema_rs", "orjson", "pytest", "rstr"},
        ),
    ],
    ids=["a mock", "serve", "contract", "the suite of contract"],
)
def test_each_use_imports_what_it_needs_and_no_more(code: str, expected: set[str]) -> None:
    assert loaded(code) == expected


def test_serve_answers_where_what_only_tests_need_is_missing(tmp_path: Path) -> None:
    log, scenario = tmp_path / "log", tmp_path / "rules.yaml"
    scenario.write_text("rules: [{say: hello}]", encoding="utf-8")
    options = ("serve", "--port", "0", "--rpm", "60", "--scenario", str(scenario))
    with process_of(without(OF_TESTS, *options), log) as process:
        lines = list(iter(stdout_of(process).readline, "Ctrl+C stops it.\n"))
        url = next(line.split()[1] for line in lines if line.startswith("Serving "))
        assert say_hello(url) == "hello"
        metrics = f"{url.removesuffix('/v3/openai')}/__mock__/metrics"
        with urllib.request.urlopen(metrics) as answer:
            assert b"novita_mock_requests_total" in answer.read()


@pytest.mark.parametrize(
    ("missing", "command", "expected"),
    [
        (("rich",), ("errors",), "this command needs the package rich, which is not installed: "
         "python -m pip install rich"),
        (("pytest", "jsonschema"), ("contract",), "contract needs the packages pytest, jsonschema, "
         "which are not installed: python -m pip install pytest jsonschema"),
        (("yaml",), ("lint", "rules.yaml"), "this command needs the package pyyaml, which is not "
         "installed: python -m pip install pyyaml"),
    ],
    ids=["rich", "pytest and jsonschema", "pyyaml"],
)  # fmt: skip
def test_a_command_whose_package_is_missing_says_so_in_one_line(
    missing: tuple[str, ...], command: tuple[str, ...], expected: str
) -> None:
    done = subprocess.run(without(missing, *command), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"novita-mock: {expected}\n"
