"""The API description: `schemas/`, read once. No other module knows where or how it is stored."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import jsonschema_rs
import orjson

from novita_mock._core.http import Json

BASE_URI = "https://novita-mock.invalid/schemas/"
KIT = "kit"


def shipped(name: str) -> Path:
    """The path of the folder `name`: in the package when installed, beside it in a checkout."""
    here = Path(__file__).parents[1]
    inside = here / name
    return inside if inside.is_dir() else here.parent / name


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of operations.json.

    `request`, `query`, `response` and `chunk` are paths of schema files. `path` follows each of the
    `bases`. `body` and `reply` are kinds, `words` what a script may say to it. `prompt` is the
    member of the body that has the caller's text, unless there are messages.
    """

    name: str
    method: str
    path: str
    title: str
    key: tuple[str, ...]
    errors: tuple[str, ...]
    response: str
    request: str | None = None
    body: str = "json"
    query: str | None = None
    chunk: str | None = None
    reply: str = "object"
    endpoint: str | None = None
    limited: bool = False
    tools: bool = False
    dialects: bool = False
    prompt: str = "prompt"
    id_prefix: str = ""
    words: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """The answer to one situation in one edition: JSON with a `reason`, or plain `text`.

    `sample` fills the placeholders of `headers` if the refusal has no values for them.
    """

    situation: str
    edition: str
    status: int
    description: str
    retryable: bool
    source: str
    reason: str | None = None
    message: str = ""
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sample: Mapping[str, object] = field(default_factory=dict)


class _Open(dict[str, object]):
    """Details of a refusal; a placeholder without a value becomes `?`."""

    def __missing__(self, key: str) -> str:
        return "?"


class Errors:
    """errors.json: the answer to a situation, or to a reason by its name, in each edition."""

    def __init__(self, document: Json) -> None:
        self.editions: tuple[str, ...] = tuple(document["editions"])
        self.envelopes: Mapping[str, Json] = document["envelopes"]
        self.rows: tuple[ErrorRow, ...] = tuple(_error_rows(document["situations"]))
        self.reasons: tuple[str, ...] = tuple(
            dict.fromkeys(row.reason for row in self.rows if row.reason)
        )
        self._answers = {edition: self._answers_in(edition) for edition in self.editions}

    def _answers_in(self, edition: str) -> dict[str, ErrorRow]:
        at = self.editions.index(edition)
        order = (*self.editions[at:], *reversed(self.editions[:at]), KIT)
        answers: dict[str, ErrorRow] = {}
        for row in sorted(self.rows, key=lambda row: order.index(row.edition)):
            answers.setdefault(row.situation, row)
            if row.reason:
                answers.setdefault(row.reason, row)
        return answers

    def row(self, name: str, edition: str) -> ErrorRow:
        """The answer to `name`: the edition's own, else that of the next newer or an older one.

        `name` is a situation or a reason. Raises KeyError if it is neither.
        """
        return self._answers[edition][name]

    @staticmethod
    def fill(message: str, detail: Mapping[str, object]) -> str:
        """`message` with its placeholders filled."""
        return string.Formatter().vformat(message, (), _Open(detail))


def _error_rows(situations: Json) -> Iterator[ErrorRow]:
    for name, situation in situations.items():
        shared = {"description": situation["description"], "retryable": situation["retryable"]}
        for edition, answer in situation["answers"].items():
            yield ErrorRow(situation=name, edition=edition, **shared, **answer)


class Description:
    """Everything in `schemas/`, and a compiled validator for each schema in use."""

    def __init__(self, root: Path) -> None:
        self.root = root
        document = self._read("operations.json")
        self.bases: tuple[str, ...] = tuple(document["bases"])
        self.overlong: Mapping[str, str] = document["overlong"]
        self.gates: Json = document["gates"]
        self.operations: Mapping[str, Operation] = {
            name: _operation(name, row, self.bases) for name, row in document["operations"].items()
        }
        self.errors: Errors = Errors(self._read("errors.json"))
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def _read(self, path: str) -> Json:
        document: Json = orjson.loads((self.root / path).read_bytes())
        return document

    @cached_property
    def catalogue(self) -> Json:
        """The content of models.json."""
        return self._read("models.json")

    @cached_property
    def faults(self) -> Json:
        """The content of faults.json."""
        return self._read("faults.json")

    @cached_property
    def accounts(self) -> Json:
        """The content of limits.json."""
        return self._read("limits.json")

    @cached_property
    def credentials(self) -> Json:
        """The content of credentials.json."""
        return self._read("credentials.json")

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """The bounds of the kit itself."""
        bounds: Mapping[str, int] = self.accounts["bounds"]
        return bounds

    @cached_property
    def scripted(self) -> tuple[str, ...]:
        """The operations that a script can answer."""
        return tuple(name for name, row in self.operations.items() if row.words)

    @cached_property
    def models(self) -> Mapping[str, Json]:
        """Model id to its row."""
        return {row["id"]: row for row in self.catalogue["data"]}

    @cached_property
    def documents(self) -> Mapping[str, Json]:
        """URI to schema, for every schema file."""
        files = (f for f in sorted(self.root.rglob("*.json")) if f.parent != self.root)
        schemas = (f for f in files if "examples" not in f.relative_to(self.root).parts)
        return {
            BASE_URI + f.relative_to(self.root).as_posix(): orjson.loads(f.read_bytes())
            for f in schemas
        }

    def schema(self, path: str) -> Json:
        """The schema in the file `path`, relative to `schemas/`."""
        return self.documents[BASE_URI + path]

    def validator(self, path: str) -> jsonschema_rs.Draft202012Validator:
        """A validator for the schema in the file `path`, compiled on the first call."""
        found = self._validators.get(path)
        if found is None:
            registry = jsonschema_rs.Registry(list(self.documents.items()))
            found = jsonschema_rs.Draft202012Validator(self.schema(path), registry=registry)
            self._validators[path] = found
        return found


def _operation(name: str, row: Json, bases: tuple[str, ...]) -> Operation:
    known = {key: row[key] for key in row if key in Operation.__slots__}
    known.setdefault("bases", bases)
    fields: Json = {key: tuple(v) if isinstance(v, list) else v for key, v in known.items()}
    return Operation(name=name, **fields)


@cache
def load_description() -> Description:
    """The description, loaded once per process."""
    return Description(shipped("schemas"))
