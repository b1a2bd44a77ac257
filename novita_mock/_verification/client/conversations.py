"""The rules of the client report on how a client uses the answers in a conversation."""

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
"""Calls whose answer did not arrive completely, by the last message of the request."""


def findings(calls: Sequence[Call]) -> Iterator[Finding]:
    """The client's mistakes with answers."""
    yield from _broken_answers(calls)
    yield from _tool_loops(calls)


def _messages(call: Call) -> list[Json]:
    """The messages of a valid request; empty for other requests."""
    if not call.metadata.valid:
        return []
    # Not `call.request`, which would stay in memory as long as the call.
    messages: list[Json] = orjson.loads(call.sent.body).get("messages") or []
    return messages


def _last(messages: Sequence[Any]) -> bytes:
    return orjson.dumps(messages[-1])


def _broken_answers(calls: Sequence[Call]) -> Iterator[Finding]:
    broken = _broken(calls)
    if not broken:
        return
    whole: dict[tuple[bytes, Said], int] | None = None
    reported: set[int] = set()
    for later in calls:
        if _ASSISTANT not in later.sent.body:
            continue
        for cut, arrived, question, answer in _repeated(broken, later):
            whole = _whole(calls) if whole is None else whole
            if cut.number in reported or whole.get((question, answer), later.number) < later.number:
                continue
            reported.add(cut.number)
            rule = ERROR if arrived.error else CUT
            message = _MESSAGES[rule].format(cut=cut.number, later=later.number)
            yield Finding(rule, (cut.number, later.number), message)


def _broken(calls: Sequence[Call]) -> Broken:
    broken: dict[bytes, list[tuple[Call, Received]]] = {}
    for call in calls:
        # Only a fault breaks an answer.
        if call.metadata.fault is None or not call.stream or not (messages := _messages(call)):
            continue
        arrived = received(call)
        if arrived.partial:
            broken.setdefault(_last(messages), []).append((call, arrived))
    return broken


def _repeated(broken: Broken, later: Call) -> Iterator[tuple[Call, Received, bytes, Said]]:
    """The broken answers that a later request contains, with the message before them and their
    content. An answer at the end is to be continued, which is no mistake."""
    messages = _messages(later)
    for before, message in pairwise(messages[:-1]):
        if message["role"] != "assistant":
            continue
        question, answer = orjson.dumps(before), said(message)
        for cut, arrived in broken.get(question, ()):
            if cut.number < later.number and answer in arrived.partial:
                yield cut, arrived, question, answer


def _whole(calls: Sequence[Call]) -> dict[tuple[bytes, Said], int]:
    """The number of the first call that got a complete answer, by last message and content."""
    first: dict[tuple[bytes, Said], int] = {}
    for call in calls:
        if messages := _messages(call):
            for answer in received(call).whole:
                first.setdefault((_last(messages), answer), call.number)
    return first


def _tool_loops(calls: Sequence[Call]) -> Iterator[Finding]:
    most: int = bounds(LOOP)["rounds"]
    loops: dict[bytes, list[Call]] = {}
    longest: dict[bytes, int] = {}
    for call in calls:
        # Each round has at least one result, so most bodies need not be parsed.
        if call.sent.body.count(_RESULT) <= most or not (messages := _messages(call)):
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
