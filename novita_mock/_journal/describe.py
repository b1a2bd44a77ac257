"""What is told of calls and rules after the fact: in assertions, failures and reports.

Nothing here shows a key: headers come redacted, and a curl line names a variable instead.
"""

from __future__ import annotations

import shlex

from novita_mock._api.request_view import RequestView
from novita_mock._core.text import shorten
from novita_mock._journal.call import Call, view_of


def view(call: Call) -> RequestView:
    """What a rule could look at in a recorded call."""
    return view_of(call.metadata, call.request if call.metadata.valid else {})


def line(call: Call) -> str:
    """A call in one line."""
    what = [f"{call.number}.", call.method, call.path]
    if call.model is not None:
        what.append(call.model)
    if call.stream:
        what.append("stream")
    text = call.redacted(view(call).last_user)
    said = f" {shorten(text)!r}" if text else ""
    return f"{' '.join(what)}{said} -> {outcome(call)}"


def outcome(call: Call) -> str:
    """Status of a call, and the reason of a refusal."""
    answer = call.answer
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return f"{call.status} {reason}" if reason else str(call.status)


def curl(call: Call, origin: str = "https://api.novita.ai") -> str:
    """A command that sends the call's request again, its key left to the environment."""
    words = ["curl", shlex.quote(origin + call.path)]
    if call.method != "GET":
        words += ["-X", call.method]
    words += ["-H", '"Authorization: Bearer $NOVITA_API_KEY"']
    if call.body:
        words += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(call.body)]
    return " ".join(words)
