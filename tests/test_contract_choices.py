"""Decisions of the contract suite: which requests a live run sends, what the referee judges, and
which drift is new."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.cases.boundaries import cases, settled
from contract_tests.cases.boundary_selection import MOST_CASES, chosen, way
from contract_tests.cases.catalogue import api_of
from contract_tests.judging import checks, verdicts
from contract_tests.judging.referee import first_fault, referee, request_schema
from contract_tests.run import drift
from contract_tests.wire.exchange import Json
from contract_tests.wire.target import InProcess
from contract_tests.wire.views import CHAT, TEXT
from tests.contract_target import load

COMPILED = "contract_tests.judging.referee._is_compiled_valid"

OPERATIONS = (CHAT, TEXT)


def passed(name: str) -> Json:
    return {"check": name, "sentence": name, "verdict": verdicts.PASSED,
            "strength": verdicts.SHOULD,
            "source": "", "reason": "", "judged": 1, "exchanges": []}  # fmt: skip


@pytest.mark.parametrize(("real", "rows"), [(True, 15), (False, 1)])
def test_only_the_real_api_shows_that_drift_has_disappeared(real: bool, rows: int) -> None:
    findings = [passed(name) for name in drift.known("v3")]
    found = drift.table(findings, "v3", live=True, real=real)
    assert len(found) == rows
    assert {row["state"] for row in found} == {"disappeared"}
    assert sum(row["count"] for row in found) == len(findings) == 15


def test_drift_that_is_seen_has_a_row_on_every_target() -> None:
    findings = [{**passed(name), "verdict": verdicts.FAILED} for name in drift.known("v3")]
    for real in (True, False):
        states = [row["state"] for row in drift.table(findings, "v3", live=True, real=real)]
        assert states == ["known"] * len(findings)


def test_each_chosen_request_breaks_one_constraint_that_no_other_one_breaks() -> None:
    seen = set()
    for name, case in chosen().items():
        validator = referee(request_schema(case.operation), strict=False)
        assert len(list(validator.iter_errors(case.body))) == 1, name
        seen.add((case.node, way(case)))
    assert len(seen) == len(chosen()) == MOST_CASES


def test_each_member_of_a_request_has_a_chosen_case() -> None:
    asked = {case.root for case in cases() if not case.valid and settled(case)}
    assert {case.root for case in chosen().values()} == asked


def test_a_drawn_request_of_a_live_run_is_not_the_simplest() -> None:
    load()
    api = api_of(InProcess(), examples=1)
    check = checks.CHECKS["test_a_drawn_request_is_answered_as_every_other"]
    for operation in OPERATIONS:
        before = len(api.sent)
        assert checks.run(check, api, operation).verdict == verdicts.PASSED
        drawn = [exchange.asked.json for exchange in api.sent[before:] if "drawn" in exchange.name]
        assert len(drawn) == 1
        assert len(drawn[0]) > 5


CHUNKS = "chat/completion.chunk.json"


def chunk(index: Any, finish: Any) -> Json:
    choice = {"index": index, "delta": {"content": "a"}, "finish_reason": finish}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [choice]}  # fmt: skip


def test_a_known_form_is_judged_by_its_values_too() -> None:
    assert first_fault(CHUNKS, chunk(0, "stop")) is None
    fault = first_fault(CHUNKS, chunk(0, "stopped"))
    assert fault is not None
    assert "finish_reason" in fault[0]


@pytest.mark.parametrize("index", [0.0, True, "0", None])
def test_a_new_form_is_judged_by_the_referee(index: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMPILED, lambda path, value: True)
    assert first_fault(CHUNKS, chunk(0, "stop")) is None
    for _ in range(2):
        fault = first_fault(CHUNKS, chunk(index, "stop"))
        assert fault is not None
        assert "index" in fault[0]


def test_the_referee_decides_where_the_compiled_validator_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(COMPILED, lambda path, value: False)
    for _ in range(2):
        assert first_fault(CHUNKS, chunk(0, "stop")) is None
