"""Several processes that serve one port. Each has a mock of its own: what one is told or has used
up, the others do not know."""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp

from novita_mock._asgi.admin import Access
from novita_mock._mock import Mock
from novita_mock._server.run import application, follow, settings

_PLAN = "NOVITA_MOCK_WORKER"
NOTICE = "{workers} workers: each has its own script, limits, wallet, journal and counters."


def serve(
    options: Mapping[str, Any],
    listener: socket.socket,
    *,
    workers: int,
    quiet: bool,
    access: Access,
) -> None:
    """Serves mocks with `options` (those of `Mock`) on `listener` until SIGINT or SIGTERM."""
    plan = {"options": options, "quiet": quiet, "token": access.token}
    os.environ[_PLAN] = orjson.dumps({**plan, "origins": tuple(access.origins)}).decode()
    # uvicorn takes a socket that it gets by its number for no TCP socket and leaves this out: every
    # answer would wait for the client's acknowledgement of its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    here = f"{__name__}:worker"
    uvicorn.run(here, factory=True, workers=workers, fd=listener.fileno(), **settings())


def worker() -> ASGIApp:
    """The application of one worker."""
    plan = orjson.loads(os.environ[_PLAN])
    mock = Mock(clock=time.time, **plan["options"])
    scenario = plan["options"].get("scenario")
    if scenario is not None:
        follow(mock, Path(scenario))
    gc.freeze()
    return application(mock, plan["quiet"], Access(plan["token"], plan["origins"]))
