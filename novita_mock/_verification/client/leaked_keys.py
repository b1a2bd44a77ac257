"""The rule of the client report on keys in prompts. Its findings never contain a key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from novita_mock._api import redactors
from novita_mock._core.redaction import sent_key
from novita_mock._journal.call import Call
from novita_mock._verification.client.finding import Finding, bounds

RULE = "key_in_prompt"
_FIELDS = ("messages", "prompt")
# Base64 data, such as images, can contain anything.
_DATA = "data:"


def findings(calls: Sequence[Call]) -> Iterator[Finding]:
    """The keys that the client sent in prompts: one finding for each kind of key and place."""
    leaks: dict[tuple[str, str], list[int]] = {}
    for call in calls:
        for kind, place in _leaks(call):
            leaks.setdefault((kind, place), []).append(call.number)
    for (kind, place), numbers in leaks.items():
        message = f"{kind} stands in {place}; it is not shown here"
        yield Finding(RULE, tuple(numbers), message)


def _leaks(call: Call) -> Iterator[tuple[str, str]]:
    """The kinds of keys in a request, each once, with the first place."""
    body = call.sent.body
    own = _own(call)
    vendors = [vendor for vendor in redactors.patterns().vendors if vendor.start.encode() in body]
    if not vendors and (own is None or own.encode() not in body):
        return
    reported: set[str] = set()
    for place, text in _texts(body):
        rest = text
        if own is not None and (own_key := redactors.alone(re.escape(own))).search(text):
            rest = own_key.sub("", text)
            if "own" not in reported:
                reported.add("own")
                yield "the caller's own key", place
        for vendor in vendors:
            rest, found = _without(vendor.pattern, rest)
            if found and vendor.of not in reported:
                reported.add(vendor.of)
                yield f"what looks like a key of {vendor.of}", place


def _without(pattern: re.Pattern[str], text: str) -> tuple[str, bool]:
    """`text` without the keys that match `pattern`, and whether there were any. Removing them keeps
    one key from being reported for two vendors."""
    keys = [match[0] for match in pattern.finditer(text) if _is_random(match[0])]
    for key in keys:
        text = text.replace(key, "")
    return text, bool(keys)


def _own(call: Call) -> str | None:
    """The caller's key, if it is too long to be an ordinary word."""
    key = sent_key(call.sent)
    return key if len(key) >= bounds(RULE)["shortest"] else None


def _is_random(key: str) -> bool:
    """Whether `key` is no placeholder such as `sk-xxxx`: it has letters, digits and variety."""
    distinct = len(set(key)) >= bounds(RULE)["distinct"]
    return distinct and any(map(str.isdigit, key)) and any(map(str.isalpha, key))


def _texts(body: bytes) -> Iterator[tuple[str, str]]:
    """The place and the text of each string in the messages or the prompt of a request."""
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
            # The place leaves out member names, because they could contain a key.
            left += [(place, member) for member in reversed(value.values())]
