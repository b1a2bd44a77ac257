"""The admin API under `/__mock__`: the state of a mock, read and set over HTTP.

It is open to this machine, and to other machines only with a token. A page in a browser counts as
another machine unless its origin is allowed.
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
from novita_mock._core.redaction import authorization
from novita_mock._core.version import __version__
from novita_mock._mock import Mock
from novita_mock._render.errors import refuse

ROOT = "/__mock__"

Endpoint = Callable[[Request], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the admin API besides this machine: clients with the `token`, and pages of the
    `origins`."""

    token: str | None = field(default=None, repr=False)
    origins: Collection[str] = ()

    def allows(self, scope: Scope) -> bool:
        """Whether the request of this `scope` may be answered."""
        headers = dict(scope["headers"])
        if self.token is not None:
            sent = authorization(headers)
            fits = compare_digest(sent.key.encode("latin-1"), self.token.encode())
            if fits and sent.scheme.lower() in ("", "bearer"):
                return True
        origin = headers.get(b"origin")
        if origin is not None and not {origin.decode("latin-1"), "*"} & set(self.origins):
            return False
        return _is_loopback(scope.get("client"))


THIS_MACHINE = Access()


def _is_loopback(client: Any) -> bool:
    if not client:
        return True  # a Unix socket, or no network at all
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return True  # not an address: a test client


def admin(mock: Mock, access: Access) -> Starlette:
    """The application under `/__mock__`."""
    api = _Admin(mock)
    open_to_all = [("GET", "/health", api.health), ("GET", "/openapi.json", api.openapi)]
    guarded = [
        ("GET", "/requests", api.requests),
        ("DELETE", "/requests", api.forget),
        ("GET", "/requests.har", api.har),
        ("GET", "/verdict", api.verdict),
        ("GET", "/metrics", api.metrics),
        ("POST", "/reset", api.reset),
        ("GET", "/scenario", api.scenario),
        ("PUT", "/scenario", api.load),
        ("GET", "/balance", api.balance),
        ("POST", "/balance", api.top_up),
        ("POST", "/clock", api.jump),
    ]
    routes = [
        *(_route(mock, None, *row) for row in open_to_all),
        *(_route(mock, access, *row) for row in guarded),
    ]
    return Starlette(routes=routes)


def _route(mock: Mock, access: Access | None, method: str, path: str, run: Endpoint) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            if access is not None and not access.allows(request.scope):
                raise Refused("control_denied")
            result = await run(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is left to read it
        except Refused as refusal:
            key = authorization(dict(request.scope["headers"])).key
            reply = refuse(mock.description.errors, mock.edition, refusal, key, None)
            headers = {name.decode(): value.decode() for name, value in reply.headers}
            return Response(reply.body, reply.status, headers)
        if isinstance(result, Response):
            return result
        return Response(orjson.dumps(result), media_type="application/json")

    return Route(ROOT + path, endpoint, methods=[method])


class _Admin:
    """A method for each path. Those that look at all calls run in a thread, because there may be
    many calls."""

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
        findings = await run_in_threadpool(self._mock.verdict)
        rows = [{"rule": f.rule, "calls": f.calls, "message": f.message} for f in findings]
        return {"findings": rows}

    async def metrics(self, _: Request) -> Any:
        from novita_mock._journal.metrics import CONTENT_TYPE, text

        metrics = text(self._mock.counters, calls=len(self._mock.calls), size=self._mock.size)
        return Response(metrics, headers={"content-type": CONTENT_TYPE})

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
        return self._balance_of(request.query_params.get("key", self._mock.api_key))

    async def top_up(self, request: Request) -> Any:
        body = await _object(request)
        key = str(body.get("key", self._mock.api_key))
        try:
            self._mock.wallet.top_up(key, body.get("usd"))  # type: ignore[arg-type]  # it checks
        except ValueError as error:
            raise Refused("control_bad", problem=error) from None
        return self._balance_of(key)

    async def jump(self, request: Request) -> Any:
        seconds = (await _object(request)).get("seconds")
        if not isinstance(seconds, int | float):
            raise Refused("control_bad", problem=f"$.seconds: expected number; got {seconds!r}")
        try:
            self._mock.clock.jump(seconds)
        except ValueError as error:
            raise Refused("control_bad", problem=f"$.seconds: {error}") from None
        return {"now": self._mock.clock.now()}

    def _balance_of(self, key: str) -> Any:
        return {**self._mock.wallet.detail(key), "usd": str(self._mock.wallet.left(key))}

    def _selected(self, request: Request) -> Any:
        from novita_mock._journal import query

        try:
            return query.select(self._mock.calls, **request.query_params)
        except (TypeError, ValueError) as error:
            raise Refused("control_bad", problem=error) from None


async def _object(request: Request) -> dict[str, Any]:
    """The body of a request. Raises Refused if it is not a JSON object."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refused("control_bad", problem=f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused("control_bad", problem="$: expected an object")
    return body
