"""How the house is built: who imports whom, what loads, how long things are and how called."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import novita_mock

PACKAGE = Path(novita_mock.__file__).parent
MODULES = {
    ".".join(("novita_mock", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): file
    for file in sorted(PACKAGE.rglob("*.py"))
    if "contract_tests" not in file.parts
}
ROOMS = (
    "_engine.routing",
    "_engine.authentication",
    "_api.validation",
    "_engine.planning",
    "_engine.generation",
    "_render.encoder",
)
# Each storey may import from its own and from those before it; the rooms not from one another.
STOREYS = [
    ["_core.http", "_core.tokenizer", "_core.id_templates", "_core.clock", "_instances"],
    ["_api.description"],
    [
        "_stubs.conditions",
        "_stubs.criteria",
        "_stubs.model",
        "_api.dialects",
        "_api.problems",
        "_accounts.rate_limits",
        "_accounts.wallet",
    ],
    [
        "_engine.plan",
        "_faults.catalogue",
        "_faults.streams",
        "_api.request_view",
        "_stubs.index",
        "_journal.ledger",
        "_engine.prompt",
        "_engine.assistant_text",
        "_engine.logprobs",
        "_render.completions",
        "_render.dialects",
    ],
    [
        "_stubs.near_miss",
        "_stubs.templating",
        "_stubs.recorded",
        "_engine.tool_choice",
        "_engine.structured_output",
        "_stubs.builder",
        "_stubs.scenario_rows",
        "_engine.capabilities",
        "_faults.replies",
    ],
    [*ROOMS],
    [
        "_engine.pipeline",
        "_stubs.scenario_file",
        "_lint.unreachable",
        "_stubs.explain",
        "_api.openapi",
        "_journal.describe",
        "_journal.query",
        "_journal.har",
        "_journal.metrics",
        "_verification",
        "_testing.base_urls",
    ],
    ["_mock"],
    [
        "_asgi.raw_connection",
        "_server.protocol",
        "_asgi.admin",
        "_testing.httpcore_patch",
        "httpx",
        "respx",
        "starlette",
    ],
    [
        "_server.run",
        "_server.workers",
        "_server.thread",
        "_testing.verification",
        "_commands.doctor",
        "_report",
        "_commands.contract",
        "_lint",
        "_lint.checks",
        "_lint.source",
        "_core.missing",
    ],
    ["pytest_plugin", "cli", "_commands.scenario"],
]
HTTP_LIBRARIES = {"starlette", "httpx", "httpx2", "httpcore", "httpcore2", "respx", "uvicorn",
                  "h11", "openai", "anyio", "asyncio", "socket", "ssl", "http"}  # fmt: skip
WORLD = {"time", "os", "datetime", "secrets", "uuid", "socket", "asyncio", "threading"}
BANNED = re.compile(r"(Manager|Handler|Helper|Helpers|Util|Utils|Base|Mixin|Abstract)$")
CLOCK = "novita_mock._core.clock"  # the one place of the core that reads the time, and waits
LONGEST_MODULE = 300
LONGEST_FUNCTION = 40

each_module = pytest.mark.parametrize("name", list(MODULES))


def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def running(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module that run: without what only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if not is_type_checking(child):
            yield child
            yield from running(child)


@cache
def imported(name: str) -> set[str]:
    """Full names of all modules that a module imports, at its top or later."""
    found: set[str] = set()
    for node in running(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            module = str(node.module)
            submodules = {f"{module}.{alias.name}" for alias in node.names}
            found |= {module} | (submodules & set(MODULES))
    return found


def storey(name: str) -> int:
    """The storey of a module; a folder that has no place of its own stands on the lowest."""
    own = name.partition(".")[2]
    places = (n for n, names in enumerate(STOREYS) if own in names or own.split(".")[0] in names)
    return next(places, 0)


def ours(name: str) -> set[str]:
    return {module for module in imported(name) if module.startswith("novita_mock.")}


def core() -> list[str]:
    return [name for name in MODULES if "." in name and storey(name) < 8]


def test_every_module_has_its_storey() -> None:
    placed = {name for names in STOREYS for name in names}
    parts = {name.partition(".")[2] for name, file in MODULES.items() if file.stem != "__init__"}
    lost = {name for name in parts if not {name, name.split(".")[0]} & placed}
    assert lost == set(), "give it a place in STOREYS"


@pytest.mark.parametrize("name", [name for name in MODULES if "." in name])
def test_a_module_imports_only_from_its_own_storey_and_those_below(name: str) -> None:
    above = [module for module in ours(name) if storey(module) > storey(name)]
    assert above == []


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_do_not_import_one_another(room: str) -> None:
    others = {f"novita_mock.{other}" for other in ROOMS} - {f"novita_mock.{room}"}
    assert ours(f"novita_mock.{room}") & others == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges = {name: [m for m in ours(name) if "._instances" not in m] for name in MODULES}
    while leaves := [name for name, below in edges.items() if not below]:
        for leaf in leaves:
            del edges[leaf]
        edges = {name: [m for m in below if m in edges] for name, below in edges.items()}
    assert edges == {}


def test_the_values_import_nothing_of_ours() -> None:
    assert ours("novita_mock._core.http") == set()


@pytest.mark.parametrize("name", core())
def test_the_core_knows_no_http_library(name: str) -> None:
    roots = {module.partition(".")[0] for module in imported(name)}
    waits = {"asyncio"} if name == CLOCK else set()
    assert roots & HTTP_LIBRARIES == waits


@pytest.mark.parametrize("name", core())
def test_the_core_reads_no_clock_no_socket_and_no_environment(name: str) -> None:
    roots = {module.partition(".")[0] for module in imported(name)}
    reads = {"asyncio", "threading", "time"} if name == CLOCK else set()
    assert roots & WORLD == reads


def test_the_core_draws_chance_from_a_seed_only() -> None:
    for name in core():
        source = MODULES[name].read_text(encoding="utf-8")
        assert not re.search(r"\brandom\.(?!Random\()", source), name


def loaded_by(statement: str) -> set[str]:
    """Top-level names of all modules that a fresh interpreter loads for `statement`."""
    code = f"import sys, json; {statement}; print(json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return set(json.loads(run.stdout))


def test_the_plugin_loads_the_standard_library_pytest_and_itself_only() -> None:
    before = {name.partition(".")[0] for name in loaded_by("import pytest")}
    loaded = loaded_by("import pytest, novita_mock.pytest_plugin")
    new = {name.partition(".")[0] for name in loaded} - before
    assert new - set(sys.stdlib_module_names) == {"novita_mock"}
    own = {name for name in loaded if name.startswith("novita_mock")}
    assert own == {"novita_mock", "novita_mock.pytest_plugin"}


def test_a_mock_answers_without_any_http_library_loaded() -> None:
    statement = (
        "from novita_mock import Mock, Request; "
        "Mock().answer(Request('GET', '/v3/openai/models', {b'authorization': b'Bearer a'}))"
    )
    loaded = {name.partition(".")[0] for name in loaded_by(statement)}
    heavy = {"starlette", "httpx", "httpx2", "respx", "uvicorn", "openai", "hypothesis", "pytest"}
    assert loaded & heavy == set()


@each_module
def test_a_module_is_not_too_long(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@each_module
def test_functions_are_not_too_long(name: str) -> None:
    functions = (
        node
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = {f.name: int(f.end_lineno or 0) - f.lineno + 1 - documented(f) for f in functions}
    assert {f: length for f, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def documented(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the docstring and the arguments, which are no code."""
    first = function.body[0]
    text = ast.get_docstring(function, clean=False)
    lines = 0 if text is None else int(first.end_lineno or 0) - first.lineno + 1
    return lines + first.lineno - function.lineno - 1


@each_module
def test_a_module_says_in_a_few_lines_what_it_is_for(name: str) -> None:
    text = ast.get_docstring(tree(name))
    assert text, "no docstring"
    assert 1 <= len(text.splitlines()) <= 7


@each_module
def test_classes_have_no_empty_names_and_values_no_bases(name: str) -> None:
    classes = [node for node in ast.walk(tree(name)) if isinstance(node, ast.ClassDef)]
    assert [c.name for c in classes if BANNED.search(c.name)] == []
    for made in classes:
        decorators = " ".join(map(ast.unparse, made.decorator_list))
        if "dataclass" in decorators or "value" in decorators:
            assert made.bases == [], made.name


def test_the_words_of_the_package_are_those_it_promises() -> None:
    for name in novita_mock.__all__:
        assert getattr(novita_mock, name)
    assert (PACKAGE / "py.typed").is_file()
