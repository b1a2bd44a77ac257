"""The faulty provider itself: a pure ASGI app that answers as documented, but for one fault."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from . import catalogue, wire
from .completion import complete, find_stop, prompts_of
from .faults import FAULTS
from .rules import RULES
from .values import Body, Hooks, Json, Operation, Refused, Reply, Request
from .variations import VARIATIONS

BASES = ("/v3/openai/v1", "/v3/openai", "/openai/v1", "/openai")
ROUTES: dict[str, tuple[str, Operation]] = {
    "/chat/completions": ("POST", "chat"),
    "/completions": ("POST", "text"),
    "/models": ("GET", "list"),
}
ENDPOINTS = {"chat": "chat/completions", "text": "completions"}
# Fields that only the other endpoint knows: here they are unknown fields, without effect.
FOREIGN = {
    operation: {rule.field for rule in RULES.values()}
    - {rule.field for rule in RULES.values() if operation in rule.operations}
    for operation in ENDPOINTS
}
MOST_BYTES = 10_000_000
_KEY = re.compile(r"bearer +([\x21-\x7e]+)\Z", re.IGNORECASE)
_WRONG_KEY = re.compile("wrong|invalid", re.IGNORECASE)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def json_reply(status: int, value: Json, *headers: tuple[str, str]) -> Reply:
    return Reply(status, (("content-type", "application/json"), *headers), (wire.dump(value),))


def text_reply(status: int, text: str) -> Reply:
    return Reply(status, (("content-type", "text/plain; charset=utf-8"),), (text.encode(),))


def stream_reply(frames: list[bytes]) -> Reply:
    headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
    return Reply(200, headers, tuple(frames))


class Provider:
    """`fault` and `variations` are names of FAULTS and VARIATIONS; `keys` empty accepts every key
    that does not call itself wrong or invalid. `PUT /__fault__` changes the fault at run time."""

    def __init__(
        self,
        fault: str | None = None,
        variations: frozenset[str] = frozenset(),
        edition: str = "v3",
        keys: frozenset[str] = frozenset(),
    ) -> None:
        self.errors, self.edition, self.keys = catalogue.ERRORS[edition], edition, keys
        self._varied = tuple(VARIATIONS[name].hooks for name in sorted(variations))
        self.switch(fault)

    def switch(self, fault: str | None) -> None:
        self.fault = fault or None
        own = (FAULTS[self.fault].hooks,) if self.fault else ()
        self.hooks: tuple[Hooks, ...] = (*self._varied, *own)

    def _pass(self, point: str, value: Any, *context: Any) -> Any:
        for hooks in self.hooks:
            if (hook := getattr(hooks, point)) is not None:
                value = hook(value, *context)
        return value

    def answer(self, request: Request) -> Reply:
        """The whole way of a request, without I/O."""
        if request.path == "/__fault__":
            return self._admin(request)
        request = self._pass("request", request)
        try:
            reply = self._serve(request)
        except Refused as refused:
            reply = self._refuse(refused)
        except RecursionError:
            reply = self._refuse(Refused("bad-body", "$: nested too deeply"))
        changed: Reply = self._pass("reply", reply, request)
        return changed

    def _admin(self, request: Request) -> Reply:
        name = request.body.decode().strip()
        if name and name not in FAULTS:
            return text_reply(404, f"no fault is called {name}\n")
        if request.method == "PUT":
            self.switch(name)
        return json_reply(200, {"fault": self.fault})

    def _refuse(self, refused: Refused) -> Reply:
        status, reason, message = self.errors[refused.situation]
        error = {"code": status, "reason": reason, "message": refused.message or message}
        error |= {"metadata": {}} if self.edition == "live" else {}
        allow = [("allow", refused.message)] if refused.situation == "wrong-method" else []
        return json_reply(status, self._pass("error", error), *allow)

    def _serve(self, request: Request) -> Reply:
        base = next((b for b in BASES if request.path.startswith(b + "/")), None)
        rest = request.path[len(base) :] if base else ""
        method, operation = ROUTES.get(rest, ("", "list"))
        if rest.startswith("/models/") and len(rest) > len("/models/"):
            method, operation = "GET", "retrieve"
        if not method:
            return text_reply(404, "404 page not found\n")
        if request.method != method:
            raise Refused("wrong-method", method)
        self._admit(request, operation)
        if operation == "list":
            return json_reply(200, self._pass("listing", {"data": self._rows()}))
        if operation == "retrieve":
            return json_reply(200, self._pass("row", self._row(rest.removeprefix("/models/"))))
        return self._speak(request, operation)

    def _admit(self, request: Request, operation: Operation) -> None:
        given = request.header("authorization")
        if given is None or given.strip().lower() in ("", "bearer"):
            if self.edition == "live" and operation == "list":
                return
            raise Refused("no-key")
        key = _KEY.match(given.strip())
        if key is None or (self.keys and key[1] not in self.keys):
            raise Refused("wrong-key")
        if not self.keys and _WRONG_KEY.search(key[1]):
            raise Refused("wrong-key")

    def _rows(self) -> list[Json]:
        rows: list[Json] = self._pass("rows", catalogue.rows())
        return rows

    def _row(self, model: object) -> Json:
        found = next((row for row in catalogue.rows() if row["id"] == model), None)
        if found is None:
            raise Refused("no-model")
        return found

    def _speak(self, request: Request, operation: Operation) -> Reply:
        body = self._pass("body", self._read(request, operation), request)
        completion = self._pass("plan", complete(body, self._find_stop()), body)
        chat = operation == "chat"
        if body.get("stream") is True:
            made = self._pass("chunks", wire.chunks(completion, body, chat), body)
            return stream_reply(self._pass("frames", wire.frames(made), body))
        answer = (wire.chat_answer if chat else wire.text_answer)(completion, body)
        return json_reply(200, self._pass("answer", answer, body))

    def _find_stop(self) -> Callable[[list[str], list[str]], int | None]:
        return next((h.find_stop for h in self.hooks if h.find_stop is not None), find_stop)

    def _read(self, request: Request, operation: Operation) -> Body:
        body = parsed(request.body)
        skipped = frozenset().union(*(hooks.skip for hooks in self.hooks))
        extra = [rule for hooks in self.hooks for rule in hooks.extra]
        for rule in (*RULES.values(), *extra):
            if operation in rule.operations and not rule.holds(body):
                if rule.name not in skipped:
                    raise Refused("bad-body", f"$.{rule.field}: {rule.about}")
                body.pop(rule.field, None)
        body = {key: value for key, value in body.items() if key not in FOREIGN[operation]}
        row = self._row(body.setdefault("model", catalogue.MODEL))
        endpoint = ENDPOINTS[operation]
        if endpoint not in row["endpoints"]:
            message = f"model: {row['id']} does not support endpoint: {endpoint}"
            raise Refused("bad-body", message)
        body.setdefault("messages" if operation == "chat" else "prompt", [])
        self._fits(body, row)
        return body

    def _fits(self, body: Body, row: Json) -> None:
        size = max(map(len, prompts_of(body)), default=0)
        # Only the completions page makes the limit part of what must fit.
        wanted = int(body.get("max_tokens") or 0) if "prompt" in body else 0
        if size + wanted > row["context_size"]:
            raise Refused("bad-body", f"the context is limited to {row['context_size']} tokens")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        body = await _body_of(receive)
        reply = self._refuse(Refused("too-large")) if body is None else None
        await _send(reply or self.answer(_request_of(scope, body or b"")), send)


def parsed(data: bytes) -> Body:
    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        body = json.loads(data.decode("utf-8"), parse_constant=no_constant)
    except (ValueError, RecursionError) as broken:
        raise Refused("bad-body", "$: the body is not JSON") from broken
    if not isinstance(body, dict):
        raise Refused("bad-body", "$: the body must be an object")
    return body


def _request_of(scope: Scope, body: bytes) -> Request:
    headers = tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in scope["headers"])
    raw = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(scope["method"], scope["path"], headers, body, query, raw.decode("latin-1"))


async def _body_of(receive: Receive) -> bytes | None:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        if len(body) <= MOST_BYTES:
            body += message.get("body", b"")
        more = message.get("more_body", False)
    return None if len(body) > MOST_BYTES else bytes(body)


async def _send(reply: Reply, send: Send) -> None:
    # A stream is sent piece by piece, without a length; anything else in one piece, with it.
    streamed = reply.content_type.startswith("text/event-stream") or len(reply.parts) > 1
    length = () if streamed else (("content-length", str(len(reply.body))),)
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in (*reply.headers, *length)]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for part in reply.parts if streamed else (reply.body,):
        await send({"type": "http.response.body", "body": part, "more_body": streamed})
        await asyncio.sleep(0)
    if streamed:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
