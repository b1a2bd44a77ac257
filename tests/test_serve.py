"""The command line as a user meets it: real processes, real sockets, signals, odd requests."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, IncompleteRead
from itertools import takewhile
from pathlib import Path
from typing import IO, Any

import pytest
import uvicorn
from openapi_spec_validator import validate
from starlette.types import Receive, Scope, Send

from novita_mock._mock import Mock
from novita_mock._server.run import listen
from novita_mock.starlette import Endpoint

NOVITA = str(Path(sysconfig.get_path("scripts")) / "novita-mock")
BASES = ("/v3/openai", "/openai/v1", "/openai", "/v3/openai/v1")
CHAT_PATH = "/v3/openai/chat/completions"
MODEL = "meta-llama/llama-3.1-8b-instruct"
EDITIONS = ("v3", "2026", "live")
LAST_OF_BANNER = "Ctrl+C stops it."
SECRET = "sk-0123456789abcdef"
BODY_LIMIT = 16 * 1024 * 1024
# No test needs this long; a hanging server must not hang the suite.
SECONDS = 30

each_edition = pytest.mark.parametrize("edition", EDITIONS)
each_signal = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])

# A server with a slow stream. Its socket listens before the port is printed.
PACED = """
import sys
from novita_mock._server import run as server
from novita_mock._mock import Mock
listener = server.listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
gap, server.GRACE_SECONDS = map(float, sys.argv[1:])
server.serve(Mock(gap=gap), listener, quiet=True)
"""

# A signal after the banner is made and before anything is served.
EARLY = """
import os, signal
from novita_mock._server import run as server
from novita_mock._mock import Mock
def banner(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)
    return "signalled"
server.banner = banner
server.serve(Mock(), server.listen("127.0.0.1", 0), quiet=False)
"""


def ids(table: Mapping[str, object]) -> list[str]:
    """The ids of a table's rows, in a form for the command line."""
    return [name.replace(" ", "-") for name in table]


def chat(**more: object) -> bytes:
    messages = [{"role": "user", "content": "Hi there!"}]
    return json.dumps({"model": MODEL, "messages": messages, "max_tokens": 5, **more}).encode()


@dataclass
class Server:
    """A running server: its process, port, banner lines and stderr file."""

    process: subprocess.Popen[str]
    port: int
    banner: list[str]
    log: Path

    def ask(
        self, method: str, path: str, body: bytes | None = None, key: str | None = "any-key"
    ) -> tuple[int, str]:
        """Sends a request; returns status and text of the answer."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)) as connection:
            connection.request(method, path, body, headers)
            with connection.getresponse() as response:
                return response.status, response.read().decode()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    @property
    def stderr(self) -> str:
        return self.log.read_text(encoding="utf-8")


@contextmanager
def process_of(command: list[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def stdout_of(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Server]:
    """`novita-mock serve` on a free port."""
    log = folder / "stderr.txt"
    with process_of([NOVITA, "serve", "--port", "0", *options], log) as process:
        lines = (line.rstrip("\n") for line in stdout_of(process))
        banner = [*takewhile(lambda line: line != LAST_OF_BANNER, lines)]
        url = next((line.split()[1] for line in banner if line.startswith("Serving ")), "")
        assert url, log.read_text(encoding="utf-8")
        yield Server(process, int(url.split(":")[-1].split("/")[0]), banner, log)


@contextmanager
def paced(folder: Path, gap: float, grace: float) -> Iterator[Server]:
    """A server with `gap` seconds between tokens, and `grace` seconds for streams at its end."""
    log = folder / "stderr.txt"
    command = [sys.executable, "-c", PACED, str(gap), str(grace)]
    with process_of(command, log) as process:
        yield Server(process, int(stdout_of(process).readline()), [], log)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server")) as running:
        yield running


def novita(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NOVITA, *arguments], capture_output=True, text=True, timeout=SECONDS, encoding="utf-8"
    )


# --- start and end ---


def test_the_banner_has_the_base_url_and_two_export_lines(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/v3/openai"

    assert f"Serving {url}" in server.banner
    exports = [line.strip() for line in server.banner if "export" in line]
    assert exports == [f"export OPENAI_BASE_URL={url}", "export OPENAI_API_KEY=any-key"]


@pytest.mark.parametrize("base", BASES)
def test_every_base_path_is_answered(server: Server, base: str) -> None:
    assert server.ask("POST", f"{base}/chat/completions", chat())[0] == 200
    assert server.ask("GET", f"{base}/models/{MODEL}")[0] == 200
    assert server.ask("GET", f"{base}/models/{MODEL.replace('/', '%2F')}")[0] == 200


@each_signal
def test_a_signal_ends_an_idle_server_with_exit_code_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    with served(tmp_path) as running:
        assert running.ask("GET", "/__mock__/health")[0] == 200
        assert running.end(number) == 0
        assert running.stderr == ""


def test_a_signal_before_the_first_request_ends_the_server_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EARLY], capture_output=True, text=True, timeout=SECONDS
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "signalled\n", "")


@each_signal
def test_a_running_stream_finishes_before_the_exit(tmp_path: Path, number: signal.Signals) -> None:
    with (
        paced(tmp_path, gap=0.02, grace=SECONDS) as running,
        closing(HTTPConnection("127.0.0.1", running.port, timeout=SECONDS)) as connection,
    ):
        body = chat(stream=True, max_tokens=30)
        connection.request("POST", CHAT_PATH, body, {"Authorization": "Bearer k"})
        with connection.getresponse() as response:
            first = response.readline()
            running.process.send_signal(number)
            rest = response.read()

        assert first.startswith(b"data: {")
        assert rest.endswith(b"data: [DONE]\n\n")
        assert running.process.wait(SECONDS) == 0
        assert running.stderr == ""


def test_a_stream_longer_than_the_grace_is_cut_at_the_exit(tmp_path: Path) -> None:
    with (
        paced(tmp_path, gap=0.2, grace=0.1) as running,
        closing(HTTPConnection("127.0.0.1", running.port, timeout=SECONDS)) as connection,
    ):
        body = chat(stream=True, max_tokens=1000)
        connection.request("POST", CHAT_PATH, body, {"Authorization": "Bearer k"})
        with connection.getresponse() as response:
            response.readline()
            running.process.send_signal(signal.SIGTERM)
            with pytest.raises(IncompleteRead):
                response.read()

        assert running.process.wait(SECONDS) == 0
        assert running.stderr == ""


def test_a_second_interrupt_ends_a_running_stream_at_once(tmp_path: Path) -> None:
    with (
        paced(tmp_path, gap=0.2, grace=SECONDS) as running,
        closing(HTTPConnection("127.0.0.1", running.port, timeout=SECONDS)) as connection,
    ):
        body = chat(stream=True, max_tokens=1000)
        connection.request("POST", CHAT_PATH, body, {"Authorization": "Bearer k"})
        with connection.getresponse() as response:
            response.readline()
            running.process.send_signal(signal.SIGINT)
            wait_until_refused(running.port)
            assert running.end(signal.SIGINT) == 0
            with pytest.raises(IncompleteRead):
                response.read()

        assert running.stderr == ""


def wait_until_refused(port: int) -> None:
    """Waits until `port` refuses connections: the server is about to end."""
    for _ in range(SECONDS * 100):
        try:
            socket.create_connection(("127.0.0.1", port), SECONDS).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    pytest.fail("the server still takes connections")


@pytest.mark.asyncio
async def test_a_client_that_goes_in_mid_stream_leaves_nothing_running() -> None:
    endpoint, sent = Endpoint(Mock(gap=0.01)), []

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: MutableMapping[str, Any]) -> None:
            sent.append(message)
            await send(message)

        await endpoint(scope, receive, counting)

    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(counted, log_level="critical", lifespan="off", ws="none")
    running = uvicorn.Server(config)
    serving = asyncio.create_task(running.serve(sockets=[listener]))
    idle = asyncio.all_tasks()
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        body = chat(stream=True, max_tokens=10_000)
        writer.write(request("POST", CHAT_PATH, {"Content-Length": str(len(body))}) + body)
        await reader.readuntil(b"data: {")
        assert asyncio.all_tasks() - idle
        writer.close()
        await writer.wait_closed()
        while asyncio.all_tasks() - idle:
            await asyncio.sleep(0.01)
        running.should_exit = True
        await serving

    assert 1 < len(sent) < 10_000


# --- what is refused at the start ---

WRONG_CALLS = {
    "an unknown command": (["bogus"], "bogus"),
    "an unknown flag": (["serve", "--bogus"], "--bogus"),
    "an unknown edition": (["serve", "--edition", "v9"], "v9"),
    "an edition of errors": (["errors", "--edition", "v9"], "v9"),
    "a port in words": (["serve", "--port", "http"], "http"),
    "a port too high": (["serve", "--port", "65536"], "65536"),
    "a negative port": (["serve", "--port", "-1"], "-1"),
    "a seed in words": (["serve", "--seed", "x"], "--seed"),
    "an argument too many": (["serve", "extra"], "extra"),
    "a flag without its value": (["serve", "--api-key"], "--api-key"),
    "a foreign address": (["serve", "--host", "203.0.113.1", "--port", "0"], "203.0.113.1"),
    "an address that is none": (["serve", "--host", "1.2.3.4.5", "--port", "0"], "1.2.3.4.5"),
    "an unknown tier": (["serve", "--tier", "T9"], "T9"),
    "a limit of none": (["serve", "--rpm", "0"], "rpm"),
    "a balance in words": (["serve", "--balance", "much"], "much"),
    "a pace below zero": (["serve", "--ttft", "-1"], "ttft"),
    "a rate and a gap": (["serve", "--gap", "1", "--tokens-per-second", "5"], "gap"),
    "no worker": (["serve", "--workers", "0"], "--workers"),
    "a scenario that is not there": (["serve", "--scenario", "no/such.yaml"], "no/such.yaml"),
}


@pytest.mark.parametrize(
    ("arguments", "word"),
    WRONG_CALLS.values(),
    ids=[name.replace(" ", "-") for name in WRONG_CALLS],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(arguments: list[str], word: str) -> None:
    done = novita(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"novita-mock: .*{re.escape(word)}.*\n", done.stderr)


def test_a_port_in_use_is_one_line_and_exit_code_2(server: Server) -> None:
    done = novita("serve", "--port", str(server.port))

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"novita-mock: .*127\.0\.0\.1:{server.port}: .+\n", done.stderr)


# --- options of serve ---


@pytest.mark.parametrize("more", [(), ("--quiet",)], ids=["loud", "quiet"])
@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_only_an_address_beyond_loopback_causes_a_warning(
    tmp_path: Path, host: str, more: tuple[str, ...]
) -> None:
    port = free_port()
    log = tmp_path / "stderr.txt"
    command = [NOVITA, "serve", "--host", host, "--port", str(port), *more]
    with process_of(command, log) as process:
        running = Server(process, port, [], log)
        wait_for(running)
        assert running.end() == 0

    warnings = [line for line in running.stderr.splitlines() if "WARNING" in line]
    assert len(warnings) == (host == "0.0.0.0")


def free_port() -> int:
    with closing(listen("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(running: Server) -> None:
    """Waits until the server answers: a quiet one prints no banner."""
    while running.process.poll() is None:
        try:
            running.ask("GET", "/__mock__/health")
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    pytest.fail(running.stderr)


def test_a_quiet_server_prints_nothing(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "stderr.txt"
    with process_of([NOVITA, "serve", "--quiet", "--port", str(port)], log) as process:
        running = Server(process, port, [], log)
        wait_for(running)
        assert running.ask("POST", CHAT_PATH, chat())[0] == 200
        assert running.end() == 0
        assert (stdout_of(process).read(), running.stderr) == ("", "")


def test_listed_keys_are_the_only_ones_accepted_and_are_never_printed(tmp_path: Path) -> None:
    with served(tmp_path, "--api-key", SECRET, "--api-key", f"{SECRET}-2") as running:
        keys = (SECRET, f"{SECRET}-2", "any-key", f"{SECRET}-", "")
        statuses = [running.ask("POST", CHAT_PATH, chat(), key)[0] for key in keys]
        assert running.end() == 0
        printed = [*running.banner, stdout_of(running.process).read(), running.stderr]

    assert statuses == [200, 200, 401, 401, 401]
    assert any("export OPENAI_API_KEY=<" in line for line in running.banner)
    assert SECRET not in "".join(printed)


@pytest.mark.parametrize(("options", "status"), [((), 404), (("--any-model",), 200)])
def test_any_model_answers_for_unknown_models(
    tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    with served(tmp_path, *options) as running:
        assert running.ask("POST", CHAT_PATH, chat(model="nobody/nothing"))[0] == status
        assert running.ask("GET", "/openai/models/nobody/nothing")[0] == status


def test_the_seed_chooses_the_text(tmp_path: Path) -> None:
    answers = []
    for seed in ("1", "1", "2"):
        with served(tmp_path, "--seed", seed) as running:
            answer = json.loads(running.ask("POST", CHAT_PATH, chat(max_tokens=40))[1])
        answers.append((answer["id"], answer["choices"]))

    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


LOGGED = {
    "chat": ("POST", CHAT_PATH, chat(), rf"POST {CHAT_PATH} {MODEL} 200 5 tok"),
    "list": ("GET", "/openai/models?key=sk-1", None, "GET /openai/models - 200 -"),
    "no route": ("GET", "/nothing", None, "GET /nothing - 404 -"),
    "bad body": ("POST", CHAT_PATH, b"{", f"POST {CHAT_PATH} - 400 -"),
    "line breaks": ("GET", "/a%0Ab%1B%5B31m", None, r"GET /a\\nb\\x1b\[31m - 404 -"),
    "long path": ("GET", "/" + "a" * 9000, None, r"GET /a{199}\.\.\. - 404 -"),
    "odd model": ("POST", CHAT_PATH, chat(model="a\r\nb"), rf"POST {CHAT_PATH} a\\r\\nb 404 -"),
}


@pytest.mark.parametrize(("method", "path", "body", "line"), LOGGED.values(), ids=ids(LOGGED))
def test_a_request_is_one_line_of_the_log(
    tmp_path: Path, method: str, path: str, body: bytes | None, line: str
) -> None:
    with served(tmp_path) as running:
        running.ask(method, path, body, SECRET)
        assert running.end() == 0

    assert re.fullmatch(rf"\d\d:\d\d:\d\d {line} \d+\.\d ms\n", running.stderr)


# --- errors, models, openapi; the control routes ---


@each_edition
def test_errors_are_printed_as_a_table_and_as_json(edition: str) -> None:
    table, rows = novita("errors", "--edition", edition), novita("errors", "--json")

    assert (table.returncode, rows.returncode) == (0, 0)
    assert f"edition {edition}" in table.stdout
    found = {(row["status"], row["reason"]) for row in json.loads(rows.stdout)}
    assert {
        (401, "INVALID_API_KEY"),
        (403, "NOT_ENOUGH_BALANCE"),
        (404, "MODEL_NOT_FOUND"),
        (429, "RATE_LIMIT_EXCEEDED"),
        (500, "MODEL_NOT_AVAILABLE"),
    } <= found


def test_models_are_printed_as_a_table_and_as_json(server: Server) -> None:
    table, rows = novita("models"), novita("models", "--json")

    assert (table.returncode, rows.returncode) == (0, 0)
    assert json.loads(rows.stdout) == json.loads(server.ask("GET", "/openai/models")[1])["data"]
    assert all(row["id"] in table.stdout for row in json.loads(rows.stdout))


@each_edition
def test_openapi_is_a_valid_document(edition: str) -> None:
    document = json.loads(novita("openapi", "--edition", edition).stdout)

    validate(document)
    assert document["openapi"].startswith("3.1")
    assert {"/chat/completions", "/completions", "/models"} <= document["paths"].keys()


@each_edition
def test_the_admin_routes_describe_the_server(tmp_path: Path, edition: str) -> None:
    with served(tmp_path, "--edition", edition) as running:
        health = running.ask("GET", "/__mock__/health", key=None)
        document = running.ask("GET", "/__mock__/openapi.json", key=None)

    assert health[0] == document[0] == 200
    assert json.loads(health[1])["status"] == "ok"
    assert json.loads(health[1])["edition"] == edition
    assert json.loads(health[1])["any_key"]
    assert json.loads(document[1]) == json.loads(novita("openapi", "--edition", edition).stdout)


# --- on the wire ---


@pytest.mark.parametrize(("more", "status"), [(0, 400), (1, 413)], ids=["at", "over"])
def test_a_body_over_the_limit_is_refused(server: Server, more: int, status: int) -> None:
    found, text = server.ask("POST", CHAT_PATH, b" " * (BODY_LIMIT + more))

    assert found == status
    assert json.loads(text)["code"] == status


def request(
    method: str, target: str | bytes, headers: Mapping[str, str] | None = None, version: str = "1.1"
) -> bytes:
    """The head of a request, with a key."""
    where = target if isinstance(target, bytes) else target.encode("latin-1")
    lines = {"Host": "localhost", "Authorization": "Bearer any-key", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    start = method.encode() + b" " + where + b" HTTP/" + version.encode()
    return start + b"\r\n" + head.encode("latin-1") + b"\r\n"


def closing_request(
    method: str,
    target: str | bytes,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    version: str = "1.1",
) -> bytes:
    """A request that makes the server close the connection after its answer."""
    length = {"Content-Length": str(len(body))} if body else {}
    return (
        request(method, target, {"Connection": "close", **length, **(headers or {})}, version)
        + body
    )


def exchange(port: int, *pieces: bytes, gone: bool = False) -> bytes:
    """All bytes until the server closes; `gone`: the client closes its writing end."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if gone:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def statuses_of(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


BODY = chat()
STREAM = chat(stream=True)
MODELS = "/openai/models"
SEED_MODEL = f"{MODELS}/{MODEL}"
CHUNKED = {"Transfer-Encoding": "chunked"}
WEBSOCKET = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "eA=="}
TWO = request("GET", SEED_MODEL) + request("POST", CHAT_PATH, {"Content-Length": "0"})

# The pieces that are sent, and the statuses that come back.
ODDITIES: dict[str, tuple[list[bytes], list[int]]] = {
    "HTTP/1.0": ([closing_request("POST", CHAT_PATH, BODY, version="1.0")], [200]),
    "HTTP/1.0 with a stream": ([closing_request("POST", CHAT_PATH, STREAM, version="1.0")], [200]),
    "POST without a body": ([closing_request("POST", CHAT_PATH)], [400]),
    "POST with length 0": (
        [closing_request("POST", CHAT_PATH, b"", {"Content-Length": "0"})],
        [400],
    ),
    "GET with a body": ([closing_request("GET", MODELS, BODY)], [200]),
    "a chunked body": (
        [closing_request("POST", CHAT_PATH, b"", CHUNKED), chunked(BODY[:9], BODY[9:])],
        [200],
    ),
    "a chunked body without end": (
        [closing_request("POST", CHAT_PATH, b"", CHUNKED), b"5\r\n12345\r\nzz\r\n"],
        [400],
    ),
    "two lengths": ([closing_request("POST", CHAT_PATH, b"{}", CHUNKED)], [400]),
    "a negative length": (
        [closing_request("POST", CHAT_PATH, b"", {"Content-Length": "-5"})],
        [400],
    ),
    "an absolute target": ([closing_request("GET", f"http://x{SEED_MODEL}")], [200]),
    "a target of another host": ([closing_request("GET", f"https://y:1{SEED_MODEL}")], [200]),
    "a target of two slashes": ([closing_request("GET", f"/{MODELS}")], [404]),
    "a target of dots": ([closing_request("GET", "/openai/../openai/models")], [404]),
    "a target of a star": ([closing_request("OPTIONS", "*")], [404]),
    "no target": ([closing_request("GET", "")], [400]),
    "an odd query": ([closing_request("GET", f"{MODELS}?%ff=%00&&a=%")], [200]),
    "a path that is not UTF-8": ([closing_request("GET", f"{MODELS}/%ff%fe")], [404]),
    "a path of raw bytes": ([closing_request("GET", b"/openai/models/\xff\xfe")], [400]),
    "a path with control characters": ([closing_request("GET", f"{MODELS}/%00%0d%0a")], [404]),
    "a path with a broken escape": ([closing_request("GET", f"{MODELS}/%zz%")], [404]),
    "a long path": ([closing_request("GET", f"{MODELS}/{'a' * 50_000}")], [404]),
    "a path that is too long": ([closing_request("GET", f"/{'a' * 500_000}")], [400]),
    "a long header": ([closing_request("GET", MODELS, b"", {"X-Long": "a" * 50_000})], [200]),
    "HEAD": ([closing_request("HEAD", MODELS)], [405]),
    "CONNECT": ([closing_request("CONNECT", "x:1")], [400]),
    "an unknown method": ([closing_request("BREW", MODELS)], [400]),
    "a lower-case method": ([closing_request("get", MODELS)], [400]),
    "an upgrade to a websocket": ([closing_request("GET", MODELS, b"", WEBSOCKET)], [200]),
    "an upgrade to HTTP/2": ([closing_request("GET", MODELS, b"", {"Upgrade": "h2c"})], [200]),
    "HTTP/2 at once": ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [400]),
    "TLS": ([b"\x16\x03\x01\x02\x00\x01\x00"], [400]),
    "words": ([b"hello\r\n\r\n"], [400]),
    "a key of raw bytes": (
        [closing_request("GET", MODELS, b"", {"Authorization": "Bearer \xff"})],
        [401],
    ),
    "a broken error header": (
        [closing_request("GET", MODELS, b"", {"X-Novita-Mock-Error": "\xff{0}%s"})],
        [400],
    ),
    "a deep body": ([closing_request("POST", CHAT_PATH, b"[" * 100_000)], [400]),
    "a body that is not UTF-8": ([closing_request("POST", CHAT_PATH, b'{"model":"\xff"}')], [400]),
    "pipelined requests": ([TWO + TWO + closing_request("GET", "/x")], [200, 400, 200, 400, 404]),
    "pipelined streams": (
        [
            request("POST", CHAT_PATH, {"Content-Length": str(len(STREAM))}) + STREAM,
            closing_request("POST", CHAT_PATH, STREAM),
        ],
        [200, 200],
    ),
    "one byte at a time": (
        [bytes([byte]) for byte in closing_request("POST", CHAT_PATH, BODY)],
        [200],
    ),
}


@pytest.mark.parametrize(("pieces", "wanted"), ODDITIES.values(), ids=ids(ODDITIES))
def test_an_odd_request_is_answered_without_a_failure(
    server: Server, pieces: list[bytes], wanted: list[int]
) -> None:
    assert statuses_of(exchange(server.port, *pieces)) == wanted
    assert server.ask("GET", "/__mock__/health")[0] == 200
    assert "Traceback" not in server.stderr


def test_a_client_that_awaits_100_continue_gets_it(server: Server) -> None:
    headers = {"Expect": "100-continue", "Content-Length": str(len(BODY)), "Connection": "close"}
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as connection:
        connection.sendall(request("POST", CHAT_PATH, headers))
        first = connection.recv(65536)
        connection.sendall(BODY)
        rest = b"".join(iter(lambda: connection.recv(65536), b""))

    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert statuses_of(rest) == [200]


@pytest.mark.parametrize("sent", [0, 20], ids=["nothing", "a-part"])
def test_a_client_that_goes_before_its_body_is_sent_makes_no_call(
    tmp_path: Path, sent: int
) -> None:
    head = request("POST", CHAT_PATH, {"Content-Length": str(len(BODY))})
    with served(tmp_path) as running:
        assert exchange(running.port, head, BODY[:sent], gone=True) == b""
        assert running.end() == 0
        assert running.stderr == ""


# --- limits, faults, scenario and control ---


def statuses(running: Server, times: int) -> list[int]:
    return [running.ask("POST", CHAT_PATH, chat())[0] for _ in range(times)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--rpm", "1"), [200, 429]),
        (("--tpm", "20"), [200, 429]),
        (("--balance", "0"), [403, 403]),
        (("--balance", "1"), [200, 200]),
        (("--tier", "T1"), [200, 200]),
    ],
    ids=["rpm", "tpm", "no-balance", "balance", "tier"],
)
def test_limits_and_a_balance_can_be_set(
    tmp_path: Path, options: tuple[str, ...], expected: list[int]
) -> None:
    with served(tmp_path, *options) as running:
        assert statuses(running, 2) == expected


def test_a_pace_can_be_set(tmp_path: Path) -> None:
    pace = ("--ttft", "0.05", "--tokens-per-second", "200", "--jitter", "0.5")
    with served(tmp_path, *pace, "--spread", "lognormal") as running:
        assert statuses(running, 1) == [200]
        log = json.loads(running.ask("GET", "/__mock__/requests.har")[1])["log"]
    assert log["entries"][0]["timings"]["wait"] > 0


def test_a_changed_scenario_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("rules: [{say: before}]", encoding="utf-8")
    with served(tmp_path, "--scenario", str(file)) as running:
        assert "before" in running.ask("POST", CHAT_PATH, chat())[1]
        file.write_text("rules: [{say: after the change}]", encoding="utf-8")
        await_text(running, "after the change")
        file.write_text("rules: [{sya: wrong}]", encoding="utf-8")
        await_log(running, "stays as it was")
        assert "$.rules[0]" in running.stderr
        assert "after the change" in running.ask("POST", CHAT_PATH, chat())[1]
        file.unlink()
        await_log(running, "No such file")
        file.write_text("rules: [{say: back again}]", encoding="utf-8")
        await_text(running, "back again")
        assert running.ask("POST", "/__mock__/reset")[0] == 200
        assert "back again" in running.ask("POST", CHAT_PATH, chat())[1]


def await_text(running: Server, text: str) -> None:
    until(lambda: text in running.ask("POST", CHAT_PATH, chat())[1])


def await_log(running: Server, text: str) -> None:
    until(lambda: text in running.stderr)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_page_is_let_in_only_if_its_origin_was_named(tmp_path: Path) -> None:
    page = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    for options, allowed in ((), None), (("--cors", "https://app.example"), page["Origin"]):
        with (
            served(tmp_path, *options) as running,
            closing(HTTPConnection("127.0.0.1", running.port, timeout=SECONDS)) as connection,
        ):
            connection.request("OPTIONS", CHAT_PATH, headers=page)
            with connection.getresponse() as response:
                response.read()
                assert response.getheader("access-control-allow-origin") == allowed


def test_several_workers_serve_one_port_and_end_together(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2", "--rpm", "1000") as running:
        assert "2 workers: each has its own script" in running.banner[0]
        assert statuses(running, 20) == [200] * 20
        assert running.ask("GET", "/__mock__/scenario")[0] == 200
        assert running.end() == 0
    assert "Traceback" not in running.stderr


def test_the_faults_are_printed_as_a_table_and_as_json() -> None:
    rows = json.loads(novita("faults", "--json").stdout)
    printed = novita("faults").stdout
    assert len(rows) >= 24
    assert all(row["fault"] in printed for row in rows)
    assert {"fault", "on", "description", "guarantee"} == set(rows[0])
