"""Turns valid requests into valid requests that are consistent and, on live targets, cheap."""

from __future__ import annotations

from typing import Any

from ..wire.exchange import Json
from .features import PERSON, WEATHER
from .requests import FEW, MORE

SHORT = 200
MOST_CHOICES = 2
MOST_MESSAGES = 4
MEDIA = ("image_url", "video_url", "input_audio")
# No page says what an independent server makes of these.
UNDOCUMENTED = (
    "reasoning", "reasoning_effort", "reasoning_split", "thinking", "modalities", "tool_choice",
    "enable_thinking", "separate_reasoning", "tools", "response_format",
)  # fmt: skip
# Both ends of a documented range are contested, so live requests stay inside.
INSIDE = {
    "temperature": (0, 1.9), "top_p": (0.01, 1), "min_p": (0, 1), "top_k": (2, 127),
    "frequency_penalty": (-1.9, 1.9), "presence_penalty": (-1.9, 1.9),
    "repetition_penalty": (0.1, 1.9), "seed": (0, 2**31),
}  # fmt: skip


def tidy(body: Json) -> Json:
    """`body` with matching names and ids, and with real JSON schemas where a caller would put
    them."""
    made = dict(body)
    media = _media(made.get("messages") or [])
    if media:
        # Hardly any model can do both, or several kinds of media.
        for name in ("tools", "tool_choice", "response_format"):
            made.pop(name, None)
        for part in media:
            if part["type"] != media[0]["type"]:
                part.update({"type": "text", "text": "Hello."})
    for tool in made.get("tools") or []:
        if tool["function"].get("parameters"):
            tool["function"]["parameters"] = WEATHER
    form = (made.get("response_format") or {}).get("json_schema") or {}
    if form.get("schema"):
        form["schema"] = PERSON
    _choose(made)
    if made.get("logit_bias"):
        made["logit_bias"] = {str(15 + at): v for at, v in enumerate(made["logit_bias"].values())}
    if "messages" in made:
        made["messages"] = _linked(made["messages"])
    return _bounded(made)


def _media(messages: list[Json]) -> list[Json]:
    """The parts of messages that are not text."""
    contents = [message.get("content") for message in messages]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [part for part in parts if part["type"] in MEDIA]


def _choose(made: Json) -> None:
    tools = made.get("tools") or []
    names = [tool["function"]["name"] for tool in tools]
    if len(set(names)) < len(names):
        for at, tool in enumerate(tools):
            tool["function"]["name"] = f"{tool['function']['name'][:60]}_{at}"
    choice = made.get("tool_choice")
    if isinstance(choice, dict) and tools:
        choice["function"]["name"] = tools[0]["function"]["name"]
    elif choice is not None and not tools:
        made.pop("tool_choice")


def _linked(messages: list[Json]) -> list[Json]:
    """The messages with every tool result behind the call that it answers."""
    found: list[Json] = []
    for message in messages:
        if message["role"] == "tool":
            continue
        found.append(message)
        for at, call in enumerate(message.get("tool_calls") or []):
            if message["role"] == "assistant":
                call["id"] = f"call_{len(found)}_{at}"
                call["function"]["arguments"] = "{}"
        if message["role"] == "assistant":
            ids = [call["id"] for call in message.get("tool_calls") or []]
            found += [{"role": "tool", "content": "21", "tool_call_id": id} for id in ids]
    return found or [{"role": "user", "content": "Hello."}]


def _bounded(made: Json) -> Json:
    """`made` with no more tokens and choices than a test needs."""
    most = MORE if made.get("tools") or made.get("response_format") else FEW
    made["max_tokens"] = min(made.get("max_tokens", most), most)
    if made.get("n") is not None:
        made["n"] = min(made["n"], MOST_CHOICES)
    if made.get("best_of") is not None:
        made["best_of"] = max(made.get("n") or 1, min(made["best_of"], MOST_CHOICES))
    prompt = made.get("prompt")
    if isinstance(prompt, list):
        made["prompt"] = [one[:SHORT] if isinstance(one, list) else one for one in prompt[:2]]
    return made


def clamp(body: Json) -> Json:
    """`body` as it may be sent to a server that costs money: short, plain and documented."""
    made = {key: value for key, value in tidy(body).items() if key not in UNDOCUMENTED}
    made["max_tokens"] = max(1, min(made["max_tokens"], FEW))
    for name, (low, high) in INSIDE.items():
        if made.get(name) is not None:
            made[name] = min(max(made[name], low), high)
    if isinstance(made.get("stop"), list):
        made["stop"] = [text[:20] for text in made["stop"] if text.strip()] or None
    if isinstance(made.get("stop"), str) and not made["stop"].strip():
        made["stop"] = "END"
    if "messages" in made:
        made["messages"] = _plain(made["messages"])
    if "prompt" in made:
        made["prompt"] = _prompt(made["prompt"])
    return made


def _plain(messages: list[Json]) -> list[Json]:
    spoken = [message for message in messages if message["role"] in ("system", "user")]
    found = [
        {"role": message["role"], "content": _content(message["content"])}
        for message in spoken[:MOST_MESSAGES]
    ]
    return [*found, {"role": "user", "content": "Say a few words."}]


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return _words(content)
    texts = [part for part in content if part["type"] == "text"]
    return [{"type": "text", "text": _words(part["text"])} for part in texts[:2]] or "Hello."


def _prompt(prompt: Any) -> Any:
    if isinstance(prompt, str):
        return _words(prompt)
    return _words(" ".join(str(one) for one in prompt))


def _words(text: str) -> str:
    """A short text without characters that a tokenizer may not know."""
    known = "".join(char for char in text if char.isprintable() or char in "\n\t")
    return known.strip()[:SHORT] or "Hello."
