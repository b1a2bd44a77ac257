"""Keys and other credentials, and how they are hidden."""

from __future__ import annotations

from novita_mock._core.http import Request

REDACTED = "***"
_SHORTEST_SECRET = 6


def redact(text: str, secret: str | None) -> str:
    """`text` without `secret`. One of less than six characters is no key that anybody pays for,
    and would be found in the middle of words."""
    if not secret or len(secret) < _SHORTEST_SECRET:
        return text
    return text.replace(secret, REDACTED)


def sent_key(request: Request) -> str:
    """What a request sends as its key, in whatever form; empty if it sends none."""
    words = request.headers.get(b"authorization", b"").decode("latin-1").split()
    return words[-1] if words else ""


CREDENTIALS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
"""Headers that are neither matched nor shown."""
