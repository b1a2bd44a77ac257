"""Where the API is answered in process: parsed base URLs, and which requests go there.

Knows URLs only as text. The adapters know what answers them, and through which library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from novita_mock._api.description import Description
from novita_mock._engine.routing import MODEL, PARAMETER, Routes

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A base URL: an origin, and a `prefix` that precedes or replaces the API's base paths.

    A `port` of None means that the API owns every port of the host.
    """

    origin: str
    host: str
    port: int | None
    prefix: str


class BaseUrls:
    """The base URLs of an adapter. Raises ValueError for one without scheme or host."""

    def __init__(self, description: Description, urls: Iterable[str]) -> None:
        self._description = description
        self._bases = sorted(description.bases, key=len, reverse=True)
        self._urls = [_parsed(url, self._bases) for url in urls]
        self.prefixed = [url for url in self._urls if url.prefix]
        self._routes = Routes(description)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts, without duplicates."""
        return tuple(dict.fromkeys(base.host for base in self._urls))

    def owns(self, url: str) -> bool:
        """Whether `url` is on a host of the API, regardless of scheme and path."""
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
        return any(parts.hostname == base.host and base.port in (None, port) for base in self._urls)

    def pattern(self, path: str = "", own: Iterable[str] = ()) -> re.Pattern[str]:
        """A pattern for the URLs of an operation: its `path` below its `own` base paths, or those
        of the API. Without a path it matches every URL under a base URL."""
        bases = "|".join(map(re.escape, sorted(own, key=len, reverse=True) or self._bases))
        origins = "|".join(
            re.escape(url.origin + url.prefix)
            + (f"(?:{bases}){'?' if url.prefix else ''}" if path else "")
            for url in self._urls
        )
        parts = PARAMETER.split(path)
        for index in range(1, len(parts), 2):
            parts[index] = "[^?#]+" if parts[index] == MODEL else "[^/?#]+"
        escaped = (part if n % 2 else re.escape(part) for n, part in enumerate(parts))
        rest = "".join(escaped) + r"(?:\?|$)"
        return re.compile(rf"^(?:{origins}){rest if path else '(?:[/?]|$)'}")

    def inner(self, host: str, path: str) -> str:
        """The path that the API itself would see for a request to `host` and `path`."""
        for url in self.prefixed:
            if host == url.host and f"{path}/".startswith(f"{url.prefix}/"):
                rest = path[len(url.prefix) :]
                known = any(rest.startswith(f"{base}/") for base in self._bases)
                known = known or self._routes.find(rest) is not None
                return rest if known else self._description.bases[0] + rest
        return path

    def why(self, method: str, url: str) -> str:
        """Why no operation's route takes a request to a host of the API."""
        if not self.pattern().match(url):
            roots = ", ".join(base.origin + base.prefix for base in self._urls)
            return f"Only what is under {roots} is answered."
        parts = urlsplit(url)
        path = self.inner(parts.hostname or "", unquote(parts.path))
        route = self._routes.find(path)
        if route is None:
            return f"No operation has the path {path}."
        operations, _ = route
        if method not in operations:
            known = " and ".join(f"{row.name} is {row.method}" for row in operations.values())
            return f"The operation {known}, not {method}."
        return f"The route {operations[method].name} is there no longer."


def _parsed(url: str, bases: Iterable[str]) -> BaseUrl:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in _PORTS:
        raise ValueError(f"a base URL begins like https://api.novita.ai; got {url!r}")
    port = None if parts.port == _PORTS[parts.scheme] else parts.port
    host = (
        parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    )
    bracketed = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{bracketed}" + (f":{port}" if port else "")
    path = parts.path.rstrip("/")
    prefix = next((path.removesuffix(base) for base in bases if path.endswith(base)), path)
    return BaseUrl(origin, host, port, prefix)
