"""What a fault does to a reply: it turns a good reply into a bad one, and both are data.

`schemas/faults.json` says what each fault guarantees. Nothing here waits or sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from novita_mock._api.description import Description, Errors
from novita_mock._core.errors import Refused, wished
from novita_mock._core.http import Disconnect, DisconnectKind, Header, Json, Reply, TimedBytes
from novita_mock._core.sse import event
from novita_mock._faults.catalogue import BODY, STREAM, Fault, Faults
from novita_mock._faults.streams import STREAM_FAULTS, break_stream

_TYPE, _LENGTH = b"content-type", b"content-length"
_EVENTS = b"text/event-stream"
_HTML = b"text/html"
# The head of a gzip file, and a block of a type that does not exist.
_NO_GZIP = (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", b"\xff" * 22)


class FaultInjector:
    """Applies the faults of one edition to replies."""

    def __init__(self, description: Description, edition: str) -> None:
        self.faults = Faults(description)
        self._errors = description.errors
        self._edition = edition

    def asked(self, spelt: bytes) -> Fault:
        """The fault that a header asks for. Raises Refused for an unknown one."""
        try:
            return self.faults.parse(spelt.decode("latin-1"))
        except ValueError as error:
            raise Refused("unknown_fault", problem=error) from None

    def misplaced(self, fault: Fault, reply: Reply) -> Refused | None:
        """The refusal of a fault that cannot happen to this kind of reply; None if it can."""
        if self._fits(fault, reply):
            return None
        wanted = "streamed" if self.faults.rows[fault.name].on == STREAM else "not streamed"
        return Refused("fault_out_of_place", fault=fault.name, wanted=wanted)

    def broken(self, fault: Fault, reply: Reply) -> Reply:
        """The reply with the fault; unchanged if the fault cannot happen to it."""
        if not self._fits(fault, reply):
            return reply
        name, arguments = fault.name, dict(fault.arguments)
        if name in self.faults.pages:
            status, title = self.faults.pages[name]
            page = self.faults.page.format(title=title).encode()
            return _whole(status, _HTML, page, arguments.get("seconds", 0.0))
        if name in _ERROR_EVENTS:
            arguments["event"] = event(_ERROR_EVENTS[name](self._error(arguments["reason"])))
        if name in STREAM_FAULTS:
            return replace(reply, chunks=break_stream(name, reply.chunks, arguments))
        return _FAULTS[name](reply, arguments)

    def _fits(self, fault: Fault, reply: Reply) -> bool:
        on = self.faults.rows[fault.name].on
        streams = dict(reply.headers).get(_TYPE) == _EVENTS
        return on not in (STREAM, BODY) or streams is (on == STREAM)

    def _error(self, reason: str) -> Json:
        row = self._errors.row(reason, self._edition)
        message = Errors.fill(row.message, wished(reason).detail)
        return {"code": row.status, "reason": reason, "message": message}


_ERROR_EVENTS: dict[str, Callable[[Json], Json]] = {
    "error_event": lambda error: {
        "error": {"message": error["message"], "type": error["reason"], "code": error["code"]}
    },
    "error_event_body": lambda error: error,
    "error_event_engine": lambda error: {"message": error["message"], "type": error["reason"]},
}


def _whole(status: int, kind: bytes, body: bytes, pause: float = 0.0, *more: Header) -> Reply:
    headers = ((_TYPE, kind), (_LENGTH, b"%d" % len(body)), *more)
    return Reply(status, headers, (TimedBytes(body, pause),))


def _with_headers(reply: Reply, **changed: bytes) -> tuple[Header, ...]:
    """The headers of a reply with some changed; an empty value removes the header."""
    headers = dict(reply.headers) | {k.replace("_", "-").encode(): v for k, v in changed.items()}
    return tuple((name, value) for name, value in headers.items() if value)


def _lost(kind: DisconnectKind, outage: float = 0.0) -> Reply:
    return Reply(0, (), (Disconnect(kind=kind, outage=outage),))


def _headers_only(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, chunks=(Disconnect(reply.chunks[0].pause),))


def _slow_headers(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, head_gap=arguments["seconds"])


def _trickle(reply: Reply, arguments: Json) -> Reply:
    chunks, size = list[TimedBytes | Disconnect](), arguments["bytes"]
    for chunk in reply.chunks:
        if isinstance(chunk, Disconnect):
            chunks.append(chunk)
            continue
        pieces = [chunk.data[at : at + size] for at in range(0, len(chunk.data), size)]
        pauses = [chunk.pause] + [arguments["seconds"]] * len(pieces)
        chunks += map(TimedBytes, pieces, pauses)
    return replace(reply, chunks=tuple(chunks))


def _wrong_content_type(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, headers=_with_headers(reply, content_type=arguments["type"].encode()))


def _empty_body(reply: Reply, arguments: Json) -> Reply:
    return replace(
        reply, headers=_with_headers(reply, content_length=b"0"), chunks=(TimedBytes(b""),)
    )


def _half(reply: Reply) -> TimedBytes:
    body = reply.body
    return TimedBytes(body[: len(body) // 2], reply.chunks[0].pause)


def _truncated_body(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, chunks=(_half(reply), Disconnect()))


def _truncated_json(reply: Reply, arguments: Json) -> Reply:
    half = _half(reply)
    headers = _with_headers(reply, content_length=b"%d" % len(half.data))
    return replace(reply, headers=headers, chunks=(half,))


def _broken_gzip(reply: Reply, arguments: Json) -> Reply:
    head, rest = _NO_GZIP
    length = b"%d" % len(head + rest)
    headers = _with_headers(reply, content_encoding=b"gzip", content_length=length)
    # Two chunks, because respx itself reads a body that arrives at once.
    return replace(
        reply, headers=headers, chunks=(TimedBytes(head, reply.chunks[0].pause), TimedBytes(rest))
    )


def _redirect(reply: Reply, arguments: Json) -> Reply:
    location = (b"location", arguments["location"].encode())
    return Reply(arguments["status"], (location, (_LENGTH, b"0")), (TimedBytes(b""),))


_FAULTS: dict[str, Callable[[Reply, Json], Reply]] = {
    "connection_refused": lambda _, arguments: _lost(DisconnectKind.REFUSED, arguments["seconds"]),
    "reset": lambda *_: _lost(DisconnectKind.RESET),
    "disconnect": lambda *_: _lost(DisconnectKind.CLOSED),
    "headers_only": _headers_only,
    "slow_headers": _slow_headers,
    "trickle": _trickle,
    "wrong_content_type": _wrong_content_type,
    "empty_body": _empty_body,
    "truncated_body": _truncated_body,
    "truncated_json": _truncated_json,
    "broken_gzip": _broken_gzip,
    "redirect": _redirect,
}
