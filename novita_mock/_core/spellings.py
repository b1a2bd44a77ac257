r"""The ways to write a secret, and where a text contains one of them.

Whole spellings, such as hex, base64 and reversed, are searched as they are. Escapes such as `%73`,
`\u0073` and `&#115;` are decoded, because they may be nested, and mixed from letter to letter.
"""

from __future__ import annotations

import base64
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SHORTEST = 6
"""A secret of fewer characters is no real key, and would match inside words."""
_HEAD = 8
# Where a text was cut off, perhaps within an escape.
_CUT = re.compile(r"(?:[%\\&][%\\&\#\w]{0,7})?(?:\.\.\.|\u2026|\n|\Z)")
_LEVELS = 5
_HEX = "[0-9a-fA-F]"
# Each alternative is one character. In percent escapes, it has one to four bytes of UTF-8, and so
# it has in the last alternative: the bytes of a header are read as Latin-1.
_ESCAPE = re.compile(
    rf"%[cCdD]{_HEX}%[89abAB]{_HEX}|%[eE]{_HEX}(?:%[89abAB]{_HEX}){{2}}"
    rf"|%[fF][0-7](?:%[89abAB]{_HEX}){{3}}|%{_HEX}{{2}}"
    rf"|\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}"
    rf"|\\u{_HEX}{{4}}|\\U000{_HEX}{{5}}|\\x{_HEX}{{2}}|\\[\"'\\/bfnrt]"
    rf"|&\#[xX]{_HEX}{{1,6}};?|&\#\d{{1,7}};?|&(?:amp|quot|apos|lt|gt);"
    "|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NAMED = {"&amp;": "&", "&quot;": '"', "&apos;": "'", "&lt;": "<", "&gt;": ">"}
_LAST = 0x10FFFF

Span = tuple[int, int]
"""Start and end in a text."""


def fold(text: str) -> str:
    """`text` in lower case, character by character, so that places stay the same."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(low if len(low := c.casefold()) == 1 else c for c in text)


def spellings(secret: str) -> frozenset[str]:
    """The whole spellings of a secret, folded; none for a short one."""
    if len(secret) < SHORTEST:
        return frozenset()
    data = secret.encode("utf-8", "surrogatepass")
    found = {secret, secret[::-1], secret.replace(" ", "+"), data.hex()}
    found.add(",".join(map(str, data)))
    # What looks like an escape in a secret is decoded with the text around it.
    found |= {view.text for view in views(secret)}
    for offset in range(3):
        # Inside a longer text, base64 has three spellings for the middle of a secret.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + data).decode()
            found.add(text[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6])
    return frozenset(fold(text) for text in found if len(text) >= SHORTEST)


def places(folded: str, spelling: str) -> Iterator[Span]:
    """Where a folded text has a spelling, or its beginning: half of it, or where the text was cut
    off the first letters."""
    head = spelling[:_HEAD]
    least = max(len(head), len(spelling) // 2)
    start = folded.find(head)
    while start >= 0:
        length = _common(folded, start, spelling)
        end = start + length
        if length >= least or _CUT.match(folded, end):
            yield start, end
        else:
            end = start + 1
        start = folded.find(head, end)


def _common(text: str, start: int, spelling: str) -> int:
    """How many letters of `spelling` the text has from `start` on."""
    if text.startswith(spelling, start):
        return len(spelling)
    pairs = zip(text[start : start + len(spelling)], spelling, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), len(text) - start)


@dataclass(frozen=True, slots=True)
class View:
    """A text at one level of decoding. `escapes`: for each decoded character, its place in `text`
    and its start and end in the text of the level before; `below` is that level."""

    text: str
    folded: str
    escapes: tuple[Sequence[int], Sequence[int], Sequence[int]] = ((), (), ())
    below: View | None = None

    def original(self, span: Span) -> Span:
        """The place in the text as it was before decoding. It cuts no escape into pieces."""
        if self.below is None:
            return span
        return self.below.original((self._place(span[0]), self._place(span[1] - 1, end=True)))

    def _place(self, at: int, *, end: bool = False) -> int:
        places, starts, ends = self.escapes
        nearest = bisect_right(places, at) - 1
        if nearest < 0:
            return at + end
        if places[nearest] == at:
            return ends[nearest] if end else starts[nearest]
        return ends[nearest] + at - places[nearest] - (not end)

    def whole(self, span: Span) -> Span:
        """A span of the level before, widened to whole escapes."""
        _, starts, ends = self.escapes
        first, last = bisect_right(starts, span[0]) - 1, bisect_left(starts, span[1]) - 1
        start = starts[first] if first >= 0 and ends[first] > span[0] else span[0]
        end = ends[last] if last >= 0 and ends[last] > span[1] else span[1]
        return start, end


def views(text: str) -> Iterator[View]:
    """`text` as it is, and as each level of decoding makes it."""
    view = View(text, fold(text))
    yield view
    for _ in range(_LEVELS):
        decoded = _decoded(view)
        if decoded is None:
            return
        view = decoded
        yield view


def _decoded(view: View) -> View | None:
    text = view.text
    if text.isascii() and "%" not in text and "\\" not in text and "&" not in text:
        return None
    pieces: list[str] = []
    places, starts, ends = array("Q"), array("Q"), array("Q")
    length = last = 0
    for found in _ESCAPE.finditer(text):
        start, end = found.span()
        length += start - last + 1
        places.append(length - 1)
        starts.append(start)
        ends.append(end)
        pieces += text[last:start], _character(found[0])
        last = end
    if not places:
        return None
    plain = "".join(pieces) + text[last:]
    return View(plain, fold(plain), (places, starts, ends), view)


def _character(escape: str) -> str:
    match escape[0], escape[1]:
        case "%", _:
            return _of_bytes(bytes.fromhex(escape.replace("%", "")))
        case "&", "#":
            number = escape[2:].rstrip(";")
            return _numbered(int(number[1:], 16) if number[0] in "xX" else int(number))
        case "&", _:
            return _NAMED[escape]
        case "\\", "u" if len(escape) == 12:
            high, low = int(escape[2:6], 16), int(escape[8:], 16)
            return chr(0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF))
        case "\\", "u" | "U" | "x":
            return _numbered(int(escape[2:], 16))
        case "\\", letter:
            return _SIMPLE.get(letter, letter)
    return _of_bytes(escape.encode("latin-1"))


def _of_bytes(data: bytes) -> str:
    return data.decode("latin-1") if len(data) == 1 else data.decode(errors="replace")[0]


def _numbered(number: int) -> str:
    return chr(number) if number <= _LAST else "\N{REPLACEMENT CHARACTER}"
