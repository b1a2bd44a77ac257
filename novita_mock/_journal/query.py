"""Queries to the journal from outside: selects calls, and renders a call as JSON.

The output contains no key that a request sent, wherever in the call the key occurs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

import orjson

from novita_mock._api.description import load_description
from novita_mock._core.http import Json
from novita_mock._core.redaction import CREDENTIALS, REDACTED, redact
from novita_mock._journal.call import Call

Test = Callable[[Call], bool]
_CLASS = re.compile(r"[1-5]xx", re.IGNORECASE)
_DAY = 86_400


def select(
    calls: Iterable[Call],
    /,
    *,
    operation: str | None = None,
    model: str | None = None,
    status: int | str | None = None,
    fault: str | None = None,
    rule: int | str | None = None,
    since: int | str | None = None,
    limit: int | str | None = None,
) -> tuple[Call, ...]:
    """The calls that match all filters, oldest first. None matches any call; numbers may be text.

    operation: a name in `schemas/operations.json`.
    model: the requested model; takes the wildcards `*` and `?`.
    status: a status, or a class such as `4xx`; 0: the connection was lost before the head.
    fault: the name of a fault; takes wildcards, so `*` matches every broken reply.
    rule: the index of the rule that answered, counted from 0.
    since: only calls with a greater number.
    limit: the most calls to return: the first ones after `since`, without `since` the last ones.

    Raises ValueError for an invalid value.
    """
    tests = [*_of_names(operation, model, fault), *_of_numbers(status, rule, since)]
    matching = [call for call in calls if all(test(call) for test in tests)]
    most = None if limit is None else _number("limit", limit)
    if most is None:
        return tuple(matching)
    return tuple(matching[:most] if since is not None else matching[max(0, len(matching) - most) :])


def _of_names(operation: str | None, model: str | None, fault: str | None) -> list[Test]:
    tests: list[Test] = []
    if operation is not None:
        _check_known("operation", operation, load_description().operations, operation.__eq__)
        tests.append(lambda call: call.operation == operation)
    if model is not None:
        tests.append(lambda call: call.model is not None and fnmatchcase(call.model, model))
    if fault is not None:
        _check_known("fault", fault, load_description().faults["faults"], _glob(fault))
        fits = _glob(fault)
        tests.append(
            lambda call: call.metadata.fault is not None and fits(call.metadata.fault.name)
        )
    return tests


def _glob(pattern: str) -> Callable[[str], bool]:
    return lambda name: fnmatchcase(name, pattern)


def _check_known(what: str, value: str, known: Iterable[str], fits: Callable[[str], bool]) -> None:
    if not any(map(fits, known)):
        raise ValueError(f"{what}: expected one of {', '.join(known)}; got {value!r}")


def _of_numbers(
    status: int | str | None, rule: int | str | None, since: int | str | None
) -> list[Test]:
    tests: list[Test] = []
    if status is not None:
        low, high = _statuses(str(status))
        tests.append(lambda call: low <= call.status <= high)
    if rule is not None:
        index = _number("rule", rule)
        tests.append(lambda call: call.metadata.rule == index)
    if since is not None:
        number = _number("since", since)
        tests.append(lambda call: call.number > number)
    return tests


def _statuses(text: str) -> tuple[int, int]:
    if _CLASS.fullmatch(text):
        return int(text[0]) * 100, int(text[0]) * 100 + 99
    if text != "0" and not re.fullmatch(r"[1-5]\d\d", text, re.ASCII):
        problem = "expected a status such as 404, 0 for none, or a class such as 4xx"
        raise ValueError(f"status: {problem}; got {text!r}")
    return int(text), int(text)


def _number(what: str, value: int | str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise ValueError(f"{what}: expected a whole number from 0 on; got {text!r}")
    return int(text)


def entry(call: Call, findings: Iterable[str] = ()) -> Json:
    """A call as JSON, as described by `schemas/reports/call.json`. `findings`: the rules of the
    client report that the client broke with this call."""
    request, reply = call._request, call.reply
    metadata, hide = call.metadata, hiding(call)
    return {
        "number": call.number,
        "at": moment(call.at),
        "operation": call.operation,
        "method": hide(call.method),
        "path": hide(call.path),
        "model": None if call.model is None else hide(call.model),
        "stream": call.stream,
        "status": call.status,
        "reason": _reason(call),
        "fault": None if metadata.fault is None else hide(str(metadata.fault)),
        "rule": metadata.rule,
        "tokens": metadata.tokens,
        "headers": headers(call),
        "body": _body(request.body, hide),
        "response_headers": [[hide(_text(name)), hide(_text(v))] for name, v in reply.headers],
        "response_body": hide(reply.body.decode(errors="replace")),
        "unknown": [hide(name) for name in call.unknown],
        "missed": None if metadata.missed is None else hide(metadata.missed),
        "findings": list(findings),
    }


_BEARER = re.compile(r"(?i)\b(bearer +)[\w.~+/=-]+")


def hiding(call: Call) -> Callable[[str], str]:
    """A function that replaces the credentials of the request of `call` in a text."""
    sent = (v for name, v in call._request.headers.items() if _text(name) in CREDENTIALS)
    secrets = {word for value in sent for word in _words(_text(value))}
    escaped = {orjson.dumps(secret).decode()[1:-1] for secret in secrets}
    # Longest first, because one secret may be the beginning of another.
    order = sorted(secrets | escaped, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in order:
            text = redact(text, secret)
        # A body can contain headers that were meant for another request.
        return _BEARER.sub(rf"\1{REDACTED}", text)

    return hide


def _words(value: str) -> list[str]:
    """The secrets in the value of a header: the key after the scheme, each value of a cookie."""
    return [*value.split()[-1:], *(pair.partition("=")[2].strip() for pair in value.split(";"))]


def headers(call: Call) -> dict[str, str]:
    """The headers of a request with lower-case names and without secrets."""
    hide = hiding(call)
    pairs = ((_text(name), _text(value)) for name, value in call._request.headers.items())
    return {hide(k): REDACTED if k in CREDENTIALS else hide(v) for k, v in pairs}


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _reason(call: Call) -> str | None:
    """The reason in the reply, if the request was refused."""
    answer = call.answer if call.status >= 400 else None
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return reason if isinstance(reason, str) else None


def _body(body: bytes, hide: Callable[[str], str]) -> Any:
    """A request's body as JSON, or as text if it is not JSON."""
    try:
        # Serialized again, a key has only one spelling.
        return orjson.loads(hide(orjson.dumps(orjson.loads(body)).decode()))
    except (orjson.JSONDecodeError, TypeError):  # TypeError: nested too deep to serialize
        return hide(body.decode(errors="replace"))


def moment(at: float) -> str:
    """`at`, in seconds since 1970, as ISO 8601 in UTC with milliseconds."""
    milliseconds = round(at * 1000)
    days, left = divmod(milliseconds, _DAY * 1000)
    seconds, thousandths = divmod(left, 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"
    return f"{_date(days)}T{clock}Z"


def _date(days: int) -> str:
    """The date `days` days after 1970-01-01. Years are counted from March, so that the leap day
    comes last."""
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    first = (153 * month + 2) // 5
    return f"{era * 400 + year + (month > 9):04}-{(month + 2) % 12 + 1:02}-{day - first + 1:02}"
