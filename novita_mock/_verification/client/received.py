"""What a client received of an answer: the text that arrived, and whether it was complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from novita_mock._core.http import Json
from novita_mock._core.sse import LAST, data_of
from novita_mock._journal.call import Call

Said = tuple[str, tuple[str, ...]]
"""The text of a message, and the arguments of its tool calls."""


@dataclass(slots=True)
class _Choice:
    text: list[str] = field(default_factory=list)
    arguments: dict[int, str] = field(default_factory=dict)
    finished: bool = False

    def add(self, choice: Json) -> None:
        """Adds the part of the choice that a chunk contains."""
        delta = choice.get("delta") or {}
        self.text.append(delta.get("content") or "")
        for call in delta.get("tool_calls") or ():
            piece = (call.get("function") or {}).get("arguments") or ""
            index = call.get("index", 0)
            self.arguments[index] = self.arguments.get(index, "") + piece
        self.finished = self.finished or choice.get("finish_reason") is not None

    def said(self) -> Said:
        """The content that arrived."""
        return "".join(self.text).strip(), tuple(self.arguments.values())


@dataclass(frozen=True, slots=True)
class Received:
    """The received content of each choice: `whole` for complete choices, `partial` for the others;
    and whether an `error` event arrived."""

    whole: tuple[Said, ...]
    partial: tuple[Said, ...] = ()
    error: bool = False


_NOTHING = Received(())


def received(call: Call) -> Received:
    """What the client received of the answer to a conversation."""
    if call.status != 200:
        return _NOTHING
    if dict(call.reply.headers).get(b"content-type") == b"text/event-stream":
        return _stream(call.reply.body)
    answer = _read(call.reply.body)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    return Received(tuple(said(choice.get("message") or {}) for choice in choices or ()))


def said(message: Json) -> Said:
    """The text and the tool call arguments of an assistant message."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content)
    calls = message.get("tool_calls") or ()
    return (content or "").strip(), tuple(
        call.get("function", {}).get("arguments", "") for call in calls
    )


def _stream(body: bytes) -> Received:
    choices: dict[int, _Choice] = {}
    done = error = False
    for data in data_of(body):
        chunk = _read(data)
        done = done or data == LAST
        if isinstance(chunk, dict) and "choices" in chunk:
            for choice in chunk["choices"]:
                choices.setdefault(choice.get("index", 0), _Choice()).add(choice)
        else:
            error = error or (isinstance(chunk, dict) and bool({"error", "message"} & chunk.keys()))
    every = list(choices.values()) or [_Choice()]
    whole = tuple(choice.said() for choice in every if done or choice.finished)
    partial = tuple(choice.said() for choice in every if not (done or choice.finished))
    return Received(whole, partial, error)


def _read(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
