"""Every documented field is in the schemas, with the type and nullability of its page.

The tables come from the reference pages, not from the schemas.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.ask import both_say, fast

CHAT = "chat/completion.request.json"
CHAT_ANSWER = "chat/completion.response.json"
CHAT_CHUNK = "chat/completion.chunk.json"
TEXT = "completions/completion.request.json"
TEXT_ANSWER = "completions/completion.response.json"
MESSAGE = "common/message.json"
PART = "common/content_part.json"
TOOL = "common/tool.json"
FORMAT = "common/response_format.json"
USAGE = "common/usage.json"
MODEL_ROW = "models/model.json"

STRING, INTEGER, NUMBER, BOOLEAN = "txt", 2, 0.5, True
OBJECT: dict[str, Any] = {}
ARRAY: list[Any] = []
USER = {"role": "user", "content": "Hi"}
CALL = {"id": "0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"name": "f"}
NAMED = {"name": "n"}

# The bodies to which the tables below add their fields.
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat request": (CHAT, {"model": "m", "messages": [USER], "stream": True, "logprobs": True}),
    "completion request": (TEXT, {"model": "m", "prompt": "p"}),
    "system message": (MESSAGE, {"role": "system", "content": "Hi"}),
    "user message": (MESSAGE, USER),
    "assistant message": (MESSAGE, {"role": "assistant", "content": "Hi"}),
    "calling message": (MESSAGE, {"role": "assistant", "content": None, "tool_calls": [CALL]}),
    "tool message": (MESSAGE, {"role": "tool", "content": "21", "tool_call_id": "0"}),
    "text part": (PART, {"type": "text", "text": "Hi"}),
    "image part": (PART, {"type": "image_url", "image_url": {"url": "u"}}),
    "video part": (PART, {"type": "video_url", "video_url": {"url": "u"}}),
    "audio part": (PART, {"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}),
    "image": (PART + "#/$defs/image_url/properties/image_url", {"url": "u"}),
    "video": (PART + "#/$defs/video_url/properties/video_url", {"url": "u"}),
    "audio": (PART + "#/$defs/input_audio/properties/input_audio", {"data": "d", "format": "wav"}),
    "tool": (TOOL, {"type": "function", "function": FUNCTION}),
    "function": (TOOL + "#/properties/function", FUNCTION),
    "response format": (FORMAT, {"type": "json_schema", "json_schema": NAMED}),
    "free text format": (FORMAT, {"type": "text"}),
    "schema format": (FORMAT + "#/properties/json_schema", NAMED),
    "chat answer": (
        CHAT_ANSWER,
        {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}]},
    ),
    "chat choice": (
        CHAT_ANSWER + "#/$defs/choice",
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}},
    ),
    "chat answer message": (CHAT_ANSWER + "#/$defs/message", {"role": "assistant"}),
    "chunk choice": (CHAT_CHUNK + "#/$defs/choice", {"index": 0, "delta": {}}),
    "delta": (CHAT_CHUNK + "#/$defs/delta", {}),
    "chunk": (
        CHAT_CHUNK,
        {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []},
    ),
    "completion answer": (
        TEXT_ANSWER,
        {"id": "1", "object": "text_completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "text": "", "finish_reason": "stop", "logprobs": None}],
         "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}},
    ),
    "completion choice": (
        TEXT_ANSWER + "#/$defs/choice",
        {"index": 0, "text": "", "finish_reason": "stop", "logprobs": None},
    ),
    "completion logprobs": ("completions/logprobs.json", {}),
    "chat logprobs": ("chat/logprobs.json", {"content": []}),
    "reasoning detail": ("common/reasoning_detail.json", {"type": "reasoning.text", "text": "x"}),
    "tool call": ("common/tool_call.json", CALL),
    "usage": (USAGE, {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}),
    "model": (
        MODEL_ROW,
        {"id": "m", "created": 1, "object": "model", "title": "t", "description": "d",
         "input_token_price_per_m": 1, "output_token_price_per_m": 1, "context_size": 1},
    ),
    "list": ("models/list.response.json", {"data": []}),
}  # fmt: skip

REQUIRED, OPTIONAL = True, False
# field, a value of its type, whether null is documented, whether required, a value of another type
Field = tuple[str, Any, bool, bool, Any]


def field(name: str, value: Any, null: str = "", need: str = "", wrong: Any = None) -> Field:
    other = 5 if isinstance(value, str | list | dict | bool) else "five"
    return name, value, null == "null", need == "required", other if wrong is None else wrong


SAMPLING = [
    field("model", STRING, need="required"),
    field("max_tokens", INTEGER, wrong=1.5),
    field("stream", BOOLEAN, "null"),
    field("stream_options", {"include_usage": True}, "null"),
    field("n", INTEGER, "null"),
    field("seed", INTEGER, "null", wrong=0.5),
    field("frequency_penalty", NUMBER, "null"),
    field("presence_penalty", NUMBER, "null"),
    field("repetition_penalty", NUMBER, "null"),
    field("stop", STRING, "null"),
    field("stop", ["a", "b"], "null"),
    field("temperature", NUMBER, "null"),
    field("top_p", NUMBER, "null"),
    field("top_k", INTEGER, "null", wrong=1.5),
    field("min_p", NUMBER, "null"),
    field("logit_bias", {"50256": -100}, "null", wrong={"50256": "x"}),
]
TABLES: dict[str, list[Field]] = {
    # 3.1
    "chat request": [
        *SAMPLING,
        field("messages", [USER], need="required"),
        field("logprobs", BOOLEAN, "null"),
        field("top_logprobs", INTEGER, "null"),
        field("tools", [{"type": "function", "function": FUNCTION}], "null"),
        field("response_format", {"type": "text"}, "null"),
        field("separate_reasoning", BOOLEAN, "null"),
        field("enable_thinking", BOOLEAN, "null"),
    ],
    # 3.1.1
    "system message": [
        field("role", "system", need="required"),
        field("content", STRING, need="required"),
        field("name", "Bob_1"),
    ],
    "user message": [
        field("content", [{"type": "text", "text": ""}], need="required"),
        field("name", "MiniMax AI"),
    ],
    "assistant message": [
        field("content", STRING, need="required"),
        field("name", "MiniMax AI", wrong="a" * 65),
        field("tool_calls", [CALL], "null"),
        field("reasoning_details", [{"type": "reasoning.text", "text": "x"}], "null"),
        field("reasoning_content", STRING, "null"),
    ],
    "calling message": [
        field("content", STRING, "null"),
        field("tool_calls", [CALL], need="required"),
    ],
    "tool message": [
        field("content", STRING, need="required"),
        field("tool_call_id", STRING, need="required"),
    ],
    # 3.1.2
    "text part": [field("type", "text", need="required"), field("text", STRING, need="required")],
    "image part": [field("image_url", {"url": "u"}, need="required")],
    "video part": [field("video_url", {"url": "u"}, need="required")],
    "audio part": [field("input_audio", {"data": "d", "format": "mp3"}, need="required")],
    "image": [
        field("url", STRING, need="required"),
        field("detail", "high", wrong="medium"),
        field("detail", "low"),
        field("detail", "auto"),
    ],
    "video": [field("url", STRING, need="required")],
    "audio": [field("data", STRING, need="required"), field("format", STRING, need="required")],
    # 3.1.3
    "tool": [
        field("type", "function", need="required", wrong="retrieval"),
        field("function", FUNCTION, need="required"),
    ],
    "function": [
        field("name", "get-Weather_1", need="required", wrong="get weather"),
        field("name", "a" * 64, need="required", wrong="a" * 65),
        field("description", STRING, "null"),
        field("parameters", OBJECT, "null"),
        field("strict", BOOLEAN),
    ],
    # 3.1.4
    "response format": [
        field("type", "json_schema", need="required", wrong="xml"),
        field("json_schema", NAMED, need="required"),
    ],
    "free text format": [
        field("type", "text", need="required"),
        field("type", "json_object", need="required"),
        field("json_schema", NAMED, "null"),
    ],
    "schema format": [
        field("name", "a-Z_9", need="required", wrong="a b"),
        field("name", "a" * 64, need="required", wrong="a" * 65),
        field("description", STRING, "null"),
        field("schema", OBJECT, "null"),
        field("strict", BOOLEAN),
    ],
    # 3.2
    "chat answer": [
        field("id", STRING, need="required"),
        field("object", "chat.completion", need="required", wrong="text_completion"),
        field("created", INTEGER, need="required"),
        field("model", STRING, need="required"),
        field("choices", [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}],
              need="required"),
        field("usage", {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}),
        field("system_fingerprint", ""),
    ],
    "chat choice": [
        field("index", INTEGER, need="required"),
        field("finish_reason", "stop", need="required", wrong="done"),
        field("finish_reason", "length", need="required"),
        field("finish_reason", "tool_calls", need="required"),
        field("message", {"role": "assistant"}, need="required"),
        field("logprobs", {"content": []}, "null"),
        field("content_filter_results", {"hate": {"filtered": False}}),
    ],
    "chat answer message": [
        field("role", "assistant", need="required"),
        field("content", STRING, "null"),
        field("reasoning_content", STRING, "null"),
        field("reasoning_details", [{"type": "reasoning.text", "text": "x"}]),
        field("tool_calls", [{"index": 0, **CALL}]),
        field("name", "MiniMax"),
    ],
    "tool call": [
        field("id", STRING, need="required"),
        field("type", "function", need="required", wrong="code"),
        field("function", {"name": "f", "arguments": "{}"}, need="required"),
        field("index", INTEGER),
    ],
    "reasoning detail": [
        field("type", "reasoning.text", need="required"),
        field("text", STRING, need="required"),
        field("format", "openai-responses-v1"),
        field("id", "reasoning-text-1"),
        field("index", INTEGER),
    ],
    "usage": [
        field("prompt_tokens", INTEGER, need="required"),
        field("completion_tokens", INTEGER, need="required"),
        field("total_tokens", INTEGER, need="required"),
        field("prompt_tokens_details", {"audio_tokens": 0, "cached_tokens": 0}, "null"),
        field("prompt_tokens_details", {"cache_creation_Prompt_tokens": 1}, "null"),
        field("prompt_tokens_details", {"cache_read_Prompt_tokens": 1, "image_tokens": 2}, "null"),
        field("completion_tokens_details", {"reasoning_tokens": 0}, "null"),
    ],
    "chat logprobs": [
        field("content", [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}],
              "null", "required"),
    ],
    # 6.2
    "chunk": [
        field("object", "chat.completion.chunk", need="required", wrong="chat.completion"),
        field("choices", ARRAY, need="required"),
        field("usage", {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}, "null"),
        field("system_fingerprint", ""),
    ],
    "chunk choice": [
        field("index", INTEGER, need="required"),
        field("delta", OBJECT, need="required"),
        field("finish_reason", "stop", "null"),
        field("content_filter_results", {"jailbreak": {"filtered": False, "detected": False}}),
    ],
    "delta": [
        field("role", "assistant"),
        field("content", "", "null"),
        field("reasoning_content", STRING, "null"),
        field("reasoning_details", [{"type": "reasoning.text", "text": "x"}]),
        field("tool_calls", [{"index": 0, "type": "function", "function": {"arguments": "{"}}]),
    ],
    # 3.4
    "completion request": [
        *SAMPLING[:3],
        *SAMPLING[4:],
        field("prompt", STRING, need="required"),
        field("prompt", ["a", "b"], need="required"),
        field("prompt", [1, 2], need="required"),
        field("prompt", [[1], [2, 3]], need="required", wrong=[[1], "a"]),
        field("logprobs", INTEGER, "null"),
        field("best_of", INTEGER),
    ],
    "completion answer": [
        field("id", STRING, need="required"),
        field("object", "text_completion", need="required", wrong="chat.completion"),
        field("created", INTEGER, need="required"),
        field("model", STRING, need="required"),
        field("usage", {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1},
              need="required"),
    ],
    "completion choice": [
        field("index", INTEGER, need="required"),
        field("text", STRING, need="required"),
        field("finish_reason", "stop", need="required", wrong="tool_calls"),
        field("finish_reason", "length", need="required"),
        field("logprobs", {"tokens": []}, "null"),
    ],
    "completion logprobs": [
        field("text_offset", [0]),
        field("token_logprobs", [-0.5]),
        field("tokens", ["a"]),
        field("top_logprobs", [{"a": -0.5}], "null"),
    ],
    # 3.5
    "list": [field("data", ARRAY, need="required")],
    "model": [
        field("id", STRING, need="required"),
        field("created", INTEGER, need="required"),
        field("object", "model", need="required", wrong="list"),
        field("input_token_price_per_m", INTEGER, need="required"),
        field("output_token_price_per_m", INTEGER, need="required"),
        field("title", STRING, need="required"),
        field("description", STRING, need="required"),
        field("context_size", INTEGER, need="required"),
        field("owned_by", STRING),
        field("permission", ARRAY, "null"),
        field("root", STRING, "null"),
        field("parent", STRING, "null"),
        field("display_name", STRING),
        field("tags", ["NEW"]),
        field("max_output_tokens", INTEGER),
        field("status", INTEGER),
        field("model_type", STRING),
        field("features", ["reasoning"]),
        field("endpoints", ["completions"]),
        field("input_modalities", ["text"]),
        field("output_modalities", ["text"]),
        field("pricing", {"prompt": {"price_per_m": 1, "price_per_m_decimal": "0.0001"}}),
        field("is_tiered_billing", BOOLEAN),
        field("tiered_billing_configs", [{"min_tokens": 0, "max_tokens": 5, "pricing": {}}]),
    ],
}  # fmt: skip

# Seen on the wire or in guides, though in no reference table.
UNDOCUMENTED = [
    field("tool_choice", "auto", "null"),
    field("tool_choice", {"type": "function", "function": {"name": "f"}}, "null"),
    field("reasoning_split", BOOLEAN, "null"),
    field("modalities", ["text", "audio"], "null"),
    field("reasoning", {"enabled": False, "effort": "any text"}, "null"),
    field("reasoning_effort", "any text", "null"),
    field("thinking", {"type": "disabled"}, "null"),
]
TABLES["chat request"] += UNDOCUMENTED

ROWS = [(where, row) for where, table in TABLES.items() for row in table]
each_row = pytest.mark.parametrize(
    ("where", "row"), ROWS, ids=[f"{where}: {row[0]} {row[1]}"[:60] for where, row in ROWS]
)


@each_row
def test_a_field_is_described(where: str, row: Field) -> None:
    reference, body = BODIES[where]
    name, value, _, _, wrong = row
    assert both_say(reference, {**body, name: value})
    assert not both_say(reference, {**body, name: wrong})


@each_row
def test_a_field_may_be_null_exactly_where_the_page_allows_it(where: str, row: Field) -> None:
    reference, body = BODIES[where]
    name, _, null, _, _ = row
    tolerated = (where, name) in NULL_TOLERATED
    assert both_say(reference, {**body, name: None}) is (null or tolerated)


# The page does not mention null here, but clients have to handle it, so the schemas allow it.
NULL_TOLERATED = {
    ("chat answer", "system_fingerprint"),
    ("chunk", "system_fingerprint"),
    ("chat answer message", "reasoning_details"),
    ("chat answer message", "tool_calls"),
    ("delta", "reasoning_details"),
    ("delta", "tool_calls"),
    ("free text format", "json_schema"),
}


@each_row
def test_a_field_may_be_missing_exactly_where_the_page_allows_it(where: str, row: Field) -> None:
    reference, body = BODIES[where]
    name, _, _, required, _ = row
    without = {key: value for key, value in body.items() if key != name}
    assert both_say(reference, without) is not required


@pytest.mark.parametrize("where", [where for where in BODIES if "request" in where])
def test_a_request_with_a_field_of_tomorrow_is_valid(where: str) -> None:
    reference, body = BODIES[where]
    assert both_say(reference, {**body, "a field of tomorrow": {"at": ["any", "depth"]}})


@pytest.mark.parametrize("text", ["f\n", "f\r", "f\u2028", "ü", "\uff21", "f\x00", "١"], ids=ascii)
def test_a_name_of_other_characters_is_refused_by_both_validators(text: str) -> None:
    assert not both_say(TOOL + "#/$defs/name", text)
    assert not both_say(MESSAGE + "#/$defs/name", text)


@pytest.mark.parametrize("length", [64, 65])
def test_a_name_is_measured_in_characters(length: int) -> None:
    assert fast(TOOL + "#/$defs/name").is_valid("a" * length) is (length == 64)


@pytest.mark.parametrize(
    "value", [True, False, 1.0, 2.0, 1.5, "1", None, 10**30, 1e30, -0.0], ids=repr
)
@pytest.mark.parametrize("name", ["n", "seed", "max_tokens", "temperature", "stream"])
def test_the_validators_agree_about_unusual_numbers(name: str, value: Any) -> None:
    reference, body = BODIES["chat request"]
    both_say(reference, {**body, name: value})
