"""What is sent and what comes back, as bytes of the wire.

The key is never part of a request here: `authorization` holds a template that the target fills.
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
    """One request. `path` is below the base, as on the wire; `valid` if the documents allow it."""

    operation: str
    method: str
    path: str
    body: bytes = b""
    authorization: str | None = BEARER
    headers: tuple[tuple[str, str], ...] = JSON_TYPE
    valid: bool = True

    @cached_property
    def json(self) -> Json:
        """The body as an object; empty where it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def streamed(self) -> bool:
        return self.json.get("stream") is True

    def as_curl(self, base: str) -> str:
        """A command that sends the same request, with the key in a variable of the shell."""
        parts = ["curl", "-sS", "-X", self.method, shlex.quote(base + self.path)]
        if self.authorization is not None:
            filled = self.authorization.replace("{key}", "$NOVITA_API_KEY")
            parts.append(f'-H "Authorization: {filled}"')
        parts += ["-H " + shlex.quote(f"{name}: {value}") for name, value in self.headers]
        if self.body:
            parts.append("--data-binary " + shlex.quote(_excerpt(self.body, 4_000)))
        return " ".join(parts)

    def as_python(self, base: str) -> str:
        """The same request in Python."""
        headers = ", ".join(f"{name!r}: {value!r}" for name, value in self.headers)
        if self.authorization is not None:
            filled = self.authorization.replace("{key}", "{os.environ['NOVITA_API_KEY']}")
            headers = f'"authorization": f"{filled}", ' + headers
        sent = f", content={_excerpt(self.body, 4_000).encode()!r}" if self.body else ""
        url = repr(base + self.path)
        return f"httpx.request({self.method!r}, {url}, headers={{{headers}}}{sent})"


@dataclass(frozen=True)
class Came:
    """One reply. `arrivals` are seconds after sending and bytes of the body so far; `began` and
    `ended` are seconds since 1970; `problem` says what broke below HTTP, if anything did."""

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
    """A request of the catalogue by its name, and its reply; `retried` counts earlier tries."""

    name: str
    asked: Asked
    came: Came
    retried: int = 0

    @cached_property
    def value(self) -> Any:
        """The JSON of the body, read strictly; raises JsonFault."""
        return strict_json.read(self.came.body)

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What readers made of the reply, so that the next check need not make it again."""
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
        """The exchange for a reader: what was sent twice over, and what came."""
        kind = self.came.header("content-type")
        problem = f"\n  {self.came.problem}" if self.came.problem else ""
        return (
            f"sent ({self.name}):\n  {self.asked.as_curl(base)}\n  {self.asked.as_python(base)}\n"
            f"came: {self.came.status} {kind}{problem}\n  {_excerpt(self.came.body, EXCERPT)}"
        )


def _excerpt(data: bytes, most: int) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
