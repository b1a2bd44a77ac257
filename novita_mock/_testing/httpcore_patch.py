"""Patches httpcore and httpcore2, through which the requests of httpx and httpx2 pass.

It decides which router is asked for an answer, and stops requests that none may answer. `respx.py`
decides what the answer is and which requests to stop.
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
    """One class for the error that httpx and both cores know by `name`. A route does not know which
    library's client is waiting; each client turns this error into that of its own library."""
    kinds = [getattr(module, name) for module in (httpx, *_cores())]
    return type(name, (*kinds, *more), {})


@contextmanager
def stopping(stop: Callable[[Any], None]) -> Iterator[None]:
    """Context manager: `stop` gets each request of either core that is about to reach the network,
    and raises the error for its sender. Routes of respx take precedence."""
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
    """Context manager: `router` answers a request before it reaches the cores, if no other router
    could answer it. This is only for speed: the mockers would give the same answer."""
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
    """One of our routers in the list that a mocker asks. Routers that were added later take
    precedence, and so do those of respx itself."""

    router: Any
    mocker: type[Mocker]

    def _others(self) -> list[Any]:
        slots = _slots(self.mocker)
        own = slots.index(self)
        return [s for i, s in enumerate(slots) if i > own or not isinstance(s, _RouterSlot)]

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
    """What a mocker asks, in order: routers of respx, and slots for ours."""
    return cast(list[Any], mocker.routers)


def _for_either(error: httpx.RequestError) -> Exception:
    """The error of a route, in a class that clients of both libraries know."""
    name = type(error).__name__
    known = hasattr(import_module(_CORE), name)
    return error_class(name)(str(error)) if known else error


class _HTTPCore2Mocker(HTTPCoreMocker):
    name = f"{MOCKER}-httpcore2"
    targets: ClassVar[list[str]] = [
        target.replace(_CORE, _CORE2, 1) for target in HTTPCoreMocker.targets
    ]


class _BothMocker(Mocker):
    """A mocker for httpx and httpx2 together. It patches nothing itself, because respx leaves one
    of two mockers with the same targets without effect. It adds its routers to the others instead.
    """

    name = MOCKER
    targets: ClassVar[list[str]] = []
    target_methods: ClassVar[list[str]] = []

    @classmethod
    def register(cls, router: Any) -> None:
        for mocker in _mockers():
            mocker.register(_slot(router, mocker))

    @classmethod
    def unregister(cls, router: Any) -> bool:
        removed = [mocker.unregister(_slot(router, mocker)) for mocker in _all_mockers()]
        return any(removed)

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
    """A mocker for each installed core; that of pytest-httpx2 if it is loaded."""
    second = Mocker.registry.get(_CORE2, _HTTPCore2Mocker)
    return [HTTPCoreMocker, second] if find_spec(_CORE2) else [HTTPCoreMocker]


def _all_mockers() -> list[type[Mocker]]:
    return [mocker for mocker in Mocker.registry.values() if mocker is not _BothMocker]


@contextmanager
def _below_respx() -> Iterator[None]:
    """Context manager: suspends the patches of respx, so that they end up on top of ours."""
    active = [mocker for mocker in _all_mockers() if mocker.routers]
    for mocker in active:
        mocker.stop(force=True)
    yield
    for mocker in active:
        mocker.start()
