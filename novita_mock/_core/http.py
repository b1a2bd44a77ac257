"""Requests and replies as values.

This module knows no HTTP library. An adapter (`starlette.py`, `respx.py`, `httpx.py`) turns its
library's request into a `Request` and plays the `Reply`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, dataclass_transform, overload

Json = dict[str, Any]
Header = tuple[bytes, bytes]
T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(made: type[T]) -> type[T]:
    """A dataclass that type checkers treat as frozen, for values made per request or chunk.

    An instance that is frozen at run time takes three times as long to make.
    """
    return dataclass(slots=True, unsafe_hash=True)(made)


@value
class Request:
    """One HTTP request.

    `path` is percent-decoded and has no query; `query` is as it was sent. `headers` has lower-case
    names and the bytes of the wire; if a name was sent twice, the last value counts. Both may
    contain the caller's key, so `repr` omits them.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    body: bytes = b""
    query: str = field(default="", repr=False)


@value
class TimedBytes:
    """Bytes of the body, sent `pause` seconds after the previous chunk, or after the request."""

    data: bytes
    pause: float = 0.0


class DisconnectKind(Enum):
    """How a connection is lost."""

    CLOSED = "closed"
    """Closed in order, but too soon."""
    RESET = "reset"
    """Torn down by a TCP reset."""
    REFUSED = "refused"
    """Never established."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection is lost here, `pause` seconds after the previous chunk; always the last one.

    `outage`: seconds for which the server refuses connections, if it refuses them.
    """

    pause: float = 0.0
    kind: DisconnectKind = DisconnectKind.CLOSED
    outage: float = 0.0

    @property
    def loss(self) -> DisconnectKind:
        """The former name of `kind`."""
        return self.kind

    @property
    def away(self) -> float:
        """The former name of `outage`."""
        return self.outage


class LazyChunks(Sequence[TimedBytes | Disconnect]):
    """Chunks that are made when they are due. Equal to a tuple of the same chunks.

    There are `count` chunks with `size` bytes in all; each call of `make` yields them in order.
    """

    __slots__ = ("_count", "_make", "size")

    def __init__(self, count: int, size: int, make: Callable[[], Iterator[TimedBytes]]) -> None:
        self.size: int = size
        self._count = count
        self._make = make

    def __iter__(self) -> Iterator[TimedBytes | Disconnect]:
        return self._make()

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> TimedBytes | Disconnect: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[TimedBytes | Disconnect, ...]: ...

    def __getitem__(
        self, index: int | slice
    ) -> TimedBytes | Disconnect | tuple[TimedBytes | Disconnect, ...]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyChunks | tuple) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@value
class Reply:
    """What is sent back: a status, the headers as sent, and the body chunk by chunk.

    Status 0 means that no head is sent: the connection is lost before the first byte.
    `head_gap`: seconds before each line of the head.
    """

    status: int
    headers: tuple[Header, ...]
    chunks: tuple[TimedBytes | Disconnect, ...] | LazyChunks
    head_gap: float = 0.0

    @property
    def beats(self) -> Sequence[TimedBytes | Disconnect]:
        """The former name of `chunks`."""
        return self.chunks

    @property
    def body(self) -> bytes:
        """All bytes of the body that arrive, without the pauses."""
        return b"".join([chunk.data for chunk in self.chunks if isinstance(chunk, TimedBytes)])

    @property
    def size(self) -> int:
        """Bytes of the body."""
        if isinstance(self.chunks, LazyChunks):
            return self.chunks.size
        return sum([len(chunk.data) for chunk in self.chunks if isinstance(chunk, TimedBytes)])
