"""Requests of the catalogue that must be refused: unknown models, bodies that are not JSON, and
bodies with exactly one thing wrong. A refusal costs nothing."""

from __future__ import annotations

from typing import Any

from ..wire.views import CHAT, TEXT
from .boundaries import Case
from .boundary_selection import about, chosen, streamed, way
from .coverage import BOUNDS
from .requests import Build, bad_chat, bad_text, fill, post, raw, text_of

UNKNOWN = "nobody/no-such-model-0000"


def _messages(*messages: Any) -> Build:
    return bad_chat(messages=list(messages))


ERRORS: dict[str, Build] = {
    "error.model.chat": bad_chat(model=UNKNOWN),
    "error.model.text": bad_text(model=UNKNOWN, stream=True),
    "error.model.empty": bad_chat(model=""),
    "error.json.cut": raw(CHAT, b'{"model": "a", "messages": [{"role": "us'),
    "error.json.empty": raw(TEXT, b""),
    "error.json.array": raw(TEXT, b"[1, 2]"),
    "error.json.not_utf8": raw(CHAT, b'{"model": "\xff\xfe", "messages": []}'),
    "error.deep": raw(CHAT, b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "odd.values": fill(b'"user": "\\ud800", "seed": 99999999999999999999999999', seed=...),
}
# Constraints that a single broken keyword cannot show.
BY_HAND: dict[str, Build] = {
    "empty.messages": bad_chat(messages=[]),
    "type.message": _messages("Hi"),
    "missing.role": _messages({"content": "Hi"}),
    "rule.best_of": bad_text(best_of=1, n=2),
    "rule.best_of:stream": bad_text(best_of=2, stream=True),
}
# One of the constraints is broken in a request for a stream.
STREAMED = "chat.completions.top_p:wrong type string"


def _built(case: Case) -> Build:
    sent = streamed(case) if case.name == STREAMED else case
    return lambda api: post(case.operation, text_of(sent.for_model(api.model_for)), valid=False)


CONSTRAINTS: dict[str, Build] = {name: _built(case) for name, case in chosen().items()}
_FORMS = ("model", "messages", "prompt")


def _members(wanted: Any) -> dict[str, str]:
    return {name: about(case) for name, case in chosen().items() if wanted(case)}


def _is_form(case: Case) -> bool:
    return case.root in _FORMS


# Three kinds of constraints: the name of a request to the member that it is about.
FORM = _members(_is_form) | {"type.message": "messages", "missing.role": "messages.role"}
RANGES = _members(lambda case: not _is_form(case) and case.keyword in BOUNDS)
TYPES = _members(lambda case: not _is_form(case) and case.keyword not in BOUNDS) | {
    "rule.best_of": "best_of", "rule.best_of:stream": "best_of",
}  # fmt: skip
# Without these there is nothing to answer.
CORE = tuple(
    name for name, case in chosen().items()
    if (case.root,) == case.path and _is_form(case) and way(case) == "missing"
)  # fmt: skip
