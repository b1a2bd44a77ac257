"""`typing_outside/uses.py` has a line for each public name; a name without a line fails here."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import respx

import novita_mock
from novita_mock import Disconnect, Mock, Pace, Request, TimedBytes, ToolCall, pytest_plugin
from novita_mock.httpx import Transport
from novita_mock.respx import Escape, Router
from novita_mock.starlette import Endpoint

CODE = Path(__file__).parent / "typing_outside"
# An alias, and the suite, which has a command of its own: nothing for a user to import.
NOT_FOR_USERS = {"httpcore", "contract_tests"}
MODULES = ["novita_mock"] + [
    f"novita_mock.{module.name}"
    for module in pkgutil.iter_modules(novita_mock.__path__)
    if not module.name.startswith("_") and module.name not in NOT_FOR_USERS
]
# The public names of modules without `__all__`; the plugin has only fixtures.
NAMED = {"novita_mock.cli": {"main", "run"}, "novita_mock.pytest_plugin": set[str]()}


@cache
def tree(name: str = "uses.py") -> ast.Module:
    return ast.parse((CODE / name).read_text(encoding="utf-8"))


def public(module: ModuleType) -> set[str]:
    listed = getattr(module, "__all__", None)
    return set(NAMED[module.__name__] if listed is None else listed)


def imported(name: str = "uses.py") -> set[tuple[str, str]]:
    """Each name that a file imports, with its module."""
    found = [node for node in ast.walk(tree(name)) if isinstance(node, ast.ImportFrom)]
    return {(str(node.module), alias.name) for node in found for alias in node.names}


def looked_at() -> set[tuple[str, str]]:
    """Each attribute of a variable in `uses.py`, with the variable's name."""
    found = [node for node in ast.walk(tree()) if isinstance(node, ast.Attribute)]
    return {(node.value.id, node.attr) for node in found if isinstance(node.value, ast.Name)}


def instances() -> dict[str, object]:
    """An instance of each public class and of each class that a mock returns, by the name of such
    variables in `uses.py`."""
    mock = Mock()
    message = {"role": "user", "content": "My key is own-secret-key."}
    body = json.dumps({"model": "openai/gpt-oss-20b", "messages": [message]}).encode()
    headers = {b"authorization": b"Bearer own-secret-key"}
    call = mock.call(Request("POST", "/v3/openai/chat/completions", headers, body))
    (finding,) = mock.verdict()
    return {
        "mock": mock,
        "words": mock.on(),
        "call": call,
        "finding": finding,
        "clock": mock.clock,
        "wallet": mock.wallet,
        "request": Request("GET", "/"),
        "reply": call.reply,
        "chunk": TimedBytes(b""),
        "disconnect": Disconnect(),
        "pace": Pace(),
        "tool_call": ToolCall("get_weather"),
        "transport": Transport(mock),
        "router": Router(mock, (), assert_all_called=False, pass_through=True),
        "escape": Escape("GET", "https://api.novita.ai/", {}, "", ""),
        "endpoint": Endpoint(mock),
    }


def attributes(instance: object) -> set[str]:
    """The public attributes; for a router, only those that are not from respx."""
    theirs = dir(respx.mock) if isinstance(instance, respx.Router) else ()
    return {name for name in dir(instance) if not name.startswith("_") and name not in theirs}


def given() -> set[tuple[str, str]]:
    """Each public fixture of the plugin, with the type of its value."""
    found = set()
    for node in ast.parse(inspect.getsource(pytest_plugin)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            marks = map(ast.unparse, node.decorator_list)
            if not node.name.startswith("_") and any(m.startswith("pytest.fixture") for m in marks):
                returned = ast.unparse(node.returns)
                found.add((node.name, re.sub(r"^(?:Async)?Iterator\[(.+)\]$", r"\1", returned)))
    return found


def test_the_public_modules_are_found() -> None:
    adapters = {"novita_mock.httpx", "novita_mock.respx", "novita_mock.starlette"}
    assert adapters | NAMED.keys() <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_each_public_name_of_a_module_is_used(name: str) -> None:
    used = {word for module, word in imported() if module == name}
    assert public(importlib.import_module(name)) - used == set()


def test_each_public_class_has_its_thing() -> None:
    modules = map(importlib.import_module, MODULES)
    values = [getattr(module, name) for module in modules for name in public(module)]
    classes = {value for value in values if inspect.isclass(value)}
    assert classes - set(map(type, instances().values())) == set()


def test_each_public_attribute_is_used() -> None:
    expected = {
        (name, word) for name, instance in instances().items() for word in attributes(instance)
    }
    assert expected - looked_at() == set()


def test_a_test_annotates_each_fixture_as_what_it_gives() -> None:
    arguments = [node for node in ast.walk(tree()) if isinstance(node, ast.arg)]
    annotated = {(node.arg, ast.unparse(node.annotation)) for node in arguments if node.annotation}
    assert given()
    assert given() - annotated == set()


@pytest.mark.parametrize("name", ["uses.py", "misuses.py"])
def test_only_public_names_are_used(name: str) -> None:
    ours = {pair for pair in imported(name) if pair[0].startswith("novita_mock")}
    assert {module for module, _ in ours} <= set(MODULES)
    assert {word for _, word in ours if word.startswith("_")} <= {"__version__"}
