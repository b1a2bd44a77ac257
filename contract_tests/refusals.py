"""Requests of the catalogue that are to be refused: unknown models, bodies that are no JSON, and
bodies with exactly one thing wrong. They cost nothing where they are refused."""

from __future__ import annotations

from typing import Any

from .requests import Build, bad_chat, bad_text, fill, post, raw_chat
from .views import TEXT

UNKNOWN = "nobody/no-such-model-0000"


def _messages(*messages: Any) -> Build:
    return bad_chat(messages=list(messages))


ERRORS: dict[str, Build] = {
    "error.model.chat": bad_chat(model=UNKNOWN),
    "error.model.again": bad_chat(model=UNKNOWN),
    "error.model.stream": bad_chat(model=UNKNOWN, stream=True),
    "error.model.text": bad_text(model=UNKNOWN),
    "error.model.empty": bad_chat(model=""),
    "error.json.cut": raw_chat(b'{"model": "a", "messages": [{"role": "us'),
    "error.json.text": lambda api: post(TEXT, b"prompt=hello", valid=False),
    "error.json.empty": raw_chat(b""),
    "error.json.array": raw_chat(b"[1, 2]"),
    "error.json.not_utf8": raw_chat(b'{"model": "\xff\xfe", "messages": []}'),
    "error.deep": raw_chat(b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "odd.surrogate": fill(b'"user": "\\ud800"'),
    "odd.huge": fill(b'"seed": 99999999999999999999999999, "max_tokens": 16'),
}
REQUIRED: dict[str, Build] = {
    "missing.model": bad_chat(model=...),
    "missing.messages": bad_chat(messages=...),
    "missing.prompt": bad_text(prompt=...),
    "missing.text.model": bad_text(model=...),
    "missing.role": _messages({"content": "Hi"}),
    "missing.content": _messages({"role": "user"}),
    "null.messages": bad_chat(messages=None),
    "null.content": _messages({"role": "user", "content": None}),
    "type.messages": bad_chat(messages="Hi"),
    "type.message": _messages("Hi"),
    "type.content": _messages({"role": "user", "content": 5}),
    "type.model": bad_chat(model=5),
    "type.prompt": bad_text(prompt={"text": "Hi"}),
    "empty.messages": bad_chat(messages=[]),
    "enum.role": _messages({"role": "robot", "content": "Hi"}),
}
# The property that each one is about stands before the colon.
OUTSIDE: dict[str, Build] = {
    "outside.temperature:high": bad_chat(temperature=2.5),
    "outside.temperature:low": bad_chat(temperature=-0.5),
    "outside.top_p:high": bad_chat(top_p=1.5),
    "outside.top_p:low": bad_chat(top_p=-0.1),
    "outside.n:high": bad_chat(n=129, max_tokens=1),
    "outside.n:low": bad_chat(n=0),
    "outside.presence_penalty:high": bad_chat(presence_penalty=2.5),
    "outside.presence_penalty:low": bad_chat(presence_penalty=-2.5),
    "outside.frequency_penalty:high": bad_chat(frequency_penalty=2.5),
    "outside.frequency_penalty:low": bad_chat(frequency_penalty=-2.5),
    "outside.repetition_penalty:high": bad_chat(repetition_penalty=2.5),
    "outside.max_tokens:low": bad_chat(max_tokens=-1),
    "outside.top_k:high": bad_chat(top_k=129),
    "outside.min_p:high": bad_chat(min_p=1.5),
    "outside.logit_bias:high": bad_chat(logit_bias={"15": 101}),
    "outside.stop:many": bad_chat(stop=["一", "二", "三", "四", "五"]),
    "outside.top_logprobs:high": bad_chat(logprobs=True, top_logprobs=21),
    "outside.logprobs:high": bad_text(logprobs=6),
}
WRONG_TYPES: dict[str, Build] = {
    "wrong.temperature": bad_chat(temperature="hot"),
    "wrong.n": bad_chat(n="two"),
    "wrong.max_tokens": bad_chat(max_tokens="ten"),
    "wrong.max_tokens:fraction": bad_chat(max_tokens=1.5),
    "wrong.stream": bad_chat(stream="yes"),
    "wrong.stop": bad_chat(stop=5),
    "wrong.logit_bias": bad_chat(logit_bias={"15": "much"}),
    "wrong.content:part": _messages({"role": "user", "content": [{"type": "text"}]}),
    "wrong.top_p:stream": bad_chat(top_p="all", stream=True),
    "wrong.tools": bad_chat(tools=[{"type": "function", "function": {"name": "no blanks!"}}]),
    "wrong.response_format": bad_chat(response_format={"type": "yaml"}),
    "rule.top_logprobs": bad_chat(top_logprobs=2),
    "rule.stream_options": bad_chat(stream_options={"include_usage": True}),
    "rule.best_of": bad_text(best_of=1, n=2),
    "rule.best_of:stream": bad_text(best_of=2, stream=True),
}
