"""Second stage, authentication: reads from the headers who asks, and which error is requested.

It looks at the body in one case only: see `_may_name_an_error`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from novita_mock._api.description import Operation
from novita_mock._core.errors import ERROR_HEADER, ERROR_MODEL, Refused, wished
from novita_mock._core.http import Request, value
from novita_mock._core.redaction import authorization

ERROR_KEY = "mock-"
SCHEME = "bearer"


@value
class Caller:
    """The caller. `error`: the error that the key requests; one that a model id requests wins."""

    key: str | None = field(default=None, repr=False)
    error: str | None = None

    @property
    def account(self) -> str:
        """The account that limits and balance belong to."""
        return self.key or ""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which keys are accepted: those in `api_keys`, or any key if there are none."""

    edition: str
    reasons: Sequence[str]
    api_keys: frozenset[str] = field(default=frozenset(), repr=False)


def authenticate(policy: Policy, operation: Operation, request: Request) -> Caller:
    """The caller. Refuses a missing or unknown key, and raises the error that a header requests."""
    _answer_error_header(policy, request.headers)
    sent = authorization(request.headers)
    scheme, key = sent.scheme, sent.key
    if not key and scheme.lower() in ("", SCHEME):
        if policy.edition in operation.key:
            raise Refused("missing_key")
        return Caller()
    if scheme.lower() != SCHEME or not _is_token(key):
        raise Refused("wrong_key")
    reason = key.removeprefix(ERROR_KEY)
    if reason != key and reason in policy.reasons:
        if not _may_name_an_error(request):
            raise wished(reason)
        return Caller(key, reason)
    if policy.api_keys and key not in policy.api_keys:
        raise Refused("wrong_key")
    return Caller(key)


def _is_token(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key


def _answer_error_header(policy: Policy, headers: Mapping[bytes, bytes]) -> None:
    value = headers.get(ERROR_HEADER)
    if value is None:
        return
    reason = value.decode("latin-1").strip()
    if reason not in policy.reasons:
        raise Refused("unknown_error", asked=repr(reason), known=", ".join(policy.reasons))
    raise wished(reason)


def _may_name_an_error(request: Request) -> bool:
    # The error that a model id requests goes before the key's, and a later stage reads the body.
    # JSON can escape the slash there.
    return b"mock" in request.body or ERROR_MODEL in request.path
