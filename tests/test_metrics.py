"""The counters: what they count, that they stay cheap and few, and how Prometheus reads them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.parser import text_string_to_metric_families

from novita_mock import Mock, Request
from novita_mock._api.description import load_description
from novita_mock._journal.metrics import CONTENT_TYPE, Counters, text
from tests.ask import KEY, MODEL, body_of, got, posted
from tests.work import calls_of

CHAT = "chat.completions"


def counters(mock: Mock) -> Counters:
    """The counters after the calls of `mock`."""
    found = Counters(mock.description.models, mock.description.errors.reasons)
    for call in mock.calls:
        found.count(call)
    return found


def read(exposition: bytes) -> dict[tuple[str, ...], float]:
    """By name and label values, the numbers, as Prometheus' own parser reads them."""
    families = list(text_string_to_metric_families(exposition.decode()))
    assert all(family.documentation for family in families)
    return {
        (sample.name.removeprefix("novita_mock_"), *map(str, sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def parsed(mock: Mock) -> dict[tuple[str, ...], float]:
    return read(text(counters(mock), calls=3, size=4096))


def test_requests_are_counted_by_operation_and_status() -> None:
    mock = Mock()
    mock.say("Hello.").say("Hello.").refuse("RATE_LIMIT_EXCEEDED").fail("reset")
    for _ in range(4):
        mock.call(posted(body_of()))
    mock.call(got("/models"))
    mock.call(Request("GET", "/"))
    found = {key[1:]: n for key, n in parsed(mock).items() if key[0] == "requests_total"}
    assert found == {
        (CHAT, "200"): 2.0,
        (CHAT, "429"): 1.0,
        (CHAT, "0"): 1.0,
        ("models.list", "200"): 1.0,
        ("other", "404"): 1.0,
    }


def test_tokens_are_counted_by_operation_and_model_of_the_catalogue() -> None:
    mock = Mock(any_model=True)
    models = [MODEL, MODEL, "mine/a", "mine/b"]
    calls = [mock.call(posted(body_of(model=model))) for model in models]
    tokens = [call.metadata.tokens for call in calls]
    assert min(tokens) > 0
    found = {key[1:]: n for key, n in parsed(mock).items() if key[0] == "tokens_total"}
    assert {frozenset(key): n for key, n in found.items()} == {
        frozenset((CHAT, MODEL)): sum(tokens[:2]),
        frozenset((CHAT, "other")): sum(tokens[2:]),
    }


def test_faults_refusals_and_rules_are_counted() -> None:
    mock = Mock()
    mock.fail("reset").fail("bad_gateway").fail("truncated_json").on(times=2).refuse(
        "RATE_LIMIT_EXCEEDED"
    )
    mock.on(times=1).fail("reset")
    for _ in range(6):
        mock.call(posted(body_of()))
    mock.call(posted(body_of(model="no/model")))
    mock.call(posted(b"{"))
    found = parsed(mock)
    assert {key[1]: n for key, n in found.items() if key[0] == "faults_total"} == {
        "reset": 2.0,
        "bad_gateway": 1.0,
        "truncated_json": 1.0,
    }
    assert {key[1]: n for key, n in found.items() if key[0] == "refusals_total"} == {
        "RATE_LIMIT_EXCEEDED": 2.0,
        "MODEL_NOT_FOUND": 1.0,
        "INVALID_REQUEST_BODY": 1.0,
    }
    hits = {key[1]: n for key, n in found.items() if key[0] == "rule_hits_total"}
    assert hits == {"0": 1.0, "1": 1.0, "2": 1.0, "3": 2.0, "4": 1.0}


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"[]", b'{"a": 1}', b'{"reason": null}'])
def test_a_refusal_without_a_reason_is_not_counted_as_one(body: bytes) -> None:
    found = counters(called(body))
    assert found.refusals == {}
    assert found.requests == {(CHAT, 500): 1}


def called(body: bytes) -> Mock:
    from dataclasses import replace

    from novita_mock._core.http import Reply, TimedBytes

    mock = Mock()
    call = mock.call(posted(body_of()))
    mock._ledger.calls[0] = replace(call, reply=Reply(500, (), (TimedBytes(body),)))
    return mock


def test_a_reason_that_is_not_in_the_catalogue_is_another() -> None:
    mock = called(b"{}")
    mock.calls[0].metadata.reason = "MADE_UP"
    assert counters(mock).refusals == {("other",): 1}


FAULTS = load_description().faults["faults"]
KEEP_THE_BODY = {"slow_headers", "trickle", "wrong_content_type"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_refusal_that_a_fault_left_nothing_of_is_not_counted(fault: str) -> None:
    mock = Mock()
    mock.call(posted(body_of(model="no/model"), headers={b"x-novita-mock-fault": fault.encode()}))
    # A fault of streams leaves a refusal alone.
    kept = fault in KEEP_THE_BODY or FAULTS[fault]["on"] == "stream"
    assert counters(mock).refusals == ({("MODEL_NOT_FOUND",): 1} if kept else {})
    assert mock.last.reason == ("MODEL_NOT_FOUND" if kept else None)


def test_the_size_of_the_journal_is_exposed() -> None:
    found = parsed(Mock())
    assert found == {("journal_calls",): 3.0, ("journal_bytes",): 4096.0}


def test_counting_can_begin_anew() -> None:
    found = counters(called(b""))
    found.clear()
    assert read(text(found, calls=0, size=0)) == {("journal_calls",): 0.0, ("journal_bytes",): 0.0}


def test_the_text_is_of_the_version_that_it_says() -> None:
    assert CONTENT_TYPE == CONTENT_TYPE_PLAIN_0_0_4
    lines = text(counters(called(b"")), calls=1, size=2).decode().splitlines()
    assert "# TYPE novita_mock_requests_total counter" in lines
    assert "# TYPE novita_mock_journal_calls gauge" in lines
    assert f'novita_mock_requests_total{{operation="{CHAT}",status="500"}} 1.0' in lines
    assert not any("created" in line for line in lines)


def test_labels_are_few_whatever_is_asked_and_hold_no_key() -> None:
    mock = Mock(any_model=True)
    before = len(parsed(mock))
    for number in range(50):
        mock.call(posted(body_of(model=f"{KEY}/{number}")))
        mock.call(Request("GET", f"/{KEY}/{number}"))
        mock.call(posted(body_of(), headers={b"x-novita-mock-error": b"X%d" % number}))
    found = parsed(mock)
    assert len(found) - before <= 6
    assert KEY not in str(found)


def test_prometheus_is_loaded_only_for_the_text() -> None:
    code = (
        "import sys, novita_mock._journal.metrics as m\n"
        "assert 'prometheus_client' not in sys.modules\n"
        "m.text(m.Counters((), ()), calls=0, size=0)\n"
        "assert 'prometheus_client' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_call_is_counted_with_little_work_however_many_there_were() -> None:
    mock = Mock()
    call: Any = mock.call(posted(body_of()))
    found = Counters(mock.description.models, mock.description.errors.reasons)
    first = calls_of(lambda: found.count(call))
    for _ in range(1_000):
        found.count(call)
    assert calls_of(lambda: found.count(call)) == first <= 10
