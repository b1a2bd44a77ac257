"""Where the API is answered in process: base URLs taken apart, and which requests go there.

Knows URLs as text; what answers them, and through which library, is the doors' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from novita_mock._api.description import Description
from novita_mock._engine.routing import PARAMETER, Routes

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """A base URL: the origin, and a path that stands before or in place of the API's base paths.

    Without a port in the URL the whole host is the API's.
    """

    origin: str
    host: str
    port: int | None
    prefix: str


class BaseUrls:
    """The base URLs of a door. Raises ValueError for one without scheme or host."""

    def __init__(self, description: Description, urls: Iterable[str]) -> None:
        self._description = description
        self._bases = sorted(description.bases, key=len, reverse=True)
        self._places = [_place(url, self._bases) for url in urls]
        self.prefixed = [place for place in self._places if place.prefix]
        self._routes = Routes(description)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts, each once."""
        return tuple(dict.fromkeys(place.host for place in self._places))

    def owns(self, url: str) -> bool:
        """Whether `url` lies on a host of the API, whatever its scheme and path."""
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
        return any(
            parts.hostname == place.host and place.port in (None, port) for place in self._places
        )

    def pattern(self, path: str = "", own: Iterable[str] = ()) -> re.Pattern[str]:
        """What the URLs of an operation with this `path` look like, below the base paths that are
        its `own` or the API's; without a path, all that are under a base URL."""
        bases = "|".join(map(re.escape, sorted(own, key=len, reverse=True) or self._bases))
        origins = "|".join(
            re.escape(place.origin + place.prefix)
            + (f"(?:{bases}){'?' if place.prefix else ''}" if path else "")
            for place in self._places
        )
        rest = re.escape(path).replace(re.escape(PARAMETER), "[^?#]+") + r"(?:\?|$)"
        return re.compile(rf"^(?:{origins}){rest if path else '(?:[/?]|$)'}")

    def inner(self, host: str, path: str) -> str:
        """`path` as the API itself would see it."""
        for place in self.prefixed:
            if host == place.host and f"{path}/".startswith(f"{place.prefix}/"):
                rest = path[len(place.prefix) :]
                known = any(rest.startswith(f"{base}/") for base in self._bases)
                known = known or self._routes.find(rest) is not None
                return rest if known else self._description.bases[0] + rest
        return path

    def why(self, method: str, url: str) -> str:
        """Why no operation's route takes a request to a host of the API."""
        if not self.pattern().match(url):
            roots = ", ".join(place.origin + place.prefix for place in self._places)
            return f"Only what is under {roots} is answered."
        parts = urlsplit(url)
        path = self.inner(parts.hostname or "", unquote(parts.path))
        found = self._routes.find(path)
        if found is None:
            return f"No operation has the path {path}."
        operation = found.operation
        if operation.method != method:
            return f"The operation {operation.name} is {operation.method}, not {method}."
        return f"The route {operation.name} is there no longer."


def _place(url: str, bases: Iterable[str]) -> Place:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in _PORTS:
        raise ValueError(f"a base URL begins like https://api.novita.ai; got {url!r}")
    port = None if parts.port == _PORTS[parts.scheme] else parts.port
    host = (
        parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    )
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
    path = parts.path.rstrip("/")
    prefix = next((path.removesuffix(base) for base in bases if path.endswith(base)), path)
    return Place(origin, host, port, prefix)
