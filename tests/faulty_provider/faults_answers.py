"""Faults in JSON answers: their shape and text, choices, usage."""

from __future__ import annotations

import random
import re
from typing import Any

from .edits import (
    CHOICE,
    Change,
    Path,
    added_up,
    answer,
    document,
    drop,
    each_choice,
    prompt_count,
    should,
    to,
    usage,
)
from .probes import (
    CHAT,
    LONG,
    TEXT,
    N,
    chat,
    user,
)
from .values import Body, Choice, Completion, Fault, Hooks, Json, Request

MESSAGE: Path = (*CHOICE, "message")


def _shape(
    about: str, path: Path, change: Change, only: str = "chat", probe: tuple[Request, ...] = ()
) -> Fault:
    probe = probe or (TEXT if only == "text" else CHAT)
    return Fault("1.2", about, probe, answer(path, change, only))


def _without_message(choice: Json) -> Json:
    message = choice.pop("message")
    return {**choice, "delta": message}


def _as_message(choice: Json) -> Json:
    return {**choice, "message": {"role": "assistant", "content": choice.pop("text")}}


SHAPES = {
    "answer-lacks-id": _shape("no id", ("id",), drop),
    "answer-lacks-object": _shape("no object", ("object",), drop),
    "answer-lacks-created": _shape("no created", ("created",), drop),
    "answer-lacks-model": _shape("no model", ("model",), drop),
    "answer-lacks-choices": _shape("no choices", ("choices",), drop),
    "answer-object-wrong": _shape("object is misspelt", ("object",), to("chat_completion")),
    "answer-object-of-chunk": _shape(
        "object names a chunk", ("object",), to("chat.completion.chunk")
    ),
    "answer-id-empty": _shape("id is empty", ("id",), to("")),
    "answer-id-number": _shape("id is a number", ("id",), to(17)),
    "answer-id-null": _shape("id is null", ("id",), to(None)),
    "answer-created-text": _shape("created is text", ("created",), str),
    "answer-created-milliseconds": _shape("created is in milliseconds", ("created",),
                                          lambda seconds: seconds * 1000),
    "answer-created-zero": _shape("created is 0", ("created",), to(0)),
    "answer-created-frozen": _shape("created is of 2025", ("created",), to(1739366554)),
    "answer-created-fraction": _shape("created has a fraction", ("created",),
                                      lambda seconds: seconds + 0.25),
    "answer-names-another-model": _shape("model is another listed one", ("model",),
                                         to("deepseek/deepseek-v3.2")),
    "answer-model-null": _shape("model is null", ("model",), to(None)),
    "choices-as-object": _shape("choices is an object", ("choices",), lambda held: held[0]),
    "choices-empty": _shape("choices is empty", ("choices",), to([])),
    "choice-lacks-index": _shape("no index", (*CHOICE, "index"), drop),
    "choice-lacks-finish-reason": _shape("no finish_reason", (*CHOICE, "finish_reason"), drop),
    "choice-lacks-message": _shape("no message", MESSAGE, drop),
    "choice-delta-for-message": _shape("delta instead of message", CHOICE, _without_message),
    "message-lacks-role": _shape("no role", (*MESSAGE, "role"), drop),
    "message-lacks-content": _shape("no content", (*MESSAGE, "content"), drop),
    "message-role-user": _shape("the role is user", (*MESSAGE, "role"), to("user")),
    "message-content-null": _shape("content is null", (*MESSAGE, "content"), to(None)),
    "message-content-number": _shape("content is a number", (*MESSAGE, "content"), to(42)),
    "message-content-parts": _shape("content is an array of parts", (*MESSAGE, "content"),
                                    lambda held: [{"type": "text", "text": held}]),
    "usage-as-text": _shape("counters are text", ("usage", "total_tokens"), str),
    "usage-lacks-total": _shape("no total_tokens", ("usage", "total_tokens"), drop),
    "usage-lacks-prompt": _shape("no prompt_tokens", ("usage", "prompt_tokens"), drop),
    "usage-as-number": _shape("usage is a number", ("usage",), to(12)),
    "usage-missing": should(_shape("no usage", ("usage",), drop)),
    "completion-object-wrong": _shape("object is that of chat", ("object",),
                                      to("chat.completion"), "text"),
    "completion-lacks-usage": _shape("no usage", ("usage",), drop, "text"),
    "completion-lacks-text": _shape("no text", (*CHOICE, "text"), drop, "text"),
    "completion-text-null": _shape("text is null", (*CHOICE, "text"), to(None), "text"),
    "completion-message-for-text": _shape("message instead of text", CHOICE, _as_message, "text"),
    "completion-id-empty": _shape("id is empty", ("id",), to(""), "text"),
    "completion-created-milliseconds": _shape("created is in milliseconds", ("created",),
                                              lambda seconds: seconds * 1000, "text"),
    "completion-lacks-index": _shape("no index", (*CHOICE, "index"), drop, "text"),
    "logprobs-unasked": _shape("logprobs without being asked", (*CHOICE, "logprobs"),
                               to({"content": [{"token": "a", "logprob": -1.0, "bytes": [97],
                                                "top_logprobs": []}]})),
}  # fmt: skip


def _counter(key: bytes) -> Hooks:
    return document(lambda data: re.sub(rb'("%s":\d+)' % key, rb"\1.0", data))


def _after(mark: bytes, more: bytes) -> Hooks:
    return document(lambda data: data.replace(mark, mark + more, 1))


RAW = {
    "counter-with-point": Fault("1.2", "total_tokens is written 12.0", CHAT,
                                _counter(b"total_tokens")),
    "index-with-point": Fault("1.2", "index is written 0.0", CHAT, _counter(b"index")),
    "created-with-point": Fault("1.2", "created is written 17.0", CHAT, _counter(b"created")),
    "json-duplicate-key": Fault("1.1", "id comes twice", CHAT, _after(b"{", b'"id":"a",')),
    "json-nan": Fault("1.1", "NaN in the JSON text", CHAT, _after(b"{", b'"latency":NaN,')),
    "json-trailing-bytes": Fault("1.1", "bytes after the document", CHAT,
                                 document(lambda data: data + b"{}")),
    "json-cut": Fault("1.1", "the last brace is missing", CHAT, document(lambda data: data[:-1])),
    "json-bom": Fault("1.1", "a byte order mark comes first", CHAT,
                      document(lambda data: b"\xef\xbb\xbf" + data)),
    "json-not-utf8": Fault("1.1", "the text is not UTF-8", CHAT,
                           _after(b'"content":"', b"\xe9 ")),
    "json-double-encoded": Fault("1.1", "the answer is JSON text of JSON text", CHAT, document(
        lambda data: b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"')),
}  # fmt: skip


def _one_choice(made: Completion, body: Body) -> Completion:
    made.choices = made.choices[:1]
    return made


def _one_more(made: Completion, body: Body) -> Completion:
    extra = made.choices[-1]
    again = Choice(len(made.choices), extra.reasoning, extra.tokens, extra.calls, extra.finish)
    made.choices.append(again)
    return made


def _finish(value: str) -> Hooks:
    return each_choice(lambda choice, body: setattr(choice, "finish", value))


_FINISH: Path = (*CHOICE, "finish_reason")
CHOICES = {
    "n-ignored": Fault("1.3", "one choice whatever n is", N, Hooks(plan=_one_choice)),
    "n-one-more": Fault("1.3", "one choice more than n", CHAT, Hooks(plan=_one_more)),
    "n-indexes-all-zero": Fault("1.3", "every index is 0", N, answer((*CHOICE, "index"), to(0))),
    "n-indexes-from-one": Fault("1.3", "indexes begin at 1", CHAT,
                                answer((*CHOICE, "index"), lambda index: index + 1)),
    "finish-null": Fault("1.3", "a finished answer has no reason", CHAT,
                         answer(_FINISH, to(None))),
    "finish-empty": Fault("1.3", "the reason is empty", CHAT, answer(_FINISH, to(""))),
    "finish-unknown": Fault("1.3", "the reason is eos", CHAT, answer(_FINISH, to("eos"))),
    "finish-upper-case": Fault("1.3", "the reason is in capitals", CHAT,
                               answer(_FINISH, str.upper)),
    "finish-length-always": Fault("1.3", "the reason is always length", LONG, _finish("length")),
    "finish-tool-calls-without-call": Fault("1.3", "the reason tells of calls, none is there",
                                            CHAT, _finish("tool_calls")),
}  # fmt: skip


def _given(count: Any) -> Hooks:
    def change(held: dict[str, Any], made: Completion, body: Body) -> None:
        added_up(held, completion_tokens=count(held, made, body))

    return usage(change)


def _asked(key: str) -> Any:
    return lambda held, made, body: held["prompt_tokens"] + int(body.get(key) or 0)


def _last_only(held: dict[str, Any], made: Completion, body: Body) -> int:
    last = (body.get("messages") or [{}])[-1]
    return 3 + len(str(last.get("content", "")).split())


def _detail(group: str, key: str, above: str) -> Hooks:
    return usage(lambda held, made, body: held[group].update({key: held[above] + 5}))


_DIALOGUE = (
    *user("One."), {"role": "assistant", "content": "Two words more."}, *user("One."),
)  # fmt: skip
USAGE = {
    "usage-total-off-by-one": Fault(
        "1.4", "total is one more than the sum", CHAT,
        usage(lambda held, made, body: held.update(total_tokens=held["total_tokens"] + 1))),
    "usage-total-without-prompt": Fault(
        "1.4", "total is that of the answer only", CHAT,
        usage(lambda held, made, body: held.update(total_tokens=held["completion_tokens"]))),
    "usage-total-zero": Fault("1.4", "total is 0", CHAT,
                              usage(lambda held, made, body: held.update(total_tokens=0))),
    "usage-negative": Fault("1.4", "a count is -1", CHAT, _given(lambda *_: -1)),
    "usage-prompt-zero": Fault("1.4", "no prompt tokens", CHAT, prompt_count(lambda *_: 0)),
    "usage-completion-zero": Fault("1.4", "no completion tokens", CHAT, _given(lambda *_: 0)),
    "usage-prompt-constant": Fault("1.4", "always 11 prompt tokens", CHAT,
                                   prompt_count(lambda *_: 11)),
    "usage-prompt-of-last-message": Fault("1.4", "only the last message counts",
                                          (chat(messages=list(_DIALOGUE)),),
                                          prompt_count(_last_only)),
    "usage-prompt-times-n": Fault(
        "1.4", "the prompt counts once a choice", N,
        prompt_count(lambda held, made, body: held["prompt_tokens"] * len(made.choices))),
    "usage-prompt-with-limit": Fault("1.4", "the limit is added to the prompt", CHAT,
                                     prompt_count(_asked("max_tokens"))),
    "usage-prompt-with-stream": Fault(
        "1.4", "one prompt token more when streamed",
        (chat(stream=True, stream_options={"include_usage": True}),),
        prompt_count(_asked("stream"))),
    "usage-prompt-random": Fault(
        "1.4", "equal requests, other prompt tokens", (chat(), chat(), chat(), chat()),
        prompt_count(lambda held, *_: held["prompt_tokens"] + random.randint(0, 999))),
    "usage-completion-of-one-choice": Fault(
        "1.4", "with n choices the first alone counts", N,
        _given(lambda held, made, body: len(made.choices[0].tokens))),
    "usage-counts-characters": Fault(
        "1.4", "characters are counted for tokens", CHAT,
        _given(lambda held, made, body: sum(len(choice.text) for choice in made.choices))),
    "usage-completion-one-more": Fault(
        "1.4", "one completion token more than the limit", CHAT,
        _given(lambda held, made, body: held["completion_tokens"] + 1)),
    "usage-swapped": Fault(
        "1.4", "prompt and completion counts are swapped", CHAT,
        usage(lambda held, made, body: held.update(
            prompt_tokens=held["completion_tokens"], completion_tokens=held["prompt_tokens"]))),
    "usage-cached-above-prompt": Fault(
        "1.4", "more cached than prompt tokens", CHAT,
        _detail("prompt_tokens_details", "cached_tokens", "prompt_tokens")),
    "usage-reasoning-above-completion": Fault(
        "1.4", "more reasoning than completion tokens", CHAT,
        _detail("completion_tokens_details", "reasoning_tokens", "completion_tokens")),
}  # fmt: skip

ANSWER_FAULTS = SHAPES | RAW | CHOICES | USAGE
