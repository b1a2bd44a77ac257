"""Operations as modules: the table is complete, a fault cannot get lost, and the recipe of
CONTRIBUTING.md adds an operation without an edit in the middle of any file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from novita_mock import Mock, Request
from novita_mock._api.description import Operation
from novita_mock._core.completion import Choice
from novita_mock._engine.operations import IMPLEMENTATIONS
from novita_mock._render import chat, completions
from novita_mock._render.shape import Shape
from tests.ask import DESCRIPTION, KEY, MODEL

ROOT = Path(__file__).parents[1]
TOY = ROOT / "tests" / "data" / "toy_operations"
TABLE = Path("novita_mock", "_engine", "operations", "__init__.py")


def request_of(operation: str, **headers: str) -> Request:
    """A valid request of an operation: the first example of its schema."""
    row = DESCRIPTION.operations[operation]
    schema = DESCRIPTION.schema(row.request) if row.request else {"examples": [None]}
    body = b"" if row.request is None else json.dumps(schema["examples"][0]).encode()
    sent = {b"authorization": f"Bearer {KEY}".encode(), b"content-type": b"application/json"}
    more = {name.replace("_", "-").encode(): text.encode() for name, text in headers.items()}
    path = row.bases[0] + row.path.replace("{model}", MODEL)
    return Request(row.method, path, sent | more, body)


def test_each_operation_has_one_implementation() -> None:
    names = [implementation.name for implementation in IMPLEMENTATIONS]
    assert sorted(names) == sorted(DESCRIPTION.operations)


@pytest.mark.parametrize("row", DESCRIPTION.operations.values(), ids=lambda row: row.name)
def test_a_row_names_only_what_there_is(row: Operation) -> None:
    words = DESCRIPTION.schema("scenario/scenario.json")["$defs"]["rule"]["properties"]
    assert set(row.words) <= words.keys()
    assert row.body in ("none", "json", "multipart")
    for file in filter(None, (row.request, row.query, row.response, row.chunk)):
        assert DESCRIPTION.schema(file)["examples"], file


@pytest.mark.parametrize("shape", [chat.SHAPE, completions.SHAPE])
def test_the_frame_of_a_token_is_the_piece_as_json(shape: Shape) -> None:
    choice = Choice(7, ["a"], "stop", [], [], None)
    piece = orjson.dumps(shape.piece(choice, 'a "b"'))
    assert shape.before % 7 + orjson.dumps('a "b"') + shape.behind + b"}" == piece


@pytest.mark.parametrize("operation", DESCRIPTION.operations)
def test_the_example_of_an_operation_is_answered(operation: str) -> None:
    mock = Mock()
    assert mock.answer(request_of(operation)).status == 200
    assert mock.last.operation == operation


@pytest.mark.parametrize("asked", [{}, {"authorization": ""}], ids=["answered", "refused"])
@pytest.mark.parametrize("operation", DESCRIPTION.operations)
def test_a_fault_that_a_header_asks_for_is_never_lost(
    operation: str, asked: dict[str, str]
) -> None:
    mock = Mock()
    reply = mock.answer(request_of(operation, x_novita_mock_fault="bad_gateway", **asked))
    assert (reply.status, mock.last.metadata.fault is not None) == (502, True)


@pytest.mark.parametrize("operation", [*DESCRIPTION.operations, None])
def test_a_script_word_is_taken_or_refused_with_a_sentence(operation: str | None) -> None:
    mock = Mock()
    if operation is None or DESCRIPTION.operations[operation].words:
        mock.on(operation=operation).say("hello")
        return
    with pytest.raises(ValueError, match=f"got '{operation}', which no script answers"):
        mock.on(operation=operation).say("hello")


# --- the recipe ---


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the operations of `toy_operations`."""
    copy = tmp_path_factory.mktemp("extended")
    for name in ("novita_mock", "schemas"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TOY / "schemas", copy / "schemas", dirs_exist_ok=True)
    shutil.copy(TOY / "echo.py", copy / TABLE.parent)

    file = copy / "schemas" / "operations.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["operations"] |= json.loads((TOY / "rows.json").read_text(encoding="utf-8"))
    file.write_text(json.dumps(document), encoding="utf-8")

    table = (copy / TABLE).read_text(encoding="utf-8")
    table = table.replace("    BALANCE,\n)", "    BALANCE,\n    *ECHOES,\n)")
    imported = "from novita_mock._engine.operations.echo import ECHOES\n"
    (copy / TABLE).write_text(table.replace("from novita_mock", f"{imported}from novita_mock", 1))
    return copy


def run(extended: Path, script: str) -> Any:
    """What a script prints as JSON, with the extended package."""
    environment = {**os.environ, "PYTHONPATH": str(extended)}
    head = (TOY / "prelude.txt").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", head + script],
        env=environment, cwd=extended, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SCRIPTS: dict[str, tuple[str, Any]] = {
    "an answer": ('show(body(echo("hello")))', "hello"),
    "a stream": ('show(text(echo("one two three", stream=True).body))', "one two three"),
    "a path parameter and a query": (
        'show(json.loads(item("a b", "q=x&r=1").body))',
        {"id": "a b", "q": "x"},
    ),
    "a query that breaks its schema": (
        'show(json.loads(item("a", "q=" + "x" * 99).body)["message"].partition("expected")[0])',
        "query: $.q: ",
    ),
    "a form": (
        "show(json.loads(form().body))",
        {"name": "a.txt", "bytes": 5, "kind": "text/plain", "purpose": "test"},
    ),
    "a form without its file": (
        "show(json.loads(form(files=False).body)['message'])",
        "$.file: is missing, but required",
    ),
    "what is no form": (
        "show(json.loads(mock.answer(request('POST', '/echo/files', b'x')).body)['message'])",
        "$: expected a form (multipart/form-data with a boundary)",
    ),
    "a body that breaks its schema": (
        "show(json.loads(mock.answer(request('POST', '/echo', b'{}')).body)['code'])",
        400,
    ),
    "a limit for each key and model": (
        "mock = Mock(rpm=1); show([echo('a').status, echo('a').status])",
        [200, 429],
    ),
    "a limit by operation": (
        "mock = Mock(rpm=1); show([item('a').status, item('b').status, echo('a').status])",
        [200, 429, 200],
    ),
    "a price": (
        "mock = Mock(balance=1); echo('word ' * 100); key = 'a-key'\n"
        "show(mock.wallet.left(key) < 1)",
        True,
    ),
    "a fault": (
        "header = {b'x-novita-mock-fault': b'bad_gateway'}\n"
        "show([echo('a', headers=header).status, item('a', headers=header).status])",
        [502, 502],
    ),
    "a fault of streams": (
        "header = {b'x-novita-mock-fault': b'cut_after(1)'}\n"
        "show(text(echo('one two', stream=True, headers=header).body))",
        "one",
    ),
    "the journal": (
        "echo('a'); item('b'); form()\nshow([call.operation for call in mock.calls])",
        ["echo", "echo.item", "echo.file"],
    ),
    "a script": (
        "mock.on(operation='echo', last_user='hi').say('scripted')\n"
        "show([body(echo('hi')), body(echo('ho'))])",
        ["scripted", "ho"],
    ),
    "a word that it does not take": (
        "try: mock.on(operation='echo').call_tool('f')\n"
        "except ValueError as error: show(str(error))",
        "call_tools: echo takes no such answer; it takes say, refuse, fault",
    ),
    "a scenario": (
        "mock.load({'rules': [{'when': {'operation': 'echo'}, 'say': 'loaded'}]})\n"
        "show(body(echo('a')))",
        "loaded",
    ),
    "lint": (
        "rules = {'rules': [{'when': {'operation': 'echo'}, 'say': 'loaded'}]}\n"
        "show([m.text for m in lint(rules)])",
        [],
    ),
    "OpenAPI": (
        "paths = document(load_description(), 'v3')['paths']\n"
        "show([sorted(paths['/echo/{id}']['get'].get('parameters', []), key=str)[0]['name'],\n"
        "      list(paths['/echo/files']['post']['requestBody']['content']),\n"
        "      sorted(paths['/echo']['post']['responses']['200']['content'])])",
        ["id", ["multipart/form-data"], ["application/json", "text/event-stream"]],
    ),
    "the server": (
        "with TestClient(Endpoint(mock)) as client: show(over(client, ''))",
        ["hello", {"id": "x", "q": "y"}, "a.txt"],
    ),
    "respx routes": (
        "with mocked(mock), httpx.Client() as client:\n"
        "    show(over(client, 'https://api.novita.ai'))",
        ["hello", {"id": "x", "q": "y"}, "a.txt"],
    ),
    "a transport": (
        "with httpx.Client(transport=Transport(mock)) as client:\n"
        "    show(over(client, 'https://api.novita.ai'))",
        ["hello", {"id": "x", "q": "y"}, "a.txt"],
    ),
}


@pytest.mark.parametrize(("script", "expected"), SCRIPTS.values(), ids=list(SCRIPTS))
def test_an_operation_made_by_the_recipe_has_everything(
    extended: Path, script: str, expected: Any
) -> None:
    assert run(extended, script) == expected
