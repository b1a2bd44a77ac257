"""Faults around the answers: transport and errors."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .catalogue import MODEL, rows
from .edits import (
    Path,
    as_json,
    crash,
    drop,
    edit,
    html,
    instead,
    is_answer,
    is_broken,
    read,
    should,
    to,
    typed,
    when,
)
from .probes import (
    BAD,
    BAD_STREAM,
    BASE,
    CHAT,
    CHAT_BODY,
    CHAT_PATH,
    NO_MODEL,
    TEXT,
    WRONG,
    changed,
    chat,
    get,
    post,
    user,
)
from .values import Fault, Hooks, Json, Reply, Request
from .wire import dump


def _crash(about: str, test: Callable[[Request], bool], *probe: Request, law: str = "1.1") -> Fault:
    return Fault(law, about, probe, instead(
        lambda reply, request: request.method == "POST" and test(request), crash))  # fmt: skip


def _big(request: Request) -> bool:
    seed = read(request).get("seed")
    return isinstance(seed, int) and abs(seed) >= 2**53


def _last_content(request: Request) -> Any:
    messages = read(request).get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return last.get("content") if isinstance(last, dict) else None


def _elsewhere(reply: Reply) -> Reply:
    return Reply(307, (("location", f"{BASE}{CHAT_PATH}/"),), (b"",))


def _wrong_method(reply: Reply) -> Reply:
    return as_json(200, {"ok": True}) if reply.status == 405 else reply


def _not_allowed_as(status: int) -> Hooks:
    return instead(lambda reply, request: reply.status == 405, lambda reply: html(status))


def _lost(reply: Reply, request: Request) -> bool:
    return reply.status == 404 and reply.content_type.startswith("text/plain")


_GREEK = json.dumps(changed(CHAT_BODY, {"messages": user("Γειά")}), ensure_ascii=False).encode()
_DEEP = post(CHAT_PATH, b'{"a":' * 50_000 + b"1" + b"}" * 50_000)
_GET_CHAT = get(CHAT_PATH)
TRANSPORT = {
    "json-typed-text": Fault("1.1", "JSON answers say text/plain", CHAT, Hooks(
        reply=lambda r, q: typed(r, "text/plain") if is_answer(r, q) else r)),
    "json-typed-html": Fault("1.1", "JSON answers say text/html", TEXT, Hooks(
        reply=lambda r, q: typed(r, "text/html") if is_answer(r, q) else r)),
    "json-typed-events": Fault("1.1", "JSON answers say text/event-stream", CHAT, Hooks(
        reply=lambda r, q: typed(r, "text/event-stream") if is_answer(r, q) else r)),
    "answer-status-201": Fault("1.1", "the status of an answer is 201", CHAT, instead(
        is_answer, lambda reply: replace(reply, status=201))),
    "encoding-claimed": Fault("1.1", "content-encoding: gzip on plain bytes", CHAT, instead(
        is_answer, lambda r: replace(r, headers=(*r.headers, ("content-encoding", "gzip"))))),
    "path-redirects": Fault("1.1", "the documented path redirects", CHAT, instead(is_answer,
                                                                                  _elsewhere)),
    "method-get-answered": Fault("1.1", "a wrong method is answered with 200", (_GET_CHAT,),
                                 Hooks(reply=lambda reply, request: _wrong_method(reply))),
    "method-crashes": Fault("1.1", "a wrong method gives 500", (_GET_CHAT,),
                            _not_allowed_as(500)),
    "path-unknown-answered": Fault("1.1", "an unknown path is answered with 200",
                                   (get("/nowhere"),),
                                   instead(_lost, lambda r: as_json(200, {"ok": True}))),
    "path-unknown-crashes": Fault("1.1", "an unknown path gives 500", (get("/nowhere"),),
                                  instead(_lost, crash)),
    "path-openai-v1-missing": Fault(
        "1.1", "the base /openai/v1 is not served",
        (replace(CHAT[0], path="/openai/v1/chat/completions"),),
        Hooks(request=lambda q: replace(q, path="/") if q.path.startswith("/openai/v1") else q)),
    "crash-on-broken-json": _crash("broken JSON gives 500", lambda q: is_broken(q),
                                   post(CHAT_PATH, b'{"model":'), law="1.16"),
    "crash-on-empty-body": _crash("an empty body gives 500", lambda q: not q.body,
                                  post(CHAT_PATH, b""), law="1.16"),
    "crash-on-array-body": _crash("an array for a body gives 500", lambda q: q.body[:1] == b"[",
                                  post(CHAT_PATH, b"[]"), law="1.16"),
    "crash-on-raw-utf8": _crash("raw letters beyond ASCII give 500",
                                lambda q: not q.body.isascii(), post(CHAT_PATH, _GREEK)),
    "crash-on-escapes": _crash("escaped letters give 500", lambda q: b"\\u" in q.body,
                               chat(messages=user("Γειά"))),
    "crash-on-big-integer": _crash("a seed beyond 2^53 gives 500", _big, chat(seed=2**60)),
    "crash-on-null": _crash("a null for a nullable field gives 500",
                            lambda q: None in read(q).values(), chat(stop=None)),
    "crash-on-parts": _crash("content in parts gives 500",
                             lambda q: isinstance(_last_content(q), list),
                             chat(messages=user([{"type": "text", "text": "hi"}]))),
    "crash-on-unknown-field": _crash("an unknown field gives 500",
                                     lambda q: any("unknown" in k or k.startswith("x_") for k in
                                                   read(q)), chat(x_unknown=1)),
    "crash-on-wrong-type": _crash("a wrong type gives 500",
                                  lambda q: isinstance(read(q).get("messages"), str | int),
                                  chat(messages="hello"), law="1.16"),
    "crash-on-deep-nesting": should(_crash("deep nesting gives 500",
                                           lambda q: q.body.count(b"{") + q.body.count(b"[") > 500,
                                           _DEEP, law="1.16")),
}  # fmt: skip


def _error(about: str, path: Path, change: Callable[[Any], Any], probe: Any = BAD) -> Fault:
    def hook(error: Json) -> Json:
        edit(error, path, change)
        return error

    return Fault("1.16", about, probe, Hooks(error=hook))


def _wrapped(error: Json) -> Json:
    return {"error": {"message": error["message"], "type": "invalid_request_error"}}


def _plain(reply: Reply) -> Reply:
    text = json.loads(reply.body)["message"].encode()
    return replace(reply, headers=(("content-type", "text/plain"),), parts=(text,))


def _told_key(reply: Reply, request: Request) -> Reply:
    if reply.status not in (401, 403):
        return reply
    error = json.loads(reply.body)
    error["message"] += f" You sent: {(request.header('authorization') or '').split(' ')[-1]}"
    return replace(reply, parts=(dump(error),))


def _as_event(reply: Reply, request: Request) -> Reply:
    if reply.status != 400 or read(request).get("stream") is not True:
        return reply
    frame = b"data: " + dump(_wrapped(json.loads(reply.body))) + b"\n\n"
    return Reply(200, (("content-type", "text/event-stream"),), (frame, b"data: [DONE]\n\n"))


def _stream_accepts(reply: Reply, request: Request) -> Reply:
    if reply.status == 400 and read(request).get("stream") is True:
        return Reply(200, (("content-type", "text/event-stream"),), (b"data: [DONE]\n\n",))
    return reply


_turns = itertools.count()


def _changing(error: Json) -> Json:
    if error["code"] == 400 and next(_turns) % 2:
        return {**error, "reason": "INVALID_REQUEST", "code": 409}
    return error


def _any_model(request: Request) -> Request:
    body = read(request)
    if isinstance(body.get("model"), str) and body["model"] not in [r["id"] for r in rows()]:
        return replace(request, body=json.dumps({**body, "model": MODEL}).encode())
    return request


_TRACE = 'Traceback (most recent call last):\n  File "/srv/app/api.py", line 41, in serve\nKeyError'
ERRORS = {
    "error-code-zero": _error("code is 0", ("code",), to(0)),
    "error-code-text": _error("code is text", ("code",), str),
    "error-code-differs": _error("code is not the status", ("code",), lambda held: held + 22),
    "error-lacks-code": _error("no code", ("code",), drop),
    "error-lacks-reason": _error("no reason", ("reason",), drop),
    "error-lacks-message": _error("no message", ("message",), drop),
    "error-message-empty": _error("the message is empty", ("message",), to("")),
    "error-message-object": _error("the message is an object", ("message",),
                                   lambda held: {"text": held}),
    "error-reason-null": _error("the reason is null", ("reason",), to(None)),
    "error-reason-number": _error("the reason is a number", ("reason",), to(400)),
    "error-reason-of-body-wrong": _error("a bad body is called an unknown model", ("reason",),
                                         to("MODEL_NOT_FOUND")),
    "error-traceback": _error("the message holds a traceback", ("message",), to(_TRACE)),
    "error-wrapped": Fault("1.16", "errors lie under error, as with OpenAI", BAD,
                           Hooks(error=_wrapped)),
    "error-in-array": Fault("1.16", "errors stand in an array", BAD,
                            Hooks(error=lambda error: [error])),
    "error-html": Fault("1.16", "a bad body gives an HTML page", BAD,
                        when(400, lambda reply: html(400))),
    "error-plain-text": Fault("1.16", "a bad body gives plain text", BAD, when(400, _plain)),
    "error-empty": Fault("1.16", "a bad body gives an empty body", BAD,
                         when(400, lambda reply: replace(reply, parts=(b"",)))),
    "error-typed-html": Fault("1.16", "JSON errors say text/html", BAD,
                              when(400, lambda reply: typed(reply, "text/html"))),
    "error-status-200": Fault("1.16", "errors come with status 200", BAD,
                              when(400, lambda reply: replace(reply, status=200))),
    "error-422": Fault("1.16", "a bad body gives 422", BAD, Hooks(
        reply=lambda r, q: as_json(422, {**json.loads(r.body), "code": 422})
        if r.status == 400 else r)),
    "error-500": Fault("1.16", "a bad body gives 500", BAD, Hooks(
        reply=lambda r, q: as_json(500, {**json.loads(r.body), "code": 500})
        if r.status == 400 else r)),
    "error-status-differs-streamed": Fault("1.15", "in stream mode a bad body gives 200 and an "
                                           "event", BAD_STREAM, Hooks(reply=_as_event)),
    "error-silent-when-streamed": Fault("1.15", "in stream mode a bad body gives an empty stream",
                                        BAD_STREAM, Hooks(reply=_stream_accepts)),
    "error-changes": Fault("1.16", "the same bad request, another error", (*BAD, *BAD),
                           Hooks(error=_changing)),
    "error-tells-key": Fault("1.16", "the message repeats the caller's key", WRONG,
                             Hooks(reply=_told_key)),
    "model-unknown-400": Fault("1.16", "an unknown model gives 400", NO_MODEL, Hooks(
        reply=lambda r, q: as_json(400, {**json.loads(r.body), "code": 400})
        if r.status == 404 and q.method == "POST" else r)),
    "model-unknown-reason": Fault("1.16", "an unknown model has another reason", NO_MODEL, Hooks(
        error=lambda error: error | ({"reason": "NOT_FOUND"} if error["code"] == 404 else {}))),
    "model-unknown-answered": Fault("1.16", "an unknown model is answered by another", NO_MODEL,
                                    Hooks(request=_any_model)),
}  # fmt: skip

HTTP_FAULTS = TRANSPORT | ERRORS
