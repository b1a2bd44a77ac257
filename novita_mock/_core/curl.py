"""A request as a curl command to paste into a shell, where the key is a variable."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

KEY = "$NOVITA_API_KEY"
_AUTHORIZATION, _TYPE = "authorization", "content-type"
# Others are the HTTP library's own, such as its length and its user agent.
_KEPT, _KEPT_PREFIX = frozenset({_AUTHORIZATION, _TYPE}), "x-novita-mock-"
_SPECIAL = str.maketrans({letter: "\\" + letter for letter in '\\"`$'})


def curl(method: str, url: str, headers: Iterable[tuple[str, str]] = (), body: str = "") -> str:
    """The command. Of the headers it keeps the content type, those for the mock, and the
    authorization, in which `{key}` stands for the key."""
    sent: Mapping[str, str] = {name.lower(): value for name, value in headers}
    words = ["curl -sS", shlex.quote(url)]
    if method == "HEAD":
        words.append("--head")  # with -X, curl would wait for a body
    elif method != "GET":
        words.append(f"-X {shlex.quote(method)}")
    for name, value in sent.items():
        if name in _KEPT or name.startswith(_KEPT_PREFIX):
            words.append(f"-H {_quoted(f'{name.title()}: {value}')}")
    if body:
        if _TYPE not in sent:
            words.append("-H 'Content-Type:'")  # curl would send the type of a form
        words.append(f"--data-raw {shlex.quote(body)}")
    return " ".join(words)


def _quoted(header: str) -> str:
    """A header in quotes that let the shell fill in the key."""
    before, key, after = header.partition("{key}")
    if not key:
        return shlex.quote(header)
    return f'"{before.translate(_SPECIAL)}{KEY}{after.translate(_SPECIAL)}"'
