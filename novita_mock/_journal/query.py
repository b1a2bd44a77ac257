"""Queries to the journal from outside: selects calls, and renders a call as JSON.

The output contains no key that a request sent, wherever in the call the key occurs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import orjson

from novita_mock._api.description import load_description
from novita_mock._core.http import Json
from novita_mock._core.redaction import Redactor
from novita_mock._journal.call import Call, hiding, shown_headers

Test = Callable[[Call], bool]
_CLASS = re.compile(r"[1-5]xx", re.IGNORECASE)
_START = datetime(1970, 1, 1, tzinfo=UTC)


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
    reply, metadata, hide = call.reply, call.metadata, hiding(call)
    fault, missed = str(metadata.fault or ""), metadata.missed or ""
    texts = [call.method, call.path, call.model or "", fault, missed, *call.unknown]
    method, path, model, fault, missed, *unknown = hide.each(texts)
    return {
        "number": call.number,
        "at": moment(call.at),
        "operation": call.operation,
        "method": method,
        "path": path,
        "model": None if call.model is None else model,
        "stream": call.stream,
        "status": call.status,
        "reason": call.reason,
        "fault": None if metadata.fault is None else fault,
        "rule": metadata.rule,
        "tokens": metadata.tokens,
        "headers": dict(call.headers),
        "body": _body(call.sent.body, hide),
        "response_headers": [list(pair) for pair in shown_headers(call, reply.headers)],
        "response_body": hide.body(reply.body.decode(errors="replace")),
        "unknown": unknown,
        "missed": None if metadata.missed is None else missed,
        "findings": list(findings),
    }


def _body(body: bytes, hide: Redactor) -> Any:
    """A request's body as JSON, or as text if it is not JSON."""
    try:
        parsed = orjson.loads(body)
        orjson.dumps(parsed)
    except (orjson.JSONDecodeError, TypeError):  # TypeError: nested too deep to serialize
        return hide.body(body.decode(errors="replace"))
    return hide.json(parsed)


def moment(at: float) -> str:
    """`at`, in seconds since 1970, as ISO 8601 in UTC with milliseconds."""
    moment = _START + timedelta(milliseconds=round(at * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
