"""The redactors for what a request sent and for a report, with the patterns of the description.

Making one is cheap, and everything that takes time is done when it first looks at a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from urllib.parse import parse_qsl

from novita_mock._api.description import load_description
from novita_mock._core.credential_patterns import CredentialPatterns, Names, Vendor
from novita_mock._core.http import Header, Json, Request
from novita_mock._core.redaction import Redactor, secrets

# A key is a word of its own, not a part of base64 data or of a path.
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_+/-])", r"(?![A-Za-z0-9_+/-])"
_KEPT = 64


@cache
def patterns() -> CredentialPatterns:
    """What looks like a credential."""
    document = load_description().credentials
    members = document["members"]
    vendors = [
        Vendor(row["of"], row["starts"], alone(row["pattern"])) for row in document["vendors"]
    ]
    named = _names(document["headers"]), _names(members)
    return CredentialPatterns(*named, members["ends"], members["harmless"], vendors)


def alone(pattern: str) -> re.Pattern[str]:
    """A pattern for a key that stands alone."""
    return re.compile(f"{_BEFORE}(?:{pattern}){_AFTER}")


def _names(row: Json) -> Names:
    return Names(re.compile(row["pattern"]), re.compile(row["other"]))


@lru_cache(maxsize=1024)
def is_secret_header(name: str) -> bool:
    """Whether the value of a header is secret by the header's name."""
    return name.lower() in patterns().headers


def of_headers(headers: Mapping[bytes, bytes], query: str = "") -> Redactor:
    """Hides what a request with these headers and this query sent as a credential, and what looks
    like one."""
    sent = ((name, v) for name, v in headers.items() if is_secret_header(name.decode("latin-1")))
    return _redactor(tuple(sent), query)


def of_request(request: Request) -> Redactor:
    """The same for the headers and the query of a request."""
    return of_headers(request.headers, request.query)


@lru_cache(maxsize=_KEPT)
def _redactor(sent: tuple[Header, ...], query: str) -> Redactor:
    pairs = parse_qsl(query)
    found = {value for name, value in pairs if patterns().is_parameter(name.lower())}
    return Redactor(*found, *secrets(dict(sent), is_secret_header), patterns=patterns())


def of_report(*secrets: str | None) -> Redactor:
    """Hides `secrets` and keys of vendors. Names are not looked at: a report speaks of them."""
    return Redactor(*secrets, patterns=replace(patterns(), by_name=False))
