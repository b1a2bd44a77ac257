"""The adapter for respx: routes that answer as a mock does, for httpx and httpx2 alike.

respx itself patches only httpcore, but openai uses httpx2 from version 3 on, so the mocker here
covers both cores. Requests to the API's hosts that match no operation are recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import respx
from respx.models import AllMockedAssertionError, PassThrough

from novita_mock._api.description import load_description
from novita_mock._core.clock import Clock
from novita_mock._core.http import Reply, Request
from novita_mock._journal.call import Call, CallMetadata
from novita_mock._mock import ORIGIN, Mock
from novita_mock._testing.base_urls import BaseUrls
from novita_mock._testing.httpcore_patch import MOCKER, answering_early, error_class, stopping
from novita_mock.httpx import Playing, Transport, check_headers, request_of, stream_of

__all__ = ["MOCKER", "UNKNOWN", "Escape", "Router", "guard", "install", "mocked"]

UNKNOWN: str = "unknown"
"""Name of the route for requests that match no operation."""

_UNANSWERED = Reply(0, (), ())

Answer = Callable[[httpx.Request], httpx.Response | None]


@dataclass(frozen=True, slots=True)
class Escape:
    """A request to the API's hosts that no operation's route took. It never contains the key.

    `status` is the status of the answer; None if the request was stopped.
    """

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: str
    why: str
    status: int | None = None


class Router(respx.MockRouter):
    """A respx router for httpx and httpx2. The routes of `mock` come last, so every route added to
    the router takes precedence. `escapes` lists the requests that no operation took."""

    def __init__(
        self, mock: Mock, base_urls: Iterable[str], *, assert_all_called: bool, pass_through: bool
    ) -> None:
        super().__init__(assert_all_called=assert_all_called, using=MOCKER)
        self.mock = mock
        self.transport: Transport = Transport(mock)
        self.escapes: list[Escape] = []
        self._base_urls = BaseUrls(mock.description, base_urls)
        self._pass_through = pass_through
        self._own: tuple[str, ...] = ()

    def install(self, *, unknown: bool) -> None:
        """Adds the mock's routes. `unknown`: also the route `UNKNOWN`."""
        self._own = tuple(_install(self, self.mock, self._base_urls, unknown, self.escapes))

    def add(self, route: respx.Route, *, name: str | None = None) -> respx.Route:
        """Adds a route that takes precedence over those of the mock."""
        added = super().add(route, name=name)
        for own in self._own:
            if own in self.routes:
                self.routes.add(self.pop(own), name=own)
        return added

    def assert_all_called(self) -> None:
        """Asserts that every route was called, apart from those of the mock."""
        idle = [route for route in self.routes if not route.called and route.name not in self._own]
        assert not idle, f"RESPX: some routes were not called: {idle}"

    def early_route(self, request: Any) -> respx.Route | None:
        """The route for a request of either library, if the router has only the mock's routes and
        this one still has the mock's answer; otherwise None."""
        if len(self.routes) != len(self._own) or self._base_urls.prefixed:
            return None
        url = str(request.url)
        for route in self.routes:
            if isinstance(route, _Route) and route.takes(request.method, url):
                return route if route.is_plain else None
        return None

    def refusal(self, request: httpx.Request, *, alone: bool) -> Exception:
        """The exception for a request that no route takes. `alone`: the test has no other router,
        which would decide about requests to other hosts."""
        url = str(request.url)
        if self._base_urls.owns(url):
            why = self._base_urls.why(request.method, url)
            escape = _escape(request_of(request, request.url.path), url, why)
            self.escapes.append(escape)
            return _stopped(escape)
        if alone and self._pass_through:
            origin: Any = None
            return PassThrough(f"not for the API: {request!r}", request=request, origin=origin)
        return AllMockedAssertionError(f"RESPX: {request!r} not mocked!")


def install(
    router: respx.Router,
    mock: Mock,
    base_urls: Iterable[str] | None = None,
    *,
    unknown: bool = True,
    escapes: list[Escape] | None = None,
) -> dict[str, respx.Route]:
    """Adds routes to `router` that answer as `mock` does. Returns them by operation name.

    base_urls: where the routes answer; the mock's own if None. A base URL is an origin, optionally
        with a path that precedes or replaces the API's own base paths.
    unknown: add the route `UNKNOWN`, which answers requests that match no operation with the
        mock's 404 or 405.
    escapes: the list to which the requests that `UNKNOWN` answered are appended.

    Routes added later take precedence. Raises ValueError for a base URL without scheme or host.
    """
    answered = BaseUrls(mock.description, mock.base_urls if base_urls is None else base_urls)
    return _install(router, mock, answered, unknown, [] if escapes is None else escapes)


@contextmanager
def mocked(
    mock: Mock,
    *,
    base_urls: Iterable[str] | None = None,
    assert_all_called: bool = False,
    pass_through: bool = True,
    unknown: bool = True,
) -> Iterator[Router]:
    """Context manager: `mock` answers every httpx and httpx2 client. Yields the router.

    assert_all_called: fail on exit if a route that was added to the router was not called.
    pass_through: let requests to other hosts through, unless another active router handles them.

    The other arguments are those of `install`. A request to the API's hosts that no route takes
    fails with a connection error and is added to the router's `escapes`.
    """
    urls = mock.base_urls if base_urls is None else base_urls
    router = Router(mock, urls, assert_all_called=assert_all_called, pass_through=pass_through)
    router.install(unknown=unknown)
    with router, answering_early(router):
        yield router


@contextmanager
def guard(base_urls: Iterable[str] = (ORIGIN,)) -> Iterator[list[Escape]]:
    """Context manager: requests to `base_urls` that would reach the network fail with a connection
    error. Yields the list to which they are appended. Routes of respx take precedence."""
    guarded, escapes = BaseUrls(load_description(), base_urls), list[Escape]()

    def stop(request: Any) -> None:
        url = bytes(request.url).decode("ascii")
        if guarded.owns(url):
            headers = {name.lower(): value for name, value in request.headers}
            body = b"".join(request.stream) if isinstance(request.stream, Iterable) else b""
            sent = Request(request.method.decode("ascii"), "", headers, body)
            escapes.append(_escape(sent, url, "No mock was active."))
            raise _stopped(escapes[-1])

    with stopping(stop):
        yield escapes


def _install(
    router: respx.Router, mock: Mock, base_urls: BaseUrls, unknown: bool, escapes: list[Escape]
) -> dict[str, respx.Route]:
    def answer(request: httpx.Request) -> httpx.Response | None:
        if _is_overridden(router, own, request):
            return None
        check_headers(request, _fail)
        path = base_urls.inner(request.url.host, request.url.path)
        call = mock.call(request_of(request, path))
        if call.operation is None:
            url = str(request.url)
            why = f"{base_urls.why(request.method, url)} It was answered with {call.status}."
            escapes.append(_escape(call, url, why, call.status))
        return _response(request, call.reply, mock.clock)

    operations = mock.description.operations.values()
    methods = {o.name: (o.method, base_urls.pattern(o.path, o.bases)) for o in operations}
    if unknown:
        methods[UNKNOWN] = ("", base_urls.pattern())
    own: dict[str, respx.Route] = {}
    for name, (method, url) in methods.items():
        own[name] = router.add(_Route(answer, method, url, base_urls.hosts), name=name)
    return own


class _Route(respx.Route):
    """A route of a mock. As long as nobody changes its answer, it skips what respx does around a
    side effect; after that it is a route like any other."""

    def __init__(
        self, answer: Answer, method: str, url: re.Pattern[str], hosts: tuple[str, ...]
    ) -> None:
        # A router does not put its own base URL before a pattern that has a host.
        lookups: dict[str, Any] = {"host__in": hosts, "url__regex": url}
        super().__init__(**({"method": method} if method else {}), **lookups)
        self._answer = answer
        self._method = method
        self._url = url
        self.mock(side_effect=answer)

    @property
    def is_plain(self) -> bool:
        """Whether the route still has the mock's answer."""
        return self.side_effect is self._answer and not self.is_pass_through

    def takes(self, method: str, url: str) -> bool:
        """Whether this is the route of the operation with this `method` and `url`."""
        return method == self._method and self._url.match(url) is not None

    def match(self, request: httpx.Request) -> Any:
        """The answer; None if the route does not take the request."""
        if not self.is_plain:
            return super().match(request)
        return self._answer(request) if self.pattern.match(request) else None


def _is_overridden(
    router: respx.Router, own: dict[str, respx.Route], request: httpx.Request
) -> bool:
    """Whether the request matches a route that was added after ours."""
    for route in reversed(list(router.routes)):
        if any(route is ours for ours in own.values()):
            return False
        if route.pattern.match(request):
            return True
    return False


def _response(request: httpx.Request, reply: Reply, clock: Clock) -> httpx.Response:
    stream = stream_of(httpx, request, reply, _fail, clock)
    kind = _Opening if isinstance(stream, Playing) else httpx.Response
    return kind(reply.status, headers=reply.headers, stream=stream, request=request)


class _Opening(httpx.Response):
    """A response that waits for its first bytes. A route of respx does not know whether sync or
    async code is waiting: async code awaits this object, sync code reads its stream."""

    @property
    def stream(self) -> Any:  # a plain attribute in httpx
        self._playing.open()
        return self._playing

    @stream.setter
    def stream(self, playing: Any) -> None:
        self._playing = playing

    def __await__(self) -> Generator[Any, None, httpx.Response]:
        return self._opened().__await__()

    async def _opened(self) -> httpx.Response:
        await self._playing.aopen()
        return httpx.Response(
            self.status_code, headers=self.headers, stream=self._playing, request=self.request
        )


def _fail(name: str, message: str) -> Exception:
    return error_class(name)(message)


def _escape(sent: Request | Call, url: str, why: str, status: int | None = None) -> Escape:
    call = sent if isinstance(sent, Call) else Call(0, 0.0, CallMetadata(), _UNANSWERED, sent)
    return Escape(call.method, url, dict(call.headers), call.body, why, status)


def _stopped(escape: Escape) -> Exception:
    message = f"novita-mock stopped {escape.method} {escape.url}. {escape.why}"
    return error_class("ConnectError", AllMockedAssertionError)(message)
