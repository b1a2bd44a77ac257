"""Describes calls in assertions, failures and reports.

Nothing here shows a key: texts are redacted, and a curl command names a variable instead.
"""

from __future__ import annotations

import shlex

from novita_mock._api.request_view import RequestView
from novita_mock._core.text import shorten
from novita_mock._journal.call import Call, view_of


def view(call: Call) -> RequestView:
    """The view of a recorded call that rules are matched against."""
    return view_of(call.metadata, call.request if call.metadata.valid else {})


def line(call: Call) -> str:
    """A call in one line."""
    request = [f"{call.number}.", call.method, call.path]
    if call.model is not None:
        request.append(call.model)
    if call.stream:
        request.append("stream")
    text = call.redacted(view(call).last_user)
    quoted = f" {shorten(text)!r}" if text else ""
    return f"{' '.join(request)}{quoted} -> {outcome(call)}"


def outcome(call: Call) -> str:
    """The status of a call, and the reason if it was refused."""
    answer = call.answer
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return f"{call.status} {reason}" if reason else str(call.status)


def curl(call: Call, origin: str = "https://api.novita.ai") -> str:
    """A curl command that repeats the request, with the key taken from the environment."""
    words = ["curl", shlex.quote(origin + call.path)]
    if call.method != "GET":
        words += ["-X", call.method]
    words += ["-H", '"Authorization: Bearer $NOVITA_API_KEY"']
    if call.body:
        words += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(call.body)]
    return " ".join(words)
