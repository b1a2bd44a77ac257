"""Exports calls as an HTTP archive (HAR 1.2), which browsers and proxies read.

http://www.softwareishard.com/blog/har-12-spec/ describes the members. Values that a mock does not
know, such as the size of the headers, are -1, as that page says.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from novita_mock._core.http import Disconnect, Json, Reply
from novita_mock._core.redaction import Redactor
from novita_mock._core.version import __version__
from novita_mock._journal.call import Call, hiding, shown_headers
from novita_mock._journal.describe import url
from novita_mock._journal.query import moment

_HTTP = "HTTP/1.1"
_UNKNOWN = -1
_ANYWHERE = "api.novita.ai"
# A host with a port is a local server, which has no certificate.
_PLAIN = re.compile(r"localhost|.*:\d+")


def har(calls: Iterable[Call]) -> Json:
    """The archive of `calls`. Times are the planned times of the replies, in milliseconds.

    Besides the members of the format, an entry has `_number`, the number of the call, and `_fault`,
    how the reply was broken. A response without a head has status 0; `_error` says how the
    connection was lost. The archive contains no key that a request sent.
    """
    creator = {"name": "novita-mock", "version": __version__}
    return {"log": {"version": "1.2", "creator": creator, "entries": [*map(_entry, calls)]}}


def _entry(call: Call) -> Json:
    timings = _timings(call.reply)
    fault = call.metadata.fault
    return {
        "startedDateTime": moment(call.at),
        "time": sum(timings.values()),
        "request": _request(call),
        "response": _response(call),
        "cache": {},
        "timings": timings,
        "_number": call.number,
        **({} if fault is None else {"_fault": call.redacted(str(fault))}),
    }


def _timings(reply: Reply) -> dict[str, float]:
    first, *rest = (chunk.pause * 1000 for chunk in reply.chunks) if reply.chunks else (0.0,)
    head = reply.head_gap * 1000 * (1 + len(reply.headers))
    return {"send": 0.0, "wait": head + first, "receive": sum(rest, 0.0)}


def _request(call: Call) -> Json:
    shown = call.headers
    request = {
        "method": call.redacted(call.method),
        "url": _origin(shown.get("host") or _ANYWHERE) + url(call),
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in shown.items()],
        "queryString": [],
        "headersSize": _UNKNOWN,
        "bodySize": len(call.sent.body),
    }
    if call.sent.body:
        request["postData"] = {"mimeType": shown.get("content-type", ""), "text": call.body}
    return request


def _origin(host: str) -> str:
    return f"{'http' if _PLAIN.fullmatch(host) else 'https'}://{quote(host, safe=':[]')}"


def _response(call: Call) -> Json:
    reply, pairs = call.reply, shown_headers(call, call.reply.headers)
    named = {name.lower(): value for name, value in pairs}
    response: Json = {
        "status": reply.status,
        "statusText": "",
        "httpVersion": _HTTP if reply.status else "",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in pairs],
        "content": _content(reply, named.get("content-type", ""), hiding(call)),
        "redirectURL": named.get("location", ""),
        "headersSize": _UNKNOWN,
        "bodySize": len(reply.body),
    }
    last = reply.chunks[-1] if reply.chunks else None
    if isinstance(last, Disconnect):
        response["_error"] = last.kind.value
    return response


def _content(reply: Reply, kind: str, hide: Redactor) -> Json:
    """The body: as text if it is UTF-8, else in base64."""
    body = reply.body
    content: dict[str, Any] = {"size": len(body), "mimeType": kind}
    try:
        return {**content, "text": hide.body(body.decode())}
    except UnicodeDecodeError:
        encoded = base64.b64encode(hide.data(body)).decode()
        return {**content, "text": encoded, "encoding": "base64"}
