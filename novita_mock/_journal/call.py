"""A call: one request, the reply to it, and what was found out on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from novita_mock._api.request_view import RequestView
from novita_mock._core.http import Json, Reply, Request, value
from novita_mock._core.redaction import CREDENTIALS, REDACTED, redact, sent_key
from novita_mock._faults.catalogue import Fault


@value
class Bill:
    """What a call costs: tokens at the prices of a model's `row`, for the account of `key`."""

    key: str = field(repr=False)
    row: Json
    prompt_tokens: int
    completion_tokens: int


@dataclass(slots=True)
class CallMetadata:
    """What the corridor found out on the way, as far as the request came.

    `operation` is None for an unknown route; `model` and `stream` are what the body said, if it
    could be read; `rule` is the index of the scripted rule that answered; `tokens` were written;
    `fault` is how the reply was broken; `bill` is what the call costs if it is charged.
    `valid`: the body is what the operation's schema describes. `missed`: why no rule took a
    request that had to be scripted; `known` are the fields that the operation's schema names.
    `headers` are those of the request, as they came.
    """

    operation: str | None = None
    model: str | None = None
    stream: bool = False
    rule: int | None = None
    tokens: int = 0
    valid: bool = False
    missed: str | None = None
    known: frozenset[str] = frozenset()
    fault: Fault | None = None
    bill: Bill | None = None
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Call:
    """One request and the reply to it, as kept in the journal, numbered from 1. `at`: when it came
    in, in seconds since 1970."""

    number: int
    at: float
    metadata: CallMetadata
    reply: Reply
    _request: Request = field(repr=False)

    @property
    def about(self) -> CallMetadata:
        """The former name of `metadata`."""
        return self.metadata

    @property
    def operation(self) -> str | None:
        """Name of the operation, as in `schemas/operations.json`; None for an unknown route."""
        return self.metadata.operation

    @property
    def model(self) -> str | None:
        """The model that was asked for, if the request could be read."""
        return self.metadata.model

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.metadata.stream

    @property
    def method(self) -> str:
        """HTTP method."""
        return self._request.method

    @property
    def path(self) -> str:
        """Path, percent-decoded, without the query."""
        return self._request.path

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self._request.body) + self.reply.size

    @property
    def status(self) -> int:
        """HTTP status of the reply."""
        return self.reply.status

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Request headers, lower-case, secrets replaced by `***`."""
        pairs = ((k.decode("latin-1"), v) for k, v in self._request.headers.items())
        shown = ((k, self.redacted(v.decode("latin-1"))) for k, v in pairs)
        return {k: REDACTED if k in CREDENTIALS else v for k, v in shown}

    @cached_property
    def body(self) -> str:
        """The request's body as text, the caller's key replaced by `***` wherever it stands."""
        return self.redacted(self._request.body.decode(errors="replace"))

    def redacted(self, text: str) -> str:
        """`text` with the caller's key replaced by `***`."""
        return redact(text, sent_key(self._request))

    @cached_property
    def request(self) -> Any:
        """The request's body read as JSON; None if it is none."""
        return _read(self._request.body)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Top-level fields of a valid request that its schema does not name. They were ignored."""
        fields = self.request if self.metadata.valid else ()
        return tuple(name for name in fields if name not in self.metadata.known)

    @cached_property
    def answer(self) -> Any:
        """The reply's body read as JSON; the list of its chunks for a stream, else its text."""
        body = self.reply.body
        if body.startswith(b"data:"):
            frames = (frame.removeprefix(b"data: ") for frame in body.split(b"\n\n"))
            return [chunk for chunk in map(_read, frames) if chunk is not None]
        found = _read(body)
        return body.decode(errors="replace") if found is None else found


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def view_of(metadata: CallMetadata, body: Json) -> RequestView:
    """What a rule can look at in `body`, and in what is known `about` it."""
    return RequestView(
        str(metadata.operation), metadata.model, metadata.stream, body, metadata.headers
    )
