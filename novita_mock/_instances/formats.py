"""A text for each JSON Schema format, made from choices alone, so that every source can shrink it.

The validator checks the result. A format without a row here is an annotation.
"""

from __future__ import annotations

from collections.abc import Mapping

from novita_mock._instances.texts import (
    WORDS,
    Maker,
    Picks,
    date,
    identifier,
    mailbox,
    time_of_day,
    url,
    word,
)


def _host(choices: Picks) -> str:
    return choices.pick(("example.com", "api.example.com", "example.org", "localhost", "a.example"))


def _date(choices: Picks) -> str:
    return date(choices, 2000, 2030)


def _time(choices: Picks) -> str:
    return f"{time_of_day(choices)}{choices.pick(('Z', '+02:00', '-05:00'))}"


def _duration(choices: Picks) -> str:
    days, hours, minutes = (choices.integer(0, top) for top in (30, 23, 59))
    return choices.pick((f"P{days}D", f"PT{hours}H{minutes}M", f"P{days}DT{hours}H"))


def _email(choices: Picks) -> str:
    return f"{mailbox(choices, WORDS)}.{choices.pick(('com', 'org', 'net'))}"


def _ipv4(choices: Picks) -> str:
    return f"192.0.2.{choices.integer(0, 255)}"


def _ipv6(choices: Picks) -> str:
    return f"2001:db8::{choices.integer(0, 0xFFFF):x}"


def _uri(choices: Picks) -> str:
    return url(choices, 0)


def _reference(choices: Picks) -> str:
    return choices.pick((f"/{word(choices)}", f"{word(choices)}#{word(choices)}", _uri(choices)))


def _uuid(choices: Picks) -> str:
    digits = f"{choices.integer(0, 2**128 - 1):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _pointer(choices: Picks) -> str:
    return choices.pick(("", f"/{word(choices)}", f"/{word(choices)}/{choices.integer(0, 9)}"))


FORMATS: Mapping[str, Maker] = {
    "date": _date,
    "time": _time,
    "date-time": lambda choices: f"{_date(choices)}T{_time(choices)}",
    "duration": _duration,
    "email": _email,
    "idn-email": _email,
    "hostname": _host,
    "idn-hostname": _host,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "uri": _uri,
    "iri": _uri,
    "uri-reference": _reference,
    "iri-reference": _reference,
    "uri-template": lambda choices: f"https://example.com/{word(choices)}/{{id}}",
    "uuid": _uuid,
    "json-pointer": _pointer,
    "relative-json-pointer": lambda choices: f"{choices.integer(0, 3)}{_pointer(choices)}",
    "regex": lambda choices: f"^{word(choices)}[0-9]{{{choices.integer(1, 4)}}}$",
    # Not in the standard, but sent by pydantic and OpenAPI tools.
    "binary": word,
    "byte": lambda choices: choices.pick(("aGFyYm9y", "cml2ZXI=", "YW1iZXI=")),
    "password": identifier,
}
