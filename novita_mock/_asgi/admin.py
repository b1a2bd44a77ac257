"""What stands under `/__mock__`: the state of a mock, to be looked at and set over HTTP.

Open to this machine; to others only with a token. A page in a browser is another one, too, unless
its origin was let in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from novita_mock._core.errors import Refused
from novita_mock._core.version import __version__
from novita_mock._mock import Mock
from novita_mock._render.errors import refuse

ROOT = "/__mock__"

Endpoint = Callable[[Request], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the control API besides this machine: whoever has the `token`, and pages of the
    `origins`."""

    token: str | None = field(default=None, repr=False)
    origins: Collection[str] = ()

    def allows(self, scope: Scope) -> bool:
        """Whether a request may be answered."""
        headers = dict(scope["headers"])
        if self.token is not None:
            sent = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
            if compare_digest(sent, self.token.encode()):
                return True
        origin = headers.get(b"origin")
        if origin is not None and not {origin.decode("latin-1"), "*"} & set(self.origins):
            return False
        return _is_loopback(scope.get("client"))


THIS_MACHINE = Access()


def _is_loopback(client: Any) -> bool:
    if not client:
        return True  # a socket of this machine, or no network at all
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return True  # no address: the client of a test


def admin(mock: Mock, access: Access) -> Starlette:
    """The application under `/__mock__`."""
    room = _Admin(mock)
    open_to_all = [("GET", "/health", room.health), ("GET", "/openapi.json", room.openapi)]
    guarded = [
        ("GET", "/requests", room.requests),
        ("DELETE", "/requests", room.forget),
        ("GET", "/requests.har", room.har),
        ("GET", "/verdict", room.verdict),
        ("GET", "/metrics", room.metrics),
        ("POST", "/reset", room.reset),
        ("GET", "/scenario", room.scenario),
        ("PUT", "/scenario", room.load),
        ("GET", "/balance", room.balance),
        ("POST", "/balance", room.top_up),
        ("POST", "/clock", room.jump),
    ]
    routes = [
        *(_route(mock, None, *row) for row in open_to_all),
        *(_route(mock, access, *row) for row in guarded),
    ]
    return Starlette(routes=routes)


def _route(mock: Mock, access: Access | None, method: str, path: str, tell: Endpoint) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            if access is not None and not access.allows(request.scope):
                raise Refused("control_denied")
            told = await tell(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Refused as refusal:
            key = "".join(request.headers.get("authorization", "").split()[-1:])
            reply = refuse(mock.description.errors, mock.edition, refusal, key, None)
            headers = {name.decode(): value.decode() for name, value in reply.headers}
            return Response(reply.body, reply.status, headers)
        if isinstance(told, Response):
            return told
        return Response(orjson.dumps(told), media_type="application/json")

    return Route(ROOT + path, endpoint, methods=[method])


class _Admin:
    """What each path tells or does. What looks at all calls does so in a thread of its own, for
    there may be many."""

    def __init__(self, mock: Mock) -> None:
        self._mock = mock

    async def health(self, _: Request) -> Any:
        metadata = {"version": __version__, "edition": self._mock.edition}
        return {"status": "ok", **metadata, "any_key": self._mock.any_key}

    async def openapi(self, _: Request) -> Any:
        from novita_mock._api.openapi import document

        return document(self._mock.description, self._mock.edition)

    async def requests(self, request: Request) -> Any:
        return await run_in_threadpool(self._requests, request)

    def _requests(self, request: Request) -> Any:
        from novita_mock._journal import query

        selected, rules = self._selected(request), dict[int, list[str]]()
        for finding in self._mock.verdict():
            for number in finding.calls:
                rules.setdefault(number, []).append(finding.rule)
        return {"requests": [query.entry(c, rules.get(c.number, ())) for c in selected]}

    async def forget(self, _: Request) -> Any:
        self._mock.forget()
        return {"requests": []}

    async def har(self, request: Request) -> Any:
        from novita_mock._journal.har import har

        return await run_in_threadpool(har, self._selected(request))

    async def verdict(self, _: Request) -> Any:
        found = await run_in_threadpool(self._mock.verdict)
        told = [{"rule": f.rule, "calls": f.calls, "message": f.message} for f in found]
        return {"findings": told}

    async def metrics(self, _: Request) -> Any:
        from novita_mock._journal.metrics import CONTENT_TYPE, text

        told = text(self._mock.counters, calls=len(self._mock.calls), size=self._mock.size)
        return Response(told, headers={"content-type": CONTENT_TYPE})

    async def reset(self, _: Request) -> Any:
        self._mock.reset()
        return {"status": "ok"}

    async def scenario(self, _: Request) -> Any:
        return self._mock.scenario

    async def load(self, request: Request) -> Any:
        from novita_mock._stubs import scenario_file

        try:
            self._mock.load(scenario_file.parse(await request.body(), "scenario"))
        except ValueError as error:
            raise Refused("control_bad", problem=error) from None
        return self._mock.scenario

    async def balance(self, request: Request) -> Any:
        return self._told_balance(request.query_params.get("key", self._mock.api_key))

    async def top_up(self, request: Request) -> Any:
        body = await _object(request)
        key = str(body.get("key", self._mock.api_key))
        try:
            self._mock.wallet.top_up(key, body.get("usd"))  # type: ignore[arg-type]  # it checks
        except ValueError as error:
            raise Refused("control_bad", problem=error) from None
        return self._told_balance(key)

    async def jump(self, request: Request) -> Any:
        seconds = (await _object(request)).get("seconds")
        if not isinstance(seconds, int | float):
            raise Refused("control_bad", problem=f"$.seconds: expected number; got {seconds!r}")
        try:
            self._mock.clock.jump(seconds)
        except ValueError as error:
            raise Refused("control_bad", problem=f"$.seconds: {error}") from None
        return {"now": self._mock.clock.now()}

    def _told_balance(self, key: str) -> Any:
        return {**self._mock.wallet.detail(key), "usd": str(self._mock.wallet.left(key))}

    def _selected(self, request: Request) -> Any:
        from novita_mock._journal import query

        try:
            return query.select(self._mock.calls, **request.query_params)
        except (TypeError, ValueError) as error:
            raise Refused("control_bad", problem=error) from None


async def _object(request: Request) -> dict[str, Any]:
    """The body of a request, an object."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refused("control_bad", problem=f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused("control_bad", problem="$: expected an object")
    return body
