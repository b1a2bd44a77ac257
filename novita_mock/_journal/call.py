"""A call: one request, its reply, and what the pipeline learned about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from novita_mock._api import redactors
from novita_mock._api.request_view import RequestView
from novita_mock._core.http import Header, Json, Reply, Request, value
from novita_mock._core.redaction import REDACTED, Redactor
from novita_mock._core.sse import data_of
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
    a refusal. `prompt` is the member of the body that has the caller's text. `headers` are the
    request's headers, unchanged.
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
    prompt: str = "prompt"
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, repr=False)
class Call:
    """One request and its reply, as kept in the journal; numbered from 1. `at`: arrival time, in
    seconds since 1970.

    `sent` is the request itself, with all its credentials. It is not redacted, and neither are
    `reply`, `path`, `request` and `answer`: use `redacted` for a text that is made of them.
    """

    number: int
    at: float
    metadata: CallMetadata
    reply: Reply
    sent: Request

    def __repr__(self) -> str:
        shown = self.redacted(f"{self.method} {self.path} {self.model or ''}").rstrip()
        return f"<Call {self.number}: {shown} -> {self.status}>"

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
        return self.sent.method

    @property
    def path(self) -> str:
        """Path, percent-decoded, without the query."""
        return self.sent.path

    @property
    def size(self) -> int:
        """Size of both bodies, in bytes."""
        return len(self.sent.body) + self.reply.size

    @property
    def status(self) -> int:
        """HTTP status of the reply."""
        return self.reply.status

    @property
    def reason(self) -> str | None:
        """The reason of a refusal; None if a fault left nothing or too little of the reply."""
        reason = self.metadata.reason
        if reason is None or self.metadata.fault is None:
            return reason
        body = self.reply.body
        return reason if body.startswith(b"{") and body.endswith(b"}") else None

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Request headers with lower-case names; credentials are replaced by `***`."""
        return dict(shown_headers(self, self.sent.headers.items()))

    @cached_property
    def body(self) -> str:
        """The request's body as text; credentials are replaced by `***`."""
        return hiding(self).body(self.sent.body.decode(errors="replace"))

    def redacted(self, text: str) -> str:
        """`text` with the caller's key, and what looks like a credential, replaced by `***`."""
        return hiding(self)(text)

    @cached_property
    def request(self) -> Any:
        """The request's body, parsed as JSON; None if it is not JSON."""
        return _read(self.sent.body)

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
            return [chunk for chunk in map(_read, data_of(body)) if chunk is not None]
        document = _read(body)
        return body.decode(errors="replace") if document is None else document


def hiding(call: Call) -> Redactor:
    """Hides the credentials of the call's request, and what looks like a credential."""
    return redactors.of_request(call.sent)


def shown_headers(call: Call, headers: Iterable[Header]) -> list[tuple[str, str]]:
    """Headers of the request or the reply as text, without credentials."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    secret = [redactors.is_secret_header(name) for name, _ in pairs]
    shown = iter(hiding(call).each(text for pair in pairs for text in pair))
    named = zip(shown, shown, secret, strict=True)
    return [(name, REDACTED if hidden else value) for name, value, hidden in named]


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def view_of(metadata: CallMetadata, body: Json) -> RequestView:
    """The view of a request that rules are matched against."""
    name, stream, sent = str(metadata.operation), metadata.stream, metadata.headers
    return RequestView(name, metadata.model, stream, body, sent, metadata.prompt)
