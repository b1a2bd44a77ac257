"""What is sent and what comes back, as bytes on the wire.

A request never contains the key: `authorization` is a template that the target fills in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from novita_mock._core.curl import curl

from . import sse, strict_json

BEARER = "Bearer {key}"
WRONG_KEY = "sk-invalid-00000000000000000000000000000000"
JSON_TYPE = (("content-type", "application/json"),)
EXCERPT = 700

Json = dict[str, Any]
Hide = Callable[[str], str]
"""Hides the key in a text, before the text is shortened."""


@dataclass(frozen=True)
class Asked:
    """One request. `path`: below the base URL, as sent. `valid`: the documents allow it."""

    operation: str
    method: str
    path: str
    body: bytes = b""
    authorization: str | None = BEARER
    headers: tuple[tuple[str, str], ...] = JSON_TYPE
    valid: bool = True

    @cached_property
    def json(self) -> Json:
        """The body as an object; empty if it is not one."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def streamed(self) -> bool:
        return self.json.get("stream") is True

    def as_curl(self, base: str, hide: Hide = str) -> str:
        """A curl command that sends the same request, with the key in a shell variable."""
        named = [] if self.authorization is None else [("authorization", self.authorization)]
        body = _excerpt(self.body, 4_000, hide)
        return curl(self.method, base + self.path, [*named, *self.headers], body)

    def as_python(self, base: str, hide: Hide = str) -> str:
        """The same request as a line of Python."""
        headers = ", ".join(f"{name!r}: {value!r}" for name, value in self.headers)
        if self.authorization is not None:
            filled = self.authorization.replace("{key}", "{os.environ['NOVITA_API_KEY']}")
            headers = f'"authorization": f"{filled}", ' + headers
        body = _excerpt(self.body, 4_000, hide).encode("utf-8", "surrogatepass")
        sent = f", content={body!r}" if self.body else ""
        url = repr(base + self.path)
        return f"httpx.request({self.method!r}, {url}, headers={{{headers}}}{sent})"


@dataclass(frozen=True)
class Came:
    """One reply. `arrivals`: seconds since sending, with the bytes of the body so far. `began`,
    `ended`: Unix time in seconds. `problem`: what broke below HTTP, if anything did."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    arrivals: tuple[tuple[float, int], ...] = ()
    began: float = 0.0
    ended: float = 0.0
    problem: str = ""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def media_type(self) -> str:
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Exchange:
    """A named request and its reply; `retried` counts earlier attempts."""

    name: str
    asked: Asked
    came: Came
    retried: int = 0

    @cached_property
    def value(self) -> Any:
        """The JSON of the body, parsed strictly; raises JsonFault."""
        return strict_json.read(self.came.body)

    @cached_property
    def kept(self) -> dict[str, Any]:
        """Parsed views of the reply, cached for later checks."""
        return {}

    @cached_property
    def events(self) -> sse.Events:
        return sse.read(self.came.body)

    @property
    def ok(self) -> bool:
        return self.came.status == 200

    @property
    def is_stream(self) -> bool:
        return self.ok and self.asked.streamed

    @property
    def is_json(self) -> bool:
        return self.ok and not self.asked.streamed

    def shown(self, base: str, hide: Hide = str) -> str:
        """The exchange in words: the request as curl and as Python, and the reply."""
        sent = f"{self.asked.as_curl(base, hide)}\n  {self.asked.as_python(base, hide)}"
        kind = self.came.header("content-type")
        problem = f"\n  {self.came.problem}" if self.came.problem else ""
        return (
            f"sent ({self.name}):\n  {sent}\n"
            f"came: {self.came.status} {kind}{problem}\n  {_excerpt(self.came.body, EXCERPT, hide)}"
        )


def _excerpt(data: bytes, most: int, hide: Hide) -> str:
    text = hide(data.decode("utf-8", "backslashreplace"))
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
