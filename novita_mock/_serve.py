"""What `novita-mock serve` does around the door: the socket, the banner, the log, the end."""

from __future__ import annotations

import gc
import ipaddress
import signal
import socket
import sys
import time

import click
import uvicorn

from novita_mock import __version__, _wire
from novita_mock._ledger import Call
from novita_mock._mock import Mock
from novita_mock.starlette import Endpoint

# Running streams get this long to finish after SIGINT or SIGTERM.
GRACE_SECONDS = 5
_BACKLOG = 2048
_MOST_SHOWN = 200


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


def serve(mock: Mock, listener: socket.socket, *, quiet: bool, key_listed: bool) -> None:
    """Serves `mock` on `listener` until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        Endpoint(mock, None if quiet else _log),
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
        http=_wire.protocol(lambda: server),
    )
    server = uvicorn.Server(config)

    def end(*_: object) -> None:
        server.should_exit = True

    # uvicorn takes the signals over once it runs, and raises them again when it has shut down:
    # one that comes before is not lost, and a wanted end is exit code 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    warning = _warning(listener.getsockname()[0])
    if warning:
        click.secho(warning, fg="red", bold=True, err=True)
    if not quiet:
        click.echo(banner(mock, listener, key_listed=key_listed))
        sys.stdout.flush()
    # What start-up made stays for good: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    server.run(sockets=[listener])


def _warning(host: str) -> str:
    if ipaddress.ip_address(host).is_loopback:
        return ""
    return f"WARNING: listening on {host}: everyone who can reach this machine can use this mock."


def banner(mock: Mock, listener: socket.socket, *, key_listed: bool) -> str:
    """What is printed at the start: the address, and how to point a client at it."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}{mock.book.bases[0]}"
    key = "<a key given with --api-key>" if key_listed else "any-key"
    return "\n".join(
        [
            f"novita-mock {__version__}, edition {mock.edition}, {len(mock.book.models)} models",
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


def _log(call: Call, seconds: float) -> None:
    model = _shown(call.model or "-")
    tokens = f"{call.about.tokens} tok" if call.about.tokens else "-"
    moment = time.strftime("%H:%M:%S")
    sent = call.redacted(f"{call.method} {_shown(call.path)} {model}")
    line = f"{moment} {sent} {call.status} {tokens}"
    print(f"{line} {seconds * 1000:.1f} ms", file=sys.stderr, flush=True)


def _shown(text: str) -> str:
    """What a client sent, as a part of one line: nothing that ends the line or moves the cursor."""
    whole = text if text.isprintable() else repr(text)[1:-1]
    return whole if len(whole) <= _MOST_SHOWN else f"{whole[:_MOST_SHOWN]}..."
