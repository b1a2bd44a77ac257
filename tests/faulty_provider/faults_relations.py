"""Faults in reasoning, in requests that must mean the same, and in keeping requests apart."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .completion import content_text
from .edits import (
    DROP,
    answer,
    crash,
    each_choice,
    salted,
    should,
)
from .probes import (
    BAD,
    CHAT,
    CHAT_BODY,
    REASONING,
    REASONING_STREAM,
    changed,
    chat,
    post,
    user,
)
from .rules import RULES
from .rules_messages import messages_of
from .values import Body, Choice, Completion, Fault, Hooks, Json


def _thinks_last(made: list[Json], body: Body) -> list[Json]:
    def thinks(chunk: Json) -> bool:
        return any("reasoning_content" in c.get("delta", {}) for c in chunk["choices"])

    thoughts = [chunk for chunk in made if thinks(chunk)]
    rest = [chunk for chunk in made if not thinks(chunk)]
    return [*rest[:-1], *thoughts, *rest[-1:]]


def _thinks_aloud(choice: Choice, body: Body) -> None:
    if choice.reasoning:
        choice.tokens = ["<think>", *choice.reasoning, "</think>", *choice.tokens]
        choice.reasoning = []


def _thinks_twice(choice: Choice, body: Body) -> None:
    choice.tokens = [*choice.reasoning, *choice.tokens]


def _forget(choice: Choice, body: Body) -> None:
    choice.reasoning = []


def _many_reasoning_tokens(made: Completion, body: Body) -> Completion:
    if any(choice.reasoning for choice in made.choices):
        details = made.usage["completion_tokens_details"]
        details["reasoning_tokens"] = made.usage["completion_tokens"] + 1
    return made


REASONING_FAULTS = {
    "reasoning-after-content": Fault("1.10", "in a stream the reasoning comes after the text",
                                     REASONING_STREAM, Hooks(chunks=_thinks_last)),
    "reasoning-in-content": Fault("1.10", "the reasoning stands in the content between tags",
                                  REASONING, each_choice(_thinks_aloud)),
    "reasoning-repeated-in-content": Fault("1.10", "the content repeats the reasoning",
                                           REASONING, each_choice(_thinks_twice)),
    "reasoning-missing": Fault("1.10", "reasoning was asked for and is absent", REASONING,
                               each_choice(_forget)),
    "reasoning-missing-in-stream": Fault(
        "1.10", "a stream has no reasoning", REASONING_STREAM,
        each_choice(lambda choice, body: _forget(choice, body) if body.get("stream") else None)),
    "reasoning-tokens-above-completion": Fault(
        "1.4", "more reasoning tokens than completion tokens", REASONING,
        Hooks(plan=_many_reasoning_tokens)),
    "reasoning-number": Fault("1.10", "reasoning_content is a number", REASONING, answer(
        ("choices", "*", "message", "reasoning_content"),
        lambda held: DROP if held is None else 4)),
}  # fmt: skip

_REVERSED = dict(reversed(CHAT_BODY.items()))
_RAW = json.dumps(changed(CHAT_BODY, {"messages": user("Größe")}), ensure_ascii=False).encode()
_ESCAPED = json.dumps(changed(CHAT_BODY, {"messages": user("Größe")})).encode()
_FIRST = ("model", "messages", "prompt")
_KNOWN = {rule.field for rule in RULES.values()}


def _salt(about: str, mark: Callable[[Body, bytes], object], *probe: Any) -> Fault:
    return Fault("1.7", about, probe, salted(lambda body, request: mark(body, request.body)))


EQUIVALENCES = {
    "equal-requests-differ": should(_salt("seed and temperature 0 have no effect",
                                          lambda body, raw: random.random(), chat(), chat())),
    "key-order-matters": _salt("the order of keys changes the text",
                               lambda body, raw: [key for key in body if key in _FIRST], chat(),
                               post("/chat/completions", _REVERSED)),
    "escapes-matter": _salt("escaped and raw letters give other texts",
                            lambda body, raw: b"\\u" in raw or None,
                            post("/chat/completions", _ESCAPED),
                            post("/chat/completions", _RAW)),
    "blanks-matter": should(_salt("blanks in the JSON body change the text",
                                  lambda body, raw: b'": ' in raw or None, chat())),
    "default-n-matters": _salt("n: 1 written out changes the text",
                               lambda body, raw: "n" in body or None, chat(n=1)),
    "default-stream-matters": _salt("stream: false written out changes the text",
                                    lambda body, raw: body.get("stream") is False or None,
                                    chat(stream=False)),
    "default-penalty-matters": _salt("a penalty of 0 written out changes the text",
                                     lambda body, raw: "presence_penalty" in body
                                     or "frequency_penalty" in body or None,
                                     chat(presence_penalty=0, frequency_penalty=0)),
    "null-matters": _salt("null differs from absence",
                          lambda body, raw: None in body.values() or None,
                          chat(stop=None, n=None, top_p=None)),
    "unknown-field-matters": _salt("an unknown field changes the text",
                                   lambda body, raw: bool(set(body) - _KNOWN) or None,
                                   chat(x_unknown_field=1)),
    "n-changes-text": _salt("n changes the text of the first choice",
                            lambda body, raw: body.get("n") not in (None, 1) or None, chat(n=2)),
    "logprobs-change-text": _salt("logprobs change the text",
                                  lambda body, raw: body.get("logprobs") or None,
                                  chat(logprobs=True)),
    "part-differs-from-text": _salt(
        "one text part is answered unlike the same text",
        lambda body, raw: any(isinstance(m.get("content"), list)
                              for m in body.get("messages") or []) or None,
        chat(messages=user([{"type": "text", "text": "Tell me something."}]))),
}  # fmt: skip


def _leaky() -> Hooks:
    last: deque[str] = deque(maxlen=1)

    def hook(made: Completion, body: Body) -> Completion:
        before = last[0] if last else ""
        last.append(content_text((messages_of(body) or [{"content": body.get("prompt")}])[-1]
                                 .get("content")))  # fmt: skip
        for choice in made.choices:
            if before and before != last[0]:
                choice.tokens = [*choice.tokens, " ", before]
        return made

    return Hooks(plan=hook)


def _after_error() -> Hooks:
    state = {"refused": False}

    def hook(reply: Any, request: Any) -> Any:
        crashed = state["refused"] and reply.status == 200
        state["refused"] = reply.status == 400
        return crash(reply) if crashed else reply

    return Hooks(reply=hook)


def _same_id(made: Completion, body: Body) -> Completion:
    return replace(made, id="chatcmpl-00000000000000000000000000000001")


ISOLATION = {
    "ids-repeat": Fault("1.20", "every answer has the same id", (chat(), chat()),
                        Hooks(plan=_same_id)),
    "ids-of-the-request": Fault(
        "1.20", "equal requests have equal ids", (chat(), chat()),
        Hooks(plan=lambda made, body: replace(made, id=f"chatcmpl-{len(str(body)):032x}"))),
    "other-prompt-leaks": Fault("1.20", "the prompt of the request before is told",
                                (chat(messages=user("My secret is plum.")), chat()), _leaky()),
    "crash-after-refusal": Fault("1.20", "the request after a refused one crashes",
                                 (*BAD, *CHAT), _after_error()),
}  # fmt: skip

RELATION_FAULTS = REASONING_FAULTS | EQUIVALENCES | ISOLATION
