"""An OpenAPI 3.1 document of the mock, made from `schemas/`. Knows no server and no command."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from novita_mock._api.description import BASE_URI, Description, ErrorRow, Operation
from novita_mock._core.http import Json
from novita_mock._core.version import __version__

_COMPONENTS = "#/components/schemas/"
_ERROR = "common/error.json"
_MEDIA = {"json": "application/json", "multipart": "multipart/form-data"}
_PARAMETER = re.compile(r"\{(\w+)\}")


def document(description: Description, edition: str) -> Json:
    """The document for `edition`. Every `$ref` points inside the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Novita AI LLM API, as mocked by novita-mock",
            "version": __version__,
            "summary": f"Edition {edition}",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": base} for base in description.bases],
        "security": [{"bearer": []}],
        "paths": _paths(description, edition),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {_name(uri): _moved(uri, doc) for uri, doc in description.documents.items()},
        },
    }


def _name(uri: str) -> str:
    """`chat/completion.request.json` as `chat.completion.request`."""
    return uri.removeprefix(BASE_URI).removesuffix(".json").replace("/", ".")


def _moved(uri: str, value: Any) -> Any:
    """A schema of the file `uri`, with its references pointing to the components."""
    match value:
        case dict():
            kept = {key: member for key, member in value.items() if key not in ("$id", "$schema")}
            return {
                key: _target(uri, member) if key == "$ref" else _moved(uri, member)
                for key, member in kept.items()
            }
        case list():
            return [_moved(uri, member) for member in value]
    return value


def _target(uri: str, reference: str) -> str:
    file, _, pointer = reference.partition("#")
    path = uri.removeprefix(BASE_URI)
    if file:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
    return _COMPONENTS + _name(BASE_URI + path) + pointer


def _reference(path: str) -> Json:
    return {"$ref": _COMPONENTS + _name(BASE_URI + path)}


def _paths(description: Description, edition: str) -> Json:
    paths: Json = {}
    for operation in description.operations.values():
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _operation(description, edition, operation)
        if operation.bases != description.bases:
            item["servers"] = [{"url": base or "/"} for base in operation.bases]
    return paths


def _operation(description: Description, edition: str, operation: Operation) -> Json:
    kind = "application/octet-stream" if operation.reply == "bytes" else "application/json"
    answers = {kind: {"schema": _reference(operation.response)}}
    if operation.chunk:
        answers["text/event-stream"] = {"schema": _reference(operation.chunk)}
    described: Json = {
        "operationId": operation.name,
        "summary": operation.title,
        "responses": {
            "200": {"description": "The answer, or its events if streamed", "content": answers},
            **_refusals(description, edition, operation),
        },
    }
    if operation.request:
        body = {_MEDIA[operation.body]: {"schema": _reference(operation.request)}}
        described["requestBody"] = {"required": True, "content": body}
    if parameters := [*_path_parameters(operation), *_query_parameters(description, operation)]:
        described["parameters"] = parameters
    if edition not in operation.key:
        described["security"] = [{}, {"bearer": []}]
    return described


def _path_parameters(operation: Operation) -> Iterator[Json]:
    for name in _PARAMETER.findall(operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(description: Description, operation: Operation) -> Iterator[Json]:
    schema = description.schema(operation.query) if operation.query else {}
    for name, member in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        yield {"name": name, "in": "query", "required": required, "schema": member}


def _refusals(description: Description, edition: str, operation: Operation) -> Json:
    rows: dict[str, list[ErrorRow]] = {}
    for situation in operation.errors:
        row = description.errors.row(situation, edition)
        rows.setdefault(str(row.status), []).append(row)
    return {
        status: {
            "description": " ".join(dict.fromkeys(f"{r.reason}: {r.description}" for r in found)),
            "content": {"application/json": {"schema": _reference(_ERROR)}},
        }
        for status, found in sorted(rows.items())
    }
