"""Reads multipart forms with python-multipart. Loaded for operations that take one."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError

from novita_mock._core.errors import Refused
from novita_mock._core.http import Json, Request

FORM = "multipart/form-data"
File = tuple[str, str, bytes]
"""Its name, its content type and its bytes."""


def parse(request: Request) -> tuple[Json, dict[str, File]]:
    """The fields of the form in `request`, and its files. Refuses what is no form."""
    kind = Message()
    kind["content-type"] = request.headers.get(b"content-type", b"").decode("latin-1")
    boundary = kind.get_param("boundary")
    if kind.get_content_type() != FORM or not isinstance(boundary, str):
        raise Refused("bad_body", problem=f"$: expected a form ({FORM} with a boundary)")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary.encode("latin-1"), parts.callbacks())
        parser.write(request.body)
        parser.finalize()
    except FormParserError as error:
        raise Refused("bad_body", problem=f"$: the form is not valid ({error})") from None
    return parts.fields, parts.uploads


class _Parts:
    """The parts of a form, as the parser finds them."""

    def __init__(self) -> None:
        self.fields: Json = {}
        self.uploads: dict[str, File] = {}
        self._begin()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._head = Message()
        self._name, self._value, self._data = bytearray(), bytearray(), bytearray()

    def _end_header(self) -> None:
        self._head[self._name.decode("latin-1")] = self._value.decode("utf-8", "replace")
        self._name, self._value = bytearray(), bytearray()

    def _end(self) -> None:
        disposition: Mapping[str, Any] = dict(
            self._head.get_params(failobj=[], header="content-disposition")
        )
        name, filename = disposition.get("name", ""), self._head.get_filename()
        if filename is None:
            self.fields[name] = self._data.decode("utf-8", "replace")
        else:
            kind = self._head.get_content_type() if "content-type" in self._head else ""
            self.uploads[name] = (filename, kind, bytes(self._data))
