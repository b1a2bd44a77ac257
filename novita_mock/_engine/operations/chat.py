"""Chat completions: prompts are conversations, answers have messages."""

from __future__ import annotations

import orjson

from novita_mock._api.messages import content_text, last_text
from novita_mock._core.http import Json
from novita_mock._core.tokenizer import count
from novita_mock._engine.operations.text_answers import text_operation
from novita_mock._engine.prompt import Prompt
from novita_mock._render import chat

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


def prompts(body: Json) -> list[Prompt]:
    """The conversation as one prompt."""
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


CHAT_COMPLETIONS = text_operation("chat.completions", prompts, chat.SHAPE)
