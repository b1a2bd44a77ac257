"""What `novita-mock serve` adds to the application: socket, banner, log, reload and shutdown."""

from __future__ import annotations

import gc
import ipaddress
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click
import uvicorn
from starlette.types import ASGIApp

from novita_mock._api.description import load_description
from novita_mock._asgi import access_log
from novita_mock._asgi.admin import THIS_MACHINE, Access
from novita_mock._core.version import __version__
from novita_mock._mock import Mock
from novita_mock._server.protocol import Protocol, Server
from novita_mock.starlette import Endpoint

# Running streams get this long to finish after SIGINT or SIGTERM.
GRACE_SECONDS = load_description().limits["grace"]
_BACKLOG = 2048
_LOOK_SECONDS = 0.25


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError if it cannot be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def serve(
    mock: Mock,
    listener: socket.socket,
    *,
    quiet: bool,
    access: Access = THIS_MACHINE,
    scenario: Path | None = None,
) -> None:
    """Serves `mock` on `listener` until SIGINT or SIGTERM.

    scenario: the file that the mock's rules came from, which is read again when it changes.
    """
    server = Server(uvicorn.Config(application(mock, quiet, access), **settings()))

    def end(*_: object) -> None:
        server.should_exit = True

    # uvicorn takes the signals over once it runs, and raises them again when it has shut down:
    # one that comes before is not lost, and a wanted end is exit code 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if scenario is not None:
        follow(mock, scenario)
    announce(mock, listener, quiet=quiet)
    # What start-up made stays for good: the collector need not look at it, not even now.
    gc.freeze()
    gc.enable()
    server.run(sockets=[listener])


def settings() -> dict[str, Any]:
    """How uvicorn is run."""
    return {
        "log_level": "critical",
        "access_log": False,
        "lifespan": "off",
        "ws": "none",
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "server_header": False,
        "http": Protocol,
    }


def application(mock: Mock, quiet: bool, access: Access) -> ASGIApp:
    """What is served: the mock, with its access log, to pages of the origins that are allowed."""
    if not quiet:
        access_log.print_to_stderr()
    endpoint = Endpoint(mock, access=access)
    if not access.origins:
        return endpoint
    from starlette.middleware.cors import CORSMiddleware

    origins = tuple(access.origins)
    return CORSMiddleware(endpoint, origins, allow_methods=["*"], allow_headers=["*"])


def follow(mock: Mock, path: Path) -> None:
    """Reads a scenario file again whenever it has changed. If it cannot be read, a line says why
    and the scenario stays as it was."""

    def look() -> None:
        seen = _state(path)
        while True:
            time.sleep(_LOOK_SECONDS)
            if (now := _state(path)) != seen:
                seen = now
                try:
                    mock.load(path, lasting=True)
                    click.echo(f"{path}: read again", err=True)
                except ValueError as error:
                    click.echo(f"{error}; the scenario stays as it was", err=True)

    threading.Thread(target=look, name="novita-mock scenario", daemon=True).start()


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _warning(host: str) -> str:
    if ipaddress.ip_address(host).is_loopback:
        return ""
    return f"WARNING: listening on {host}: everyone who can reach this machine can use this mock."


def announce(mock: Mock, listener: socket.socket, *, quiet: bool, notice: str = "") -> None:
    """Prints the banner, and a warning if other machines can reach the address."""
    warning = _warning(listener.getsockname()[0])
    if warning:
        click.secho(warning, fg="red", bold=True, err=True)
    if not quiet:
        click.echo("\n".join(filter(None, [notice, banner(mock, listener)])))
        sys.stdout.flush()


def banner(mock: Mock, listener: socket.socket) -> str:
    """The text printed at the start: the address, and how to point a client at it."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}{mock.description.bases[0]}"
    key = "any-key" if mock.any_key else "<a key given with --api-key>"
    models = len(mock.description.models)
    return "\n".join(
        [
            f"novita-mock {__version__}, edition {mock.edition}, {models} models",
            f"Serving {url}",
            "",
            "Point an OpenAI client at it:",
            "",
            f"  export OPENAI_BASE_URL={url}",
            f"  export OPENAI_API_KEY={key}",
            "",
            "Ctrl+C stops it.",
        ]
    )
