"""5,000 broken requests on raw sockets: the server answers or closes, never dies, and never shows a
traceback or a key.

The seed and its number alone determine a case. `NOVITA_FUZZ_CASES=17,200-249` runs only these;
`NOVITA_FUZZ_SEED` draws others.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from novita_mock._api.description import load_description
from tests.raw_http import Hung, NotHttp, Response, Wire, responses
from tests.test_serve import BASES, LAST_OF_BANNER, MODEL, NOVITA, Server, process_of, stdout_of

SEED = os.environ.get("NOVITA_FUZZ_SEED", "6")
CASES = 5_000
BATCH = 250
CLIENTS = 8
# The longest silence before a server counts as hung; no case takes nearly as long.
SECONDS = float(os.environ.get("NOVITA_FUZZ_SECONDS", "60"))
MOST_GROWTH = 400 * 2**20
MOST_SHOWN = 10
REPEATED = re.compile(rb"(.{1,3}?)\1{20,}", re.DOTALL)
LITTLE = 4096
KEY = b"sk-fuzz-5f3a90c1d7"
DESCRIPTION = load_description()
REASONS = [reason.encode() for reason in DESCRIPTION.errors.reasons]
FAILURES = [str(row.reason).encode() for row in DESCRIPTION.errors.rows if row.status >= 500]
CONTROL = b"/__mock__/"

# The command without some modules. It shows what the application raises, which the server would
# hide, but not what the server raises because its client has gone.
WATCHED = """
import re
import sys
import traceback
for name in sys.argv.pop(1).split():
    sys.modules[name] = None
import uvicorn
from novita_mock.cli import run
gone = re.compile("the handler is closed|can't handle event type")
plain = uvicorn.Config
def config(app, **options):
    async def watched(scope, receive, send):
        try:
            await app(scope, receive, send)
        except Exception as error:
            if not gone.search(str(error)):
                traceback.print_exc()
            raise
    return plain(watched, **options)
uvicorn.Config = config
run()
"""
SERVERS = {
    "as-users-get-it": [NOVITA, "serve"],
    "watched": [sys.executable, "-c", WATCHED, "", "serve", "--edition", "live"],
    "watched-without-httptools-and-uvloop": [
        *(sys.executable, "-c", WATCHED, "httptools uvloop", "serve", "--edition", "2026"),
    ],
}
# The server as users get it takes all cases, and the watched ones half of them each.
EACH = dict(zip(SERVERS, (slice(None), slice(1, None, 2), slice(0, None, 2)), strict=True))

SCENARIO = {
    "rules": [
        {"when": {"last_user": "crawl"}, "say": "word " * 5000, "ttft": 0.01, "gap": 0.01},
        {"when": {"last_user": "walk"}, "say": "one two three", "gap": 0.001},
        {"when": {"last_user": "break"}, "say": "word " * 50, "cut_after": 3},
    ]
}

# --- what is sent ---


@dataclass
class Draft:
    """A request in the making. Mutations may do anything to it.

    `waits`: the server may rightly wait for more. `breaks`: the request asks for a broken reply.
    `framed`: the headers already give the length of the body.
    """

    method: bytes
    target: bytes
    body: bytes = b""
    version: bytes = b"HTTP/1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    eol: bytes = b"\r\n"
    start: bytes | None = None
    framed: bool = False
    waits: bool = False
    breaks: bool = False

    def put(self, name: bytes, value: bytes) -> None:
        """Sets a header, and replaces those of that name."""
        self.drop(name)
        self.headers.append((name, value))

    def drop(self, name: bytes) -> None:
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]

    def render(self) -> bytes:
        headers = list(self.headers)
        if self.body and not self.framed:
            headers.append((b"Content-Length", b"%d" % len(self.body)))
        first = self.start
        if first is None:
            first = b" ".join((self.method, self.target, self.version))
        lines = [first, *(name + b": " + value if name else value for name, value in headers)]
        return self.eol.join([*lines, b"", b""]) + self.body


@dataclass(frozen=True)
class Case:
    """One connection: what is sent, in pieces, and how the client ends it."""

    number: int
    names: tuple[str, ...]
    pieces: tuple[bytes, ...]
    ending: str
    breaks: bool

    @property
    def sent(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def has_head(self) -> bool:
        """Whether a response without a body may be right."""
        return b"HEAD" in self.sent

    @property
    def has_control(self) -> bool:
        """Whether the request may reach an admin route, whose replies have shapes of their own."""
        return b"mock__" in self.sent

    @property
    def patient(self) -> bool:
        """Whether the client stays until everything is answered."""
        return self.ending in ("follow", "pipeline")

    def __str__(self) -> str:
        text = REPEATED.sub(lambda run: run[1] * 3 + b"[...]", self.sent)
        sent = text if len(text) < 1000 else text[:1000] + b"[...]"
        how = f"{len(self.sent)} bytes in {len(self.pieces)} pieces, {self.ending}"
        return f"case {self.number} ({', '.join(self.names) or 'in order'}; {how}): {sent!r}"


Mutation = Callable[[random.Random, Draft], None]


def chat_body(text: str = "Hi there!", **more: object) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


def text_body(**more: object) -> dict[str, Any]:
    return {"model": MODEL, "prompt": "Once upon a time", "max_tokens": 5, **more}


WRITTEN: list[tuple[str, dict[str, Any]]] = [
    ("/chat/completions", chat_body(max_tokens=5)),
    ("/chat/completions", chat_body(max_tokens=5, stream=True)),
    ("/chat/completions", chat_body(max_tokens=400, stream=True, n=3)),
    ("/chat/completions", chat_body("walk", stream=True)),
    ("/completions", text_body()),
    ("/completions", text_body(stream=True)),
]
READ = ["/models", f"/models/{MODEL}", f"/models/{MODEL.replace('/', '%2F')}", "/models/mock/x"]
CONTROLS: list[tuple[str, str]] = [
    ("GET", "health"),
    ("GET", "openapi.json"),
    ("GET", "requests"),
    ("GET", "requests?limit=3&operation=completions&since=1"),
    ("DELETE", "requests"),
    ("POST", "reset"),
    ("GET", "scenario"),
    ("PUT", "scenario"),
    ("GET", "metrics"),
    ("POST", "nothing"),
    ("GET", "../health"),
    ("GET", "health/"),
    ("GET", ""),
]


def template(rng: random.Random) -> Draft:
    """A valid request."""
    kind = rng.random()
    if kind < 0.65:
        path, body = rng.choice(WRITTEN)
        draft = Draft(b"POST", (rng.choice(BASES) + path).encode(), encoded(body))
        draft.put(b"Content-Type", b"application/json")
    elif kind < 0.85:
        draft = Draft(b"GET", (rng.choice(BASES) + rng.choice(READ)).encode())
    else:
        method, path = rng.choice(CONTROLS)
        draft = Draft(method.encode(), CONTROL + path.encode())
        if method in ("PUT", "POST"):
            draft.body = encoded({"rules": []} if path == "scenario" else chat_body())
    draft.headers[:0] = [(b"Host", b"localhost"), (b"Authorization", b"Bearer " + KEY)]
    return draft


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def junk(rng: random.Random, most: int = 40) -> bytes:
    return rng.randbytes(rng.randint(1, most))


# --- mutations of the first line ---

METHODS = [
    b"", b"get", b"BREW", b"PRI", b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"TRACE", b"PATCH",
    b"PO\x00ST", b"P\xc3\x96ST", b"A" * 5000, b"M-SEARCH", b"G ET", b"GET,POST", b"(", b"\x7f",
    b"SOURCE", b"QUERY", b"POST\t", b"\xff\xfe",
]  # fmt: skip
TARGETS = [
    b"", b"*", b"localhost:80", b"http://x/openai/models", b"https://y:1/openai/models?q",
    b"http://", b"http://x", b"http:///", b"http://[::1/", b"http://[", b"http://x:99999999/",
    b"http://user:pw@x/openai/models", b"ftp://x/", b"//", b"//openai/models", b"/", b"?", b"#",
    b"/openai/models#x", b"/openai/models?%ff=%00&&a=%", b"/openai/models/%ff%fe",
    b"/openai/models/%zz%", b"/openai/models/%", b"/openai/models/%00%0d%0aX:%20y",
    b"/openai/models/\xff\xfe", b"/openai/models/\x01", b"/openai/models/a b", b"/\x7f",
    b"/openai/../openai/models", b"/openai/./models", b"\\openai\\models", b"openai/models",
    b"/openai/models/%ed%a0%80", b"/openai/models/%c0%af", b"/openai/models//", b"/openai/",
    b"/openai/models/{model}", b"/openai/models/%25s%7B0%7D", b"/%5F%5Fmock__/health",
    b"/__mock__", b"/__mock__/%00", b"/__mock__/%ff", b"/__mock__/\xff", b"/__mock__//health",
    b"/__mock__/health/%0d%0aX:y", b"/__mock__/" + b"a" * 9000, b"/" + b"%41" * 3000,
    b"/" + b"a/" * 4000, b"/" + b"a" * 70_000, b"/" + b"a" * 300_000, b"/openai/models/" + KEY,
    b"/openai/models?key=" + KEY, b"/" + KEY,
]  # fmt: skip
VERSIONS = [b"", b"HTTP/0.9", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/2", b"HTTP/11", b"ICY",
            b"http/1.1", b"HTTP/1.1x", b"HTTP/9999.9999", b"HTTP/1.1 HTTP/1.1", b"HTTP/-1.1",
            b"RTSP/1.0", b"HTTP/1.\xff", b"HTTP/1.1\t"]  # fmt: skip


def wild_method(rng: random.Random, draft: Draft) -> None:
    draft.method = rng.choice(METHODS)


def connect(rng: random.Random, draft: Draft) -> None:
    draft.method, draft.waits = b"CONNECT", True
    draft.target = rng.choice([b"x:1", b"x", b"/", b"*", b"", draft.target])


def wild_target(rng: random.Random, draft: Draft) -> None:
    draft.target = rng.choice(TARGETS)


def odd_path(rng: random.Random, draft: Draft) -> None:
    """A path with some bytes changed, written raw or escaped."""
    path = bytearray(draft.target)
    for _ in range(rng.randint(1, 4)):
        at, byte = rng.randrange(len(path) + 1), rng.randbytes(1)
        raw = rng.random() < 0.3
        path[at:at] = byte.strip(b"\r\n") if raw else b"%%%02X" % byte[0]
    draft.target = bytes(path)


def wild_version(rng: random.Random, draft: Draft) -> None:
    draft.version = rng.choice(VERSIONS)


def broken_first_line(rng: random.Random, draft: Draft) -> None:
    whole = b" ".join((draft.method, draft.target, draft.version))
    broken = [b"", b" ", whole.replace(b" ", b"\t"), whole.replace(b" ", b"  "), b" " + whole]
    broken += [whole.replace(b" ", b""), whole + b" x", b"\r\n\r\n" + whole, whole + b"\r"]
    broken += [draft.method, draft.target, b"\x00" + whole, b"hello", junk(rng).strip(b"\r\n")]
    draft.start, draft.waits = rng.choice(broken), True


# --- mutations of the headers ---

FIELDS = [
    b"X:\x00", b"X: a\x00b", b"X: a\rb", b"X: a\nb", b"X: a\r\n folded", b"X: a\r\n\tb", b" X: y",
    b"\tX: y", b"X : y", b"X Y: z", b": y", b"X", b"X\x00: y", b"\xff: y", b"X(: y",
    b"X: \xff\xfe", b"X: \x7f", b"X: \x1b[31m", b"X:" + b" " * 5000, b"X: \xf0\x9f\x98\x80",
    b"@: y", b"X:\r", b"Cookie: " + b"a=b; " * 500, b"X-Forwarded-For: 256.1.1.1",
    b"Range: bytes=0-0", b"X-Forwarded-Host: evil", b"X-HTTP-Method-Override: DELETE",
    b"Accept: text/html", b"Forwarded: for=\"_x\"", b"X-Api-Key: " + KEY,
    b"Accept-Encoding: gzip",
]  # fmt: skip
HOSTS = [b"", b"a b", b"[::1", b"x:99999999", b"\xff", b"a, b", b"http://x/", b"a\x00", b"a" * 9000]
LENGTHS = [b"-5", b"+5", b"abc", b"", b"1e3", b"0x10", b"5, 5", b"5, 6", b"18446744073709551616",
           b"9" * 400, b"1 2", b"5;", b"\xb2", b" 00000000", b"NaN", b"1_0", b"-0"]  # fmt: skip
CODINGS = [b"gzip", b"chunked, chunked", b"chunked, gzip", b"gzip, chunked", b"chunked;q=1", b"",
           b"xchunked", b"identity", b" chunked", b"CHUNKED", b"\x0bchunked", b"chunked\x00",
           b"trailers"]  # fmt: skip
CREDENTIALS = [
    b"", b"Bearer", b"Bearer ", b"Bearer   ", b"Bearer \xff\xfe", b"Bearer a\tb", KEY,
    b"Bearer \x00", b"Bearer " + b"k" * 30_000, b"Basic " + KEY, b"Bearer a b c", b"bearer x",
    b"Bearer mock-NOPE", b"Bearer mock-", b"Bearer " + KEY + b"  ", b"Bearer\t" + KEY,
    b"Bearer " + KEY + b", Bearer x", b"Bearer %s{0}%(x)s", b"Bearer \xe2\x82\xac", b"Bearer *",
    b"Bearer .",
]  # fmt: skip
WISHES = [
    b"", b" ", b"NOPE", b"\xff{0}%s", b"{reason}", b"a" * 9000, b"429", b"rate_limit_exceeded",
    b"\x00", b"A,B", b"\t", b"%s%n", b"__class__", b"../../etc/passwd", b"null", b"()", b"(",
    b"a(", b"a)", b"a(1", b"a(1e999)", b"a(-1)", b"a(nan)", b"a(" + b"9" * 5000 + b")", b"a((((",
    b"a('x')", b"a(\xff)", b"a()b()", b"a(b=c)", b"__import__('os')", b"a(1,2,3,4,5)",
]  # fmt: skip
ARGUMENTS = [
    b"", b"()", b"(0)", b"(1)", b"(1.0)", b"(-1)", b"(0.01)", b"(1e308)", b"(nan)", b"(inf)",
    b"(x)", b"(1,2)", b"(" + b"9" * 400 + b")", b"(", b"(1", b"(seconds=0.01)", b"(\xff)",
    b'("a\\r\\nX: y")', b'("\\u0000")', b'("\\ud800")', b'("\\u20ac")', b'("")', b"(a\tb)",
]  # fmt: skip
CONNECTIONS = [b"close", b"keep-alive, close", b"", b"\xff", b"close, upgrade", b"upgrade", b"x",
               b"te", b"content-length", b"host", b"Keep-Alive"]  # fmt: skip
UPGRADES = [b"websocket", b"h2c", b"HTTP/2.0", b"TLS/1.0", b"", b"\xff", b"websocket, h2c"]


@cache
def faults() -> list[bytes]:
    """The names of the faults that a request can ask for."""
    file = Path(__file__).parents[1] / "schemas" / "faults.json"
    text = file.read_text(encoding="utf-8") if file.exists() else '{"faults": {}}'
    return [name.encode() for name in json.loads(text)["faults"]]


def odd_field(rng: random.Random, draft: Draft) -> None:
    at = rng.randrange(len(draft.headers) + 1)
    draft.headers[at:at] = [(b"", text) for text in rng.choices(FIELDS, k=rng.randint(1, 2))]


def odd_host(rng: random.Random, draft: Draft) -> None:
    draft.drop(b"Host")
    for host in rng.choices(HOSTS, k=rng.randint(0, 2)):
        draft.headers.append((b"Host", host))


def odd_length(rng: random.Random, draft: Draft) -> None:
    """An invalid length, or a second one."""
    draft.framed = True
    draft.headers.append((b"Content-Length", rng.choice(LENGTHS)))
    if rng.random() < 0.3:
        draft.headers.append((b"Content-Length", b"%d" % len(draft.body)))
    # The rest of the body reads like the start of a request.
    draft.waits = True


def wrong_length(rng: random.Random, draft: Draft) -> None:
    size = max(0, len(draft.body) + rng.choice([-20, -1, 1, 20, 10**6, 10**15]))
    draft.framed = draft.waits = True
    draft.put(b"Content-Length", b"%d" % size)


def odd_coding(rng: random.Random, draft: Draft) -> None:
    draft.waits = True
    draft.framed = rng.random() < 0.5
    draft.headers.append((b"Transfer-Encoding", rng.choice(CODINGS)))
    if rng.random() < 0.4:
        draft.body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(draft.body), draft.body)


def chunked(rng: random.Random, draft: Draft) -> None:
    """A validly chunked body."""
    if draft.framed:
        return
    size, pieces = rng.choice([1, 7, 4096]), [b""]
    for at in range(0, min(len(draft.body), 5000), size):
        piece = draft.body[at : at + size]
        note = rng.choice([b"", b"", b";a=b", b';a="b\\"c"', b";" + b"x" * 300])
        pieces.append(b"%x%b\r\n%b\r\n" % (len(piece), note, piece))
    trailer = rng.choice([b"", b"", b"X: y\r\n", b"Content-Length: 3\r\nAuthorization: z\r\n"])
    draft.body = b"".join([*pieces, b"0\r\n", trailer, b"\r\n"])
    draft.framed = True
    draft.put(b"Transfer-Encoding", b"chunked")


def badly_chunked(rng: random.Random, draft: Draft) -> None:
    bad = [b"zz\r\n", b"-1\r\n", b"F" * 17 + b"\r\n", b"7fffffffffffffff\r\n", b"\r\n", b"5\r\nabc",
           b"5\n12345\n0\n\n", b"1\r\nab\r\n0\r\n\r\n", b"0x5\r\n12345\r\n0\r\n\r\n", b"0\r\n", b"",
           b"5;\x00\r\n12345\r\n0\r\n\r\n", b"5 \r\n12345\r\n0\r\n\r\n", b"0\r\nX y\r\n\r\n",
           b"0\r\n" + b"X: y\r\n" * 2000 + b"\r\n", b"5;" + b"x" * 90_000, b"\xff\r\n"]  # fmt: skip
    draft.body = b"%x\r\n%b\r\n" % (len(draft.body), draft.body) * rng.randint(0, 1)
    draft.body += rng.choice(bad)
    draft.framed = draft.waits = True
    draft.put(b"Transfer-Encoding", b"chunked")


def expectation(rng: random.Random, draft: Draft) -> None:
    draft.put(b"Expect", rng.choice([b"100-continue", b"100-Continue", b"x", b"", b"\xff"]))


def upgrade(rng: random.Random, draft: Draft) -> None:
    draft.waits = True
    draft.put(b"Connection", rng.choice([b"Upgrade", b"upgrade, HTTP2-Settings", b"keep-alive"]))
    draft.put(b"Upgrade", rng.choice(UPGRADES))
    draft.put(b"Sec-WebSocket-Version", rng.choice([b"13", b"x"]))
    draft.put(b"Sec-WebSocket-Key", rng.choice([b"dGhlIHNhbXBsZSBub25jZQ==", b"", b"\xff"]))
    draft.put(b"HTTP2-Settings", b"AAMAAABkAAQAoAAAAAIAAAAA")


def many_fields(rng: random.Random, draft: Draft) -> None:
    same = rng.random() < 0.5
    draft.headers += [(b"X-%d" % (0 if same else at), b"y") for at in range(1000)]


def huge_field(rng: random.Random, draft: Draft) -> None:
    size = rng.choice([10_000, 60_000, 70_000, 300_000])
    long = rng.choice([b"a", b"\xff", b"a,", b" "]) * size
    draft.headers.append((long, b"y") if rng.random() < 0.3 else (b"X-Long", long))


def line_ends(rng: random.Random, draft: Draft) -> None:
    draft.eol, draft.waits = rng.choice([b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n "]), True


def odd_key(rng: random.Random, draft: Draft) -> None:
    wish = b"Bearer mock-" + rng.choice(REASONS)
    keys = [rng.choice([*CREDENTIALS, wish]) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
    draft.drop(b"Authorization")
    draft.headers += [(b"Authorization", key) for key in keys]


def wished_error(rng: random.Random, draft: Draft) -> None:
    draft.put(b"X-Novita-Mock-Error", rng.choice([*WISHES, *REASONS, *REASONS, KEY]))


def wished_fault(rng: random.Random, draft: Draft) -> None:
    draft.put(b"X-Novita-Mock-Fault", rng.choice([*WISHES, KEY]))


def real_fault(rng: random.Random, draft: Draft) -> None:
    """An existing fault, with arguments that may or may not be valid."""
    if not faults():
        return
    name = rng.choice(faults())
    # Only for a moment: the other clients have to connect.
    arguments = [b"(0)", b"(0.01)", b"(x)"] if name == b"connection_refused" else ARGUMENTS
    draft.put(b"X-Novita-Mock-Fault", name + rng.choice(arguments))
    draft.breaks = True


def odd_content(rng: random.Random, draft: Draft) -> None:
    name, values = rng.choice([
        (b"Content-Type", [b"", b"text/plain", b"\xff", b"a" * 999, b"x/json; charset=utf-16"]),
        (b"Content-Encoding", [b"gzip", b"br", b"deflate", b"\xff", b"identity", b""]),
        (b"Connection", CONNECTIONS), (b"Origin", [b"null", b"http://evil", b"\xff"]),
    ])  # fmt: skip
    draft.put(name, rng.choice(values))


# --- mutations of the body ---

VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 1e308, 10**30, "", "x", "\x00", "é😀", "\\", [], [[]], {}, {"a": {}},
    [None], ["a"] * 300, "a" * 20_000, {"type": "json_object"}, {"role": "user"},
    [{"role": "x", "content": [{}]}], [{"role": "user", "content": [{"type": "image_url"}]}],
    [{"role": "tool", "content": "x"}], {"include_usage": True}, [1, 2, 3], [[1, 2]],
]  # fmt: skip
SCHEMAS: list[Any] = [
    {"$ref": "#"}, {"$ref": "http://x/y"}, {"type": "no such"}, True, False, [],
    {"pattern": "(a+)+$", "type": "string"}, {"type": "array", "minItems": 10**9},
    {"allOf": [{}]}, {"type": "string", "minLength": 10**9}, {"not": {}}, {"enum": []},
    {"pattern": "["}, {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    {"type": "integer", "minimum": 1e308}, {"const": {"a": [1e400]}},
]  # fmt: skip
FIELDS_OF_BODIES = sorted(
    DESCRIPTION.schema("chat/completion.request.json")["properties"].keys()
    | DESCRIPTION.schema("completions/completion.request.json")["properties"].keys()
)


@cache
def odd_bodies() -> list[bytes]:
    """Bodies that are not a JSON object of the API, or a difficult one."""
    valid = encoded(chat_body(max_tokens=5))
    open_end = valid[:-1]
    return [
        b"", b" ", b"\x00", b"\x00" * 5000, b"null", b"[]", b'"x"', b"1", b"{}", b"{", b"}",
        b"nul", b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"[" * 300 + b"]" * 300,
        open_end + b',"metadata":' + b"[" * 900 + b"]" * 900 + b"}", b"{" * 5000, b'{"a":1}' * 3,
        valid + b"x", valid * 2, b"\xef\xbb\xbf" + valid, valid.decode().encode("utf-16"),
        valid.decode().encode("utf-32-le"), gzip.compress(valid, mtime=0),
        gzip.compress(b"0" * 10**7, mtime=0),
        b"NaN", open_end + b',"top_p":NaN}', open_end + b',"n":Infinity}',
        open_end + b',"seed":' + b"9" * 400 + b"}", open_end + b',"seed":1e99999}',
        open_end + b',"seed":-0.0}', open_end + b',"n":1,"n":2,"n":"x"}', open_end + b",}",
        open_end + b',"max_tokens":' + b"7" * 5000 + b"}", open_end + b',"user":"\\ud800"}',
        open_end + b',"\\ud800":1}', open_end + b',"user":"\xff"}', open_end + b',"user":"\x00"}',
        open_end + b',"user":"\\u0000"}', b'{"model":"\\udfff\\ud800"}', b"'model'",
        b"/*x*/" + valid, valid.replace(b"Hi", b"\xed\xa0\x80"), valid.replace(b'"', b"'"),
        b"model=x&messages=y",
        b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ny\r\n--x--\r\n',
    ]  # fmt: skip


@cache
def heavy_bodies() -> list[bytes]:
    """Bodies of two megabytes."""
    return [
        b"7" * 2_000_000,
        encoded(chat_body("word " * 400_000, max_tokens=5)),
        b'{"a":1,' * 300_000,
        encoded(chat_body() | {f"x{at}": at for at in range(100_000)}),
    ]


def odd_body(rng: random.Random, draft: Draft) -> None:
    draft.body = rng.choice(odd_bodies())


def heavy_body(rng: random.Random, draft: Draft) -> None:
    odd = rng.random() < 0.8
    draft.body = rng.choice(odd_bodies() if odd else heavy_bodies())


def cut_body(rng: random.Random, draft: Draft) -> None:
    draft.body = draft.body[: rng.randrange(len(draft.body) + 1)]


def bitten_body(rng: random.Random, draft: Draft) -> None:
    body = bytearray(draft.body[:100_000])
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(body) + 1)
        body[at : at + rng.randint(0, 3)] = rng.choice(
            [junk(rng, 4), b'"', b"{", b",", b"\\u", b"0"]
        )
    draft.body = bytes(body)


def odd_value(rng: random.Random, draft: Draft) -> None:
    """A field of the API with a value that may or may not be valid."""
    body = chat_body(max_tokens=5) if b"chat" in draft.target else text_body()
    for name in rng.choices(FIELDS_OF_BODIES, k=rng.randint(1, 3)):
        body[name] = rng.choice(VALUES)
    draft.body = encoded(body)


def odd_schema(rng: random.Random, draft: Draft) -> None:
    schema = rng.choice(SCHEMAS)
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    tool = {"type": "function", "function": {"name": "x", "parameters": schema}}
    asked: list[dict[str, Any]] = [{"response_format": wanted}]
    asked.append({"tools": [tool], "tool_choice": "required"})
    draft.body = encoded(chat_body(max_tokens=50, **rng.choice(asked)))


def odd_model(rng: random.Random, draft: Draft) -> None:
    names = [f"mock/{rng.choice(REASONS).decode()}", "mock/NOPE", "mock/", "{0}%s", "\x00", "é😀"]
    names += ["a" * 9000, KEY.decode(), "../x", MODEL.upper(), f" {MODEL}", "", "\r\nX: y"]
    draft.body = encoded(chat_body(f"my key is {KEY.decode()}") | {"model": rng.choice(names)})


# --- mutations of all the bytes, and what the client does ---

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
NOISE = [
    b"", b"\r\n", b"\r\n" * 500, b"\n", b"\x00", b" ", PREFACE,
    b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET", b"GET /", b"HTTP/1.1 200 OK\r\n\r\n",
    b"\x05\x01\x00", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", b"EHLO x\r\n", b"{}", b"\xff" * 3000,
    b"a" * 100_000, b"\x00\x00\x00\x00",
]  # fmt: skip


def bitten(rng: random.Random, sent: bytes) -> bytes:
    """Changes some bytes, most of them near the start."""
    data = bytearray(sent[:200_000])
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(min(len(data), rng.choice([60, 400, 10**6])) + 1)
        data[at : at + rng.randint(0, 2)] = rng.choice([junk(rng, 3), b"\r\n", b"\n", b":", b" "])
    return bytes(data)


def cut_short(rng: random.Random, sent: bytes) -> bytes:
    return sent[: rng.randrange(len(sent) + 1)]


def noise_before(rng: random.Random, sent: bytes) -> bytes:
    return rng.choice([*NOISE, junk(rng)]) + sent


def noise_after(rng: random.Random, sent: bytes) -> bytes:
    return sent + rng.choice([*NOISE, junk(rng)])


def repeated_part(rng: random.Random, sent: bytes) -> bytes:
    start, end = sorted(rng.randrange(min(len(sent), 3000) + 1) for _ in range(2))
    return sent[:end] + sent[start:end] * rng.randint(1, 30) + sent[end:]


def only_noise(rng: random.Random, sent: bytes) -> bytes:
    return rng.choice([*NOISE, rng.randbytes(500), sent[-100:]])


MUTATIONS: list[Mutation] = [
    wild_method, connect, wild_target, wild_target, odd_path, wild_version, broken_first_line,
    odd_field, odd_field, odd_host, odd_length, wrong_length, odd_coding, chunked, chunked,
    badly_chunked, expectation, upgrade, many_fields, huge_field, line_ends, odd_key, odd_key,
    wished_error, wished_fault, real_fault, odd_content, odd_body, odd_body, heavy_body, cut_body,
    bitten_body, odd_value, odd_value, odd_value, odd_schema, odd_model,
]  # fmt: skip
FRAMING: list[Mutation] = [odd_length, wrong_length, odd_coding, chunked, badly_chunked]
OF_BYTES: list[Callable[[random.Random, bytes], bytes]] = [
    bitten, bitten, bitten, cut_short, noise_before, noise_after, repeated_part, only_noise,
]  # fmt: skip
# After these, the server may not recognise the key, and cannot redact what it does not know. Then
# the key is only in its header.
MAY_HIDE_THE_KEY = [f.__name__ for f in (odd_key, odd_field, line_ends, *OF_BYTES)]
NAMED_KEY = re.compile(rb"(?m)(^Authorization: [^\n]*)|" + KEY)
# After this request the server closes, whatever it made of those before.
LAST = b"GET /__mock__/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def drawn(seed: str, number: int) -> Case:
    """The case of this number."""
    rng = random.Random(f"{seed}:{number}")
    if rng.random() < 0.08:
        return played(number, rng)
    drafts, names = [], []
    for _ in range(rng.choice([1] * 8 + [2, 4])):
        draft = template(rng)
        # One in thirty is valid, and must be answered with 200.
        chosen = rng.sample(MUTATIONS, rng.choice([1] * 15 + [2] * 9 + [3] * 5 + [0]))
        # A mutation that frames the body has to come last.
        for mutation in sorted(chosen, key=FRAMING.__contains__):
            mutation(rng, draft)
            names.append(mutation.__name__)
        drafts.append(draft)
    sent, waits = b"".join(draft.render() for draft in drafts), any(d.waits for d in drafts)
    if rng.random() < 0.2:
        change = rng.choice(OF_BYTES)
        names.append(change.__name__)
        sent, waits = change(rng, sent), True
    if any(name in names for name in MAY_HIDE_THE_KEY):
        sent = NAMED_KEY.sub(lambda found: found[1] or KEY[::-1], sent)
    breaks = any(draft.breaks for draft in drafts)
    endings = (
        ["half", "half", "reset", "close"] if waits or breaks else ["follow"] * 3 + ["pipeline"]
    )
    return Case(number, tuple(names), pieces(rng, sent), rng.choice(endings), breaks)


def played(number: int, rng: random.Random) -> Case:
    """A stream whose client leaves in the middle or never reads, or which ends early by itself."""
    text, ending = rng.choice([("crawl", "leave"), ("long", "never"), ("break", "half")])
    tokens = 50_000 if ending == "never" and rng.random() < 0.2 else 4000
    draft = Draft(b"POST", b"/v3/openai/chat/completions")
    draft.headers = [(b"Host", b"x"), (b"Authorization", b"Bearer " + KEY)]
    draft.body = encoded(chat_body(text, stream=True, max_tokens=tokens))
    if rng.random() < 0.5:
        chunked(rng, draft)
    sent = draft.render() * (rng.randint(1, 3) if ending == "never" else 1)
    return Case(number, (text,), pieces(rng, sent), ending, True)


def pieces(rng: random.Random, sent: bytes) -> tuple[bytes, ...]:
    """`sent` in one piece, or in a few."""
    if rng.random() < 0.7 or not sent:
        return (sent,)
    cuts = sorted(rng.randrange(min(len(sent), 2000)) for _ in range(rng.randint(1, 6)))
    return tuple(sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True))


# --- what the client does ---


@dataclass
class Clients:
    """Plays cases. Clients that never read stay connected until the batch is over."""

    port: int
    held: list[Wire] = field(default_factory=list)

    def play(self, case: Case) -> Wire:
        """The connection after the case: closed, unless its client never reads."""
        never = case.ending == "never"
        wire = Wire(self.port, SECONDS, LITTLE if never else None)
        if never:
            self.held.append(wire)
        try:
            for piece in case.pieces:
                (wire.send_unread if never else wire.send)(piece)
            self._end(case, wire)
        finally:
            if not never:
                wire.close(reset=case.ending == "reset" or case.number % 2 == 0)
        return wire

    def _end(self, case: Case, wire: Wire) -> None:
        match case.ending:
            case "follow":
                wire.read(lambda data: has_answer(data, case))
                wire.send(LAST)
                wire.read()
            case "pipeline":
                wire.send(LAST)
                wire.read()
            case "half":
                wire.say_no_more()
                wire.read()
            case "leave":
                wire.read(lambda data: b"data: " in data)

    def release(self) -> None:
        for number, wire in enumerate(self.held):
            wire.close(reset=number % 2 == 0)
        self.held.clear()


def has_answer(data: bytes, case: Case) -> bool:
    """Whether a whole response other than `100 Continue` has arrived."""
    try:
        found = responses(data, closed=False, head=case.has_head)
    except NotHttp:
        return True
    return any(response.whole and response.status >= 200 for response in found)


# --- what is wrong with an answer ---

PLAIN = {b"404 page not found", b"405 method not allowed", b"Invalid HTTP request received."}
PLAIN_CONTROL = {*PLAIN, b"Not Found", b"Method Not Allowed"}
LEAKS = (b"Traceback", b'File "')
# Some templates ask for an unknown model or admin route.
IN_ORDER = ([200], [404], [405], [307])
ERROR = {"code": int, "reason": str, "message": str}


def problems(case: Case, clients: Clients) -> Iterator[str]:
    """Plays a case and yields what went wrong."""
    try:
        wire = clients.play(case)
    except Hung as hung:
        yield str(hung)
        return
    for leak in (KEY, *LEAKS):
        if leak in wire.data:
            at = wire.data.find(leak)
            yield f"{leak!r} came back: {wire.data[max(0, at - 200) : at + 100]!r}"
    if not case.breaks:
        yield from flaws(wire, case)


def flaws(wire: Wire, case: Case) -> Iterator[str]:
    """What is wrong with the bytes received on a connection."""
    try:
        # A server that closes with unread bytes resets the connection, which loses bytes on their
        # way. So only an orderly close is the end of a body.
        ended = wire.closed and not wire.reset
        found = responses(wire.data, closed=ended, head=case.has_head)
    except NotHttp as error:
        yield f"no HTTP: {error}"
        return
    if case.patient and not wire.reset and not all(response.whole for response in found):
        yield f"the connection ended in the middle of a response: {wire.data[-300:]!r}"
    # A fault that refuses connections for a moment resets those that are just being made.
    if (
        not case.names
        and not wire.reset
        and [response.status for response in found][:1] not in IN_ORDER
    ):
        yield f"a request that is in order was answered with {wire.data[:300]!r}"
    for response in found:
        if response.whole and response.status != 100:
            yield from misfits(response, case)


def misfits(response: Response, case: Case) -> Iterator[str]:
    """What is wrong with one whole response."""
    status, body = response.status, response.body
    kind = response.headers.get(b"content-type", b"").partition(b";")[0]
    said = f"status {status}, {kind!r}, {body[:300]!r}"
    asked = any(reason in case.sent and reason in body for reason in FAILURES)
    if status >= 500 and not asked:
        yield f"a failure that was not asked for: {said}"
    if case.has_head and not body:
        return
    if kind == b"application/json":
        yield from (f"{problem}: {said}" for problem in json_misfits(response, case))
    elif kind == b"text/event-stream":
        if status != 200 or not body.endswith(b"data: [DONE]\n\n"):
            yield f"a stream without its end: status {status}, {body[-200:]!r}"
    elif case.has_control:
        if status >= 400 and body not in PLAIN_CONTROL:
            yield f"an odd answer: {said}"
    elif body not in PLAIN:
        yield f"an odd answer: {said}"


def json_misfits(response: Response, case: Case) -> Iterator[str]:
    try:
        body = json.loads(response.body)
    except ValueError as error:
        yield f"bad JSON ({error})"
        return
    if response.status < 400 or case.has_control:
        return
    shaped = isinstance(body, dict) and all(
        isinstance(body.get(name), kind) for name, kind in ERROR.items()
    )
    if not shaped or body["code"] != response.status:
        yield "an error of another shape"


# --- the server ---

LOG_LINE = re.compile(r"\d\d:\d\d:\d\d .* \d{1,3} (\d+ tok|-) \d+\.\d ms")


@contextmanager
def started(name: str, folder: Path) -> Iterator[Server]:
    """A server of `SERVERS` on a free port."""
    scenario, log = folder / "scenario.json", folder / "stderr.txt"
    scenario.write_text(json.dumps(SCENARIO), encoding="utf-8")
    command = [*SERVERS[name], "--port", "0", "--scenario", str(scenario)]
    with process_of(command, log) as process:
        banner = []
        for line in stdout_of(process):
            banner.append(line.rstrip("\n"))
            if banner[-1] == LAST_OF_BANNER:
                break
        found = re.search(r"Serving http://127\.0\.0\.1:(\d+)/", "\n".join(banner))
        assert found is not None, log.read_text(encoding="utf-8")
        yield Server(process, int(found[1]), banner, log)


def said(server: Server) -> str:
    """The answer to an ordinary request, without the members that always differ."""
    for left in range(100, -1, -1):
        try:
            status, text = server.ask("POST", "/v3/openai/chat/completions", encoded(chat_body()))
            break
        except ConnectionError:
            # A requested fault may refuse connections for a moment.
            if not left:
                raise
            time.sleep(0.05)
    return f"{status} " + re.sub(r'"(id|created)":("[^"]*"|\d+)', r'"\1":...', text)


def open_files(server: Server) -> int | None:
    folder = Path(f"/proc/{server.process.pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else None


def memory(server: Server) -> int | None:
    """The resident memory of the server in bytes, if the system reports it."""
    file = Path(f"/proc/{server.process.pid}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", file.read_text()) if file.exists() else None
    return None if found is None else int(found[1]) * 1024


def wait_for_open_files(server: Server, most: int) -> None:
    """Waits until the server has closed the files of its clients."""
    for _ in range(int(SECONDS * 10)):
        if (open_files(server) or 0) <= most:
            return
        time.sleep(0.1)
    pytest.fail(f"{open_files(server)} open files; {most} would do")


def numbers() -> list[int]:
    """The cases to run: all of them unless the environment names some."""
    wanted = os.environ.get("NOVITA_FUZZ_CASES")
    if not wanted:
        return list(range(CASES))
    ranges = (part.partition("-") for part in wanted.split(","))
    return [number for low, _, high in ranges for number in range(int(low), int(high or low) + 1)]


def run_batch(server: Server, batch: Sequence[int], usual: str) -> list[str]:
    """The problems of some cases, played side by side."""
    clients, wrong = Clients(server.port), []

    def run(number: int) -> Iterator[str]:
        case = drawn(SEED, number)
        yield from (f"{case}: {problem}" for problem in problems(case, clients))

    with ThreadPoolExecutor(CLIENTS) as pool:
        wrong = [text for found in pool.map(lambda number: [*run(number)], batch) for text in found]
    if server.process.poll() is not None:
        wrong.append(f"the server ended with {server.process.returncode}")
    elif (now := said(server)) != usual:
        wrong.append(f"after the cases {batch[0]}-{batch[-1]} a usual request got {now}")
    clients.release()
    return wrong


@pytest.mark.parametrize("name", SERVERS)
def test_broken_requests_are_answered_or_closed_and_leave_nothing_behind(
    name: str, tmp_path: Path
) -> None:
    cases = numbers()[EACH[name]]
    with started(name, tmp_path) as server:
        usual = said(server)
        files, bytes_ = open_files(server), memory(server)
        for at in range(0, len(cases), BATCH):
            wrong = run_batch(server, cases[at : at + BATCH], usual)
            assert not wrong, f"seed {SEED}, {name}:\n" + "\n".join(wrong[:MOST_SHOWN])
        if files is not None:
            wait_for_open_files(server, files + 2)
        if bytes_ is not None:
            assert (memory(server) or 0) - bytes_ < MOST_GROWTH
        assert server.end() == 0

    odd = [line for line in server.stderr.splitlines() if not LOG_LINE.fullmatch(line)]
    assert not odd, "\n".join(odd[:40])
    assert KEY.decode() not in server.stderr
