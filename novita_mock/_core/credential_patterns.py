"""What looks like a credential although nobody said its value, by the name beside it or by itself.

The patterns come from `schemas/credentials.json`; here is how they are searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from novita_mock._core.spellings import Span, View

_NAME = r"[\w.$-]{1,60}"
_MEMBER = re.compile(rf"""(["'])({_NAME})\1\s*[:=]\s*""")
_VARIABLE = re.compile(rf"(?<![\w-])({_NAME})=")
_LABEL = re.compile(rf"(?<![\w-])({_NAME}):[ \t]*")
# A value ends with its quote; in a text that was cut off, with the line or the text.
_QUOTED = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\\n])*)""")
# What begins with a dollar sign or a bracket is a placeholder.
_WORD = re.compile(r"""([^&\#\s"'<>;,()\\${*][^&\#\s"'<>;,()\\]*)""")
_LINE = re.compile(r"""(?:(?:bearer|basic|token|digest)[ \t]+)?([^\s"'\\$<{*][^\n"'\\]*)""")
_BEARER = re.compile(r"(?<![\w-])bearer[ \t]+([\w.~+/=-]{6,})")
_USERINFO = re.compile(r"""://[^\s/?#@:"']*:([^\s/?#@"']+)@""")
# In prose, other such words are followed by a colon, too.
_LABELS = frozenset({"authorization", "cookie", "password", "passwd"})
_NEAR = 2_000


@dataclass(frozen=True)
class Names:
    """Names that say that their value is secret: those with `pattern`, but not with `other`."""

    pattern: re.Pattern[str]
    other: re.Pattern[str]

    def __contains__(self, name: object) -> bool:
        text = str(name)
        return bool(self.pattern.search(text)) and not self.other.search(text)


@dataclass(frozen=True)
class Vendor:
    """The form of the keys of one vendor. `start`: how each of them begins."""

    of: str
    start: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class CredentialPatterns:
    """Names of headers and members, and keys of vendors.

    `ends`: how the names end, in lower case. `harmless`: members beside which a name means
    something else. `by_name`: whether names are looked at in texts.
    """

    headers: Names
    members: Names
    ends: Sequence[str]
    harmless: Sequence[str]
    vendors: Sequence[Vendor]
    by_name: bool = True

    def spans(self, view: View) -> Iterator[Span]:
        """Where `view` has what looks like a credential."""
        text, folded = view.text, view.folded
        for vendor in self.vendors:
            if vendor.start in text:
                yield from (found.span() for found in vendor.pattern.finditer(text))
        if "://" in folded and "@" in folded:
            yield from (found.span(1) for found in _USERINFO.finditer(folded))
        if self.by_name:
            yield from (span for span in self._named(folded) if span)
            if "bearer" in folded:
                yield from (found.span(1) for found in _BEARER.finditer(folded))

    def is_secret(self, holder: Any, name: str) -> bool:
        """Whether a member of an object, or of a list in it, is secret by its name."""
        folded = name.lower()
        return (
            folded.endswith(tuple(self.ends))
            and folded in self.members
            and not any(other in holder for other in self.harmless)
        )

    def is_parameter(self, name: str) -> bool:
        """Whether a parameter of a query, or a variable, is secret by its name."""
        return name in self.members or name == "key"

    @cached_property
    def _hints(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """For each shortest end, the ends that contain it with a mark behind, and that mark."""
        shortest = [e for e in self.ends if not any(o in e for o in self.ends if o != e)]
        return {
            short: [(end + mark, mark) for end in self.ends if short in end for mark in "\"'=:"]
            for short in shortest
        }

    def _named(self, text: str) -> Iterator[Span | None]:
        """The values beside names, in a folded text."""
        present = (hints for short, hints in self._hints.items() if short in text)
        marks = {mark for hints in present for hint, mark in hints if hint in text}
        if '"' in marks or "'" in marks:
            for found in _MEMBER.finditer(text):
                if found[2] in self.members and not self._is_harmless(text, found):
                    yield _quoted(text, found.end())
        if "=" in marks:
            for found in _VARIABLE.finditer(text):
                if self.is_parameter(found[1]):
                    yield _quoted(text, found.end()) or _span(_WORD.match(text, found.end()))
        if ":" in marks:
            for found in _LABEL.finditer(text):
                yield self._labelled(found[1], text, found.end())

    def _labelled(self, name: str, text: str, at: int) -> Span | None:
        """The value of a header `Name: value`, or of a line of YAML."""
        if "-" not in name and "_" not in name and name not in _LABELS:
            return None
        if "_" in name or "passw" in name:
            return _span(_WORD.match(text, at)) if name in self.members else None
        return _span(_LINE.match(text, at)) if name in self.headers else None

    def _is_harmless(self, text: str, found: re.Match[str]) -> bool:
        """Whether a harmless member stands in the same object."""
        first, last = max(0, found.start() - _NEAR), found.end() + _NEAR
        start, end = text.rfind("{", first, found.start()), text.find("}", found.end(), last)
        around = text[max(start, first) : end if end >= 0 else last]
        return any(f'"{name}"' in around for name in self.harmless)


def _span(found: re.Match[str] | None) -> Span | None:
    return None if found is None else found.span(1)


def _quoted(text: str, at: int) -> Span | None:
    """The text, or all texts of a list, that begins here."""
    if found := _QUOTED.match(text, at):
        return found.span(2)
    if not text.startswith("[", at) or (end := text.find("]", at, at + _NEAR)) < 0:
        return None
    inside = text[at + 1 : end].strip()
    start = text.find(inside, at)
    is_text = len(inside) > 1 and inside[0] in "\"'"
    return (start + 1, start + len(inside) - 1) if is_text else None
