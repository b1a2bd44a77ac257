"""What is sent and what comes back, as bytes on the wire.

A request never contains the key: `authorization` is a template that the target fills in.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import sse, strict_json

BEARER = "Bearer {key}"
WRONG_KEY = "sk-invalid-00000000000000000000000000000000"
JSON_TYPE = (("content-type", "application/json"),)
EXCERPT = 700

Json = dict[str, Any]


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

    def as_curl(self, base: str) -> str:
        """A curl command that sends the same request, with the key in a shell variable."""
        parts = ["curl", "-sS", "-X", self.method, shlex.quote(base + self.path)]
        if self.authorization is not None:
            filled = self.authorization.replace("{key}", "$NOVITA_API_KEY")
            parts.append(f'-H "Authorization: {filled}"')
        parts += ["-H " + shlex.quote(f"{name}: {value}") for name, value in self.headers]
        if self.body:
            parts.append("--data-binary " + shlex.quote(_excerpt(self.body, 4_000)))
        return " ".join(parts)

    def as_python(self, base: str) -> str:
        """The same request as a line of Python."""
        headers = ", ".join(f"{name!r}: {value!r}" for name, value in self.headers)
        if self.authorization is not None:
            filled = self.authorization.replace("{key}", "{os.environ['NOVITA_API_KEY']}")
            headers = f'"authorization": f"{filled}", ' + headers
        sent = f", content={_excerpt(self.body, 4_000).encode()!r}" if self.body else ""
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

    def shown(self, base: str) -> str:
        """The exchange in words: the request as curl and as Python, and the reply."""
        kind = self.came.header("content-type")
        problem = f"\n  {self.came.problem}" if self.came.problem else ""
        return (
            f"sent ({self.name}):\n  {self.asked.as_curl(base)}\n  {self.asked.as_python(base)}\n"
            f"came: {self.came.status} {kind}{problem}\n  {_excerpt(self.came.body, EXCERPT)}"
        )


def _excerpt(data: bytes, most: int) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
