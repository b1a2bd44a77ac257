"""Small words in which faults are told: edits of answers, chunks, frames and replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from .values import Body, Call, Choice, Completion, Fault, Hooks, Json, Reply, Request
from .wire import dump

Path = tuple[str | int, ...]
Change = Callable[[Any], Any]
DROP: Final = object()
CHAT_OBJECTS = ("chat.completion", "chat.completion.chunk")
CHUNK = CHAT_OBJECTS[1]
CHOICE: Path = ("choices", "*")


def to(value: Json) -> Change:
    return lambda _: value


def drop(_: Json) -> object:
    return DROP


def edit(value: Json, path: Path, change: Change) -> None:
    """Changes in place what lies at the path; "*" is every item, the last key may be new."""
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        steps: list[Any] = list(range(len(value))) if step == "*" else [step]
    elif isinstance(value, dict):
        steps = [step]
    else:
        return
    for key in steps:
        held = value.get(key) if isinstance(value, dict) else value[key]
        if rest:
            edit(held, rest, change)
        elif (new := change(held)) is DROP:
            value.pop(key, None) if isinstance(value, dict) else value.pop(key)
        else:
            value[key] = new


def answer(path: Path, change: Change, only: str = "") -> Hooks:
    def hook(made: Json, body: Body) -> Json:
        if made["object"].startswith(only):
            edit(made, path, change)
        return made

    return Hooks(answer=hook)


def each_chunk(path: Path, change: Change, only: str = "") -> Hooks:
    def hook(made: list[Json], body: Body) -> list[Json]:
        for chunk in made:
            if str(chunk.get("object")).startswith(only):
                edit(chunk, path, change)
        return made

    return Hooks(chunks=hook)


def later_chunks(path: Path, change: Change) -> Hooks:
    """The chunks from the second on."""

    def hook(made: list[Json], body: Body) -> list[Json]:
        for chunk in made[1:]:
            edit(chunk, path, change)
        return made

    return Hooks(chunks=hook)


def pieces(made: list[Json]) -> Iterator[tuple[Json, str]]:
    """Every piece of text in the chunks, as the object that holds it and its key."""
    for chunk in made:
        for choice in chunk.get("choices") or []:
            holder, key = (choice, "text") if "text" in choice else (choice["delta"], "content")
            if holder.get(key):
                yield holder, key


def usage(change: Callable[[dict[str, Any], Completion, Body], object]) -> Hooks:
    """The counters are changed before they are encoded, alike for JSON and stream."""

    def hook(made: Completion, body: Body) -> Completion:
        change(made.usage, made, body)
        return made

    return Hooks(plan=hook)


def added_up(counters: dict[str, Any], **changed: int) -> None:
    counters.update(changed)
    counters["total_tokens"] = counters["prompt_tokens"] + counters["completion_tokens"]


def each_choice(change: Callable[[Choice, Body], object]) -> Hooks:
    def hook(made: Completion, body: Body) -> Completion:
        for choice in made.choices:
            change(choice, body)
        return made

    return Hooks(plan=hook)


def each_call(change: Callable[[Call, Body], object]) -> Hooks:
    return each_choice(lambda choice, body: [change(call, body) for call in choice.calls])


def each_body(change: Callable[[Body, Request], object]) -> Hooks:
    def hook(body: Body, request: Request) -> Body:
        change(body, request)
        return body

    return Hooks(body=hook)


def salted(mark: Callable[[Body, Request], object]) -> Hooks:
    """The text depends on something that it must not depend on."""
    return each_body(lambda body, request: body.update(_salt=mark(body, request)))


def is_stream(reply: Reply) -> bool:
    return reply.content_type.startswith("text/event-stream")


def is_answer(reply: Reply, request: Request) -> bool:
    return reply.status == 200 and request.path.endswith("completions") and not is_stream(reply)


def document(change: Callable[[bytes], bytes]) -> Hooks:
    """The bytes of JSON answers with 200."""

    def hook(reply: Reply, request: Request) -> Reply:
        fits = is_answer(reply, request)
        return replace(reply, parts=(change(reply.body),)) if fits else reply

    return Hooks(reply=hook)


def instead(test: Callable[[Reply, Request], bool], other: Callable[[Reply], Reply]) -> Hooks:
    return Hooks(
        reply=lambda reply, request: other(reply) if test(reply, request) else reply,
    )


def typed(reply: Reply, content_type: str) -> Reply:
    rest = tuple(header for header in reply.headers if header[0] != "content-type")
    return replace(reply, headers=(("content-type", content_type), *rest))


def html(status: int) -> Reply:
    page = b"<html><body><h1>Internal Server Error</h1></body></html>"
    return Reply(status, (("content-type", "text/html"),), (page,))


def crash(_: Reply) -> Reply:
    return html(500)


def should(fault: Fault) -> Fault:
    return replace(fault, strength="should")


def as_json(status: int, value: Json) -> Reply:
    return Reply(status, (("content-type", "application/json"),), (dump(value),))


def is_broken(request: Request) -> bool:
    try:
        json.loads(request.body)
    except (ValueError, RecursionError):
        return True
    return False


def read(request: Request) -> Body:
    if is_broken(request) or not isinstance(held := json.loads(request.body), dict):
        return {}
    return held


def when(status: int, other: Callable[[Reply], Reply]) -> Hooks:
    return instead(lambda reply, request: reply.status == status, other)


def prompt_count(count: Any) -> Hooks:
    return usage(lambda held, made, body: added_up(held, prompt_tokens=count(held, made, body)))


def with_text(made: list[Json]) -> list[int]:
    return [at for at, chunk in enumerate(made) if list(pieces([chunk]))]


def listed(change: Callable[[list[Json]], list[Json]], texts: int = 0) -> Hooks:
    """The list of chunks is changed where it has that many pieces of text."""

    def hook(made: list[Json], body: Body) -> list[Json]:
        return change(made) if len(with_text(made)) >= texts else made

    return Hooks(chunks=hook)
