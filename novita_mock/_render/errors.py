"""Refusals and other single JSON bodies as replies."""

from __future__ import annotations

import orjson

from novita_mock._api.description import ErrorRow, Errors
from novita_mock._core.errors import Refused
from novita_mock._core.http import Header, Json, Reply, TimedBytes
from novita_mock._core.id_templates import fill
from novita_mock._core.redaction import redact

JSON: Header = (b"content-type", b"application/json")
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
dumps = orjson.dumps


def json_reply(
    status: int, body: bytes, pause: float = 0.0, more: tuple[Header, ...] = ()
) -> Reply:
    """A reply with a JSON body, `pause` seconds after the request; `more` are extra headers."""
    # orjson's bytes occupy 4 KiB however short they are, and the journal keeps what is sent.
    exact = bytes(memoryview(body))
    length = (b"content-length", b"%d" % len(exact))
    return Reply(status, (JSON, length, *more), (TimedBytes(exact, pause),))


def refuse(
    errors: Errors, edition: str, refusal: Refused, key: str | None, own: Json | None
) -> Reply:
    """The reply to a refused request. It never contains the caller's key.

    `own` is the model's own answer to the situation, if it has one.
    """
    row = errors.row(refusal.name, edition)
    if own is not None:
        return json_reply(own["status"], dumps(_own(own, refusal)))
    if row.text is not None:
        return _plain(row, row.text.encode(), refusal)
    message = str(refusal.detail.get("message") or Errors.fill(row.message, refusal.detail))
    body = {"code": row.status, "reason": row.reason, "message": redact(message, key)}
    detail = {**row.sample, **refusal.detail}
    filled = ((name, Errors.fill(value, detail)) for name, value in row.headers.items())
    more = tuple((name.encode(), value.encode()) for name, value in filled)
    return json_reply(row.status, dumps(body | errors.envelopes[edition]), more=more)


def reason_of(errors: Errors, edition: str, refusal: Refused, own: Json | None) -> str | None:
    """The reason that `refuse` writes into its reply; None for a reply in plain text."""
    if own is not None:
        reason: str | None = own["body"].get("reason")
        return reason
    row = errors.row(refusal.name, edition)
    return None if row.text is not None else row.reason


def _own(own: Json, refusal: Refused) -> Json:
    """A body of error shape B: its message ends with a trace id."""
    text = fill(own["body"]["message"], str(refusal.detail))
    sizes = {"value": refusal.detail.get("max_tokens"), "maximum": own.get("maximum")}
    return {**own["body"], "message": Errors.fill(text, sizes)}


def _plain(row: ErrorRow, body: bytes, refusal: Refused) -> Reply:
    headers = [TEXT, (b"content-length", b"%d" % len(body))]
    if allow := refusal.detail.get("allow"):
        headers.append((b"allow", str(allow).encode()))
    return Reply(row.status, tuple(headers), (TimedBytes(body),))
