"""A text for an ECMA 262 regular expression, from rstr on top of the source of choices.

rstr reads Python's syntax, iterates over sets in their order and ignores lengths. So the pattern
is translated, the candidates are sorted, and repeats are chosen to reach the length wanted.
The validator's engine, not Python's, decides whether a text matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Protocol

import jsonschema_rs
from rstr import Rstr

LONGEST = 20_000
_TOKEN = re.compile(
    r"\\[pP]\{[^}]*\}|\\u\{[0-9A-Fa-f]+\}|\\c[A-Za-z]|\\k<[^>]*>|\\.|\(\?<(?![=!])|\[\^?\]?|\]|.",
    re.DOTALL,
)
_NAMED_CLASSES = {
    "L": "A-Za-z",
    "Lu": "A-Z",
    "Ll": "a-z",
    "N": "0-9",
    "Nd": "0-9",
    "P": "!,.:;?",
    "S": "$+<=>",
    "Z": " ",
    "Zs": " ",
    "Han": "一二三",
    "Greek": "α-ω",
    "Cyrillic": "а-я",
}
_LONG_NAMES = {
    "Letter": "L",
    "Alphabetic": "L",
    "Lowercase_Letter": "Ll",
    "Uppercase_Letter": "Lu",
    "Lowercase": "Ll",
    "Uppercase": "Lu",
    "Number": "N",
    "Decimal_Number": "Nd",
    "digit": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
    "Space_Separator": "Zs",
    "ASCII": "L",
    "Latin": "L",
}


@lru_cache(maxsize=512)
def _validator(pattern: str) -> Any:
    return jsonschema_rs.validator_for({"pattern": pattern})


def matches(pattern: str, text: str) -> bool:
    """Whether the validator finds `pattern` in `text`."""
    return bool(_validator(pattern).is_valid(text))


class Draws(Protocol):
    """The part of a source of choices that a pattern needs."""

    def integer(self, low: int, high: int) -> int: ...


def _property(token: str) -> str:
    name = token[3:-1].rpartition("=")[2]
    members = _NAMED_CLASSES.get(_LONG_NAMES.get(name, name), "A-Za-z0-9")
    negative = token[1] == "P"
    return ("0-9_" if members.startswith("A") else "A-Za-z") if negative else members


def _escape(token: str, within: bool) -> str:
    if token[1] in "pP" and token[2:3] == "{":
        members = _property(token)
        return members if within else f"[{members}]"
    if token.startswith("\\u{"):
        return f"\\U{int(token[3:-1], 16):08x}"
    if token[1] == "c" and len(token) == 3:
        return f"\\x{ord(token[2]) % 32:02x}"
    if token.startswith("\\k<"):
        return f"(?P={token[3:-1]})"
    return token[1] if token[1] == "/" else token


@lru_cache(maxsize=512)
def python_spelling(pattern: str) -> str:
    """The ECMA pattern in the syntax of Python's `re`, as closely as possible."""
    spelled, within = [], False
    for token in _TOKEN.findall(pattern):
        if token.startswith("\\"):
            spelled.append(_escape(token, within))
        elif token.startswith("[") and not within:
            within = not token.endswith("]")
            spelled.append(token if within else {"[]": "(?!)", "[^]": r"[\s\S]"}[token])
        elif within and token.endswith("]"):
            within = False
            spelled.append(token.replace("[", r"\["))
        elif within and token in "[&~|":
            spelled.append(f"\\{token}")
        else:
            spelled.append("(?P<" if token == "(?<" else token)
    return "".join(spelled)


class _Dice:
    """Stands in for rstr's random module: draws from `source` and aims at a length."""

    def __init__(self, source: Draws) -> None:
        self._source = source
        self._left = LONGEST
        self.stretch: int = 3
        self.aim: int | None = None

    def choice(self, options: Sequence[Any]) -> Any:
        self._spend(1)
        if options and isinstance(options[0], str):
            options = _plain_first(options)
        return options[self._source.integer(0, len(options) - 1)]

    def randint(self, low: int, high: int) -> int:
        self._spend(low + 1)
        # rstr passes 100 if the pattern sets no limit.
        high = max(low, high) if high < 100 else max(low, self.aim or 0, 100)
        if self.aim is not None:
            return min(high, max(low, self.aim))
        return self._source.integer(low, min(high, low + self.stretch))

    def shuffle(self, characters: list[str]) -> None:
        """Does nothing: rstr only shuffles characters it must include, and there are none."""

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ValueError("the pattern asks for too long a text")


def _plain_first(options: Sequence[str]) -> Sequence[str]:
    """Letters and digits if there are any, else all options: fixed order, easy to read."""
    fixed = sorted(options)[:400]
    return [sign for sign in fixed if sign.isascii() and sign.isalnum()] or fixed


def _aims(low: int, high: int | None) -> Iterator[tuple[int, int | None]]:
    """(stretch, aim): free draws first, then every number of repeats that may fit."""
    yield from ((3, None), (1, None), (max(low, 3), None), (0, None), (min(high or 8, 40), None))
    yield from ((0, aim) for aim in range(low, max(-1, low - 40), -1))
    yield from ((0, aim) for aim in range(min(16, high or 16)))


def _padded(pattern: str, text: str, low: int) -> Iterator[str]:
    """The text, then the text padded with letters at an end that the pattern leaves open."""
    yield text
    if len(text) < low and not pattern.endswith("$"):
        yield text + "a" * (low - len(text))
    elif len(text) < low and not pattern.startswith("^"):
        yield "a" * (low - len(text)) + text


def matching(source: Draws, pattern: str, low: int, high: int | None) -> str:
    """A matching text of `low` to `high` characters if one was found, else the last candidate.

    Raises ValueError if rstr does not support the pattern.
    """
    dice = _Dice(source)
    sampler = Rstr(dice)  # type: ignore[arg-type]  # rstr uses choice and randint alone
    text = ""
    for dice.stretch, dice.aim in _aims(low, high):
        try:
            drawn = str(sampler.xeger(python_spelling(pattern)))
        except (KeyError, IndexError, re.error, OverflowError, AttributeError) as error:
            raise ValueError(f"the pattern cannot be sampled: {error!r}") from None
        for text in _padded(pattern, drawn, low):
            if low <= len(text) and (high is None or len(text) <= high) and matches(pattern, text):
                return text
    return text
