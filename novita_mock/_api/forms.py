"""What a request has besides JSON: the fields and files of a form, the members of a query.

Both are checked against their schemas as JSON objects. A file is an object of `filename`,
`content_type` and `size` there; its bytes are in the `Upload`.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from novita_mock._api import problems
from novita_mock._api.description import Description, Operation
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json, Request, value


@value
class Upload:
    """A file of a form."""

    filename: str
    content_type: str
    data: bytes


class FormReader:
    """Reads the forms of one operation."""

    def __init__(self, description: Description, operation: Operation) -> None:
        schema = str(operation.request)
        self._limit = description.limits["body"]
        self._validator = description.validator(schema)
        self.known = frozenset(description.schema(schema)["properties"])

    def read(self, request: Request) -> tuple[Json, dict[str, Upload]]:
        """The fields of the form in `request`, and its files. Refuses what is no form, too large,
        or breaks the schema."""
        if len(request.body) > self._limit:
            raise Refused("body_too_large", limit=self._limit)
        # Deferred import: few operations take forms.
        from novita_mock._api.multipart import parse

        fields, parts = parse(request)
        uploads = {name: Upload(*part) for name, part in parts.items()}
        for name, upload in uploads.items():
            described = {"filename": upload.filename, "content_type": upload.content_type}
            fields[name] = {**described, "size": len(upload.data)}
        if problem := problems.complaint(self._validator, fields):
            raise Refused("bad_body", problem=problem)
        return fields, uploads


class QueryReader:
    """Reads the queries of one operation, whose values are texts."""

    def __init__(self, description: Description, operation: Operation) -> None:
        self._validator = description.validator(str(operation.query))

    def read(self, query: str) -> Json:
        """The members of a query; of a name given twice the last value counts. Refuses what breaks
        the schema."""
        found: Json = dict(parse_qsl(query, keep_blank_values=True))
        if problem := problems.complaint(self._validator, found):
            raise Refused("bad_body", problem=f"query: {problem}")
        return found
