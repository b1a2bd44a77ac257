"""The access log: one line for each request, through the logger `novita_mock.access`.

An application that mounts the mock gets the lines as it gets its own; `serve` prints them.
"""

from __future__ import annotations

import logging

from novita_mock._core.text import shorten
from novita_mock._journal.call import Call, hiding

LOGGER = logging.getLogger("novita_mock.access")


def log(call: Call, seconds: float) -> None:
    """Logs a call that took `seconds`, at level INFO."""
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info("%s", line(call, seconds))


def line(call: Call, seconds: float) -> str:
    """A call in one line: method, path, model, status, tokens, milliseconds. It has no key."""
    # Hidden before shortened: half a key would not be recognized.
    sent = [call.method, call.path, call.model or "-"]
    method, path, model = map(_shown, hiding(call).each(sent))
    tokens = f"{call.metadata.tokens} tok" if call.metadata.tokens else "-"
    return f"{method} {path} {model} {call.status} {tokens} {seconds * 1000:.1f} ms"


def print_to_stderr() -> None:
    """Prints the lines with the time of day, and passes them on to no other handler."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def _shown(text: str) -> str:
    """What a client sent, as a part of one line: nothing that ends the line or moves the cursor."""
    return shorten(text if text.isprintable() else repr(text)[1:-1])
