"""Faults in what must hold from chunk to chunk of a stream."""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Callable

from .edits import (
    CHOICE,
    CHUNK,
    drop,
    each_body,
    each_choice,
    each_chunk,
    later_chunks,
    listed,
    pieces,
    salted,
    should,
    to,
    with_text,
)
from .probes import (
    AFTER,
    STREAM,
    STREAM_N,
    TEXT_STREAM,
    chat,
    text,
)
from .values import Body, Choice, Fault, Hooks, Json


def _retext(change: Callable[[list[str]], list[str]]) -> Hooks:
    def hook(made: list[Json], body: Body) -> list[Json]:
        found = list(pieces(made))
        new = change([holder[key] for holder, key in found])
        for (holder, key), words in zip(found, new, strict=True):
            holder[key] = words
        return made

    return Hooks(chunks=hook)


def _cumulative(words: list[str]) -> list[str]:
    return ["".join(words[: at + 1]) for at in range(len(words))]


def _is_finish(chunk: Json) -> bool:
    return any(choice.get("finish_reason") for choice in chunk["choices"])


def _content_after_finish(made: list[Json]) -> list[Json]:
    last = made.pop(with_text(made)[-1])
    at = max(at for at, chunk in enumerate(made) if _is_finish(chunk))
    return [*made[: at + 1], last, *made[at + 1 :]]


def _finish_first(made: list[Json]) -> list[Json]:
    return sorted(made, key=lambda chunk: not _is_finish(chunk))


def _finish_twice(made: list[Json]) -> list[Json]:
    return [one for chunk in made for one in ([chunk, chunk] if _is_finish(chunk) else [chunk])]


def _finish_on_all(made: list[Json]) -> list[Json]:
    for chunk in made:
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
    return made


def _one_doubled(made: list[Json]) -> list[Json]:
    at = with_text(made)[1]
    return [*made[:at], made[at], *made[at:]]


def _swapped(made: list[Json]) -> list[Json]:
    first, second = with_text(made)[:2]
    made[first], made[second] = made[second], made[first]
    return made


def _one_lost(made: list[Json]) -> list[Json]:
    del made[with_text(made)[2]]
    return made


def _role_late(made: list[Json]) -> list[Json]:
    for chunk in made[:-1]:
        for choice in chunk["choices"]:
            choice.get("delta", {}).pop("role", None)
    finish = next(chunk for chunk in reversed(made) if _is_finish(chunk))
    for choice in finish["choices"]:
        if "delta" in choice:
            choice["delta"]["role"] = "assistant"
    return made


def _mixed(made: list[Json]) -> list[Json]:
    for at, chunk in enumerate(made):
        for choice in chunk["choices"]:
            crossed = at > 4 and at % 3 == 0 and not choice["finish_reason"]
            choice["index"] = 1 - choice["index"] if crossed else choice["index"]
    return made


def _mixed_when_many(made: list[Json]) -> list[Json]:
    many = any(choice["index"] == 1 for chunk in made for choice in chunk["choices"])
    return _mixed(made) if many else made


def _other_finish(made: list[Json]) -> list[Json]:
    for chunk in made:
        for choice in chunk["choices"]:
            reason = choice["finish_reason"]
            choice["finish_reason"] = {"length": "stop", "stop": "length"}.get(reason, reason)
    return made


def _when_streamed(change: Callable[[Body], object]) -> Hooks:
    return each_body(lambda body, request: change(body) if body.get("stream") else None)


def _streamed_only(change: Callable[[Choice], object]) -> Hooks:
    return each_choice(lambda choice, body: change(choice) if body.get("stream") else None)


def _leak_after_stop(made: list[Json], body: Body) -> list[Json]:
    if body.get("stop"):
        found = list(pieces(made))
        if found and _stopped(made):
            found[-1][0][found[-1][1]] += " and so on"
    return made


def _stopped(made: list[Json]) -> bool:
    return any(c.get("finish_reason") == "stop" for chunk in made for c in chunk["choices"])


ACROSS_FAULTS = {
    "stream-id-changes": Fault("1.14", "every chunk has its own id", STREAM, later_chunks(
        ("id",), lambda held: f"chatcmpl-{uuid.uuid4().hex}")),
    "stream-created-changes": Fault("1.14", "created grows within a stream", STREAM,
                                    later_chunks(("created",), lambda held: held + 1)),
    "stream-model-changes": Fault("1.14", "the model changes within a stream", STREAM,
                                  later_chunks(("model",), to("meta-llama/llama"))),
    "stream-role-missing": Fault("1.14", "no delta has a role", STREAM,
                                 each_chunk((*CHOICE, "delta", "role"), drop, CHUNK)),
    "stream-role-late": Fault("1.14", "the role comes last", STREAM, listed(_role_late)),
    "stream-role-user": Fault("1.14", "the role is user", STREAM, listed(
        lambda made: [made[0] | _relabelled(made[0], "user"), *made[1:]])),
    "stream-role-changes": Fault("1.14", "a later delta has another role", STREAM, later_chunks(
        (*CHOICE, "delta", "role"), to("system"))),
    "stream-content-after-finish": Fault("1.14", "words after the finish chunk", STREAM,
                                         listed(_content_after_finish, texts=3)),
    "stream-finish-first": Fault("1.14", "the finish chunk comes first", STREAM,
                                 listed(_finish_first)),
    "stream-finish-missing": Fault("1.14", "no chunk has a finish_reason", STREAM,
                                   each_chunk((*CHOICE, "finish_reason"), to(None))),
    "stream-finish-twice": should(Fault("1.14", "two finish chunks", STREAM,
                                        listed(_finish_twice))),
    "stream-finish-on-all": Fault("1.14", "every chunk has a finish_reason", STREAM,
                                  listed(_finish_on_all)),
    "stream-index-one": Fault("1.14", "the only choice has index 1", STREAM,
                              each_chunk((*CHOICE, "index"), lambda held: held + 1)),
    "stream-indexes-all-zero": Fault("1.14", "every choice has index 0", STREAM_N,
                                     each_chunk((*CHOICE, "index"), to(0))),
    "stream-choices-mixed": Fault("1.14", "pieces carry the index of another choice", STREAM_N,
                                  listed(_mixed_when_many)),
    "stream-n-ignored": Fault("1.15", "a stream has one choice whatever n is", STREAM_N,
                              _when_streamed(lambda body: body.update(n=1))),
    "stream-cumulative": Fault("1.14", "each delta holds the whole text so far", STREAM,
                               _retext(_cumulative)),
    "stream-blanks-lost": Fault("1.15", "the blanks between words are lost", STREAM,
                                _retext(lambda words: [word.strip() for word in words])),
    "stream-blanks-doubled": Fault("1.15", "every delta ends with a blank", STREAM,
                                   _retext(lambda words: [word + " " for word in words])),
    "stream-characters-broken": Fault("1.14", "letters beyond ASCII are replaced", STREAM, _retext(
        lambda words: [re.sub(r"[^\x00-\x7f]", "\ufffd\ufffd", word) for word in words])),
    "stream-delta-doubled": Fault("1.15", "one delta comes twice", STREAM,
                                  listed(_one_doubled, texts=3)),
    "stream-delta-lost": Fault("1.15", "one delta is lost", STREAM, listed(_one_lost, texts=3)),
    "stream-deltas-swapped": Fault("1.15", "two deltas have changed places", STREAM,
                                   listed(_swapped, texts=3)),
    "stream-without-content": Fault("1.15", "no delta has content", STREAM,
                                    _retext(lambda words: ["" for _ in words])),
    "stream-other-text": Fault("1.15", "a stream tells something else", STREAM,
                               salted(lambda body, request: body.get("stream") or None)),
    "stream-other-finish": Fault("1.15", "a stream gives another reason", STREAM,
                                 listed(_other_finish)),
    "stream-limit-ignored": Fault("1.15", "a stream ignores max_tokens", STREAM,
                                  _when_streamed(lambda body: body.pop("max_tokens", None))),
    "stream-stop-ignored": Fault("1.15", "a stream ignores stop",
                                 (chat(stream=True, stop=AFTER),),
                                 _when_streamed(lambda body: body.pop("stop", None))),
    "stream-leaks-after-stop": Fault("1.6", "a stream runs on after the stop text",
                                     (chat(stream=True, stop=AFTER),),
                                     Hooks(chunks=_leak_after_stop)),
    "stream-logprobs-missing": Fault(
        "1.11", "a stream has no logprobs", (chat(stream=True, logprobs=True),),
        each_chunk((*CHOICE, "logprobs"), drop, CHUNK)),
    "stream-logprobs-of-next": Fault(
        "1.11", "the logprobs in a stream name other tokens",
        (chat(stream=True, logprobs=True),),
        each_chunk((*CHOICE, "logprobs", "content", "*", "token"), to(" other"), CHUNK)),
    "completion-stream-cumulative": Fault(
        "1.14", "each completion chunk holds the whole text so far", TEXT_STREAM,
        Hooks(chunks=lambda made, body: _joined_up(made) if "prompt" in body else made)),
    "completion-stream-prompts-lost": Fault(
        "1.15", "a stream answers the first prompt only",
        (text(stream=True, prompt=["Once", "Twice"]),),
        _when_streamed(lambda body: body.update(prompt=body["prompt"][0])
                       if isinstance(body.get("prompt"), list) else None)),
}  # fmt: skip


def _relabelled(chunk: Json, role: str) -> Json:
    choices = copy.deepcopy(chunk["choices"])
    for choice in choices:
        if "delta" in choice:
            choice["delta"]["role"] = role
    return {"choices": choices}


def _joined_up(made: list[Json]) -> list[Json]:
    text_so_far = ""
    for holder, key in pieces(made):
        text_so_far += holder[key]
        holder[key] = text_so_far
    return made
