"""Credentials: which ones a request carries, and how they are hidden in whatever is shown.

`Redactor` is the one place that hides them: for the journal, the archive, logs, failures, reports.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property, lru_cache
from itertools import zip_longest
from typing import Any

import orjson

from novita_mock._core.credential_patterns import CredentialPatterns
from novita_mock._core.http import Request, value
from novita_mock._core.json_texts import Leaf, leaves, objects, pieces, read
from novita_mock._core.spellings import Span, View, places, spellings, views

REDACTED = "***"
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
"""Headers that are neither matched nor shown."""
_SCHEMES = frozenset({"bearer", "basic", "token", "digest", "apikey", "key"})
_EVENT = re.compile(r"^data:[ \t]?(\{.*)$", re.MULTILINE)
_DOCUMENT = re.compile(r"\A\s*([{\[].*)", re.DOTALL)
_LOGPROBS = "logprobs"  # repeats a text token by token
_MOST_ROUNDS = 4


@value
class Credential:
    """A credential in a header: the `scheme` before it, such as `Bearer` (empty without one), and
    the `key`."""

    scheme: str
    key: str = field(repr=False)


def credentials(
    headers: Mapping[bytes, bytes], carries: Callable[[str], bool] = CREDENTIALS.__contains__
) -> Iterator[Credential]:
    """The credentials in `headers`, in order. `carries` says by its name whether a header has one.

    A cookie has as many as it has values.
    """
    for name, data in headers.items():
        header = name.decode("latin-1").lower()
        if carries(header):
            text = data.decode("latin-1").strip()
            if header == "cookie":
                pairs = (pair.partition("=")[2].strip() for pair in text.split(";"))
                yield from (Credential("", key) for key in pairs if key)
            elif text:
                yield _credential(text)


def _credential(text: str) -> Credential:
    scheme, _, key = text.partition(" ")
    if not key and scheme.lower() not in _SCHEMES:
        return Credential("", scheme)
    return Credential(scheme, key.strip())


def secrets(headers: Mapping[bytes, bytes], carries: Callable[[str], bool]) -> frozenset[str]:
    """What must be hidden wherever the request with these headers is shown."""
    found = set[str]()
    for credential in credentials(headers, carries):
        scheme, key = credential.scheme, credential.key
        found |= {key, *key.split()}
        if scheme.lower() == "basic":
            login = _login(key)
            found |= {login, login.partition(":")[2]}
        elif scheme.lower() not in _SCHEMES:
            found |= {scheme, f"{scheme} {key}".strip()}
    return frozenset(filter(None, found | {_from_utf8(text) for text in found}))


def _login(key: str) -> str:
    """User and password of basic authentication."""
    try:
        return base64.b64decode(key, validate=True).decode("latin-1")
    except ValueError:
        return ""


def _from_utf8(text: str) -> str:
    """What the bytes of a header mean if they are UTF-8."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def authorization(headers: Mapping[bytes, bytes]) -> Credential:
    """What the header `authorization` carries; empty if there is none."""
    return _authorization(headers.get(b"authorization", b""))


# Few keys send many requests.
@lru_cache(maxsize=64)
def _authorization(sent: bytes) -> Credential:
    return next(credentials({b"authorization": sent}), Credential("", ""))


def sent_key(request: Request) -> str:
    """The key that a request sends, in any form; empty if it sends none."""
    return "".join(authorization(request.headers).key.split()[-1:])


class Redactor:
    """Replaces secrets by `***`, in whatever case and spelling they occur: escaped,
    percent-encoded, as hex, as base64, backwards. What `patterns` recognize is hidden, too.

    A secret of fewer than six characters stays: it is no real key, and would match inside words.
    """

    def __init__(self, *secrets: str | None, patterns: CredentialPatterns | None = None) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._patterns = patterns

    @cached_property
    def _spellings(self) -> Sequence[str]:
        return sorted({text for secret in self._secrets for text in spellings(secret)})

    def __call__(self, text: str) -> str:
        """`text` without the secrets."""
        return self.pieces([text])[0]

    def occurs(self, text: str) -> bool:
        """Whether `text` has something to hide."""
        return bool(self._spans(text))

    def each(self, texts: Iterable[str]) -> list[str]:
        """Texts without the secrets. All at once is cheaper than one by one."""
        return self.pieces([piece for text in texts for piece in (text, "\n")])[::2]

    def data(self, data: bytes) -> bytes:
        """`data` without the secrets; it need not be text."""
        # Latin-1 maps each byte to one letter.
        return self(data.decode("latin-1")).encode("latin-1")

    def pieces(self, pieces: Sequence[str]) -> list[str]:
        """The pieces of one text, such as the chunks of a stream, without the secrets, which may
        begin in one piece and end in another."""
        shown = list(pieces)
        # What is left and right of a secret may be one, too, once they are neighbours.
        for _ in range(_MOST_ROUNDS):
            spans = self._spans("".join(shown))
            if not spans:
                break
            shown = _cut(shown, spans)
        return shown

    def body(self, text: str) -> str:
        """The body of a request or reply without the secrets. In JSON and in streams of JSON, a
        secret may be distributed over several texts, such as the chunks of an answer."""
        found = [*_EVENT.finditer(text)] or [*_DOCUMENT.finditer(text)]
        documents = [document for match in found if (document := _read(match))]
        if documents and self._join([value for _, value, _ in documents]):
            for match, value, missing in reversed(documents):
                start, end = match.span(1)
                text = text[:start] + _written(value).removesuffix(missing) + text[end:]
        return self(text)

    def json(self, value: Any, *, numbers: bool = True) -> Any:
        """A JSON value without the secrets: in texts, in names of members and, if wanted, in
        `numbers`. The texts of members with a secret name are hidden, too. Changes `value`."""
        root = [value]
        self._join(root)
        kinds = (str, int, float) if numbers else str
        every = [leaf for leaf in leaves(root) if isinstance(leaf.value, kinds)]
        names = list(dict.fromkeys(name for members in objects(root) for name in members))
        texts = [*(str(leaf.value) for leaf in every), *names]
        shown = self.each(texts)
        for leaf, text, new in zip(every, texts, shown, strict=False):
            if self._is_secret(leaf):
                leaf.value = REDACTED
            elif new != text:
                leaf.value = new
        renamed = zip(names, shown[len(every) :], strict=True)
        _rename(root, {name: new for name, new in renamed if new != name})
        return root[0]

    def _is_secret(self, leaf: Leaf) -> bool:
        if self._patterns is None or not leaf.value or not isinstance(leaf.value, str):
            return False
        return self._patterns.is_secret(leaf.holder, leaf.name)

    def _join(self, root: list[Any]) -> bool:
        """Hides the secrets that are distributed over several texts; returns whether there are."""
        slots = [leaf for group in pieces(root) for leaf in (*group, None)]
        texts = ["\n" if leaf is None else leaf.value for leaf in slots]
        shown = self.pieces(texts)
        if shown == texts:
            return False
        for leaf, new in zip(slots, shown, strict=True):
            if leaf is not None:
                leaf.value = new
        for members in objects(root):
            if isinstance(members.get(_LOGPROBS), dict):
                members[_LOGPROBS] = REDACTED
        return True

    def _spans(self, text: str) -> list[Span]:
        """The places of what has to be hidden, in order."""
        if not self._spellings and self._patterns is None:
            return []
        found: list[Span] = []
        levels = list(views(text))
        for view, above in zip_longest(levels, levels[1:]):
            for span in self._in(view):
                found.append(view.original(above.whole(span) if above else span))
        return _merged(span for span in found if text[slice(*span)] != REDACTED)

    def _in(self, view: View) -> Iterator[Span]:
        for spelling in self._spellings:
            yield from places(view.folded, spelling)
        if self._patterns is not None:
            yield from self._patterns.spans(view)


def _read(match: re.Match[str]) -> tuple[re.Match[str], Any, str] | None:
    try:
        return match, *read(match[1])
    except ValueError:
        return None


def _written(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested too deep to be written
        return f'"{REDACTED}"'


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap joined: one secret may be the beginning of another."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return merged


def _cut(pieces: Sequence[str], spans: Iterable[Span]) -> list[str]:
    """The pieces of a text with `***` in place of `spans`, in the piece where each begins."""
    left, shown, offset = deque(spans), list[str](), 0
    for piece in pieces:
        end, at, kept = offset + len(piece), offset, list[str]()
        while left and left[0][0] < end:
            start, stop = left[0]
            if start >= offset:
                kept += piece[at - offset : start - offset], REDACTED
            at = min(stop, end)
            if stop > end:
                break
            left.popleft()
        shown.append("".join([*kept, piece[at - offset :]]))
        offset = end
    return shown


def _rename(root: list[Any], names: Mapping[str, str]) -> None:
    """Changes the names of members."""
    for members in objects(root) if names else ():
        if not names.keys().isdisjoint(members):
            renamed = {names.get(name, name): value for name, value in members.items()}
            members.clear()
            members.update(renamed)


@lru_cache(maxsize=64)
def _redactor(secret: str) -> Redactor:
    return Redactor(secret, _from_utf8(secret))


def redact(text: str, secret: str | None) -> str:
    """`text` without `secret`."""
    return _redactor(secret)(text) if secret else text
