"""A recorded reply: the body of an answer that was not streamed, played again.

Without a stream its own bytes are sent; for a stream it is read as a completion, which is then
cut into chunks like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from novita_mock._api import problems
from novita_mock._api.description import Book
from novita_mock._core.completion import Call, Choice, Completion
from novita_mock._core.http import Json
from novita_mock._core.tokenizer import split
from novita_mock._engine.plan import Scene


def recorded(book: Book, body: Mapping[str, object]) -> tuple[bytes, str]:
    """The bytes of `body`, and the operation whose answer it is. Raises ValueError that says where
    and why it is none."""
    data = orjson.dumps(body)
    document: Json = orjson.loads(data)
    written = [operation for operation in book.operations.values() if operation.chunk]
    for operation in written:
        kind = book.schema(operation.response)["properties"]["object"]["const"]
        if document.get("object") == kind:
            if problem := problems.complaint(book.validator(operation.response), document):
                raise ValueError(problem)
            return data, operation.name
    raise ValueError("$.object: expected that of an answer of chat.completions or completions")


def read(path: Path) -> Json:
    """The reply in the file `path`. Raises ValueError."""
    try:
        document: Json = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected the body of an answer")
    return document


def completion(scene: Scene, body: bytes) -> Completion:
    """What was recorded, as far as a stream can tell it; tokens that it does not count are the
    kit's own count."""
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
        prompt_tokens=int(usage.get("prompt_tokens", sum(p.tokens for p in scene.prompts))),
        completion_tokens=int(usage.get("completion_tokens", written)),
        reasoning_tokens=int(details.get("reasoning_tokens") or 0),
        usage=usage or None,
    )


def _choice(choice: Json) -> Choice:
    message: Json = choice.get("message") or {"content": choice.get("text")}
    content = message.get("content")
    calls = [
        Call(call["id"], call["function"]["name"], split(call["function"]["arguments"]))
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
