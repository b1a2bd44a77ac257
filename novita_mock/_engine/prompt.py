"""Reads the prompts of a request: their text, their number of tokens and their subject.

One reader for each operation with prompts. Later stages use only these values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from novita_mock._api.messages import content_text, last_text
from novita_mock._core.http import Json, value
from novita_mock._core.tokenizer import count

# Nobody has published how the API counts these; fixed sums keep usage predictable.
_PER_MESSAGE = 4
_PER_MEDIUM = 256


def _message_text(message: Json) -> str:
    text = f"{message['role']}\n{content_text(message.get('content'))}"
    for call in message.get("tool_calls") or ():
        text += f"\n{call['function']['name']} {call['function']['arguments']}"
    return text


def _media(messages: list[Json]) -> list[Json]:
    lists = [m["content"] for m in messages if isinstance(m.get("content"), list)]
    return [part for parts in lists for part in parts if part["type"] != "text"]


def _conversation(body: Json) -> list[Prompt]:
    messages: list[Json] = body["messages"]
    text = "\n".join(map(_message_text, messages))
    tokens = count(text) + _PER_MESSAGE * len(messages)
    if media := _media(messages):
        text += orjson.dumps(media).decode()
        tokens += _PER_MEDIUM * len(media)
    # The model sees these in addition to the messages.
    for shown in (body.get("tools"), (body.get("response_format") or {}).get("json_schema")):
        if shown:
            tokens += count(orjson.dumps(shown).decode())
    return [Prompt(text, tokens, last_text(messages, "user"), continues=False)]


def _of_text(text: str) -> Prompt:
    return Prompt(text, count(text), text, continues=True)


def _of_tokens(tokens: list[int]) -> Prompt:
    text = " ".join(str(int(token)) for token in tokens)
    return Prompt(text, len(tokens), "", continues=True)


def _texts(body: Json) -> list[Prompt]:
    prompt: Any = body["prompt"]
    match prompt:
        case str():
            return [_of_text(prompt)]
        case [str(), *_]:
            return [_of_text(text) for text in prompt]
        case [list(), *_]:
            return [_of_tokens(tokens) for tokens in prompt]
    return [_of_tokens(prompt)]


READERS: Mapping[str, Callable[[Json], list[Prompt]]] = {
    "chat.completions": _conversation,
    "completions": _texts,
}


@value
class Prompt:
    """One prompt. `text` is the whole prompt, `subject` the part that the answer is about.
    `continues`: the answer continues the text."""

    text: str
    tokens: int
    subject: str
    continues: bool
