"""What hides credentials: every spelling, at every place of a call, in everything that is shown."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from contract_tests.judging.checks import CHECKS, CheckResult, message
from contract_tests.judging.verdicts import FAILED
from contract_tests.run.session import Session
from contract_tests.wire.exchange import Asked, Came, Exchange
from novita_mock import Mock, Request, _report
from novita_mock._api import redactors
from novita_mock._asgi.access_log import line
from novita_mock._core.http import Reply, TimedBytes
from novita_mock._core.redaction import Credential, authorization, credentials
from novita_mock._journal import describe
from novita_mock._verification.client import assert_well_behaved
from novita_mock.starlette import Endpoint
from tests.ask import MODEL
from tests.contract_target import load
from tests.test_verdict import KEYS

SECRET = "sk-secret-9f8e7d6c5b4a"
CHAT = "/v3/openai/chat/completions"
EVENTS = (b"content-type", b"text/event-stream")
# More letters than this of a secret are never seen.
MOST = 8


def by_letter(form: str) -> Callable[[str], str]:
    """A spelling of each letter by its number, or of each byte if the form has a percent sign."""

    def spelled(secret: str) -> str:
        if form.startswith("%%"):
            return "".join(form % byte for byte in secret.encode())
        return "".join(form % ord(letter) for letter in secret)

    return spelled


def in_base64(before: str, encode: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda secret: encode(f"{before}{secret} and more".encode()).decode()


def mixed(secret: str) -> str:
    """Letters in turn as they are, percent-encoded once and twice, and escaped in two ways. What
    begins an escape is never left as it is."""
    escaped = [*map(by_letter, ("%%%02x", "%%25%02X", "\\u%04x", "&#%d;"))]
    forms: list[Callable[[str], str]] = [*escaped, str]
    return "".join(
        forms[at % (4 if letter in "\\%&" else 5)](letter) for at, letter in enumerate(secret)
    )


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "backwards": lambda secret: secret[::-1],
    "percent-encoded where needed": lambda secret: quote(secret, safe=""),
    "a form's value": quote_plus,
    "percent-encoded": by_letter("%%%02x"),
    "percent-encoded in upper case": by_letter("%%%02X"),
    "percent-encoded twice": by_letter("%%25%02X"),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON twice": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "numbers of JSON": by_letter("\\u%04x"),
    "numbers of JSON, twice": by_letter("\\\\u%04X"),
    "numbers of JSON, percent-encoded": by_letter("%%5Cu%04x"),
    "Python": lambda secret: repr(secret)[1:-1],
    "hex": lambda secret: secret.encode().hex(),
    "upper-case hex": lambda secret: secret.encode().hex().upper(),
    "HTML": html.escape,
    "HTML twice": lambda secret: html.escape(html.escape(secret)),
    "numbers of HTML": by_letter("&#%d;"),
    "hexadecimal numbers of HTML": by_letter("&#x%x;"),
    "a mixture": mixed,
    **{
        f"{name} {len(before)} on": in_base64(before, encode)
        for before in ("", "a", "ab")
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode))
    },
}
each_spelling = pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=list(SPELLINGS))


# --- a referee that shares nothing with the redactor ---


def plain(found: re.Match[str]) -> str:
    return chr(int(found[1][1:], 16)) if len(found[1]) > 1 else found[1]


def escapes(text: str) -> str:
    return re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\\\"'/])", plain, text)


def readings(text: str) -> list[str]:
    """`text` and what becomes of it if it is decoded up to four times."""
    found = [text]
    while len(found) < 5 and (new := escapes(html.unescape(unquote(found[-1])))) != found[-1]:
        found.append(new)
    return found


def decoded(text: str) -> Iterator[bytes]:
    """What hex and base64 in `text` say, wherever they begin."""
    for run in re.findall(r"[0-9a-fA-F]{12,}", text):
        yield from (bytes.fromhex(run[at : len(run) - (len(run) - at) % 2]) for at in (0, 1))
    for run in re.findall(r"[A-Za-z0-9+/_-]{8,}", text):
        for at in range(4):
            piece = run[at : len(run) - (len(run) - at) % 4].translate({45: "+", 95: "/"})
            yield base64.b64decode(piece)


def seen(secret: str, text: str) -> bool:
    """Whether somebody who decodes all they can sees `secret`, or more than a little of it."""
    every = [*readings(text), *(data.decode("utf-8", "replace") for data in decoded(text))]
    shown = "\n".join(every).casefold()
    parts = {secret[at : at + MOST + 1] for at in range(len(secret) - MOST)}
    return any(part.casefold() in shown for part in parts | {part[::-1] for part in parts})


@each_spelling
def test_the_referee_sees_every_spelling(spelled: Callable[[str], str]) -> None:
    assert seen(SECRET, f"before {spelled(SECRET)} after")
    assert not seen(SECRET, f"before {spelled('sk-another-0123456789')} after")


# --- everything that is shown of a call ---


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, the names of members included, and the text of each stream."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)
    elif isinstance(value, str):
        yield value
        yield from joined(value)
    else:
        yield str(value)


def joined(text: str) -> Iterator[str]:
    """What an answer in `text` says, its chunks put together."""
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data")]
    texts: dict[tuple[object, ...], str] = {}
    for event in events or [text]:
        with suppress(ValueError, RecursionError):
            for place, piece in placed(json.loads(event)):
                texts[place] = texts.get(place, "") + piece
    yield from texts.values()


def placed(value: Any, *place: object) -> Iterator[tuple[tuple[object, ...], str]]:
    """The texts in a value with their places, of which positions in lists are no part."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from placed(member, *place, name)
    elif isinstance(value, list):
        for member in value:
            index = member.get("index") if isinstance(member, dict) else None
            yield from placed(member, *place, index)
    elif isinstance(value, str):
        yield place, value


def shown(mock: Mock) -> dict[str, str]:
    """All that can be read of the calls of a mock, by where."""
    client = TestClient(Endpoint(mock), client=("127.0.0.1", 1), base_url="http://127.0.0.1")
    found = {}
    for page in ("requests", "requests.har", "verdict", "metrics"):
        reply = client.get(f"/__mock__/{page}")
        assert reply.status_code == 200
        texts = strings(reply.json()) if page != "metrics" else [reply.text]
        found[page] = "\n".join(texts)
    for number, call in enumerate(mock.calls):
        ways: dict[str, Any] = {
            "line of the log": line(call, 0.5), "repr": repr(call),
            "line": describe.line(call), "curl": describe.curl(call),
            "headers": dict(call.headers), "body": call.body,
        }  # fmt: skip
        found |= {f"{way} of call {number + 1}": str(text) for way, text in ways.items()}
    try:
        assert_well_behaved(mock.calls)
    except AssertionError as failure:
        found["client report"] = str(failure)
    return found


class Config:
    """As much of pytest's configuration as a session of the contract suite reads."""

    workerinput: Any = None

    def __init__(self, folder: Path) -> None:
        self.workerinput = {"novita_folder": str(folder)}

    def getoption(self, name: str, default: Any = None) -> Any:
        base = "http://user:pa55word-of-the-proxy@127.0.0.1:1/v3"
        return {"novita_live": True, "novita_base_url": base}.get(name, default)


def reported(secret: str, text: str, folder: Path) -> dict[str, str]:
    """All that the contract suite shows of a server that puts `text` everywhere it can."""
    load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOVITA_API_KEY", secret)
        session = Session(cast(Any, Config(folder)))
    body = json.dumps({"error": text, text: f"{'x' * 690}{text}"}).encode()
    came = Came(500, (("content-type", text),), body, problem=text)
    asked = Asked(
        "chat.completions", "POST", "/chat/completions", json.dumps({"user": text}).encode()
    )
    exchange = Exchange(text, asked, came)
    check = next(iter(CHECKS.values()))
    finding = CheckResult(check, FAILED, 1, f"the reason is {text}", text, (exchange,), text)
    row = session.as_data(finding)
    session.findings.append(row)
    counts = {f"reason: {text}": 1, text: 2}
    session.ledger.stop(text)
    report = session.report([{"sent": 1, "observed": {"values": counts, "undocumented": counts}}])
    shown = {suffix: written(report) for suffix, written in _report.FORMS.items()}
    shown["terminal"] = "\n".join(_report.told(report))
    shown["finding"] = "\n".join(strings(row))
    shown["failure"] = message(finding, session.options.base_url, session.redact)
    for text in shown.values():
        assert "pa55word" not in text
    return shown


# --- the property ---

LETTERS = [chr(code) for code in range(33, 127) if chr(code) not in ";,"] + [*"éÄж世"]
some = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CARRIERS: dict[bytes, str] = {
    b"authorization": "Bearer %s",
    b"proxy-authorization": "Basic %s",
    b"x-api-key": "%s",
    b"x-goog-api-key": "%s",
    b"x-auth-token": "%s",
    b"openai-api-key": "%s",
    b"cookie": "a=b; session=%s; c=d",
}


@st.composite
def secret_of(draw: st.DrawFn) -> str:
    """A secret of which no part occurs by chance, and that looks like no key of a vendor."""
    groups = st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=4, max_size=9)
    return f"Zq~{'~'.join(draw(groups))}"


def everywhere(spelling: str) -> list[Request]:
    """Requests with a spelling of the secret at every place where a client can put it."""
    chat: dict[str, Any] = {
        "model": MODEL, spelling: spelling, "user": spelling, "stop": [spelling],
        "messages": [
            {"role": "system", "content": f'The key is "{spelling}".'},
            {"role": "user", "content": [{"type": "text", "text": f"x {spelling}\n"}]},
        ],
    }  # fmt: skip
    name = f"x-{spelling}".lower().encode()
    headers = {
        b"x-trace": f"key={spelling}".encode(), name: b"x", b"content-type": b"application/json",
        b"referer": f"https://a.test/?q={spelling}".encode(),
        b"x-novita-mock-error": spelling.encode(), b"host": f"{spelling}.test".encode(),
    }  # fmt: skip
    asked = {b"x-trace": spelling.encode()}
    query = f"q={spelling}"
    return [
        Request("POST", CHAT, headers, json.dumps(chat).encode(), query),
        Request("POST", CHAT, asked, json.dumps(chat, ensure_ascii=False).encode(), query),
        Request("POST", CHAT, asked, json.dumps(chat | {"model": spelling}).encode()),
        Request("POST", CHAT, asked, b'{"broken": "%s' % spelling.encode()),
        Request("POST", CHAT, asked, b"\xff" + spelling.encode()),
        Request("GET", f"/v3/openai/models/{spelling}", asked, b"", query),
        Request(f"GET{spelling}", f"/{spelling}", asked),
    ]


def streamed(text: str, cuts: Sequence[int], ends: Sequence[int]) -> Reply:
    """A stream that says `text`, cut into chunks and, independently, into pieces of bytes."""
    edges = [0, *sorted(cuts), len(text)]
    parts = [text[a:b] for a, b in pairwise(edges)]
    frames = [
        {"choices": [{"index": at % 2, "delta": {"content": part if at % 2 else "other"}}]}
        for part in parts
        for at in (0, 1)
    ]
    body = b"".join(b"data: %s\n\n" % json.dumps(frame).encode() for frame in frames)
    borders = [0, *sorted(end % (len(body) + 1) for end in ends), len(body)]
    chunks = [TimedBytes(body[a:b]) for a, b in pairwise(borders)]
    return Reply(200, (EVENTS, (b"x-echo", text.encode())), tuple(chunks))


@each_spelling
@given(secret=secret_of(), carrier=st.sampled_from([*CARRIERS]), data=st.data())
@some
def test_a_secret_is_seen_nowhere(
    spelled: Callable[[str], str], secret: str, carrier: bytes, data: st.DataObject
) -> None:
    spelling = spelled(secret)
    mock = Mock(only=True)
    mock.on(model=MODEL).say(f"You said {spelling}!")
    mock.on(model=MODEL, stream=True).refuse("RATE_LIMIT_EXCEEDED")
    sent = {carrier: (CARRIERS[carrier] % secret).encode()}
    for request in everywhere(spelling):
        mock.call(replace_headers(request, sent))
    places = st.lists(st.integers(0, len(spelling)), max_size=6)
    reply = streamed(spelling, data.draw(places), data.draw(st.lists(st.integers(0, 9999))))
    calls = cast(Any, mock)._ledger.calls
    calls.append(replace(mock.last, number=mock.last.number + 1, reply=reply))
    leaks = [where for where, text in shown(mock).items() if seen(secret, text)]
    assert leaks == []


def replace_headers(request: Request, more: dict[bytes, bytes]) -> Request:
    return Request(
        request.method, request.path, {**request.headers, **more}, request.body, request.query
    )


@each_spelling
@given(secret=secret_of())
@some
def test_a_secret_is_in_no_report_of_the_contract_suite(
    spelled: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    found = reported(secret, spelled(secret), tmp_path_factory.mktemp("run"))
    assert [where for where, text in found.items() if seen(secret, text)] == []


# --- what carries a credential ---


@pytest.mark.parametrize(
    ("header", "scheme", "key"),
    [
        ("", "", ""),
        ("Bearer sk-1", "Bearer", "sk-1"),
        ("  Bearer   sk-1 ", "Bearer", "sk-1"),
        ("Bearer", "Bearer", ""),
        ("sk-1", "", "sk-1"),
        ("Basic dXNlcjpwYXNz", "Basic", "dXNlcjpwYXNz"),
    ],
)
def test_a_header_has_a_scheme_and_a_key(header: str, scheme: str, key: str) -> None:
    assert authorization({b"authorization": header.encode()}) == Credential(scheme, key)


def test_each_header_that_carries_credentials_is_read() -> None:
    headers = {b"x-api-key": b"one", b"cookie": b"a=two; b=three", b"accept": b"four"}
    assert [found.key for found in credentials(headers)] == ["one", "two", "three"]


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
def test_a_key_that_a_vendor_issues_is_hidden_without_being_sent(key: str) -> None:
    hide = redactors.of_headers({})
    assert key not in hide(f"the key {key} is in a text")


@pytest.mark.parametrize("name", ["X-Auth-Token", "Api-Key", "My-Secret-Key", "Session-Token"])
def test_a_header_of_such_a_name_is_hidden_wherever_its_value_stands(name: str) -> None:
    sent = {name.lower().encode(): b"a-value-of-mine"}
    assert "a-value-of-mine" not in redactors.of_headers(sent)("it has a-value-of-mine in it")


def test_what_is_no_credential_stays() -> None:
    text = "The weather in Paris: 21 degrees. Tokens: 12. See https://example.org/a?b=c"
    assert redactors.of_headers({b"authorization": b"Bearer sk-secret-1"})(text) == text
