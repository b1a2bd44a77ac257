"""Describes calls in assertions, failures and reports.

Nothing here shows a key: texts are redacted, and a curl command names a variable instead.
"""

from __future__ import annotations

from urllib.parse import quote

from novita_mock._api.request_view import RequestView
from novita_mock._core.curl import curl as command
from novita_mock._core.redaction import authorization
from novita_mock._core.text import shorten
from novita_mock._journal.call import Call, hiding, view_of


def view(call: Call) -> RequestView:
    """The view of a recorded call that rules are matched against."""
    return view_of(call.metadata, (call.metadata.valid and call.request) or {})


def line(call: Call) -> str:
    """A call in one line."""
    model = [] if call.model is None else [call.model]
    request = [f"{call.number}.", call.method, call.path, *model, *["stream"] * call.stream]
    # Hide before shortening: half a key would not be recognized.
    shown, text = hiding(call).each([" ".join(request), view(call).last_user])
    quoted = f" {shorten(text)!r}" if text else ""
    return f"{shown}{quoted} -> {outcome(call)}"


def outcome(call: Call) -> str:
    """The status of a call, and the reason if it was refused."""
    return str(call.status) if call.reason is None else f"{call.status} {call.reason}"


def url(call: Call) -> str:
    """Path and query of a call, percent-encoded."""
    path = quote(call.redacted(call.path), safe="/*:@!$&'()+,;=")
    return f"{path}?{call.redacted(call.sent.query)}" if call.sent.query else path


def curl(call: Call, origin: str = "https://api.novita.ai") -> str:
    """A curl command that repeats the request, with the key taken from the environment."""
    found = authorization(call.sent.headers)
    credential = f"{found.scheme} {'{key}' if found.key else ''}".strip()
    others = ((name, v) for name, v in call.headers.items() if name != "authorization")
    sent = [("authorization", credential), *others] if credential else others
    return command(call.redacted(call.method), origin + url(call), sent, call.body)
