"""The rules on what a client makes of the answers in a conversation. Part of `_verdict`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from novita_mock._core.http import Json
from novita_mock._journal.call import Call
from novita_mock._verification.client.finding import Finding, bounds
from novita_mock._verification.client.received import Received, Said, received, said

CUT, ERROR, LOOP = "took_cut_for_whole", "ignored_error_event", "unbounded_tool_loop"
_MESSAGES = {
    CUT: "the stream of call {cut} was cut; call {later} sends what arrived of it as if it were "
    "the whole answer",
    ERROR: "the stream of call {cut} ended with an error event; call {later} sends the text before "
    "it as if it were the whole answer",
}
_ASSISTANT = b'"assistant"'
_RESULT = b'"tool_call_id"'

Broken = Mapping[bytes, list[tuple[Call, Received]]]
"""Calls whose answer did not arrive as a whole, by the last message that was asked."""


def findings(calls: Sequence[Call]) -> Iterator[Finding]:
    """What the client did wrong with the answers."""
    yield from _broken_answers(calls)
    yield from _tool_loops(calls)


def _messages(call: Call) -> list[Json]:
    """The messages of a valid request; none if it has none."""
    if not call.metadata.valid:
        return []
    # Not `call.request`, which would be kept for as long as the journal keeps the call.
    messages: list[Json] = orjson.loads(call._request.body).get("messages") or []
    return messages


def _last(messages: Sequence[Any]) -> bytes:
    return orjson.dumps(messages[-1])


def _broken_answers(calls: Sequence[Call]) -> Iterator[Finding]:
    broken = _broken(calls)
    if not broken:
        return
    whole: dict[tuple[bytes, Said], int] | None = None
    told: set[int] = set()
    for later in calls:
        if _ASSISTANT not in later._request.body:
            continue
        for cut, heard_of, question, answer in _taken(broken, later):
            whole = _whole(calls) if whole is None else whole
            if cut.number in told or whole.get((question, answer), later.number) < later.number:
                continue
            told.add(cut.number)
            rule = ERROR if heard_of.error else CUT
            message = _MESSAGES[rule].format(cut=cut.number, later=later.number)
            yield Finding(rule, (cut.number, later.number), message)


def _broken(calls: Sequence[Call]) -> Broken:
    found: dict[bytes, list[tuple[Call, Received]]] = {}
    for call in calls:
        # Nothing breaks an answer but a fault.
        if call.metadata.fault is None or not call.stream or not (messages := _messages(call)):
            continue
        what = received(call)
        if what.partial:
            found.setdefault(_last(messages), []).append((call, what))
    return found


def _taken(broken: Broken, later: Call) -> Iterator[tuple[Call, Received, bytes, Said]]:
    """The broken answers that stand in a later request, with the message before them and what they
    say. One that stands last is there to be gone on with, which is no mistake."""
    messages = _messages(later)
    for before, message in pairwise(messages[:-1]):
        if message["role"] != "assistant":
            continue
        question, answer = orjson.dumps(before), said(message)
        for cut, what in broken.get(question, ()):
            if cut.number < later.number and answer in what.partial:
                yield cut, what, question, answer


def _whole(calls: Sequence[Call]) -> dict[tuple[bytes, Said], int]:
    """The first call that got an answer as a whole, by the last message and what was said."""
    found: dict[tuple[bytes, Said], int] = {}
    for call in calls:
        if messages := _messages(call):
            for answer in received(call).whole:
                found.setdefault((_last(messages), answer), call.number)
    return found


def _tool_loops(calls: Sequence[Call]) -> Iterator[Finding]:
    most: int = bounds(LOOP)["rounds"]
    loops: dict[bytes, list[Call]] = {}
    longest: dict[bytes, int] = {}
    for call in calls:
        # A round has a result at least; so most bodies need not be read.
        if call._request.body.count(_RESULT) <= most or not (messages := _messages(call)):
            continue
        start = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=-1) + 1
        rounds = sum(bool(message.get("tool_calls")) for message in messages[start:])
        if rounds > most:
            conversation = orjson.dumps(messages[:start])
            loops.setdefault(conversation, []).append(call)
            longest[conversation] = max(rounds, longest.get(conversation, 0))
    for conversation, beyond in loops.items():
        message = (
            f"{longest[conversation]} rounds of tool calls since the user's last message; the "
            f"bound is {most}"
        )
        yield Finding(LOOP, tuple(call.number for call in beyond), message)
