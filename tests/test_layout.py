"""The layout: folders form levels, imports only go down, and sizes and names keep to the rules."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import novita_mock

PACKAGE = Path(novita_mock.__file__).parent
ROOT = Path(__file__).parents[1]
# From the bottom to the top. A module imports from its own folder and from lower levels, never from
# another folder on its level.
LEVELS = (
    "_core",
    "_instances _api",
    "_faults _accounts _render _report",
    "_stubs _journal",
    "_engine _verification",
    "_mock",
    "httpx _asgi _testing _lint",
    "starlette respx _commands",
    "_server",
    "pytest_plugin cli httpcore",
)
SUITE_LEVELS = ("wire", "judging", "cases", "run", "conftest")
MOST_ENTRIES, MOST_LINES, MOST_FUNCTION_LINES = 32, 300, 40
CORE = " ".join(LEVELS[:6]).split()
HTTP_LIBRARIES = {"starlette", "httpx", "httpx2", "httpcore", "httpcore2", "respx", "uvicorn",
                  "h11", "openai", "anyio", "asyncio", "socket", "ssl", "http"}  # fmt: skip
WORLD = {"time", "os", "secrets", "uuid", "socket", "asyncio", "threading"}
# What reads the clock in `datetime`, which is there to write times.
READS_CLOCK = {"now", "utcnow", "today"}
CLOCK = "novita_mock._core.clock"  # the only module of the core that reads the time, and waits
BANNED = re.compile(r"(Manager|Handler|Helper|Helpers|Util|Utils|Base|Mixin|Abstract)$")


def modules(folder: Path, package: str) -> dict[str, Path]:
    """The modules of a folder: full name to file."""
    files = (file for file in sorted(folder.rglob("*.py")) if ".contract_tests" not in package)
    names = ((package, *file.relative_to(folder).with_suffix("").parts) for file in files)
    found = {".".join(parts): folder.joinpath(*parts[1:]).with_suffix(".py") for parts in names}
    return {name.removesuffix(".__init__"): file for name, file in found.items()}


OURS = {n: f for n, f in modules(PACKAGE, "novita_mock").items() if ".contract_tests" not in n}
SUITE = modules(ROOT / "contract_tests", "contract_tests")
ALL = OURS | SUITE
each_module = pytest.mark.parametrize("name", list(ALL))


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(ALL[name].read_text(encoding="utf-8"))


@cache
def imported(name: str) -> frozenset[str]:
    """The full names of all modules that a module imports: at the top, later, or for types only."""
    package = name if ALL[name].name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(relative, package) if node.level else relative
            submodules = {f"{module}.{alias.name}" for alias in node.names} & ALL.keys()
            found |= submodules if len(submodules) == len(node.names) else submodules | {module}
    return frozenset(found)


def ours(name: str) -> set[str]:
    return {module for module in imported(name) if module in ALL}


def level(name: str) -> int:
    """The level of a module; the package itself and the chapters of the suite are on top."""
    package, _, rest = name.partition(".")
    levels = SUITE_LEVELS if package == "contract_tests" else LEVELS
    folder = rest.split(".")[0]
    places = (n for n, names in enumerate(levels) if folder in names.split())
    return next(places, len(levels))


def folder_of(name: str) -> str:
    """The folder of a module, or the module itself; the chapters of the suite count as one."""
    return re.sub(r"\.test_\w+$", ".chapters", ".".join(name.split(".")[:2]))


# --- imports ---


def test_every_folder_has_its_level_and_there_are_few() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__", "contract_tests"}
    entries -= {"schemas", "py.typed", "__init__.py"}
    assert {name.removesuffix(".py") for name in entries} == set(" ".join(LEVELS).split())
    assert len(entries) <= MOST_ENTRIES
    assert len(LEVELS) <= 10


@each_module
def test_imports_only_go_down(name: str) -> None:
    others = [module for module in ours(name) if folder_of(module) != folder_of(name)]
    same = [module for module in others if module.partition(".")[0] == name.partition(".")[0]]
    assert [module for module in same if level(module) >= level(name)] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges = {name: ours(name) - {name} for name in ALL}
    while leaves := {name for name, below in edges.items() if not below}:
        edges = {name: below - leaves for name, below in edges.items() if name not in leaves}
    assert edges == {}


def test_the_package_imports_nothing_of_the_suite() -> None:
    assert [name for name in OURS if ours(name) & SUITE.keys()] == []


@pytest.mark.parametrize("name", [n for n in OURS if folder_of(n).rpartition(".")[2] in CORE])
def test_the_core_knows_no_http_library_and_reads_no_clock(name: str) -> None:
    roots = {module.partition(".")[0] for module in imported(name)}
    waits = {"asyncio", "threading", "time"} if name == CLOCK else set()
    assert roots & (HTTP_LIBRARIES | WORLD) == waits
    assert clock_reads(tree(name)) == []
    assert not re.search(r"\brandom\.(?!Random\()", ALL[name].read_text(encoding="utf-8"))


def clock_reads(module: ast.Module) -> list[str]:
    """Where a module names `datetime.now` or the like, whatever it calls what it imports."""
    dates = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if "datetime" in (alias.name, getattr(node, "module", None))
    }
    named = (node for node in ast.walk(module) if isinstance(node, ast.Attribute))
    reads = (ast.unparse(node) for node in named if node.attr in READS_CLOCK)
    return [read for read in reads if read.partition(".")[0] in dates]


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("from datetime import UTC, datetime as d\nx = d.now(UTC)", ["d.now"]),
        ("import datetime\nx = datetime.datetime.utcnow", ["datetime.datetime.utcnow"]),
        ("import datetime as t\nx = t.date.today()", ["t.date.today"]),
        ("from datetime import datetime\nx = datetime(1970, 1, 1); y = clock.now()", []),
    ],
)
def test_reading_the_clock_of_the_standard_library_is_noticed(code: str, reads: list[str]) -> None:
    assert clock_reads(ast.parse(code)) == reads


def loaded_by(statement: str) -> set[str]:
    """The names of all modules that a fresh interpreter loads for `statement`."""
    code = f"import sys; {statement}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return set(run.stdout.split())


def test_the_plugin_loads_the_standard_library_pytest_and_itself_only() -> None:
    before, loaded = map(loaded_by, ("import pytest", "import pytest, novita_mock.pytest_plugin"))
    new = {name.partition(".")[0] for name in loaded - before}
    assert new - set(sys.stdlib_module_names) == {"novita_mock"}
    own = {name for name in loaded if name.startswith("novita_mock")}
    assert own == {"novita_mock", "novita_mock.pytest_plugin"}


# --- sizes and names ---


@each_module
def test_modules_and_functions_are_not_too_long(name: str) -> None:
    assert len(ALL[name].read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = {f.name: length(f) for f in ast.walk(tree(name)) if isinstance(f, functions)}
    assert {f: lines for f, lines in lengths.items() if lines > MOST_FUNCTION_LINES} == {}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The number of lines of a function, without its arguments and its docstring."""
    first = function.body[0]
    text = ast.get_docstring(function, clean=False)
    begins = first.lineno if text is None else int(first.end_lineno or 0) + 1
    return int(function.end_lineno or 0) - begins + 2


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


@each_module
def test_a_name_with_an_underscore_stays_in_its_module(name: str) -> None:
    taken = [
        alias.name
        for node in ast.walk(tree(name))
        if isinstance(node, ast.ImportFrom) and node.module not in sys.stdlib_module_names
        for alias in node.names
        if re.match(r"_[a-zA-Z]", alias.name) and f"{node.module}.{alias.name}" not in ALL
    ]
    assert taken == []


def test_the_words_of_the_package_are_those_it_promises() -> None:
    for name in novita_mock.__all__:
        assert getattr(novita_mock, name)
    assert (PACKAGE / "py.typed").is_file()


# --- words ---

# Private words that the field's own have replaced: see the glossary in ARCHITECTURE.md.
RETIRED = re.compile(
    r"(?<![a-z])(corridor|rooms?|furnish\w*|purse|lanes?|accent|manner|heard|drawers?|seats?|cue"
    r"|scenes?|beats?|laws?|doors?|storeys?|books?|sites?|odds|undecided)(?![a-z])",
    re.IGNORECASE,
)
# Former names that stay as aliases, the words of a report's first version, a street.
KEPT = {
    "novita_mock/__init__.py": {"beat"},
    "novita_mock/_core/http.py": {"beats"},
    "novita_mock/_mock.py": {"book"},
    "novita_mock/_report/compare.py": {"law", "laws", "undecided"},
    "novita_mock/_instances/realistic.py": {"lane"},
}
PAGES = [*ALL.values(), *(ROOT / "contract_tests").glob("*.md")]


def test_retired_words_stay_out_of_the_code() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}
    used = {name: {w.lower() for w in RETIRED.findall(text)} for name, text in texts.items()}
    assert {name: words for name, words in used.items() if words - KEPT.get(name, set())} == {}
    assert {name for name in KEPT if not used[name] & KEPT[name]} == set(), "nothing to keep here"
