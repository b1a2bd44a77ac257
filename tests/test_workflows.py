"""Workflows, hooks and issue forms agree with the project that they automate."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.readme import examples

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(
    path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
)
HOOKS = ROOT / ".pre-commit-config.yaml"
# All files that name a nox session for a person or a machine to run.
INSTRUCTIONS = [
    *WORKFLOWS,
    HOOKS,
    ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md",
    ROOT / "CONTRIBUTING.md",
]
NOX = re.compile(r"\bnox(?: -\S+)*? (?:-s|-e|--sessions?)((?: \w+)+)")
TEST_FILE = re.compile(r"\btests/[\w/]+\.py\b")
CLASSIFIER = "Programming Language :: Python :: 3."
MAJOR = re.compile(r"@(v\d+|release/v\d+)$")

pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="needs a checkout")
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
each_form = pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
each_instruction = pytest.mark.parametrize("path", INSTRUCTIONS, ids=lambda path: path.name)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def workflow(name: str) -> Any:
    return read(ROOT / ".github" / "workflows" / name)


def steps(content: Any) -> Iterator[Any]:
    for job in content["jobs"].values():
        yield from job["steps"]


def commands(content: Any) -> list[str]:
    return [step["run"].strip() for step in steps(content) if "run" in step]


def sessions() -> set[str]:
    """The names of the nox sessions, without importing nox."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {name for function in functions for name in session_names(function)}


def session_names(function: ast.FunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if ast.unparse(call.func if call else decorator) != "nox.session":
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords} if call else {}
        name = given.get("name")
        yield function.name if name is None else str(ast.literal_eval(name))


def sessions_named_in(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    return {name for names in NOX.findall(text) for name in names.split()}


def supported_pythons() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = CLASSIFIER.removesuffix("3.")
    return {c.removeprefix(prefix) for c in project["classifiers"] if c.startswith(CLASSIFIER)}


@each_workflow
def test_a_workflow_may_only_read_the_repository(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}


def test_only_the_job_that_publishes_has_more_permissions() -> None:
    more = {
        (path.name, name): job["permissions"]
        for path in WORKFLOWS
        for name, job in read(path)["jobs"].items()
        if "permissions" in job
    }
    assert more == {("release.yml", "publish"): {"id-token": "write"}}


@each_workflow
def test_a_workflow_opens_with_a_line_that_says_what_it_is_for(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    assert second.startswith("name: ")


@each_workflow
def test_every_job_has_a_timeout(path: Path) -> None:
    jobs = read(path)["jobs"]
    assert [name for name, job in jobs.items() if "timeout-minutes" not in job] == []


@each_workflow
def test_every_action_is_pinned_to_a_major_version(path: Path) -> None:
    used = [step["uses"] for step in steps(read(path)) if "uses" in step]
    assert [action for action in used if not MAJOR.search(action)] == []


@each_workflow
def test_a_checkout_leaves_no_token_behind(path: Path) -> None:
    checkouts = [s for s in steps(read(path)) if s.get("uses", "").startswith("actions/checkout@")]
    kept = [s for s in checkouts if s.get("with", {}).get("persist-credentials") is not False]
    assert kept == []


def test_ci_runs_on_exactly_the_supported_pythons() -> None:
    jobs = workflow("ci.yml")["jobs"].values()
    matrices = [job.get("strategy", {}).get("matrix", {}) for job in jobs]
    assert {version for m in matrices for version in m.get("python", [])} == supported_pythons()


@each_workflow
def test_a_workflow_uses_no_python_that_is_not_supported(path: Path) -> None:
    named = {step.get("with", {}).get("python-version") for step in steps(read(path))}
    fixed = {version for version in named if version and "${{" not in version}
    assert fixed <= supported_pythons()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = examples("setup")[1].text.strip()
    assert command in commands(workflow("ci.yml"))


def test_one_job_of_ci_runs_the_script_that_checks_everything() -> None:
    assert commands(workflow("ci.yml")).count("bash .ci/run") == 1
    assert (ROOT / ".ci" / "run").is_file()


@each_instruction
def test_every_nox_session_that_is_named_exists(path: Path) -> None:
    assert sessions_named_in(path) - sessions() == set()


@pytest.mark.parametrize(
    ("name", "session"), [("ci.yml", "tests"), ("ci.yml", "lint"), ("versions.yml", "lowest")]
)
def test_the_workflows_run_the_nox_sessions_that_they_are_for(name: str, session: str) -> None:
    assert session in sessions_named_in(ROOT / ".github" / "workflows" / name)


@each_instruction
def test_every_test_file_that_is_named_exists(path: Path) -> None:
    named = set(TEST_FILE.findall(path.read_text(encoding="utf-8")))
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_the_hooks_use_the_tools_of_the_developers_environment() -> None:
    (repository,) = read(HOOKS)["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}


@each_form
def test_an_issue_form_warns_not_to_paste_a_key_and_asks_to_confirm_it(path: Path) -> None:
    body = read(path)["body"]
    assert "Never paste an API key" in body[0]["attributes"]["value"]
    (confirmation,) = [part for part in body if part.get("id") == "keys"]
    assert [option["required"] for option in confirmation["attributes"]["options"]] == [True]
