"""Valid requests that contain every property of the schemas; boundary cases derive from them."""

from __future__ import annotations

from ..wire.exchange import Json
from ..wire.views import CHAT, TEXT
from .features import ASK_WEATHER, WEATHER_TOOLS
from .requests import MESSAGES, PROMPT, SAMPLED

# Placeholder for the model to ask.
MODEL = "{model}"
_PARTS = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=",
                                        "detail": "low"}},
    {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
]  # fmt: skip
_CALL = {
    "id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"},
    "index": 0,
}  # fmt: skip
_DETAIL = {
    "type": "reasoning.text", "text": "Hm.", "format": "openai-responses-v1",
    "id": "reasoning-text-1", "index": 0,
}  # fmt: skip
_TURNS = [
    *ASK_WEATHER,
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "content": "noon", "tool_call_id": "call_1", "name": "get_time"},
    {"role": "assistant", "content": "It is noon.", "name": "helper",
     "reasoning_content": "Hm.", "reasoning_details": [_DETAIL]},
    {"role": "user", "content": "Thanks.", "name": "me"},
]  # fmt: skip
_STRICT_TOOLS = [
    {**tool, "function": {**tool["function"], "strict": False}} for tool in WEATHER_TOOLS
]
_SAMPLING: Json = {
    "n": 1, "frequency_penalty": 0, "presence_penalty": 0, "repetition_penalty": 1,
    "top_p": 0.5, "top_k": 5, "min_p": 0.1, "logit_bias": {"15": 1}, "stop": ["\u2603"],
    "stream": True, "stream_options": {"include_usage": True},
}  # fmt: skip
_FORM = {"name": "person", "description": "A person", "schema": {"type": "object"}, "strict": False}
FULL_REQUESTS: dict[str, list[Json]] = {
    CHAT: [
        {"model": MODEL, "messages": MESSAGES, **SAMPLED, **_SAMPLING, "logprobs": True,
         "top_logprobs": 2},
        {"model": MODEL, "messages": ASK_WEATHER, "max_tokens": 8, "tools": _STRICT_TOOLS},
        {"model": MODEL, "messages": ASK_WEATHER, "max_tokens": 8, "tools": WEATHER_TOOLS,
         "tool_choice": {"type": "function", "function": {"name": "get_time"}}},
        {"model": MODEL, "messages": _TURNS, "max_tokens": 8},
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 1, "logprobs": True,
         "response_format": {"type": "text", "json_schema": _FORM}},
        *({"model": MODEL, "messages": [{"role": "user", "content": [_PARTS[0], part]}],
           "max_tokens": 8} for part in _PARTS),
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 8, "separate_reasoning": True,
         "enable_thinking": True, "reasoning_split": True, "reasoning_effort": "low",
         "reasoning": {"enabled": True, "effort": "low"}, "thinking": {"type": "enabled"},
         "modalities": ["text"],
         "response_format": {"type": "json_schema", "json_schema": _FORM}},
        {"model": MODEL, "messages": ASK_WEATHER, "max_tokens": 8, "tools": WEATHER_TOOLS,
         "tool_choice": "auto"},
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 8, "stop": "\u2603", "stream": False},
    ],
    TEXT: [
        {"model": MODEL, "prompt": PROMPT, **SAMPLED, **_SAMPLING, "logprobs": 2},
        {"model": MODEL, "prompt": [PROMPT, "The sea"], "max_tokens": 4, "best_of": 2, "n": 1,
         "stream": False, "stop": "\u2603"},
        {"model": MODEL, "prompt": [15, 16], "max_tokens": 4},
        {"model": MODEL, "prompt": [[15, 16], [17]], "max_tokens": 4},
    ],
}  # fmt: skip
