"""The values that pass through the house.

They import nothing of ours and know no HTTP library: whatever adapts to one
(`starlette.py`, `respx.py`, `httpx.py`) turns its request into a `Request` and
plays the `Reply`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    `path` is percent-decoded and without the query. `headers` has lower-case names and
    holds the bytes of the wire; where a name was sent twice the last value counts. They hold
    the caller's key, so they do not show in the value's `repr`.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Beat:
    """Bytes of the body, sent `pause` seconds after the beat before them (or after the request)."""

    data: bytes
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is lost here, `pause` seconds after the beat before; always the last beat."""

    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back: a status, the headers of the wire, and the body beat by beat."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    beats: tuple[Beat | Cut, ...]

    @property
    def body(self) -> bytes:
        """All bytes of the body that arrive, without the pauses."""
        return b"".join(beat.data for beat in self.beats if isinstance(beat, Beat))


REDACTED = "***"
ERROR_MODEL = "mock/"
"""What a model id begins with that asks for an error by its reason."""
_SHORTEST_SECRET = 6


def redact(text: str, secret: str | None) -> str:
    """`text` without `secret`. One of less than six characters is no key that anybody pays for,
    and would be found in the middle of words."""
    if not secret or len(secret) < _SHORTEST_SECRET:
        return text
    return text.replace(secret, REDACTED)


class Refused(Exception):
    """A room refuses the request.

    `name` is a situation of `schemas/errors.json`, or a reason asked for by its name;
    `detail` fills the placeholders of the message.
    """

    def __init__(self, name: str, **detail: object) -> None:
        super().__init__(name)
        self.name = name
        self.detail = detail


def wished(reason: str, model: str = "the model") -> Refused:
    """The refusal that a request asked for by its `reason`."""
    return Refused(reason, problem="this error was asked for", model=model, hint="")
