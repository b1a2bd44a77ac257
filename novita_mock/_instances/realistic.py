"""Values that look like what a property's name suggests: tables of words and makers.

Knows names and descriptions, no schema. The caller checks the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from novita_mock._instances.choices import Hint
from novita_mock._instances.texts import (
    Maker,
    Picks,
    date,
    identifier,
    mailbox,
    time_of_day,
    url,
    word,
)

T = TypeVar("T")

_LISTS: Mapping[str, list[str]] = {
    "first": "Ada Grace Alan Edsger Barbara Donald Radia Linus Margaret Ken".split(),
    "last": "Lovelace Hopper Turing Dijkstra Liskov Knuth Perlman Hamilton Thompson Moore".split(),
    "city": ["Berlin", "Paris", "Kyoto", "Lisbon", "Oslo", "Toronto", "Nairobi", "San Francisco"],
    "country": "Germany France Japan Portugal Norway Canada Kenya Brazil".split(),
    "state": "California Bavaria Ontario Texas Hokkaido Victoria".split(),
    "street": ["12 Market Street", "7 Harbor Road", "48 Garden Lane", "301 River Avenue"],
    "currency": "USD EUR GBP JPY CHF".split(),
    "language": "en de fr ja pt es".split(),
    "color": "red green blue amber violet teal".split(),
    "unit": "celsius fahrenheit kg meters".split(),
    "company": ["Northwind", "Acme Corp", "Blue Harbor Ltd", "Copper & Sons"],
    "title": ["A Walk by the River", "Notes on Winter", "The Copper Bridge", "Morning Market"],
    "sentence": [
        "A short note about the harbor in the morning.",
        "The market opens early and closes at noon.",
        "It was found to work well in most cases.",
        "The second step follows from the first.",
    ],
    "query": ["weather in Berlin", "best coffee near me", "train to Lisbon", "open markets"],
    "code": ["print('hello')", "x = 1 + 2", "return total"],
    "path": ["/srv/data/report.txt", "docs/notes.md", "src/main.py"],
    "file": ["report.txt", "notes.md", "photo.png"],
    "status": "active pending done".split(),
    "zone": ["Europe/Berlin", "Asia/Tokyo", "America/Toronto", "UTC"],
    "job": "engineer teacher nurse architect baker".split(),
    "sentiment": "positive neutral negative".split(),
}


def _of(name: str) -> Maker:
    options = _LISTS[name]
    return lambda source: source.pick(options)


def _person(source: Picks) -> str:
    return f"{source.pick(_LISTS['first'])} {source.pick(_LISTS['last'])}"


def _email(source: Picks) -> str:
    return f"{mailbox(source, _LISTS['first'])}.com"


def _url(source: Picks) -> str:
    return url(source, 1)


def _phone(source: Picks) -> str:
    return f"+1-555-01{source.integer(0, 99):02d}"


def _date(source: Picks) -> str:
    return date(source, 2020, 2027)


def _words(source: Picks) -> str:
    return " ".join(word(source) for _ in range(source.integer(1, 3)))


# The first row that shares a word with the name decides.
_TEXTS: Sequence[tuple[str, Maker]] = (
    ("email mail", _email),
    ("url uri link website homepage href", _url),
    ("phone telephone mobile fax", _phone),
    ("timezone tz", _of("zone")),
    ("datetime timestamp", lambda source: f"{_date(source)}T{time_of_day(source)}Z"),
    ("date birthday deadline dob", _date),
    ("time", time_of_day),
    ("zip postcode postal zipcode", lambda source: f"{source.integer(10000, 99999)}"),
    ("city town", _of("city")),
    ("country nation", _of("country")),
    ("state province region", _of("state")),
    ("location place destination origin", _of("city")),
    ("street address", _of("street")),
    ("currency", _of("currency")),
    ("language locale lang", _of("language")),
    ("color colour", _of("color")),
    ("unit units", _of("unit")),
    ("company organization organisation employer vendor brand", _of("company")),
    ("filename file", _of("file")),
    ("path directory folder", _of("path")),
    ("first firstname given", _of("first")),
    ("last lastname surname family", _of("last")),
    ("job occupation profession role", _of("job")),
    ("sentiment", _of("sentiment")),
    ("status", _of("status")),
    ("title headline subject heading", _of("title")),
    ("description summary text content comment note notes body message", _of("sentence")),
    ("reason explanation", _of("sentence")),
    ("answer reasoning thought question review abstract bio output", _of("sentence")),
    ("query search keyword keywords", _of("query")),
    ("code snippet", _of("code")),
    ("entry", word),
    ("id uuid key token sku slug username", identifier),
    ("name author person user customer contact participant owner", _person),
)
# words -> lowest, highest, digits after the point
_NUMBERS: Sequence[tuple[str, tuple[int, int, int]]] = (
    ("price cost amount total subtotal balance salary fee tax", (5, 250, 2)),
    ("age", (18, 80, 0)),
    ("year", (1990, 2027, 0)),
    ("month", (1, 12, 0)),
    ("day", (1, 28, 0)),
    ("hour hours", (0, 23, 0)),
    ("minute minutes second seconds", (0, 59, 0)),
    ("quantity qty count stock items guests", (1, 12, 0)),
    ("rating stars", (1, 5, 1)),
    ("score confidence probability likelihood ratio", (0, 1, 2)),
    ("percent percentage discount", (0, 100, 1)),
    ("temperature", (-5, 30, 1)),
    ("latitude lat", (-60, 60, 4)),
    ("longitude lng lon", (-180, 180, 4)),
    ("weight height width length distance", (1, 200, 1)),
    ("port", (1024, 9999, 0)),
    ("timestamp", (1_700_000_000, 1_790_000_000, 0)),
    ("id", (1000, 9999, 0)),
)
# These words mean the same in a description; others are too common in prose.
_UNAMBIGUOUS = frozenset("email url phone timezone date city country currency language".split())
_BY_TEXT = [(frozenset(words.split()), maker) for words, maker in _TEXTS]
_BY_NUMBER = [(frozenset(words.split()), row) for words, row in _NUMBERS]
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@lru_cache(maxsize=1024)
def _keywords(hint: Hint) -> tuple[frozenset[str], ...]:
    """The words of the name, then the unambiguous words in the description's first line."""
    line = hint.description[:120].partition("\n")[0]
    name, prose = (
        frozenset(part.lower() for part in _WORD.findall(text)) for text in (hint.name[:60], line)
    )
    return (name, prose & _UNAMBIGUOUS)


def _rows(hint: Hint, table: Sequence[tuple[frozenset[str], T]]) -> Iterator[T]:
    for named in _keywords(hint):
        yield from (row for words, row in table if words & named)


def _number_or_words(hint: Hint) -> Maker:
    """A maker of words, or of a number if the name suggests one, like `price`."""
    for least, most, digits in _rows(hint, _BY_NUMBER):
        return lambda source: f"{source.integer(least, most)}.{source.integer(0, 99):02d}"[
            : None if digits else -3
        ]
    return _words


def plausible_text(source: Picks, hint: Hint, low: int, high: int | None) -> str:
    """A readable text of `low` to `high` characters that suits its name if possible."""
    text = next(_rows(hint, _BY_TEXT), _number_or_words(hint))(source)
    if high is not None and len(text) > high:
        text = word(source)
    while len(text) < low:
        text = f"{text} {word(source)}" if text else word(source)
        if low > 2000:
            text += f" {text}" * (low // len(text) + 1)
    cut = text if high is None else text[:high]
    return cut if cut == cut.strip() else cut.strip().ljust(len(cut), "a")


def plausible_number(
    source: Picks, hint: Hint, low: float | None, high: float | None
) -> float | None:
    """A number that suits its name, within the bounds; None if the name suggests none that fits."""
    for least, most, digits in _rows(hint, _BY_NUMBER):
        scale = 10**digits
        bottom = least if low is None else max(least, low)
        top = most if high is None else min(most, high)
        if bottom < top:
            drawn = source.integer(-int(-bottom * scale // 1), int(top * scale // 1))
            return drawn / scale if digits else drawn
    return None
