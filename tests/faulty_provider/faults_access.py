"""Faults in checking keys and in listing models."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from .catalogue import rows
from .edits import (
    as_json,
    crash,
    drop,
    edit,
    html,
    instead,
    read,
    should,
    to,
    typed,
    when,
)
from .probes import (
    CHAT_BODY,
    CHAT_PATH,
    ENCODED_ROW,
    HEADERS,
    KEY,
    LIST,
    ROW,
    TEXT_BODY,
    WRONG,
    changed,
    get,
    post,
)
from .values import Fault, Hooks, Json, Reply, Request


def _keyed(request: Request, key: str | None) -> Request:
    rest = tuple(header for header in request.headers if header[0] != "authorization")
    own = () if key is None else (("authorization", f"Bearer {key}"),)
    return replace(request, headers=(*own, *rest))


def _accepts(test: Callable[[Request], bool]) -> Hooks:
    return Hooks(request=lambda request: _keyed(request, KEY) if test(request) else request)


def _given(request: Request) -> str:
    return (request.header("authorization") or "").strip()


def _query_key(request: Request) -> bool:
    query = parse_qs(request.query)
    return "authorization" not in dict(request.headers) and any("key" in name for name in query)


def _basic(request: Request) -> bool:
    return bool(_given(request)) and not _given(request).lower().startswith("bearer")


def _bare(request: Request) -> bool:
    return _given(request).lower() == "bearer"


def _blank_inside(request: Request) -> bool:
    return len(_given(request).split(" ")) > 2


def _body_first(reply: Reply, request: Request) -> Reply:
    if reply.status == 401 and request.method == "POST" and "messages" not in read(request):
        error = {"code": 400, "reason": "INVALID_REQUEST_BODY", "message": "messages is required"}
        return as_json(400, error)
    return reply


def _unauthorised(status: int, reason: str) -> Hooks:
    def hook(reply: Reply, request: Request) -> Reply:
        if reply.status != 401:
            return reply
        return as_json(status, {**json.loads(reply.body), "code": status, "reason": reason})

    return Hooks(reply=hook)


_NO_KEY = (post(CHAT_PATH, CHAT_BODY, HEADERS[1:]),)


def _with(value: str) -> tuple[Request, ...]:
    return (post(CHAT_PATH, CHAT_BODY, (("authorization", value), *HEADERS[1:])),)


AUTH = {
    "auth-missing-accepted": Fault("1.17", "a request without key is answered", _NO_KEY,
                                   _accepts(lambda q: not _given(q))),
    "auth-missing-accepted-on-completions": Fault(
        "1.17", "completions are answered without key",
        (post("/completions", TEXT_BODY, HEADERS[1:]),),
        _accepts(lambda q: not _given(q) and q.path.endswith("/completions")
                 and "/chat/" not in q.path)),
    "auth-missing-accepted-when-streamed": Fault(
        "1.17", "streams are given without key",
        (post(CHAT_PATH, changed(CHAT_BODY, {"stream": True}), HEADERS[1:]),),
        _accepts(lambda q: not _given(q) and read(q).get("stream") is True)),
    "auth-missing-accepted-on-models": should(Fault(
        "1.17", "the model list is given without key", (get("/models", HEADERS[1:]),),
        _accepts(lambda q: not _given(q) and q.method == "GET"))),
    "auth-wrong-accepted": Fault("1.17", "a wrong key is accepted", WRONG, _accepts(
        lambda q: bool(_given(q)) and not _basic(q) and not _bare(q))),
    "auth-empty-accepted": Fault("1.17", "an empty bearer token is accepted", _with("Bearer "),
                                 _accepts(_bare)),
    "auth-basic-accepted": Fault("1.17", "another scheme is accepted",
                                 _with("Basic cHJvYmU6a2V5"), _accepts(_basic)),
    "auth-blanks-accepted": Fault("1.17", "a token with blanks is accepted",
                                  _with("Bearer two words"), _accepts(_blank_inside)),
    "auth-query-accepted": Fault("1.17", "a key in the query string is accepted",
                                 (replace(_NO_KEY[0], query=f"api_key={KEY}"),),
                                 _accepts(_query_key)),
    "auth-missing-crashes": Fault("1.17", "a missing key gives 500", _NO_KEY, instead(
        lambda r, q: r.status == 401 and not _given(q), crash)),
    "auth-malformed-crashes": Fault("1.17", "an authorization without scheme gives 500",
                                    _with(KEY), instead(
        lambda r, q: r.status == 401 and bool(_given(q)) and " " not in _given(q), crash)),
    "auth-status-400": Fault("1.17", "a bad key gives 400", _NO_KEY,
                             _unauthorised(400, "INVALID_REQUEST_BODY")),
    "auth-status-404": Fault("1.17", "a bad key gives 404", WRONG,
                             _unauthorised(404, "MODEL_NOT_FOUND")),
    "auth-reason-wrong": Fault("1.17", "a bad key has a reason of another kind", _NO_KEY,
                               _unauthorised(401, "NOT_ENOUGH_BALANCE")),
    "auth-html": Fault("1.17", "a missing key gives an HTML page", _NO_KEY,
                       when(401, lambda reply: html(401))),
    "auth-after-body": should(Fault("1.17", "the body is judged before the key",
                                    (post(CHAT_PATH, {}, HEADERS[1:]),),
                                    Hooks(reply=_body_first))),
    "auth-lower-case-refused": should(Fault(
        "1.17", "the scheme in lower case is refused", _with(f"bearer {KEY}"),
        Hooks(request=lambda q: _keyed(q, None) if _given(q).startswith("bearer") else q))),
}  # fmt: skip


def _rows(about: str, change: Callable[[list[Json]], list[Json]]) -> Fault:
    return Fault("1.19", about, LIST, Hooks(rows=change))


def _each_row(about: str, key: str, change: Callable[[Any], Any]) -> Fault:
    def hook(held: list[Json]) -> list[Json]:
        for row in held:
            edit(row, (key,), change)
        return held

    return _rows(about, hook)


def _one_row(about: str, key: str, change: Callable[[Any], Any]) -> Fault:
    def hook(held: list[Json]) -> list[Json]:
        edit(held[2], (key,), change)
        return held

    return _rows(about, hook)


def _row(about: str, change: Callable[[Json], Json], probe: Any = ROW) -> Fault:
    return Fault("1.19", about, probe, Hooks(row=change))


def _first_row(row: Json) -> Json:
    return rows()[2] if row["id"] != rows()[2]["id"] else rows()[0]


def _path_lost(test: Callable[[Request], bool]) -> Hooks:
    return Hooks(request=lambda q: replace(q, path="/") if test(q) else q)


def _invented(reply: Reply, request: Request) -> Reply:
    if reply.status == 404 and request.method == "GET" and "/models/" in request.path:
        row = {"id": request.path.rpartition("/models/")[2], "object": "model", "created": 1,
               "input_token_price_per_m": 1, "output_token_price_per_m": 1, "title": "",
               "description": "", "context_size": 1}  # fmt: skip
        return as_json(200, row)
    return reply


def _not_found_as(status: int) -> Hooks:
    return instead(
        lambda r, q: r.status == 404 and q.method == "GET" and "/models/" in q.path,
        lambda reply: html(status),
    )


_UNKNOWN = (get("/models/nobody/knows-me"),)
MODELS = {
    "models-bare-list": Fault("1.19", "the list has no envelope", LIST,
                              Hooks(listing=lambda made: made["data"])),
    "models-under-models": Fault("1.19", "the list lies under models", LIST,
                                 Hooks(listing=lambda made: {"models": made["data"]})),
    "models-data-object": Fault("1.19", "data is an object by id", LIST, Hooks(
        listing=lambda made: {"data": {row["id"]: row for row in made["data"]}})),
    "models-data-null": Fault("1.19", "data is null", LIST, Hooks(listing=to({"data": None}))),
    "models-of-texts": _rows("the rows are bare ids", lambda rows: [row["id"] for row in rows]),
    "models-empty": _rows("the list is empty", to([])),
    "models-repeated": _rows("a row comes twice", lambda rows: [*rows, rows[0]]),
    "models-ghost": _rows("a listed id cannot be retrieved", lambda rows: [
        {**row, "id": row["id"] + "-v0"} if at == 2 else row for at, row in enumerate(rows)]),
    "models-lacks-served": _rows("a served model is not listed", lambda rows: rows[1:]),
    "models-typed-text": Fault("1.1", "the list says text/plain", LIST, instead(
        lambda r, q: q.path.endswith("/models"), lambda reply: typed(reply, "text/plain"))),
    "models-slow-to-crash": Fault("1.19", "the list gives 500", LIST, instead(
        lambda r, q: q.path.endswith("/models"), crash)),
    "models-row-lacks-id": _one_row("a row has no id", "id", drop),
    "models-row-id-empty": _one_row("a row has an empty id", "id", to("")),
    "models-rows-lack-object": _each_row("the rows have no object", "object", drop),
    "models-rows-object-wrong": _each_row("the rows' object is llm", "object", to("llm")),
    "models-row-lacks-created": _one_row("a row has no created", "created", drop),
    "models-created-text": _each_row("created is a date in text", "created",
                                     to("2025-08-11T16:31:52Z")),
    "models-created-milliseconds": _each_row("created is in milliseconds", "created",
                                             lambda held: held * 1000),
    "models-rows-lack-title": _each_row("the rows have no title", "title", drop),
    "models-row-title-null": _one_row("a row's title is null", "title", to(None)),
    "models-rows-lack-description": _each_row("the rows have no description", "description", drop),
    "models-rows-lack-price": _each_row("the rows have no input price", "input_token_price_per_m",
                                        drop),
    "models-row-lacks-price": _one_row("a row has no output price", "output_token_price_per_m",
                                       drop),
    "models-price-text": _each_row("the price is text", "input_token_price_per_m", str),
    "models-price-in-dollars": _each_row("the price is in dollars, with a fraction",
                                         "input_token_price_per_m", lambda held: held / 10_000),
    "models-price-negative": _one_row("a price is negative", "output_token_price_per_m",
                                      lambda held: -held),
    "models-rows-lack-context": _each_row("the rows have no context size", "context_size", drop),
    "models-context-text": _each_row("the context size is text", "context_size",
                                     lambda held: f"{held // 1024}k"),
    "models-context-negative": _one_row("a context size is negative", "context_size", to(-1)),
    "model-row-of-another": _row("another row than the asked one", _first_row),
    "model-row-in-list": _row("the row comes as a list", lambda row: {"data": [row]}),
    "model-row-lacks-price": _row("the row has no input price", lambda row: {
        key: row[key] for key in row if key != "input_token_price_per_m"}),
    "model-row-other-price": _row("another price than in the list", lambda row: {
        **row, "output_token_price_per_m": row["output_token_price_per_m"] + 100}),
    "model-row-object-wrong": _row("the row's object is list", lambda row: {
        **row, "object": "list"}),
    "model-row-null": _row("the row is null", to(None)),
    "model-unknown-retrieved": Fault("1.19", "an unknown id is retrieved", _UNKNOWN,
                                     Hooks(reply=_invented)),
    "model-unknown-retrieve-crashes": Fault("1.19", "an unknown id gives 500", _UNKNOWN,
                                            _not_found_as(500)),
    "model-unknown-retrieve-null": Fault("1.19", "an unknown id gives 200 and null", _UNKNOWN,
                                         instead(lambda r, q: r.status == 404
                                                 and "/models/" in q.path,
                                                 lambda reply: as_json(200, None))),
    "model-plain-slash-lost": Fault("1.19", "an id with a plain slash is not routed", ROW,
                                    _path_lost(lambda q: "/models/" in q.path
                                               and "%2f" not in q.raw_path.lower())),
    "model-encoded-slash-lost": Fault("1.19", "an id with %2F is not routed", ENCODED_ROW,
                                      _path_lost(lambda q: "%2f" in q.raw_path.lower())),
}  # fmt: skip

ACCESS_FAULTS = AUTH | MODELS
