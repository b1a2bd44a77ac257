"""A recorded reply: the body of a non-streamed answer, to be replayed.

A request without streaming gets the recorded bytes. For a stream, the body is read as a completion,
which is then cut into chunks like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._core.http import Json


def recorded(description: Description, body: Mapping[str, object]) -> tuple[bytes, str]:
    """The bytes of `body`, and the operation that it answers. Raises ValueError that says where and
    why it is not a valid answer."""
    data = orjson.dumps(body)
    document: Json = orjson.loads(data)
    streamable = [operation for operation in description.operations.values() if operation.chunk]
    for operation in streamable:
        kind = description.schema(operation.response)["properties"]["object"]["const"]
        if document.get("object") == kind:
            if problem := problems.complaint(description.validator(operation.response), document):
                raise ValueError(problem)
            return data, operation.name
    known = " or ".join(row.name for row in streamable)
    raise ValueError(f"$.object: expected that of an answer of {known}")


def read(path: Path) -> Json:
    """The reply in the file `path`. Raises ValueError."""
    try:
        document: Json = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected the body of an answer")
    return document
