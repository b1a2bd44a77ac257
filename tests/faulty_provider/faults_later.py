"""Faults written after the laws: how many are killed of those that nobody thought of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .catalogue import MODEL
from .edits import (
    CHOICE,
    added_up,
    answer,
    as_json,
    each_choice,
    edit,
    instead,
    listed,
    pieces,
    read,
    to,
    typed,
    usage,
    when,
)
from .probes import (
    CHAT,
    LOGPROBS,
    NO_MODEL,
    ROW,
    STREAM,
    TEXT_BODY,
    TEXT_STREAM,
    TOOL_STREAM,
    USAGE_STREAM,
    N,
    chat,
    post,
    text,
    user,
)
from .values import Body, Choice, Completion, Fault, Hooks, Json, Reply, Request
from .wire import dump


def _one_choice_in_total(held: dict[str, Any], made: Completion, body: Body) -> None:
    spent = held["completion_tokens"] // len(made.choices)
    held["total_tokens"] = held["prompt_tokens"] + spent


def _doubled_when_streamed(held: dict[str, Any], made: Completion, body: Body) -> None:
    if body.get("stream") and "prompt" in body:
        added_up(held, completion_tokens=2 * held["completion_tokens"])


def _second_is_empty(choice: Choice, body: Body) -> None:
    choice.tokens = choice.tokens if choice.index == 0 else []


def _stops_for_calls(choice: Choice, body: Body) -> None:
    if choice.calls and body.get("stream"):
        choice.finish = "stop"


ANSWERS = {
    "later-created-an-hour-off": Fault("1.2", "created is in local time", CHAT,
                                       answer(("created",), lambda held: held + 3600)),
    "later-finish-renamed": Fault("1.3", "a cut answer ends for max_tokens", CHAT, answer(
        (*CHOICE, "finish_reason"), lambda held: "max_tokens" if held == "length" else held)),
    "later-total-of-one-choice": Fault("1.4", "the total counts one choice of several", N,
                                       usage(_one_choice_in_total)),
    "later-details-negative": Fault(
        "1.4", "a detail of the usage is below zero", CHAT,
        answer(("usage", "completion_tokens_details"), to({"reasoning_tokens": -1}))),
    "later-second-choice-empty": Fault("1.3", "only the first choice says something", N,
                                       each_choice(_second_is_empty)),
    "later-logprobs-turned": Fault(
        "1.11", "the tokens are listed from the second on, the first one last", LOGPROBS,
        answer((*CHOICE, "logprobs", "content"), lambda held: held and [*held[1:], held[0]],
               "chat")),
}  # fmt: skip


def _first_blank_lost(made: list[Json], body: Body) -> list[Json]:
    found = [(holder, key) for holder, key in pieces(made) if "prompt" in body]
    for holder, key in found[:1]:
        holder[key] = holder[key].lstrip()
    return made


def _other_id_of_usage(made: list[Json], body: Body) -> list[Json]:
    return [{**chunk, "id": "usage"} if chunk.get("usage") else chunk for chunk in made]


def _finish_without_index(made: list[Json], body: Body) -> list[Json]:
    for chunk in made:
        for choice in chunk.get("choices") or []:
            if choice.get("finish_reason"):
                choice.pop("index", None)
    return made


def _empty_events(made: list[bytes], body: Body) -> list[bytes]:
    return [made[0], b"data: \n\n", *made[1:]]


def _longer_when_streamed(body: Body, request: Request) -> Body:
    if body.get("stream") and body.get("max_tokens"):
        body["max_tokens"] += 1
    return body


def _printed(made: list[bytes], body: Body) -> list[bytes]:
    """The first chunk over several lines, of which one has a field name."""
    chunk = json.loads(made[0].removeprefix(b"data: "))
    return [b"data: " + json.dumps(chunk, indent=1).encode() + b"\n\n", *made[1:]]


STREAMS = {
    "later-stream-first-blank-lost": Fault("1.13", "a streamed completion lacks its first blank",
                                           TEXT_STREAM, Hooks(chunks=_first_blank_lost)),
    "later-stream-usage-doubled": Fault(
        "1.4", "a streamed completion counts its tokens twice",
        (text(stream=True, stream_options={"include_usage": True}),),
        usage(_doubled_when_streamed)),
    "later-stream-usage-of-another-id": Fault("1.12", "the chunk with the usage has another id",
                                              USAGE_STREAM, Hooks(chunks=_other_id_of_usage)),
    "later-stream-empty-events": Fault("1.12", "events without data", STREAM,
                                       Hooks(frames=_empty_events)),
    "later-stream-printed-nicely": Fault("1.12", "a chunk over several lines", STREAM,
                                         Hooks(frames=_printed)),
    "later-stream-end-without-index": Fault("1.12", "the piece with the reason has no index",
                                            STREAM, Hooks(chunks=_finish_without_index)),
    "later-stream-limit-one-more": Fault("1.5", "a stream has one token more than its limit",
                                         STREAM, Hooks(body=_longer_when_streamed)),
    "later-stream-calls-end-with-stop": Fault("1.8", "a streamed call ends for stop", TOOL_STREAM,
                                              each_choice(_stops_for_calls)),
    "later-stream-last-text-twice": Fault(
        "1.13", "the last text comes once more", STREAM,
        listed(lambda made: [*made[:-1], made[-2], made[-1]], 2)),
}  # fmt: skip


def _without_code(reply: Reply) -> Reply:
    value = json.loads(reply.body)
    value.pop("code", None)
    return as_json(reply.status, value)


def _with_place(error: Json) -> Json:
    edit(error, ("message",), lambda held: f"{held} (in /srv/gateway/app/main.py)")
    return error


def _default_for_empty(request: Request) -> Request:
    body = read(request)
    return _with(request, body | {"model": MODEL} if body.get("model") == "" else body)


def _with(request: Request, body: Body) -> Request:
    return replace(request, body=dump(body)) if body and body != read(request) else request


ERRORS = {
    "later-not-found-without-code": Fault("1.14", "an error with 404 has no code", NO_MODEL, Hooks(
        reply=lambda reply, request: _without_code(reply)
        if reply.status == 404 and reply.content_type == "application/json" else reply)),
    "later-error-names-a-file": Fault("1.14", "a message names a file of the server", NO_MODEL,
                                      Hooks(error=_with_place)),
    "later-refusal-as-text": Fault("1.14", "a refused key is sent as text/json",
                                   (replace(chat(), headers=()),),
                                   when(401, lambda reply: typed(reply, "text/json"))),
    "later-row-price-is-text": Fault(
        "1.16", "a model that is retrieved has its price as text", ROW, Hooks(
            row=lambda row: {**row, "input_token_price_per_m":
                             str(row["input_token_price_per_m"])})),
    "later-empty-model-is-default": Fault("1.14", "an empty model is the default one",
                                          (chat(model=""),), Hooks(request=_default_for_empty)),
}  # fmt: skip


def _lenient(change: Callable[[Body], Body]) -> Hooks:
    """What breaks a constraint is bent until it keeps it."""
    return Hooks(request=lambda request: _with(request, change(read(request))))


def _warmer(body: Body) -> Body:
    warm = body.get("temperature")
    return body | {"temperature": 2} if isinstance(warm, int | float) and 2 < warm <= 5 else body


def _fewer_stops(body: Body) -> Body:
    stop = body.get("stop")
    return body | {"stop": stop[:4]} if isinstance(stop, list) and len(stop) <= 16 else body


def _lower_role(body: Body) -> Body:
    said = body.get("messages")
    if not isinstance(said, list):
        return body
    known = ("system", "user", "assistant", "tool")
    return body | {"messages": [
        one if not isinstance(one, dict) or one.get("role", "user") in known
        else {**one, "role": "user"} for one in said]}  # fmt: skip


def _is_raw(reply: Reply, request: Request) -> bool:
    return request.path.endswith("/completions") and "prompt" in read(request) and any(
        byte > 0x7F for byte in request.body)  # fmt: skip


LENIENT = {
    "later-accepts-temperature-to-five": Fault("1.18", "a temperature up to 5 is lowered to 2",
                                               (chat(temperature=3),), _lenient(_warmer)),
    "later-accepts-sixteen-stops": Fault("1.18", "of up to sixteen stop texts four are taken",
                                         (chat(stop=list("abcdef")),), _lenient(_fewer_stops)),
    "later-accepts-n-zero": Fault(
        "1.18", "n 0 is taken for 1", (chat(n=0),),
        _lenient(lambda body: body | {"n": 1} if body.get("n") == 0 else body)),
    "later-accepts-any-role": Fault("1.18", "an unknown role is taken for user", (chat(
        messages=[*user("Hi"), {"role": "robot", "content": "Hi"}]),), _lenient(_lower_role)),
    "later-crash-on-raw-prompt": Fault(
        "1.1", "a completion in raw UTF-8 crashes",
        (post("/completions", json.dumps({**TEXT_BODY, "prompt": "日本"}, ensure_ascii=False)
              .encode()),),
        instead(_is_raw, lambda _: as_json(500, {"code": 500, "reason": "X", "message": "x"}))),
}  # fmt: skip

LATER_FAULTS = ANSWERS | STREAMS | ERRORS | LENIENT
