"""Turns a recorded answer into a completion, which can be streamed like any other."""

from __future__ import annotations

import orjson

from novita_mock._core.completion import Choice, Completion, GeneratedCall
from novita_mock._core.http import Json
from novita_mock._core.tokenizer import split
from novita_mock._engine.plan import Plan


def completion(plan: Plan, body: bytes) -> Completion:
    """The completion in the recorded `body`, as far as a stream can express it. The kit counts the
    tokens that the recorded usage lacks."""
    document: Json = orjson.loads(body)
    choices = [_choice(choice) for choice in document["choices"]]
    usage: Json = document.get("usage") or {}
    written = sum(map(_tokens, choices))
    details = usage.get("completion_tokens_details") or {}
    return Completion(
        id=document["id"],
        created=int(document["created"]),
        model=document["model"],
        choices=choices,
        prompt_tokens=int(usage.get("prompt_tokens", sum(p.tokens for p in plan.prompts))),
        completion_tokens=int(usage.get("completion_tokens", written)),
        reasoning_tokens=int(details.get("reasoning_tokens") or 0),
        usage=usage or None,
    )


def _choice(choice: Json) -> Choice:
    message: Json = choice.get("message") or {"content": choice.get("text")}
    content = message.get("content")
    calls = [
        GeneratedCall(call["id"], call["function"]["name"], split(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    ]
    return Choice(
        index=int(choice["index"]),
        content=None if content is None else split(content),
        finish_reason=choice["finish_reason"],
        reasoning=split(message.get("reasoning_content") or ""),
        calls=calls,
        alternatives=None,
    )


def _tokens(choice: Choice) -> int:
    called = sum(len(split(call.name)) + len(call.fragments) for call in choice.calls)
    return len(choice.content or ()) + len(choice.reasoning) + called
