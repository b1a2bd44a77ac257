"""Recorded answers as completions: the kit counts what the recorded usage lacks."""

from __future__ import annotations

from typing import Any

import pytest

from novita_mock import Mock
from novita_mock._core.tokenizer import count
from tests.ask import MODEL, body_of, posted

CALL = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"a":1}'}}
TOLD = count("get_weather") + count('{"a":1}')


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ({"content": "one two"}, 2),
        ({"content": None, "tool_calls": [CALL]}, TOLD),
        ({"content": "one", "tool_calls": [CALL, CALL]}, 1 + 2 * TOLD),
        ({"content": "one", "reasoning_content": "a b c"}, 4),
    ],
    ids=["text", "a tool call", "text and tool calls", "reasoning"],
)
def test_the_tokens_of_a_recorded_answer_without_usage_are_counted(
    message: dict[str, Any], tokens: int
) -> None:
    mock = Mock()
    message = {"role": "assistant", **message}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    row = {"id": "x", "object": "chat.completion", "created": 1, "model": MODEL}
    mock.recorded({**row, "choices": [choice]})
    mock.answer(posted(body_of(stream=True, stream_options={"include_usage": True})))
    assert mock.last.answer[-1]["usage"]["completion_tokens"] == tokens
