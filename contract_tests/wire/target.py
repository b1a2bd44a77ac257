"""Where requests go: the mock in this process, or any server by its base URL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from novita_mock._core.http import Disconnect, Request
from novita_mock._mock import Mock

from . import http_wire
from .exchange import Asked, Came, Json

BASE = "/v3/openai"
MOCK_KEY = "sk-contract-suite-in-process"
TIMEOUT = 60.0


class Target(Protocol):
    """`accepts_any_key`: the server itself says that it checks no keys."""

    base: str
    key: str
    is_mock: bool
    accepts_any_key: bool

    def send(self, asked: Asked) -> Came:
        """The reply to `asked`."""


def filled(asked: Asked, key: str) -> list[tuple[str, str]]:
    """The headers of `asked`, with the key filled in."""
    if asked.authorization is None:
        return list(asked.headers)
    return [("authorization", asked.authorization.replace("{key}", key)), *asked.headers]


class InProcess:
    """The mock as a plain function: no socket, and no waiting for pauses."""

    def __init__(self, edition: str = "v3", clock: Callable[[], float] = time.time) -> None:
        self.base, self.key = BASE, MOCK_KEY
        self.is_mock, self.accepts_any_key = True, False
        self._clock = clock
        self.mock = Mock(edition=edition, api_keys=[MOCK_KEY], clock=clock)

    def send(self, asked: Asked) -> Came:
        path = unquote_to_bytes(urlsplit(self.base + asked.path).path).decode("utf-8", "replace")
        headers = {
            name.encode("latin-1"): value.encode("utf-8") for name, value in filled(asked, self.key)
        }
        began = self._clock()
        reply = self.mock.answer(Request(asked.method, path, headers, asked.body))
        pairs = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in reply.headers)
        cut = any(isinstance(chunk, Disconnect) for chunk in reply.chunks)
        problem = "the connection was cut" if cut else _wrong_length(pairs, len(reply.body))
        return Came(reply.status, pairs, reply.body, (), began, self._clock(), problem)


def _wrong_length(headers: tuple[tuple[str, str], ...], size: int) -> str:
    wanted = dict(headers).get("content-length", str(size))
    return "" if wanted == str(size) else f"{size} bytes came, Content-Length says {wanted}"


class OverHttp:
    """A server by its base URL."""

    def __init__(self, base: str, key: str, timeout: float = TIMEOUT) -> None:
        self.base, self.key, self._timeout = base.rstrip("/"), key, timeout
        health = self._health()
        self.is_mock = "edition" in health
        self.accepts_any_key = self.is_mock and bool(health.get("any_key", True))

    def send(self, asked: Asked) -> Came:
        headers = filled(asked, self.key)
        try:
            return http_wire.send(
                self.base, asked.method, asked.path, headers, asked.body, self._timeout
            )
        except OSError as error:
            now = time.time()
            return Came(0, (), b"", (), now, now, f"no connection: {error}")

    def _health(self) -> Json:
        """What a mock on a loopback address says about itself; empty for any other server."""
        url = urlsplit(self.base)
        if url.hostname not in ("127.0.0.1", "localhost", "::1"):
            return {}
        root = f"{url.scheme}://{url.netloc}"
        try:
            came = http_wire.send(root, "GET", "/__mock__/health", [], b"", 5.0)
            health = json.loads(came.body)
        except (OSError, ValueError):
            return {}
        return health if came.status == 200 and isinstance(health, dict) else {}
