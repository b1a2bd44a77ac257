"""From an accepted request to what is said: choices, finish reasons and usage, not yet encoded."""

from __future__ import annotations

import json
import os
import random
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from .catalogue import REASONER
from .rules import is_integer
from .rules_messages import messages_of
from .speech import prose, source, tokens_of, value_for
from .values import Body, Call, Choice, Completion

FindStop = Callable[[list[str], list[str]], int | None]


def find_stop(tokens: list[str], stops: list[str]) -> int | None:
    """Where the text ends that contains the stop text completed first, itself kept."""
    text = "".join(tokens)
    ends = [text.find(stop) + len(stop) for stop in stops if stop and stop in text]
    return min(ends, default=None)


def trimmed(tokens: list[str], end: int) -> list[str]:
    kept: list[str] = []
    for token in tokens:
        if end <= 0:
            break
        kept.append(token[:end])
        end -= len(token)
    return kept


def content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        part.get("text") or json.dumps(part, sort_keys=True)
        for part in parts
        if isinstance(part, dict)
    )


def _said(message: dict[str, Any]) -> tuple[str, str, str]:
    calls = message.get("tool_calls") or ""
    text = content_text(message.get("content"))
    return str(message.get("role")), text, json.dumps(calls, sort_keys=True) if calls else ""


def prompts_of(body: Body) -> list[list[str]]:
    """One list of tokens for each prompt; a conversation is one prompt."""
    if "messages" in body or "prompt" not in body:
        said = [_said(m) for m in messages_of(body) if isinstance(m, dict)]
        extra = tokens_of(json.dumps(body["tools"], sort_keys=True)) if body.get("tools") else []
        conversation = [
            token for role, text, calls in said for token in [f"<{role}>", *tokens_of(text + calls)]
        ]
        return [["<start>", *extra, *conversation, "<assistant>"]]
    prompt = body["prompt"]
    prompts = [prompt] if isinstance(prompt, str) or _are_tokens(prompt) else prompt
    return [
        ["<start>", *(tokens_of(one) if isinstance(one, str) else [f"<{token}>" for token in one])]
        for one in prompts
    ]


def _are_tokens(prompt: list[Any]) -> bool:
    return not any(isinstance(one, str | list) for one in prompt)


def _key(body: Body, prompt: list[str], number: int) -> tuple[object, ...]:
    """What the answer depends on; without seed and with temperature, chance as well."""
    greedy = body.get("temperature") == 0 or body.get("top_k") == 1
    seed = body.get("seed")
    drawn = os.urandom(8) if seed is None else int(seed)
    chance = () if greedy else (drawn, number)
    wanted = json.dumps(body.get("response_format"), sort_keys=True)
    return (body.get("model"), prompt, wanted, chance, body.get("_salt"))


def _wanted_functions(body: Body) -> list[dict[str, Any]]:
    """The functions to call: the forced one, or those that the last user message speaks of."""
    functions = [tool["function"] for tool in body.get("tools") or []]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        return [one for one in functions if one["name"] == choice["function"]["name"]][:1]
    last = messages_of(body)[-1] if messages_of(body) else {}
    words = content_text(last.get("content")).lower() if last.get("role") == "user" else ""
    spoken_of = [one for one in functions if _mentions(words, one["name"].lower())]
    if body.get("parallel_tool_calls") is False:
        spoken_of = spoken_of[:1]
    table = {"none": [], "required": spoken_of or functions[:1]}
    return table.get(choice or "auto", spoken_of)


def _mentions(words: str, name: str) -> bool:
    parts = [part for part in name.replace("-", "_").split("_") if len(part) > 3]
    whole = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words)
    return bool(whole) or any(part in words for part in parts)


def _call(function: dict[str, Any], rng: random.Random) -> Call:
    made = value_for(function.get("parameters") or {"type": "object"}, rng)
    arguments = json.dumps(made if isinstance(made, dict) else {}, ensure_ascii=False)
    return Call(f"call_{uuid.uuid4().hex[:24]}", function["name"], arguments)


def _text(body: Body, rng: random.Random) -> str:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return json.dumps({"answer": prose(rng), "score": rng.randint(1, 9)}, ensure_ascii=False)
    if wanted.get("type") == "json_schema":
        schema = (wanted.get("json_schema") or {}).get("schema")
        made = value_for(schema or {"type": "object"}, rng)
        return json.dumps(made, ensure_ascii=False)
    return prose(rng) if "messages" in body else " " + prose(rng)


def _choose(body: Body, prompt: list[str], number: int, index: int, stop: FindStop) -> Choice:
    rng = source(*_key(body, prompt, number))
    given_limits: list[Any] = [body.get(key) for key in ("max_tokens", "max_completion_tokens")]
    room = next((max(int(one), 0) for one in given_limits if is_integer(one)), 1 << 62)
    calls = [_call(function, rng) for function in _wanted_functions(body)]
    if calls:
        fits = sum(call_size(call) for call in calls) <= room
        # A call that does not fit is never begun: half a call would be no JSON.
        return Choice(index, [], [], calls if fits else [], "tool_calls" if fits else "length")
    reasons = body.get("separate_reasoning") is True and body.get("model") == REASONER
    thought = tokens_of(prose(rng))[:7] if reasons else []
    text = tokens_of(_text(body, rng))
    reasoning, room = thought[:room], max(room - len(thought), 0)
    given = body.get("stop")
    end = stop(text[:room], [given] if isinstance(given, str) else given or [])
    if end is not None:
        return Choice(index, reasoning, trimmed(text, end), [], "stop")
    return Choice(index, reasoning, text[:room], [], "length" if len(text) > room else "stop")


def call_size(call: Call) -> int:
    return len(tokens_of(call.name)) + len(tokens_of(call.arguments))


def usage_of(prompts: list[list[str]], choices: list[Choice]) -> dict[str, Any]:
    asked = sum(map(len, prompts))
    thought = sum(len(choice.reasoning) for choice in choices)
    called = sum(call_size(call) for choice in choices for call in choice.calls)
    given = sum(len(choice.tokens) for choice in choices) + thought + called
    return {
        "prompt_tokens": asked,
        "completion_tokens": given,
        "total_tokens": asked + given,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0},
    }


def complete(body: Body, stop: FindStop) -> Completion:
    prompts = prompts_of(body)
    count = int(body.get("n") or 1)
    choices = [
        _choose(body, prompt, number, at * count + number, stop)
        for at, prompt in enumerate(prompts)
        for number in range(count)
    ]
    made = Completion(f"chatcmpl-{uuid.uuid4().hex}", int(time.time()), body["model"], choices)
    made.usage = usage_of(prompts, choices)
    return made
