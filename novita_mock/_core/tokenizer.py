"""The tokenizer: how the mock splits text into tokens, everywhere in the same way.

A token is up to eight ASCII letters, up to three digits or up to two other characters, with the
space before them if there is one; or a run of up to four blanks. The tokens, joined, are the
text. No vocabulary is downloaded: counts are close to a real tokenizer's for English and higher
for other scripts.
"""

from __future__ import annotations

import re
from functools import lru_cache

split = re.compile(r" ?[A-Za-z]{1,8}| ?[0-9]{1,3}| ?[^\sA-Za-z0-9]{1,2}|\s{1,4}").findall

_LONGEST_KEPT = 8_192

_LETTER, _DIGIT, _OTHER, _WHITE = b"\1", b"\2", b"\4", b"\10"


def _kind(char: str) -> bytes:
    if char.isspace():
        return _WHITE
    return _LETTER if char.isalpha() else _DIGIT if char.isdigit() else _OTHER


_KINDS = b"".join(_kind(chr(code)) for code in range(128)).ljust(256)
_BLANKS = bytes(_WHITE[0] if code == ord(" ") else 0 for code in range(256))
_MOST = ((_LETTER, 8), (_DIGIT, 3), (_OTHER, 2))
_MOST_WHITE = 4
_GAPS = re.compile(rb"[\t-\r\x1c-\x20]{%d,}" % (_MOST_WHITE + 1)).finditer


def count(text: str) -> int:
    """Number of tokens in `text`."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else _count(text)


def _count(text: str) -> int:
    return _count_ascii(text.encode()) if text.isascii() else len(split(text))


# Clients send the same conversation again and again.
_kept = lru_cache(maxsize=256)(_count)


def _count_ascii(text: bytes) -> int:
    """The same without making the tokens, in a fifth of the time.

    Each character becomes a byte with the bit of its kind, and all bytes become one number, which
    shows at once where each run of one kind starts. A run is one token; a longer run is several,
    and a single space belongs to the run after it.
    """
    kinds = text.translate(_KINDS)
    bits = int.from_bytes(kinds, "little")
    starts = bits ^ (bits & bits << 8)
    alone = starts ^ (starts & bits >> 8)
    blanks = (alone & int.from_bytes(text.translate(_BLANKS), "little")).bit_count()
    last = text.endswith(b" ") and not kinds.endswith(_WHITE * 2)
    tokens = starts.bit_count() - (blanks - last)
    tokens += sum(_more(kinds, kind, most) for kind, most in _MOST)
    if _WHITE * (_MOST_WHITE + 1) in kinds:
        tokens += sum(_more_white(gap, len(text)) for gap in _GAPS(text))
    return tokens


def _more(kinds: bytes, kind: bytes, most: int) -> int:
    """Tokens in the runs of a kind, without the first token of each run."""
    long = kind * (most + 1)
    if long not in kinds:
        return 0
    if kind * (2 * most + 1) not in kinds:
        return kinds.count(long)
    return sum((len(run) - 1) // most for run in re.findall(long + kind + b"*", kinds))


def _more_white(gap: re.Match[bytes], end: int) -> int:
    """The same for a long run of blanks. A single space left over belongs to what follows."""
    more, left = divmod(len(gap[0]) - 1, _MOST_WHITE)
    return more - (left == 0 and gap[0].endswith(b" ") and gap.end() < end)
