"""What a fault does to a reply: from a good reply to a bad one, both of them data.

What each fault guarantees stands in `schemas/faults.json`; nothing here waits or sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from novita_mock._api.description import Book, Errors
from novita_mock._core.errors import Refused, wished
from novita_mock._core.http import Beat, Cut, Header, Json, Loss, Reply
from novita_mock._core.sse import event
from novita_mock._faults.catalogue import BODY, STREAM, Fault, Faults
from novita_mock._faults.streams import STREAM_FAULTS, break_stream

_TYPE, _LENGTH = b"content-type", b"content-length"
_EVENTS = b"text/event-stream"
_HTML = b"text/html"
# The head of a gzip file, and a block of a type that there is not.
_NO_GZIP = (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", b"\xff" * 22)


class Breaker:
    """Breaks replies as the faults of one edition say."""

    def __init__(self, book: Book, edition: str) -> None:
        self.faults = Faults(book)
        self._errors = book.errors
        self._edition = edition

    def asked(self, spelt: bytes) -> Fault:
        """The fault that a header asks for; refuses one that there is not."""
        try:
            return self.faults.parse(spelt.decode("latin-1"))
        except ValueError as error:
            raise Refused("unknown_fault", problem=error) from None

    def misplaced(self, fault: Fault, reply: Reply) -> Refused | None:
        """The refusal of a fault that cannot happen to a reply of this kind."""
        if self._fits(fault, reply):
            return None
        wanted = "streamed" if self.faults.rows[fault.name].on == STREAM else "not streamed"
        return Refused("fault_out_of_place", fault=fault.name, wanted=wanted)

    def broken(self, fault: Fault, reply: Reply) -> Reply:
        """The reply with the fault; as it is if the fault cannot happen to it."""
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
            return replace(reply, beats=break_stream(name, reply.beats, arguments))
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
    return Reply(status, headers, (Beat(body, pause),))


def _with_headers(reply: Reply, **changed: bytes) -> tuple[Header, ...]:
    """The headers of a reply with some changed; what is empty is left out."""
    headers = dict(reply.headers) | {k.replace("_", "-").encode(): v for k, v in changed.items()}
    return tuple((name, value) for name, value in headers.items() if value)


def _lost(loss: Loss, away: float = 0.0) -> Reply:
    return Reply(0, (), (Cut(loss=loss, away=away),))


def _headers_only(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, beats=(Cut(reply.beats[0].pause),))


def _slow_headers(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, head_gap=arguments["seconds"])


def _trickle(reply: Reply, arguments: Json) -> Reply:
    beats, size = list[Beat | Cut](), arguments["bytes"]
    for beat in reply.beats:
        if isinstance(beat, Cut):
            beats.append(beat)
            continue
        pieces = [beat.data[at : at + size] for at in range(0, len(beat.data), size)]
        pauses = [beat.pause] + [arguments["seconds"]] * len(pieces)
        beats += map(Beat, pieces, pauses)
    return replace(reply, beats=tuple(beats))


def _wrong_content_type(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, headers=_with_headers(reply, content_type=arguments["type"].encode()))


def _empty_body(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, headers=_with_headers(reply, content_length=b"0"), beats=(Beat(b""),))


def _half(reply: Reply) -> Beat:
    body = reply.body
    return Beat(body[: len(body) // 2], reply.beats[0].pause)


def _truncated_body(reply: Reply, arguments: Json) -> Reply:
    return replace(reply, beats=(_half(reply), Cut()))


def _truncated_json(reply: Reply, arguments: Json) -> Reply:
    half = _half(reply)
    headers = _with_headers(reply, content_length=b"%d" % len(half.data))
    return replace(reply, headers=headers, beats=(half,))


def _broken_gzip(reply: Reply, arguments: Json) -> Reply:
    head, rest = _NO_GZIP
    length = b"%d" % len(head + rest)
    headers = _with_headers(reply, content_encoding=b"gzip", content_length=length)
    # Two beats, because respx itself reads a body that comes at once.
    return replace(reply, headers=headers, beats=(Beat(head, reply.beats[0].pause), Beat(rest)))


def _redirect(reply: Reply, arguments: Json) -> Reply:
    location = (b"location", arguments["location"].encode())
    return Reply(arguments["status"], (location, (_LENGTH, b"0")), (Beat(b""),))


_FAULTS: dict[str, Callable[[Reply, Json], Reply]] = {
    "connection_refused": lambda _, arguments: _lost(Loss.REFUSED, arguments["seconds"]),
    "reset": lambda *_: _lost(Loss.RESET),
    "disconnect": lambda *_: _lost(Loss.CLOSED),
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
