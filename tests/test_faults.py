"""What each fault guarantees, as bytes on a socket, and how a request asks for a fault."""

from __future__ import annotations

import json
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from novita_mock import Mock
from novita_mock._api.description import load_description
from novita_mock._faults.catalogue import Faults
from novita_mock._server.thread import LiveServer
from tests.ask import EDITIONS, body_of, error, got, posted

FAULTS = Faults(load_description())
CHAT_PATH = "/v3/openai/chat/completions"
DONE = b"data: [DONE]\n\n"
SAYS = "Grüße, one two three four five six."
SECONDS = 30


@dataclass
class Got:
    """Everything received on a connection: the head, the body without its chunked framing, whether
    the body was complete, and how the connection ended. `pieces`: time and size of each read."""

    status: int = 0
    headers: dict[bytes, bytes] | None = None
    body: bytes = b""
    complete: bool = False
    end: str = "open"
    raw: bytes = b""
    pieces: list[tuple[float, int]] | None = None

    @property
    def seconds(self) -> float:
        """The time from sending the request to the last byte."""
        times = [moment for moment, _ in self.pieces or ()]
        return times[-1] - times[0]


def exchange(address: str, fault: str, *, stream: bool) -> Got:
    """Sends a chat request with `fault` and records what arrives until the answer is whole."""
    where = urlsplit(address)
    body = json.dumps(body_of(stream=stream)).encode()
    lines = [f"POST {where.path}{CHAT_PATH} HTTP/1.1", "host: x", "authorization: Bearer any",
             f"x-novita-mock-fault: {fault}", f"content-length: {len(body)}", "", ""]  # fmt: skip
    got = Got(pieces=[(time.monotonic(), 0)])
    assert got.pieces is not None
    with socket.create_connection((where.hostname, where.port), SECONDS) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        while not got.complete:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                got.end = "reset"
                break
            got.pieces.append((time.monotonic(), len(piece)))
            got.raw += piece
            got.end = "open" if piece else "closed"
            read(got)
            if not piece:
                break
    return got


def read(got: Got) -> None:
    """Parses the bytes received so far."""
    head, found, rest = got.raw.partition(b"\r\n\r\n")
    if not found:
        return
    first, *lines = head.split(b"\r\n")
    got.status = int(first.split()[1])
    pairs = (line.partition(b": ") for line in lines)
    got.headers = {name.lower(): value for name, _, value in pairs}
    if got.headers.get(b"transfer-encoding") == b"chunked":
        got.body, got.complete = dechunked(rest)
    elif b"content-length" in got.headers:
        length = int(got.headers[b"content-length"])
        got.body, got.complete = rest[:length], len(rest) >= length
    else:
        got.body, got.complete = rest, got.end == "closed"


def dechunked(data: bytes) -> tuple[bytes, bool]:
    body = b""
    while data:
        size, found, data = data.partition(b"\r\n")
        if not found or int(size, 16) == 0:
            return body, bool(found)
        body, data = body + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return body, False


def mock() -> Mock:
    """A mock; all of them give the same answer, id and time."""
    made = Mock()
    made.on().say(SAYS)
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    loopback = LiveServer()
    yield loopback
    loopback.stop()


def whole(*, stream: bool) -> bytes:
    return mock().answer(posted(body_of(stream=stream))).body


def chunks() -> list[bytes]:
    """The chunks of the stream without a fault, and without `[DONE]`."""
    events = [event + b"\n\n" for event in whole(stream=True).split(b"\n\n")[:-1]]
    assert events[-1] == DONE
    return events[:-1]


def text(body: bytes) -> str:
    """The text that a client reads from the chunks of a stream."""
    events = (e[6:] for e in body.replace(b"\r\n", b"\n").split(b"\n\n") if e[:7] == b"data: {")
    pieces = [choice["delta"].get("content", "") for e in events for choice in data(e)["choices"]]
    return "".join(pieces)


def data(event: bytes) -> Any:
    return json.loads(event)


def lost(got: Got) -> bool:
    return got.end == "closed" and not got.complete


def nothing(got: Got) -> bool:
    return got.raw == b""


def page(status: int) -> Callable[[Got], bool]:
    return lambda got: (
        (got.status, got.headers and got.headers[b"content-type"]) == (status, b"text/html")
        and got.body.startswith(b"<!DOCTYPE html>")
    )


def is_error(got: Got, sent: int, members: Callable[[Any], set[str]], found: set[str]) -> bool:
    *before, last = [event + b"\n\n" for event in got.body.split(b"\n\n")[:-1]]
    return got.complete and before == chunks()[:sent] and members(data(last[6:])) == found


def is_no_gzip(got: Got) -> bool:
    with pytest.raises(zlib.error):
        zlib.decompress(got.body, wbits=31)
    return got.complete and (got.headers or {})[b"content-encoding"] == b"gzip"


def is_slow_head(got: Got) -> bool:
    head = got.raw.partition(b"\r\n\r\n")[0]
    at_once = max(size for _, size in got.pieces or () if size)
    return at_once < len(head) + len(got.body) and got.seconds >= 3 * 0.04


def in_pieces(got: Got) -> bool:
    sizes, rest = [], got.raw.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        sizes.append(int(size, 16))
        rest = rest[sizes[-1] + 2 :]
    return set(sizes[:-2]) == {50} and sizes[-2] <= 50 and got.body == whole(stream=True)


WIDE = chunks()[2].partition("ü".encode())[0] + "ü".encode()[:1]
HALF = chunks()[0][: len(chunks()[0]) // 2]
FIRST = whole(stream=False)

# A fault, whether the request asks for a stream, and the guarantee.
GUARANTEES: list[tuple[str, bool, Callable[[Got], bool]]] = [
    ("connection_refused(0)", False, lambda got: nothing(got) and got.end == "reset"),
    ("reset", True, lambda got: nothing(got) and got.end == "reset"),
    ("disconnect", True, lambda got: nothing(got) and got.end == "closed"),
    ("headers_only", False, lambda got: lost(got) and got.status == 200 and got.body == b""),
    ("headers_only", True, lambda got: lost(got) and got.status == 200 and got.body == b""),
    ("slow_headers(0.04)", False, lambda got: is_slow_head(got) and got.body == FIRST),
    ("slow_headers(0.04)", True, lambda got: is_slow_head(got) and got.end == "closed"
        and got.body == whole(stream=True)),
    ("trickle(50, seconds=0.001)", True, in_pieces),
    ("trickle(7, 0)", False, lambda got: got.complete and got.body == FIRST),
    *((f"cut_after({n})", True, lambda got, n=n: lost(got) and got.body == b"".join(chunks()[:n]))
        for n in (0, 1, 3, 99)),
    ("cut_in_frame(2)", True, lambda got: lost(got) and got.body
        == b"".join(chunks()[:2]) + chunks()[2][: len(chunks()[2]) // 2]),
    ("cut_in_character(2)", True, lambda got: lost(got)
        and got.body == chunks()[0] + chunks()[1] + WIDE),
    ("cut_in_character(3)", True, lambda got: lost(got) and got.body.endswith(b'"content":"\xc3')
        and got.body.startswith(b"".join(chunks()[:3]))),
    ("stall(2, seconds=0.2)", True, lambda got: got.complete and got.seconds >= 0.199
        and got.body == whole(stream=True)),
    *((f"truncated_stream({n})", True, lambda got, n=n: got.complete
        and got.body == b"".join(chunks()[:n])) for n in (0, 2, 99)),
    ("missing_done", True, lambda got: got.complete and got.body == b"".join(chunks())),
    ("missing_blank_line", True, lambda got: got.complete
        and got.body == whole(stream=True)[:-1]),
    ("missing_finish_reason", True, lambda got: got.complete and got.body
        == whole(stream=True).replace(b'"finish_reason":"stop"', b'"finish_reason":null')
        and got.body.count(b'"finish_reason":null') == len(chunks())),
    ("duplicated_chunk(3)", True, lambda got: got.complete and got.body
        == b"".join([*chunks()[:3], *chunks()[2:], DONE])),
    ("reordered_chunks(2)", True, lambda got: got.complete and got.body
        == b"".join([chunks()[0], chunks()[2], chunks()[1], *chunks()[3:], DONE])),
    ("empty_choices(2)", True, lambda got: got.complete
        and data(got.body.split(b"\n\n")[2][6:])["choices"] == [] and text(got.body) == SAYS),
    ("junk(2)", True, lambda got: got.complete and got.body
        == b"".join([*chunks()[:2], b"junk\n", *chunks()[2:], DONE])),
    ("broken_json(2)", True, lambda got: got.complete
        and got.body == b"".join([*chunks()[:2], HALF + b"\n\n", *chunks()[2:], DONE])),
    ("comments", True, lambda got: got.complete and got.body
        == b"".join([*(b": keep-alive\n\n" + chunk for chunk in chunks()), DONE])),
    ("crlf", True, lambda got: got.complete
        and got.body == whole(stream=True).replace(b"\n", b"\r\n")),
    ("error_event(2)", True, lambda got: is_error(
        got, 2, lambda event: set(event["error"]), {"message", "type", "code"})),
    ("error_event_body(0, reason=RATE_LIMIT_EXCEEDED)", True, lambda got: is_error(
        got, 0, lambda event: {*event, event["reason"], str(event["code"])},
        {"code", "reason", "message", "RATE_LIMIT_EXCEEDED", "429"})),
    ("error_event_engine(3)", True, lambda got: is_error(got, 3, set, {"message", "type"})),
    ("long_chunk(1, bytes=200000)", True, lambda got: got.complete
        and text(got.body) == "x" * 200_000 + SAYS and text(got.body.split(b"\n\n")[0]) == ""),
    ("wrong_content_type", True, lambda got: got.complete and got.body == whole(stream=True)
        and (got.headers or {})[b"content-type"] == b"text/plain"),
    ('wrong_content_type("text/html; charset=utf-8")', False, lambda got: got.body == FIRST
        and (got.headers or {})[b"content-type"] == b"text/html; charset=utf-8"),
    ("empty_body", False, lambda got: got.complete and (got.status, got.body) == (200, b"")),
    ("truncated_body", False, lambda got: lost(got) and got.body == FIRST[: len(FIRST) // 2]
        and (got.headers or {})[b"content-length"] == b"%d" % len(FIRST)),
    ("truncated_json", False, lambda got: got.complete and got.body == FIRST[: len(FIRST) // 2]),
    ("broken_gzip", False, is_no_gzip),
    ("broken_gzip", True, is_no_gzip),
    ("html_page", False, page(200)),
    ("redirect", False, lambda got: got.status == 307
        and (got.headers or {})[b"location"] == b"/moved"),
    ("redirect(302, location=https://x.invalid/)", True, lambda got: got.status == 302
        and (got.headers or {})[b"location"] == b"https://x.invalid/"),
    ("bad_gateway", False, page(502)),
    ("service_unavailable", True, page(503)),
    ("gateway_timeout(0.2)", False, lambda got: page(504)(got) and got.seconds >= 0.199),
]  # fmt: skip


def test_each_fault_has_its_guarantee_in_the_table() -> None:
    assert {fault.partition("(")[0] for fault, _, _ in GUARANTEES} == set(FAULTS.rows)
    assert len(FAULTS.rows) >= 24


@pytest.mark.parametrize(
    ("fault", "stream", "holds"), GUARANTEES, ids=[f"{row[0]}-{row[1]}" for row in GUARANTEES]
)
def test_what_arrives_is_what_the_fault_guarantees(
    server: LiveServer, fault: str, stream: bool, holds: Callable[[Got], bool]
) -> None:
    address = server.open(mock())
    got = exchange(address, fault, stream=stream)
    server.close(address)
    assert holds(got), got


@pytest.mark.parametrize(
    ("fault", "stream"), [(row[0], row[1]) for row in GUARANTEES], ids=lambda value: str(value)
)
def test_a_rule_breaks_the_reply_as_the_header_does(fault: str, stream: bool) -> None:
    scripted = Mock()
    scripted.load({"rules": [{"say": SAYS, "fault": fault}]})
    asked = mock().answer(
        posted(body_of(stream=stream), headers={b"x-novita-mock-fault": fault.encode()})
    )
    assert scripted.answer(posted(body_of(stream=stream))) == asked
    in_python = Mock().say(SAYS, fault=fault)
    assert isinstance(in_python, Mock)
    assert in_python.answer(posted(body_of(stream=stream))) == asked


def test_a_server_that_refuses_connections_takes_them_again() -> None:
    loopback = LiveServer()
    address = loopback.open(mock())
    where = urlsplit(address)
    try:
        assert exchange(address, "connection_refused(0.2)", stream=False).end == "reset"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((where.hostname, where.port), SECONDS)
        deadline, got = time.monotonic() + SECONDS, Got()
        while got.status != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
            try:
                got = exchange(address, "comments", stream=True)
            except ConnectionRefusedError:
                continue
        assert got.status == 200
    finally:
        loopback.stop()


WRONG = [
    ("nonsense", "no fault is spelt 'nonsense': expected one of connection_refused, reset,"),
    ("cut_aftr(1)", "Did you mean cut_after?"),
    ("cut_after(", "no fault is spelt 'cut_after('"),
    ("cut_after(-1)", "cut_after(chunks=1): chunks: expected at least 0; got -1"),
    ("cut_after(x)", 'chunks: expected integer; got "x"'),
    ("cut_after(1, 2)", "takes 1 arguments; got '1, 2'"),
    ("cut_after(1, chunks=2)", "chunks is given twice"),
    ("cut_after(n=2)", 'expected no member "n"'),
    ("cut_after(,)", "cannot read the arguments ','"),
    ('stall(1, "a)', "cannot read the arguments"),
    ("error_event(reason=NO_SUCH)", "reason: expected one of INVALID_API_KEY"),
    ("redirect(location=a b)", "location: expected"),
    ("wrong_content_type(a\r\nb: c)", "type: expected"),
]


@pytest.mark.parametrize(("spelt", "said"), WRONG, ids=[row[0] for row in WRONG])
def test_a_fault_that_is_spelt_wrong_says_what_is_right(spelt: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is checked below
        FAULTS.parse(spelt)
    assert said in str(caught.value)
    reply = Mock().answer(posted(body_of(), headers={b"x-novita-mock-fault": spelt.encode()}))
    assert reply.status == 400
    assert said in error(reply)["message"]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("fault", "stream", "wanted"),
    [("crlf", False, "streamed"), ("truncated_json", True, "not streamed")],
)
def test_a_fault_out_of_its_place_is_refused(
    fault: str, stream: bool, wanted: str, edition: str
) -> None:
    asked = {b"x-novita-mock-fault": fault.encode()}
    reply = Mock(edition=edition).answer(posted(body_of(stream=stream), headers=asked))
    assert reply.status == 400
    assert f"the fault {fault} happens only to answers that are {wanted}" == error(reply)["message"]


def test_the_header_goes_before_the_rule() -> None:
    scripted = mock().fail("empty_body", times=None)
    assert isinstance(scripted, Mock)
    asked = {b"x-novita-mock-fault": b"bad_gateway"}
    assert scripted.answer(posted(body_of(), headers=asked)).status == 502
    assert scripted.last.metadata.fault == FAULTS.parse("bad_gateway")


def test_faults_apply_to_operations_only() -> None:
    asked = {b"x-novita-mock-fault": b"redirect"}
    mock = Mock()
    assert mock.answer(got("/models", headers=asked)).status == 307
    assert mock.answer(got("/moved", headers=asked)).status == 404


def test_two_faults_in_one_answer_are_refused() -> None:
    with pytest.raises(ValueError, match="one answer has one fault"):
        Mock().say("x", cut_after=1, fault="crlf")


def test_a_fault_spells_itself_as_it_is_read() -> None:
    for row in FAULTS.rows.values():
        fault = FAULTS.parse(row.name)
        assert FAULTS.parse(str(fault)) == fault
