"""Keys and other credentials, and how to hide them."""

from __future__ import annotations

from novita_mock._core.http import Request

REDACTED = "***"
_SHORTEST_SECRET = 6


def redact(text: str, secret: str | None) -> str:
    """`text` without `secret`.

    A secret of fewer than six characters stays: it is no real key, and would match inside words.
    """
    if not secret or len(secret) < _SHORTEST_SECRET:
        return text
    return text.replace(secret, REDACTED)


def sent_key(request: Request) -> str:
    """The key that a request sends, in any form; empty if it sends none."""
    words = request.headers.get(b"authorization", b"").decode("latin-1").split()
    return words[-1] if words else ""


CREDENTIALS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
"""Headers that are neither matched nor shown."""
