"""Second room: the headers say who asks, and whether an error was asked for.

It looks at the body in one case only: see `_may_name_an_error`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from novita_mock._api.description import Operation
from novita_mock._core.errors import ERROR_HEADER, ERROR_MODEL, Refused, wished
from novita_mock._core.http import Request, value

ERROR_KEY = "mock-"
SCHEME = "bearer"


@value
class Caller:
    """Who asks. `error`: a reason that the key asks for, answered unless the model asks for one."""

    key: str | None = field(default=None, repr=False)
    error: str | None = None

    @property
    def account(self) -> str:
        """Whose limits and balance count."""
        return self.key or ""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is admitted: any key, or only those in `api_keys` if there are some."""

    edition: str
    reasons: Sequence[str]
    api_keys: frozenset[str] = field(default=frozenset(), repr=False)


def authenticate(policy: Policy, operation: Operation, request: Request) -> Caller:
    """The caller; refuses a missing or unknown key, and answers the errors asked for in headers."""
    _answer_error_header(policy, request.headers)
    credentials = request.headers.get(b"authorization", b"").decode("latin-1").strip()
    scheme, _, key = credentials.partition(" ")
    key = key.strip()
    if not key and scheme.lower() in ("", SCHEME):
        if policy.edition in operation.key:
            raise Refused("missing_key")
        return Caller()
    if scheme.lower() != SCHEME or not _is_token(key):
        raise Refused("wrong_key")
    wish = key.removeprefix(ERROR_KEY)
    if wish != key and wish in policy.reasons:
        if not _may_name_an_error(request):
            raise wished(wish)
        return Caller(key, wish)
    if policy.api_keys and key not in policy.api_keys:
        raise Refused("wrong_key")
    return Caller(key)


def _is_token(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key


def _answer_error_header(policy: Policy, headers: Mapping[bytes, bytes]) -> None:
    value = headers.get(ERROR_HEADER)
    if value is None:
        return
    asked = value.decode("latin-1").strip()
    if asked not in policy.reasons:
        raise Refused("unknown_error", asked=repr(asked), known=", ".join(policy.reasons))
    raise wished(asked)


def _may_name_an_error(request: Request) -> bool:
    # A model's wish goes before a key's, and the body is read two rooms further on. A slash may
    # be spelt otherwise there.
    return b"mock" in request.body or ERROR_MODEL in request.path
