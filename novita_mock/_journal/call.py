"""A call: one request, its reply, and what the pipeline learned about it."""

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
    """The cost of a call: tokens at the prices of the model's `row`, charged to account `key`."""

    key: str = field(repr=False)
    row: Json
    prompt_tokens: int
    completion_tokens: int


@dataclass(slots=True)
class CallMetadata:
    """What the pipeline learned about a request, up to the stage that the request reached.

    `operation` is None for an unknown route. `model` is read from the path or a valid body,
    `stream` from a valid body. `rule` is the index of the scripted rule that answered. `tokens`:
    generated tokens. `valid`: the body matches the operation's schema. `missed`: why no
    rule took a request that needed one. `known` are the fields that the schema names. `fault` is
    how the reply was broken. `bill` is the cost of the call, if it is charged. `reason` is that of
    a refusal. `headers` are the request's headers, unchanged.
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
    reason: str | None = None
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Call:
    """One request and its reply, as kept in the journal; numbered from 1. `at`: arrival time, in
    seconds since 1970."""

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
        """Name of the operation in `schemas/operations.json`; None for an unknown route."""
        return self.metadata.operation

    @property
    def model(self) -> str | None:
        """The requested model, if the request could be read."""
        return self.metadata.model

    @property
    def stream(self) -> bool:
        """Whether the request asked for a stream."""
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
        """Size of both bodies, in bytes."""
        return len(self._request.body) + self.reply.size

    @property
    def status(self) -> int:
        """HTTP status of the reply."""
        return self.reply.status

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Request headers with lower-case names; secrets are replaced by `***`."""
        pairs = ((k.decode("latin-1"), v) for k, v in self._request.headers.items())
        shown = ((k, self.redacted(v.decode("latin-1"))) for k, v in pairs)
        return {k: REDACTED if k in CREDENTIALS else v for k, v in shown}

    @cached_property
    def body(self) -> str:
        """The request's body as text; the caller's key is replaced by `***`."""
        return self.redacted(self._request.body.decode(errors="replace"))

    def redacted(self, text: str) -> str:
        """`text` with the caller's key replaced by `***`."""
        return redact(text, sent_key(self._request))

    @cached_property
    def request(self) -> Any:
        """The request's body, parsed as JSON; None if it is not JSON."""
        return _read(self._request.body)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Top-level fields of a valid request that its schema does not name. They were ignored."""
        fields = self.request if self.metadata.valid else ()
        return tuple(name for name in fields if name not in self.metadata.known)

    @cached_property
    def answer(self) -> Any:
        """The reply's body: parsed JSON, the list of chunks of a stream, or else its text."""
        body = self.reply.body
        if body.startswith(b"data:"):
            frames = (frame.removeprefix(b"data: ") for frame in body.split(b"\n\n"))
            return [chunk for chunk in map(_read, frames) if chunk is not None]
        document = _read(body)
        return body.decode(errors="replace") if document is None else document


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def view_of(metadata: CallMetadata, body: Json) -> RequestView:
    """The view of a request that rules are matched against."""
    return RequestView(
        str(metadata.operation), metadata.model, metadata.stream, body, metadata.headers
    )
