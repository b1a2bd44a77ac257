"""Three toy operations: an echo with a stream, an item with a query, and a form with a file."""

from __future__ import annotations

from collections.abc import Iterator

from novita_mock._api.description import Operation
from novita_mock._core.completion import Choice
from novita_mock._core.http import Json, Reply
from novita_mock._engine.operations.implementation import Answer, Context, Implementation, Setup
from novita_mock._engine.operations.text_answers import text_operation
from novita_mock._engine.prompt import of_text
from novita_mock._render.errors import dumps, json_reply
from novita_mock._render.shape import Shape
from novita_mock._stubs.model import ScriptedAnswer


def _piece(choice: Choice, text: str, reason: str | None = None) -> Json:
    return {"index": choice.index, "text": text, "finish_reason": reason}


def _closing(choice: Choice) -> Iterator[Json]:
    yield _piece(choice, "", choice.finish_reason)


SHAPE = Shape(
    whole=lambda choice: _piece(choice, "".join(choice.content or ()), choice.finish_reason),
    opening=lambda _: iter(()),
    piece=_piece,
    before=b'{"index":%d,"text":',
    behind=b',"finish_reason":null',
    closing=_closing,
    logprobs=lambda found, offset: {},
)


def _item(_: Setup, __: Operation) -> Answer:
    def answer(context: Context) -> Reply:
        found = {"id": context.located.parameters["id"], "q": context.query.get("q")}
        return json_reply(200, dumps(found))

    return answer


def _file(_: Setup, __: Operation) -> Answer:
    def answer(context: Context) -> Reply:
        file = context.uploads["file"]
        found = {"name": file.filename, "bytes": len(file.data), "kind": file.content_type}
        return json_reply(200, dumps({**found, "purpose": context.body["purpose"]}))

    return answer


ECHOES = (
    text_operation(
        "echo",
        lambda body: [of_text(body["text"])],
        SHAPE,
        lambda body: ScriptedAnswer(say=body["text"]),
    ),
    Implementation("echo.item", _item),
    Implementation("echo.file", _file),
)
