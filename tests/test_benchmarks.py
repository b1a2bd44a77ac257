"""The benchmarks' own code. Nothing here asserts a time; the CI step `bench` runs the benchmarks to
their end."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import answering, load, requests, table
from benchmarks.soak_bounds import MIB, MOST_USED, Bound, Seen, bounds
from benchmarks.soak_crowd import Told
from benchmarks.soak_journal import Journal
from benchmarks.soak_plan import Ask, Got, Plan, fault_name, id_of, owed, suitable, wrong
from benchmarks.table import Goal, Row
from novita_mock._core.http import Disconnect

ROOT = Path(__file__).parent.parent
# Ends a run that hangs; an idle machine needs a tenth of it.
PATIENCE = 300


def run(module: str, *arguments: str) -> str:
    program = [sys.executable, "-m", module, *arguments]
    ran = subprocess.run(
        program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("goal", "median", "holds"),
    [
        (Goal(low=0.5), 0.5, True),
        (Goal(low=0.5), 0.49, False),
        (Goal(high=1.2), 1.2, True),
        (Goal(high=1.2), 1.21, False),
        (Goal(low=0.9, high=1.1), 1.0, True),
        (Goal(low=0.9, high=1.1), 1.2, False),
        (Goal(low=0.0), 0.0, True),
    ],
    ids=lambda value: str(value),
)
def test_a_goal_holds_up_to_its_bound(goal: Goal, median: float, holds: bool) -> None:
    assert goal.holds(median) is holds


@pytest.mark.parametrize(
    ("goal", "text"),
    [
        (Goal(low=0.5), ">= 0.5"),
        (Goal(high=16.0), "<= 16"),
        (Goal(low=0.9, high=1.1), ">= 0.9 and <= 1.1"),
    ],
)
def test_a_goal_says_its_bounds(goal: Goal, text: str) -> None:
    assert str(goal) == text


def test_one_slow_round_does_not_decide_about_a_row() -> None:
    row = Row("answers", "kit", "of bare", [0.6, 0.1, 0.7], Goal(low=0.5))
    assert (row.median, row.verdict) == (0.6, "reached")
    assert replace(row, values=[0.6, 0.1, 0.2]).verdict == "missed"


@pytest.mark.parametrize("row", [Row("a", "b", "c", [1.0]), Row("a", "b", "c", (), Goal(low=1.0))])
def test_a_row_without_a_goal_or_without_values_has_no_verdict(row: Row) -> None:
    assert row.verdict == ""


def test_shares_are_of_the_same_round() -> None:
    found = {"bare": [100.0, 200.0], "kit": [50.0, 50.0]}
    assert answering.shares(found, "bare") == {"bare": [1.0, 1.0], "kit": [0.5, 0.25]}


def test_the_summary_names_what_was_missed() -> None:
    rows = [
        Row("start", "kit", "of imports", [1.2], Goal(high=1.3)),
        Row("answers", "kit, 64", "of bare", [0.2], Goal(low=0.5)),
        Row("paced", "bare", "ms", [20.0]),
    ]
    assert command._summary(rows) == "goals: 1 reached, 1 missed: answers (kit, 64)"
    assert command._summary(rows[:1]) == "goals: 1 reached, 0 missed"


def test_the_columns_of_a_table_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        Row("p", "kit", "of bare", [0.5, 0.25, 0.75], Goal(low=0.5), "a note"),
        Row("p", "a longer name", "ms", [1234.5]),
        Row("p", "nothing", "", note="not measured"),
    ]
    table.show("p", "a title", rows)
    text = capsys.readouterr().out
    assert text == (
        "\np: a title\n"
        "                 median  unit     spread        goal             note\n"
        "  kit            0.5     of bare  0.25 .. 0.75  >= 0.5  reached  a note\n"
        "  a longer name  1234    ms       1234 .. 1234\n"
        "  nothing        -                                               not measured\n"
    )


def test_figures_are_saved_with_median_and_verdict(tmp_path: Path) -> None:
    rows = [Row("p", "kit", "ms", [3.0, 1.0, 2.0], Goal(high=2.0)), Row("p", "no", "", note="why")]
    table.save(tmp_path / "f.json", {"python": "3"}, rows)
    saved = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert saved["about"] == {"python": "3"}
    assert [(row["median"], row["verdict"]) for row in saved["rows"]] == [
        (2.0, "reached"),
        (None, ""),
    ]
    assert saved["rows"][0]["goal"] == {"low": None, "high": 2.0}


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length:2\r\n\r\nab", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n", False),
        (b"HTTP/1.1 200 OK\r\ntransfer", False),
        (b"", False),
    ],
    ids=repr,
)
def test_an_answer_is_read_to_its_end(answer: bytes, whole: bool) -> None:
    assert load._whole(answer) is whole


@contextmanager
def answering_with(*pieces: bytes) -> Iterator[int]:
    """A server that sends one answer, piece by piece, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                for piece in pieces:
                    connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_an_answer_may_come_in_pieces() -> None:
    with answering_with(b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 2\r\n\r\na", b"b") as port:
        assert load.check(port, "/", b"{}", 200).endswith(b"\r\n\r\nab")


def test_an_answer_of_another_status_is_a_failure() -> None:
    with (
        answering_with(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n") as port,
        pytest.raises(load.Failed, match=r"500 Oh.*, not 200"),
    ):
        load.check(port, "/", b"{}", 200)


def test_no_answer_is_a_failure() -> None:
    with answering_with() as port, pytest.raises(load.Failed, match="answered b''"):
        load.check(port, "/", b"{}", 200)


def test_an_unknown_place_is_refused_with_the_known_ones() -> None:
    result = CliRunner().invoke(command.main, ["--only", "elsewhere"])
    assert result.exit_code == 2
    assert "'elsewhere'" in result.output
    assert [place for place in command.PLACES if place not in result.output] == []


@pytest.mark.parametrize("problem", [load.Failed("no answer"), OSError("no answer")], ids=repr)
def test_a_place_that_fails_is_reported_in_its_row_and_by_the_exit_code(
    problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> list[Row]:
        raise problem

    monkeypatch.setattr(command, "cores", lambda: None)
    monkeypatch.setattr(command, "PLACES", {"answers": ("a title", failing)})
    result = CliRunner().invoke(command.main, ["--smoke"])
    assert result.exit_code == 1
    assert re.search(r"\n  failed +- +no answer\n", result.output)


def test_a_goal_that_is_missed_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = Row("answers", "kit", "of bare", [0.1], Goal(low=0.5))
    monkeypatch.setattr(command, "cores", lambda: None)
    monkeypatch.setattr(command, "PLACES", {"answers": ("a title", lambda *_: [missed])})
    result = CliRunner().invoke(command.main, ["--smoke"])
    assert (result.exit_code, "1 missed: answers (kit)" in result.output) == (0, True)


STREAM = requests.request("Tell me a story.", stream=True, max_tokens=8)


def answer(fault: str | None = None) -> Got:
    """The expected answer, with an id of its own."""
    reply = owed(STREAM, fault)
    head = b"HTTP/1.1 %d OK\r\n" % reply.status + b"".join(b"%b: %b\r\n" % h for h in reply.headers)
    end = "closed" if isinstance(reply.chunks[-1], Disconnect) else "whole"
    id = id_of(Got(head, reply.body, end)) or b"none"
    return Got(head, reply.body.replace(id, b"chatcmpl-" + b"f" * 32), end)


@pytest.mark.parametrize("fault", [None, "cut_after(chunks=3)", "comments", "redirect", "crlf"])
def test_an_answer_that_differs_in_its_id_is_as_expected(fault: str | None) -> None:
    assert wrong(Ask(1, STREAM, fault), answer(fault)) is None


def chunks(got: Got) -> list[bytes]:
    return [chunk + b"\n\n" for chunk in got.body.split(b"\n\n")[:-1]]


GOOD = answer()
FIRST, SECOND, *OTHERS = chunks(GOOD)


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (replace(GOOD, body=b"".join([FIRST, *OTHERS])), "chunks of"),
        (replace(GOOD, body=b"".join([SECOND, FIRST, *OTHERS])), "bytes of"),
        (replace(GOOD, body=b"".join([FIRST, SECOND, *OTHERS[:-1]])), "chunks of"),
        (replace(GOOD, body=GOOD.body + OTHERS[-1]), "chunks of"),
        (replace(GOOD, end="closed"), "ended closed, not whole"),
        (replace(GOOD, head=GOOD.head.replace(b" 200 ", b" 500 ")), "not status 200"),
        (replace(GOOD, head=b"HTTP/1.1 200 OK\r\n"), "headers"),
        (Got(b"", b"", "reset"), "not status 200; reset"),
    ],
    ids=["missing", "order", "no DONE", "twice", "cut", "status", "headers", "nothing"],
)
def test_an_unexpected_answer_is_reported(got: Got, said: str) -> None:
    assert said in (wrong(Ask(7, STREAM), got) or "")


@pytest.mark.parametrize(
    ("fault", "end"), [("reset", "reset"), ("disconnect", "closed")], ids=["reset", "disconnect"]
)
def test_a_lost_connection_has_to_be_lost_as_asked(fault: str, end: str) -> None:
    assert wrong(Ask(1, STREAM, fault), Got(b"", b"", end)) is None
    for other in {"reset", "closed", "whole"} - {end}:
        assert wrong(Ask(1, STREAM, fault), Got(b"", b"", other))
    assert wrong(Ask(1, STREAM, fault), GOOD)


def test_a_plan_is_the_same_for_the_same_seed_and_asks_for_every_fault() -> None:
    plans = [Plan(seed, 64) for seed in (1, 1, 2)]
    first, same, other = ([plan.next() for _ in range(5_000)] for plan in plans)
    assert first == same
    assert first != other
    assert [ask.number for ask in first] == list(range(1, 5_001))
    assert {fault_name(ask) for ask in first} - {None} == set(suitable())
    assert [ask for ask in first if ask.fault and ask.leaves is not None] == []


SENT = {
    1: Ask(1, STREAM),
    2: Ask(2, STREAM, "redirect"),
    3: Ask(3, STREAM, leaves=2),
    4: Ask(4, STREAM, leaves=0),
}
ENTRIES: list[list[Any]] = [[1, 200, None, "1"], [2, 307, "redirect", "2"], [3, 200, None, "3"]]


def journal(*entries: list[Any]) -> Journal:
    found = Journal(lambda after: [entry for entry in entries if entry[0] > after])
    found.look()
    found.look()
    return found


@pytest.mark.parametrize(
    ("entries", "asked", "numbers", "different"),
    [
        (ENTRIES, 0, 0, 0),
        ([*ENTRIES, [4, 200, None, "4"]], 0, 0, 0),
        ([*ENTRIES, [4, 200, None, "4"], [5, 200, None, "4"]], 1, 0, 0),
        (ENTRIES[:2], 1, 0, 0),
        (ENTRIES[1:], 1, 1, 0),
        ([*ENTRIES, [4, 200, None, "3"]], 1, 0, 0),
        ([*ENTRIES, [3, 200, None, "3"]], 1, 1, 0),
        ([*ENTRIES, [4, 200, None, None]], 1, 0, 0),
        ([*ENTRIES, [4, 200, None, "99"]], 1, 0, 0),
        ([ENTRIES[0], [2, 307, None, "2"], ENTRIES[2]], 0, 0, 1),
        ([[1, 500, None, "1"], *ENTRIES[1:]], 0, 0, 1),
    ],
    ids=[
        "all but who left at once",
        "who left at once",
        "who left at once, twice",
        "last missing",
        "first missing",
        "request twice",
        "number twice",
        "no request",
        "unknown request",
        "fault",
        "status",
    ],
)
def test_a_journal_that_disagrees_is_reported(
    entries: list[list[Any]], asked: int, numbers: int, different: int
) -> None:
    found = journal(*entries)
    assert found.requests(SENT) == asked
    assert found.numbers() == numbers
    assert found.different(SENT) == different


CENSUS = {
    "tasks": 2,
    "sockets": 4,
    "files": 9,
    "used": 20 * MIB,
    "resident": 50 * MIB,
    "bytes": 0,
    "exceptions": [],
}


def broken(**more: Any) -> list[str]:
    """The bounds that are broken if the last census has `more` of something."""
    after = {name: value + more.get(name, type(value)()) for name, value in CENSUS.items()}
    told = Told(sent=SENT)
    seen = Seen(CENSUS, CENSUS, after, told, journal(*ENTRIES), came_back=True)
    return [bound.what for bound in bounds(seen, 2, MIB) if not bound.kept]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, []),
        ({"tasks": 1}, ["tasks"]),
        ({"sockets": 1}, ["sockets"]),
        ({"files": 1}, ["open files"]),
        ({"used": MOST_USED + 1_024}, []),
        ({"used": MOST_USED + 1_025}, ["memory in use, journal emptied"]),
        ({"resident": 9 * MIB}, ["memory resident, journal emptied"]),
        ({"exceptions": ["boom"]}, ["exceptions in the log"]),
        ({"tasks": -1, "used": -MIB}, []),
    ],
    ids=str,
)
def test_what_is_left_behind_breaks_its_bound(more: dict[str, Any], what: list[str]) -> None:
    assert broken(**more) == what


def test_a_figure_that_the_system_lacks_breaks_no_bound() -> None:
    bound = Bound("memory in use", 1.0, None, "MiB")
    assert bound.kept
    assert bound.cells() == ("memory in use", "not told here", "<= 1.00 MiB", "kept")
