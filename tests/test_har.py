"""The calls as an HTTP archive: it has everything that HAR 1.2 requires, and no key."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft202012Validator

from novita_mock import Mock, Request
from novita_mock._api.description import load_description
from novita_mock._core.http import Disconnect, Reply, TimedBytes
from novita_mock._journal.har import har
from novita_mock.httpx import openai_client
from tests.ask import KEY, MODEL, body_of, got, posted
from tests.test_journal import KEYED, SECRET, keyed

USER: Any = {"role": "user", "content": "Tell me about rainbows"}
TEXT, INTEGER = {"type": "string"}, {"type": "integer", "minimum": -1}
NUMBER = {"type": "number", "minimum": -1}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$"}
URI = {"type": "string", "pattern": r"^https?://[!-~]+$"}


def members(more: Any = None, /, **required: Any) -> Any:
    """A schema for an object with these members and perhaps `more`; members that the format does
    not name begin with an underscore."""
    known = required | (more or {})
    return {
        "type": "object",
        "required": list(required),
        "properties": known,
        "patternProperties": {"^_": True},
        "additionalProperties": False,
    }


def listed(item: Any) -> Any:
    return {"type": "array", "items": item}


PAIRS = listed(members({"comment": TEXT}, name=TEXT, value=TEXT))
CONTENT = members(
    {"compression": INTEGER, "text": TEXT, "encoding": TEXT}, size=INTEGER, mimeType=TEXT
)
REQUEST = members(
    {"postData": members({"params": listed({})}, mimeType=TEXT, text=TEXT)},
    method=TEXT, url=URI, httpVersion=TEXT, cookies=PAIRS, headers=PAIRS, queryString=PAIRS,
    headersSize=INTEGER, bodySize=INTEGER,
)  # fmt: skip
RESPONSE = members(
    status=INTEGER, statusText=TEXT, httpVersion=TEXT, cookies=PAIRS, headers=PAIRS,
    content=CONTENT, redirectURL=TEXT, headersSize=INTEGER, bodySize=INTEGER,
)  # fmt: skip
TIMES = {"blocked": NUMBER, "dns": NUMBER, "connect": NUMBER, "ssl": NUMBER}
ENTRY = members(
    {"pageref": TEXT, "serverIPAddress": TEXT, "connection": TEXT},
    startedDateTime=MOMENT, time={"type": "number", "minimum": 0}, request=REQUEST,
    response=RESPONSE, cache=members(),
    timings=members(TIMES, send=NUMBER, wait=NUMBER, receive=NUMBER),
)  # fmt: skip
# The members in http://www.softwareishard.com/blog/har-12-spec/, the required ones first.
CREATOR = members(name=TEXT, version=TEXT)
LOG = members({"browser": CREATOR, "pages": listed({})}, version={"const": "1.2"}, creator=CREATOR,
              entries=listed(ENTRY))  # fmt: skip
HAR = Draft202012Validator(members(log=LOG))


def entries(*calls: Any) -> list[Any]:
    archive = har(calls)
    HAR.validate(json.loads(json.dumps(archive)))
    found: list[Any] = archive["log"]["entries"]
    return found


@pytest.mark.parametrize("fault", ["", *load_description().faults["faults"]])
@pytest.mark.parametrize("stream", [False, True])
def test_every_call_is_logged_as_the_format_demands(fault: str, stream: bool) -> None:
    mock = Mock(ttft=0.5, gap=0.1)
    headers = {b"x-novita-mock-fault": fault.encode()} if fault else {}
    [logged] = entries(mock.call(posted(body_of(stream=stream), headers=headers)))
    timings = logged["timings"]
    assert logged["time"] == pytest.approx(sum(timings.values()))
    given = mock.last.metadata.fault
    assert logged.get("_fault") == (None if given is None else str(given))
    assert logged["response"]["status"] == mock.last.status
    assert logged["_number"] == 1


def test_the_archive_names_its_creator() -> None:
    log = har([])["log"]
    assert (log["version"], log["creator"]["name"], log["entries"]) == ("1.2", "novita-mock", [])


def test_a_call_of_the_openai_client_is_logged_with_all_it_sent() -> None:
    mock = Mock()
    mock.say("Hello, Zoë.")
    client = openai_client(mock, api_key=KEY)
    client.chat.completions.create(model=MODEL, messages=[USER])
    [logged] = entries(replace(mock.last, at=1764547200.5))
    assert logged["startedDateTime"] == "2025-12-01T00:00:00.500Z"
    request, response = logged["request"], logged["response"]
    assert request["method"] == "POST"
    assert request["url"] == "https://api.novita.ai/v3/openai/chat/completions"
    sent = {pair["name"]: pair["value"] for pair in request["headers"]}
    assert (sent["authorization"], sent["x-stainless-retry-count"]) == ("***", "0")
    assert request["postData"]["mimeType"] == "application/json"
    assert json.loads(request["postData"]["text"]) == {"model": MODEL, "messages": [USER]}
    assert request["bodySize"] == len(request["postData"]["text"].encode())
    answer = json.loads(response["content"]["text"])
    assert answer["choices"][0]["message"]["content"] == "Hello, Zoë."
    assert response["content"]["mimeType"] == "application/json"
    assert response["content"]["size"] == response["bodySize"] == len(mock.last.reply.body)
    assert "_error" not in response


def test_a_request_without_a_body_has_no_post_data() -> None:
    [logged] = entries(Mock().call(got("/models")))
    assert "postData" not in logged["request"]
    assert logged["request"]["bodySize"] == 0


@pytest.mark.parametrize(
    ("host", "path", "url"),
    [
        (b"", "/v3/openai/models/a/b", "https://api.novita.ai/v3/openai/models/a/b"),
        (b"127.0.0.1:4010", "/x", "http://127.0.0.1:4010/x"),
        (b"[::1]:4010", "/x", "http://[::1]:4010/x"),
        (b"localhost", "/x", "http://localhost/x"),
        (b"gateway.test", "/x", "https://gateway.test/x"),
        (b"gateway.test", "/a b/é?", "https://gateway.test/a%20b/%C3%A9%3F"),
        (b"a b/<", "/x", "https://a%20b%2F%3C/x"),
    ],
)
def test_the_address_is_where_the_request_went(host: bytes, path: str, url: str) -> None:
    headers = {b"host": host} if host else {}
    [logged] = entries(Mock().call(Request("GET", path, headers)))
    assert logged["request"]["url"] == url
    assert unquote(urlsplit(url).path) == path


def test_times_are_those_of_the_plan_in_milliseconds() -> None:
    chunks = (TimedBytes(b"a", 0.5), TimedBytes(b"b", 0.25), Disconnect(0.125))
    call = Mock().call(got("/models"))
    [logged] = entries(replace(call, reply=Reply(200, ((b"a", b"b"),), chunks, head_gap=1.0)))
    assert logged["timings"] == {"send": 0.0, "wait": 2500.0, "receive": 375.0}
    assert logged["time"] == 2875.0
    [logged] = entries(replace(call, reply=Reply(200, (), ())))
    assert logged["timings"] == {"send": 0.0, "wait": 0.0, "receive": 0.0}


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [("reset", 0, "reset"), ("disconnect", 0, "closed"), ("connection_refused", 0, "refused"),
     ("headers_only", 200, "closed"), ("truncated_body", 200, "closed")],
)  # fmt: skip
def test_a_lost_connection_is_logged(fault: str, status: int, error: str) -> None:
    mock = Mock()
    mock.fail(fault)
    [logged] = entries(mock.call(posted(body_of())))
    assert (logged["response"]["status"], logged["response"]["_error"]) == (status, error)
    assert logged["response"]["httpVersion"] == ("HTTP/1.1" if status else "")


def test_a_redirect_is_logged() -> None:
    mock = Mock()
    mock.fail("redirect(302, location=/elsewhere)")
    [logged] = entries(mock.call(posted(body_of())))
    assert logged["response"]["redirectURL"] == "/elsewhere"


@pytest.mark.parametrize("fault", ["broken_gzip", "cut_in_character(1)"])
def test_a_body_that_is_no_text_is_logged_byte_by_byte(fault: str) -> None:
    mock = Mock()
    mock.say("Hello.", fault=fault)
    [logged] = entries(mock.call(posted(body_of(stream=True))))
    content = logged["response"]["content"]
    assert content["encoding"] == "base64"
    assert base64.b64decode(content["text"]) == mock.last.reply.body


@pytest.mark.parametrize(("headers", "spelling"), KEYED, ids=[f"{h} {s!r}"[:60] for h, s in KEYED])
def test_a_key_is_in_no_archive(headers: dict[bytes, bytes], spelling: bytes) -> None:
    calls = keyed(headers, spelling)
    logged = entries(*calls)
    assert SECRET not in json.dumps(logged)
    shown = "***" in logged[0]["response"]["content"]["text"]
    assert shown is (calls[0].status == 200)


def test_a_key_is_in_no_base64_either() -> None:
    mock = Mock()
    mock.say(f"{SECRET} é", fault="cut_in_character(9)")
    [logged] = entries(mock.call(posted(body_of(stream=True), key=SECRET)))
    chunks = (TimedBytes(b"\xff " + SECRET.encode()),)
    broken = replace(mock.last, reply=Reply(200, (), chunks))
    [logged] = entries(broken)
    assert base64.b64decode(logged["response"]["content"]["text"]) == b"\xff ***"
