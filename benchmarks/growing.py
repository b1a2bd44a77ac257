"""How an answer's time grows with what a mock has to carry. In process; the sides take turns."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest import mock as patches

from benchmarks import requests
from benchmarks.effort import Effort
from benchmarks.servers import Server
from benchmarks.table import Goal, Row
from novita_mock._api.description import Description
from novita_mock._core.http import Request
from novita_mock._mock import Mock

PLACE = "growth"
_FLAT = Goal(low=0.9, high=1.1)
_HEADERS = {b"authorization": b"Bearer any-key", b"content-type": b"application/json"}
_RULES = (1, 100, 1_000)
_MODELS = (40, 1_000)
_SIZES = (1_000, 10_000, 100_000, 1_000_000)
_BURST = 20

Call = Callable[[], object]


def call(mock: Mock, body: bytes) -> Call:
    """One request to a mock, as a function without arguments."""
    request = Request("POST", requests.PATH, _HEADERS, body)
    return lambda: mock.answer(request)


def seconds(sides: Mapping[str, Call], effort: Effort, burst: int) -> dict[str, list[float]]:
    """Seconds a call in each round: the fastest of some bursts, as others use the machine too."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(max(3, effort.rounds)):
        bursts: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(max(2, effort.calls // 10)):
            for name, run in sides.items():
                start = time.thread_time()
                for _ in range(burst):
                    run()
                bursts[name].append((time.thread_time() - start) / burst)
        for name, taken in bursts.items():
            found[name].append(min(taken))
    return found


def _ratios(found: dict[str, list[float]], name: str, base: str) -> list[float]:
    return [a / b for a, b in zip(found[name], found[base], strict=True)]


def _journal(effort: Effort) -> list[Row]:
    body = requests.request()
    full, empty = Mock(), Mock()
    fill = call(full, body)
    for _ in range(effort.journal):
        fill()
    ask = call(empty, body)

    def fresh() -> object:
        if len(empty.calls) > _BURST:
            empty.reset()
        return ask()

    found = seconds({"empty": fresh, "full": fill}, effort, _BURST)
    values = _ratios(found, "full", "empty")
    what = f"journal of {effort.journal}"
    return [Row(PLACE, what, "of an empty one", values, _FLAT)]


def _rules(effort: Effort) -> list[Row]:
    sides = {}
    for number in _RULES:
        mock = Mock()
        for rule in range(number):
            mock.on(last_user=f"a word that nobody says {rule}").say("never")
        sides[str(number)] = call(mock, requests.request())
    found = seconds(sides, effort, _BURST)
    return [
        Row(PLACE, f"{name} rules", "of one rule", _ratios(found, name, "1"), Goal(high=1.2))
        for name in list(sides)[1:]
    ]


def _catalogue(effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory() as temporary:
        sides = {}
        for number in _MODELS:
            mock = _mock_with(number, Path(temporary, str(number)))
            sides[str(number)] = call(mock, requests.request())
        found = seconds(sides, effort, _BURST)
    few, many = map(str, _MODELS)
    return [Row(PLACE, f"{many} models", f"of {few} models", _ratios(found, many, few), _FLAT)]


def _mock_with(number: int, copy: Path) -> Mock:
    """A mock with a catalogue of `number` models."""
    shutil.copytree(Mock().description.root, copy)
    file = copy / "models.json"
    catalogue = json.loads(file.read_bytes())
    rows = catalogue["data"]
    kept = sorted(rows, key=lambda row: row["id"] != requests.MODEL)[:number]
    more = [{**kept[0], "id": f"made-up/model-{n}"} for n in range(number - len(kept))]
    file.write_text(json.dumps({**catalogue, "data": kept + more}))
    with patches.patch("novita_mock._mock.load_description", lambda: Description(copy)):
        return Mock()


def _sizes(effort: Effort) -> list[Row]:
    mock, sides = Mock(), {}
    for size in _SIZES:
        words = "A good answer is worth waiting for. " * (size // 36)
        model = "deepseek/deepseek-v3.1"  # has room for the longest
        sides[str(size)] = call(mock, requests.request(words, model=model))
    found = seconds(sides, effort, 2)
    base = statistics.median(found["1000"])
    rows = [
        Row(PLACE, f"body of {int(name) // 1000} KB", "of 1 KB", [t / base for t in found[name]])
        for name in list(sides)[1:]
    ]
    # What a kilobyte more costs, far out and nearer: 1 where the growth is linear.
    far = [(a - b) / 900 for a, b in zip(found["1000000"], found["100000"], strict=True)]
    near = [(a - b) / 90 for a, b in zip(found["100000"], found["10000"], strict=True)]
    ratio = [a / b for a, b in zip(far, near, strict=True)]
    what = "a KB more between 100 KB and 1 MB"
    return [*rows, Row(PLACE, what, "of one between 10 and 100 KB", ratio, Goal(high=1.5))]


def growth(effort: Effort, _: Sequence[Server]) -> list[Row]:
    """Journal, rules, catalogue, size of a request."""
    return [row for measure in (_journal, _rules, _catalogue, _sizes) for row in measure(effort)]
