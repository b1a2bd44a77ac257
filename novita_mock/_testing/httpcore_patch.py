"""Below the doors: httpcore and httpcore2, where the requests of httpx and httpx2 are caught.

Says who is asked for an answer, and stops what nobody may answer. What is answered, and which
requests are to be stopped, is decided in `respx.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, cast
from unittest.mock import patch

import httpx
from respx.mocks import HTTPCoreMocker, Mocker
from respx.models import AllMockedAssertionError

__all__ = ["MOCKER", "answering_early", "error_class", "stopping"]

MOCKER: str = "novita-mock"
"""The mocker for httpx and httpx2: `respx.mock(using=MOCKER)`."""

_CORE, _CORE2 = "httpcore", "httpcore2"


def _cores() -> list[Any]:
    return [import_module(name) for name in (_CORE, _CORE2) if find_spec(name)]


@cache
def error_class(name: str, *more: type[Exception]) -> type[Exception]:
    """The error that httpx and both cores know by `name`, in one class, for no route can tell which
    library's client is waiting: each client makes its own library's error of it."""
    kinds = [getattr(module, name) for module in (httpx, *_cores())]
    return type(name, (*kinds, *more), {})


@contextmanager
def stopping(stop: Callable[[Any], None]) -> Iterator[None]:
    """While it is entered, `stop` sees each request of either core that is about to reach the
    network, and raises what its sender is to get. Routes of respx go before it."""
    patches = ExitStack()
    with _below_respx():
        for core in _cores():
            _patch(core, stop, patches)
    try:
        yield
    finally:
        with _below_respx():
            patches.close()


def _patch(core: Any, stop: Callable[[Any], None], patches: ExitStack) -> None:
    sync, asynchronous = core.ConnectionPool, core.AsyncConnectionPool
    send, send_async = sync.handle_request, asynchronous.handle_async_request

    @wraps(send)
    def handle_request(self: Any, request: Any) -> Any:
        stop(request)
        return send(self, request)

    @wraps(send_async)
    async def handle_async_request(self: Any, request: Any) -> Any:
        stop(request)
        return await send_async(self, request)

    patches.enter_context(patch.object(sync, "handle_request", handle_request))
    patches.enter_context(patch.object(asynchronous, "handle_async_request", handle_async_request))


@contextmanager
def answering_early(router: Any) -> Iterator[None]:
    """While it is entered, `router` answers before a request goes down to the cores, where nobody
    else has a say in it. It is for speed alone: the mockers would give the same answer."""
    with ExitStack() as patches:
        for name, mocker in zip(("httpx", "httpx2"), _mockers(), strict=False):
            if name in sys.modules:
                _patch_transports(sys.modules[name], router, mocker, patches)
        yield


def _patch_transports(library: Any, router: Any, mocker: type[Mocker], patches: ExitStack) -> None:
    sync, asynchronous = library.HTTPTransport, library.AsyncHTTPTransport
    send, send_async = sync.handle_request, asynchronous.handle_async_request
    alone: list[Any] = [_RouterSlot(router, mocker)]

    @wraps(send)
    def handle_request(self: Any, request: Any) -> Any:
        route = router.early_route(request) if _slots(mocker) == alone else None
        if route is None:
            return send(self, request)
        response = router.transport.handle_request(request)
        router.record(request, response=response, route=route)
        return response

    @wraps(send_async)
    async def handle_async_request(self: Any, request: Any) -> Any:
        route = router.early_route(request) if _slots(mocker) == alone else None
        if route is None:
            return await send_async(self, request)
        response = await router.transport.handle_async_request(request)
        router.record(request, response=response, route=route)
        return response

    patches.enter_context(patch.object(sync, "handle_request", handle_request))
    patches.enter_context(patch.object(asynchronous, "handle_async_request", handle_async_request))


@dataclass(frozen=True)
class _RouterSlot:
    """The place of one of our routers among those that a mocker asks. Routers that came later go
    before it, and so do those of respx itself."""

    router: Any
    mocker: type[Mocker]

    def _others(self) -> list[Any]:
        slots = _slots(self.mocker)
        later = slots.index(self)
        return [s for i, s in enumerate(slots) if i > later or not isinstance(s, _RouterSlot)]

    def handler(self, request: httpx.Request) -> Any:
        others = self._others()
        for other in others:
            with suppress(AllMockedAssertionError):
                return other.handler(request)
        try:
            return self.router.handler(request)
        except AllMockedAssertionError:
            raise self.router.refusal(request, alone=not others) from None
        except httpx.RequestError as error:
            raise _for_either(error) from error

    async def async_handler(self, request: httpx.Request) -> Any:
        others = self._others()
        for other in others:
            with suppress(AllMockedAssertionError):
                return await other.async_handler(request)
        try:
            return await self.router.async_handler(request)
        except AllMockedAssertionError:
            raise self.router.refusal(request, alone=not others) from None
        except httpx.RequestError as error:
            raise _for_either(error) from error


def _slots(mocker: type[Mocker]) -> list[Any]:
    """Whom a mocker asks, in order: routers of respx, and seats of ours."""
    return cast(list[Any], mocker.routers)


def _for_either(error: httpx.RequestError) -> Exception:
    """What a route raised, as a client of either library knows it."""
    name = type(error).__name__
    known = hasattr(import_module(_CORE), name)
    return error_class(name)(str(error)) if known else error


class _HTTPCore2Mocker(HTTPCoreMocker):
    name = f"{MOCKER}-httpcore2"
    targets: ClassVar[list[str]] = [
        target.replace(_CORE, _CORE2, 1) for target in HTTPCoreMocker.targets
    ]


class _BothMocker(Mocker):
    """Asks its routers for httpx and for httpx2. It patches nothing itself: of two mockers with the
    same targets respx leaves one without effect, so it sits down with those that are there."""

    name = MOCKER
    targets: ClassVar[list[str]] = []
    target_methods: ClassVar[list[str]] = []

    @classmethod
    def register(cls, router: Any) -> None:
        for mocker in _mockers():
            mocker.register(_slot(router, mocker))

    @classmethod
    def unregister(cls, router: Any) -> bool:
        left = [mocker.unregister(_slot(router, mocker)) for mocker in _all_mockers()]
        return any(left)

    @classmethod
    def start(cls) -> None:
        for mocker in _mockers():
            mocker.start()

    @classmethod
    def stop(cls, force: bool = False) -> None:
        for mocker in _all_mockers():
            mocker.stop(force)


def _slot(router: Any, mocker: type[Mocker]) -> Any:
    return _RouterSlot(router, mocker) if hasattr(router, "refusal") else router


def _mockers() -> list[type[Mocker]]:
    """A mocker for each core that is installed; pytest-httpx2's own where it is loaded."""
    second = Mocker.registry.get(_CORE2, _HTTPCore2Mocker)
    return [HTTPCoreMocker, second] if find_spec(_CORE2) else [HTTPCoreMocker]


def _all_mockers() -> list[type[Mocker]]:
    return [mocker for mocker in Mocker.registry.values() if mocker is not _BothMocker]


@contextmanager
def _below_respx() -> Iterator[None]:
    """While it is entered, respx patches nothing, so that its patches come to lie above ours."""
    active = [mocker for mocker in _all_mockers() if mocker.routers]
    for mocker in active:
        mocker.stop(force=True)
    yield
    for mocker in active:
        mocker.start()
