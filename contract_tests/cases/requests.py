"""How catalogue requests are written: variations of one greedy chat and one greedy completion."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from novita_mock._api.description import load_description

from ..wire.exchange import Asked, Json
from ..wire.views import CHAT, TEXT

if TYPE_CHECKING:
    from ..judging.probe import Api

Build = Callable[["Api"], Asked]

PATHS = {
    row.name: row.path for row in load_description().operations.values() if row.reply == "answer"
}
FEW = 16
MORE = 96
SYSTEM = {"role": "system", "content": "Act like you are a helpful assistant."}
USER = {"role": "user", "content": "Tell me something about the rivers and seas of Åland and 日本."}
MESSAGES = [SYSTEM, USER]
PROMPT = "The rivers of Åland and those of 日本 have one thing in common:"
SAMPLED: Json = {"max_tokens": FEW, "temperature": 0, "seed": 7}


def text_of(body: Json, *, ascii_only: bool = True, **kwargs: Any) -> bytes:
    return json.dumps(body, ensure_ascii=ascii_only, **kwargs).encode("utf-8", "surrogatepass")


def changed(body: Json, changes: Json) -> Json:
    """`body` with members set, or left out where the change is an ellipsis."""
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


def chat_body(api: Api, **changes: Any) -> Json:
    return changed({"model": api.model, "messages": MESSAGES, **SAMPLED}, changes)


def text_body(api: Api, **changes: Any) -> Json:
    return changed({"model": api.model, "prompt": PROMPT, **SAMPLED}, changes)


def post(operation: str, body: bytes, **kwargs: Any) -> Asked:
    return Asked(operation, "POST", PATHS[operation], body, **kwargs)


def chat(**changes: Any) -> Build:
    return lambda api: post(CHAT, text_of(chat_body(api, **changes)))


def text(**changes: Any) -> Build:
    return lambda api: post(TEXT, text_of(text_body(api, **changes)))


def bad_chat(**changes: Any) -> Build:
    return lambda api: post(CHAT, text_of(chat_body(api, **changes)), valid=False)


def bad_text(**changes: Any) -> Build:
    return lambda api: post(TEXT, text_of(text_body(api, **changes)), valid=False)


def raw(operation: str, body: bytes) -> Build:
    return lambda api: post(operation, body, valid=False)


def keyed(build: Build, authorization: str | None) -> Build:
    """The same request with other, invalid credentials."""

    def built(api: Api) -> Asked:
        asked = build(api)
        more: dict[str, Any] = {"headers": asked.headers, "valid": False}
        return Asked(asked.operation, asked.method, asked.path, asked.body, authorization, **more)

    return built


def get(operation: str, path: str, **kwargs: Any) -> Build:
    return lambda api: Asked(operation, "GET", path, headers=(), **kwargs)


def fill(template: bytes, **members: Any) -> Build:
    """A chat whose body contains JSON text that no JSON writer produces."""

    def built(api: Api) -> Asked:
        body = text_of(chat_body(api, **members))
        return post(CHAT, body[:-1] + b", " + template + b"}")

    return built
