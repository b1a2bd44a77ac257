"""A live run of the contract suite as users start it, against a server on a loopback address."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from contract_tests.cases.catalogue import api_of
from contract_tests.judging import checks, verdicts
from contract_tests.judging.probe import Api
from contract_tests.judging.verdicts import Skipped
from contract_tests.run.budget import Careful, Ledger
from contract_tests.run.exchange_store import Store
from contract_tests.run.redact import Redactor
from contract_tests.wire.exchange import Asked, Came, Exchange
from contract_tests.wire.target import OverHttp
from novita_mock._mock import Mock
from novita_mock.starlette import Endpoint
from tests.contract_target import Faulty, load
from tests.faulty_provider import Provider

ROOT = Path(__file__).parents[1]
KEY = "sk-live-0123456789-secret"
PREFIX = "http://127.0.0.1:"


class Server:
    """An ASGI application on a loopback port that counts its requests."""

    def __init__(self, app: Any) -> None:
        self.app, self.asked = app, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{PREFIX}{self._listener.getsockname()[1]}/v3/openai"
        settings: Any = {"log_level": "critical", "lifespan": "off", "interface": "asgi3"}
        config = uvicorn.Config(self._counted, **settings)
        self._server = uvicorn.Server(config)
        where = {"sockets": [self._listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=where, daemon=True)
        self._thread.start()

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += not scope["path"].startswith("/__mock__")
        await self.app(scope, receive, send)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Any]:
    running: list[Server] = []

    def start(app: Any) -> Server:
        running.append(Server(app))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def live(*options: str, key: str | None = KEY) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NOVITA_", "PYTEST_"))}
    if key is not None:
        environment["NOVITA_API_KEY"] = key
    command = [sys.executable, "-m", "pytest", "--novita-live", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def test_a_default_run_on_a_conforming_provider_is_green_small_and_keeps_the_key(
    serve: Any, tmp_path: Path
) -> None:
    server, file = serve(Provider(keys=frozenset([KEY]))), tmp_path / "report.json"
    done = live(f"--novita-base-url={server.url}", f"--novita-report={file}")
    assert done.returncode == 0, done.stdout
    assert server.asked < 150
    report = json.loads(file.read_text())
    assert 0 < report["usd"] < 0.05
    assert report["requests"] == server.asked
    assert not Redactor(KEY).occurs(done.stdout + done.stderr + file.read_text())
    assert "tests/test_serve" not in done.stdout
    assert "at most" in done.stdout


def test_a_broken_must_check_ends_a_run_in_failure_and_shows_how_to_repeat_it(serve: Any) -> None:
    server = serve(Provider("usage-total-wrong" if _has("usage-total-wrong") else "json-nan"))
    done = live(f"--novita-base-url={server.url}")
    assert done.returncode == 1
    assert "curl -sS" in done.stdout
    assert "httpx.request" in done.stdout
    assert "documented:" in done.stdout
    assert KEY not in done.stdout


def _has(fault: str) -> bool:
    from tests.faulty_provider import FAULTS

    return fault in FAULTS


def test_drift_does_not_end_a_run_in_failure_unless_it_is_strict(serve: Any) -> None:
    server = serve(Provider(None, frozenset(["usage-on-finish-chunk"])))
    url = f"--novita-base-url={server.url}"
    chosen = ["-k", "usage_has_a_chunk"]
    done = live(url, *chosen)
    assert done.returncode == 0
    assert "1 xfailed" in done.stdout
    assert "known drift" in done.stdout
    assert live(url, "--novita-strict", *chosen).returncode == 1


def test_a_run_without_a_key_is_one_line_and_exit_4() -> None:
    done = live(key=None)
    assert done.returncode == 4
    assert "NOVITA_API_KEY" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_cap_on_requests_holds_across_workers(serve: Any, tmp_path: Path) -> None:
    server, file = serve(Provider()), tmp_path / "report.json"
    url = f"--novita-base-url={server.url}"
    done = live(url, "--novita-max-requests=30", f"--novita-report={file}", "-n2")
    assert done.returncode == 0, done.stdout
    assert server.asked <= 30
    assert "cap of 30 requests" in done.stdout
    assert json.loads(file.read_text())["requests"] == 30


class Busy:
    """An application that turns some requests away the first time."""

    def __init__(self, app: Any, *numbers: int) -> None:
        self.app, self.numbers, self.asked = app, numbers, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += not scope["path"].startswith("/__mock__")
        if self.asked not in self.numbers:
            await self.app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def test_retries_cost_a_default_run_no_check_and_keep_its_cap(serve: Any, tmp_path: Path) -> None:
    server, file = serve(Busy(Provider(), 20, 90)), tmp_path / "report.json"
    done = live(f"--novita-base-url={server.url}", f"--novita-report={file}")
    assert done.returncode == 0, done.stdout
    assert server.asked < 150
    reasons = [row["reason"] for row in json.loads(file.read_text())["checks"]]
    assert not [reason for reason in reasons if "budget" in reason or "transient" in reason]


class Wordy:
    """A provider whose every answer fails a check; it answers `most` requests."""

    base, key, is_mock, accepts_any_key = "/v3/openai", KEY, False, False

    def __init__(self, most: int) -> None:
        self.left, self.provider = most, Faulty(Provider("usage-total-off-by-one"))

    def send(self, asked: Asked) -> Came:
        self.left -= 1
        if self.left < 0:
            raise Skipped("budget: the cap is reached")
        return self.provider.send(asked)


def test_a_failed_check_stays_failed_when_the_budget_ends() -> None:
    load()
    check = checks.CHECKS["test_a_drawn_request_is_answered_as_every_other"]
    api = api_of(Wordy(4), examples=1)
    assert checks.run(check, api, "chat.completions").verdict == verdicts.FAILED


@pytest.mark.parametrize("edition", ["v3", "2026", "live"])
def test_the_mock_passes_over_loopback(edition: str, serve: Any) -> None:
    server = serve(Endpoint(Mock(edition=edition, clock=time.time)))
    done = live(f"--novita-base-url={server.url}", f"--novita-edition={edition}")
    assert done.returncode == 0, done.stdout
    assert server.asked < 150


class Moody:
    """A target that refuses a few times before it answers."""

    base, key, is_mock, accepts_any_key = "/v3/openai", KEY, False, False

    def __init__(self, *statuses: int) -> None:
        self.left = list(statuses)

    def send(self, asked: Asked) -> Came:
        status = self.left.pop(0) if self.left else 200
        body = b'{"reason":"NOT_ENOUGH_BALANCE"}' if status == 403 else b""
        return Came(status, (), body)


def careful(tmp_path: Path, target: Moody, **caps: Any) -> Api:
    line = Careful(Ledger(tmp_path / "budget.json", **caps), pause=0.001)
    line.api = api_of(target, line=line)
    return line.api


ASKED = Asked("chat.completions", "POST", "/chat/completions", b'{"model": "a", "max_tokens": 1}')


def test_a_rate_limit_is_waited_for(tmp_path: Path) -> None:
    exchange = careful(tmp_path, Moody(429, 429)).send("a", ASKED)
    assert (exchange.came.status, exchange.retried) == (200, 2)


@pytest.mark.parametrize("status", [429, 503])
def test_a_transient_failure_is_no_failed_check(status: int, tmp_path: Path) -> None:
    with pytest.raises(Skipped, match="transient"):
        careful(tmp_path, Moody(*[status] * 9)).send("a", ASKED)


def test_a_crash_that_comes_again_is_shown(tmp_path: Path) -> None:
    assert careful(tmp_path, Moody(500, 500)).send("a", ASKED).came.status == 500


def test_an_empty_account_ends_the_run(tmp_path: Path) -> None:
    api = careful(tmp_path, Moody(403))
    for _ in range(2):
        with pytest.raises(Skipped, match="balance"):
            api.send("a", ASKED)


def test_a_cap_on_cost_is_never_passed(tmp_path: Path) -> None:
    api = careful(tmp_path, Moody(), max_usd=1e-9)
    with pytest.raises(Skipped, match="USD"):
        api.send("a", ASKED)


def test_a_request_is_sent_once_however_long_its_answer_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers want one exchange. The time that the second waits is fake: hours."""
    hours, begun, answered = itertools.count(step=3600), threading.Event(), threading.Event()
    polls, sent, pause = itertools.count(1), list[str](), time.sleep

    def fetch() -> Exchange:
        sent.append(threading.current_thread().name)
        if len(sent) > 1:
            answered.set()
        begun.set()
        answered.wait(10)
        return Exchange("a", ASKED, Came(200, (), b"{}"))

    def wait(_seconds: float) -> None:
        if next(polls) == 3:  # enough for one that loses its patience to send the request itself
            answered.set()
        pause(0.001)

    def work() -> None:
        found.append(Store(tmp_path)("chat:plain", fetch))

    found: list[Exchange] = []
    workers = [threading.Thread(target=work, name=name) for name in ("first", "second")]
    workers[0].start()
    assert begun.wait(10)
    for clock in ("monotonic", "perf_counter", "time"):
        monkeypatch.setattr(time, clock, lambda: float(next(hours)))
    monkeypatch.setattr(time, "sleep", wait)
    workers[1].start()
    for worker in workers:
        worker.join()
    assert sent == ["first"]
    assert found[0] == found[1]


HOLDING = """
import sys, time
from pathlib import Path
from contract_tests.run.exchange_store import Store
def fetch():
    print("fetching", flush=True)
    time.sleep(600)
Store(Path(sys.argv[1]))("a", fetch)
"""


def test_a_worker_that_dies_while_it_waits_for_an_answer_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "fetching\n"
        worker.kill()
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waits for a worker that is dead"))
    answer = Exchange("a", ASKED, Came(200, (), b"{}"))
    assert Store(tmp_path)("a", lambda: answer) == answer


def test_workers_that_reserve_at_once_never_pass_the_cap(tmp_path: Path) -> None:
    ledger, refused = Ledger(tmp_path / "budget.json", max_requests=60), list[str]()

    def work() -> None:
        for _ in range(20):
            try:
                ledger.reserve(0.0001)
            except Skipped as why:
                refused.append(str(why))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (ledger.state()["requests"], len(refused)) == (60, 20)


def test_requests_are_paced(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "budget.json", rpm=60)
    waits = [ledger.reserve(0.0) for _ in range(3)]
    assert waits[0] == 0
    assert 1.5 < waits[2] <= 2


def test_a_server_that_is_not_there_is_no_crash() -> None:
    came = OverHttp(f"{PREFIX}1/v3/openai", KEY).send(ASKED)
    assert (came.status, came.problem.partition(":")[0]) == (0, "no connection")
