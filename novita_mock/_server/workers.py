"""Several processes that serve one port.

Each has a mock of its own, so no process sees the script, limits or calls of another.
"""

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

_SETTINGS = "NOVITA_MOCK_WORKER"
NOTICE = "{workers} workers: each has its own script, limits, wallet, journal and counters."


def serve(
    options: Mapping[str, Any],
    listener: socket.socket,
    *,
    workers: int,
    quiet: bool,
    access: Access,
) -> None:
    """Serves a mock with `options`, those of `Mock`, in each worker, until SIGINT or SIGTERM."""
    config = {"options": options, "quiet": quiet, "token": access.token}
    os.environ[_SETTINGS] = orjson.dumps({**config, "origins": tuple(access.origins)}).decode()
    # uvicorn does not recognise a socket passed by number as TCP and leaves this option out. Every
    # answer would then wait for the client to acknowledge its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    here = f"{__name__}:worker"
    uvicorn.run(here, factory=True, workers=workers, fd=listener.fileno(), **settings())


def worker() -> ASGIApp:
    """The application of one worker, made from the settings that `serve` put in the environment."""
    config = orjson.loads(os.environ[_SETTINGS])
    mock = Mock(clock=time.time, **config["options"])
    scenario = config["options"].get("scenario")
    if scenario is not None:
        follow(mock, Path(scenario))
    gc.freeze()
    return application(mock, config["quiet"], Access(config["token"], config["origins"]))
