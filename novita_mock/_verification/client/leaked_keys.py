"""The rule on keys that stand in prompts. Nothing here tells what a key is. Part of `_verdict`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import orjson

from novita_mock._core.redaction import sent_key
from novita_mock._journal.call import Call
from novita_mock._verification.client.finding import Finding, bounds

RULE = "key_in_prompt"
_FIELDS = ("messages", "prompt")
# In base64, as of images, anything occurs.
_DATA = "data:"
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_+/-])", r"(?![A-Za-z0-9_+/-])"


def findings(calls: Sequence[Call]) -> Iterator[Finding]:
    """The keys that the client sent in prompts: one finding for each kind and place."""
    found: dict[tuple[str, str], list[int]] = {}
    for call in calls:
        for what, place in _seen(call):
            found.setdefault((what, place), []).append(call.number)
    for (what, place), numbers in found.items():
        message = f"{what} stands in {place}; it is not shown here"
        yield Finding(RULE, tuple(numbers), message)


def _seen(call: Call) -> Iterator[tuple[str, str]]:
    """What keys stand in a request, and where, each once."""
    body = call._request.body
    own = _own(call)
    vendors = [(of, pattern) for of, start, pattern in _vendors() if start in body]
    if not vendors and (own is None or own.encode() not in body):
        return
    told: set[str] = set()
    for place, text in _texts(body):
        rest = text
        if own is not None and (place_of_own := _whole(own)).search(text):
            rest = place_of_own.sub("", text)
            if "own" not in told:
                told.add("own")
                yield "the caller's own key", place
        for of, pattern in vendors:
            rest, found = _without(pattern, rest)
            if found and of not in told:
                told.add(of)
                yield f"what looks like a key of {of}", place


def _without(pattern: re.Pattern[str], text: str) -> tuple[str, bool]:
    """`text` without the keys that fit `pattern`, and whether there were any: one is not taken for
    that of two vendors."""
    keys = [match[0] for match in pattern.finditer(text) if _is_random(match[0])]
    for key in keys:
        text = text.replace(key, "")
    return text, bool(keys)


def _own(call: Call) -> str | None:
    """The caller's key, if it is too long to be a word."""
    key = sent_key(call._request)
    return key if len(key) >= bounds(RULE)["shortest"] else None


def _whole(key: str) -> re.Pattern[str]:
    return re.compile(_BEFORE + re.escape(key) + _AFTER)


@cache
def _vendors() -> tuple[tuple[str, bytes, re.Pattern[str]], ...]:
    return tuple(
        (row["of"], row["starts"].encode(), re.compile(_BEFORE + f"(?:{row['pattern']})" + _AFTER))
        for row in bounds(RULE)["keys"]
    )


def _is_random(key: str) -> bool:
    """Whether it is no placeholder such as `sk-xxxx`: it has letters, digits, and many of them."""
    distinct = len(set(key)) >= bounds(RULE)["distinct"]
    return distinct and any(map(str.isdigit, key)) and any(map(str.isalpha, key))


def _texts(body: bytes) -> Iterator[tuple[str, str]]:
    """Each text in the messages or the prompt of a request, after the place where it stands."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    fields = request if isinstance(request, dict) else {}
    left: list[tuple[str, Any]] = [(name, fields.get(name)) for name in reversed(_FIELDS)]
    while left:
        place, value = left.pop()
        if isinstance(value, str):
            if not value.startswith(_DATA):
                yield place, value
        elif isinstance(value, list):
            left += [(f"{place}[{i}]", member) for i, member in reversed([*enumerate(value)])]
        elif isinstance(value, dict):
            # Its names may be anything, a key too.
            left += [(place, member) for member in reversed(value.values())]
