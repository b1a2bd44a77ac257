"""Each constraint of the request schemas, at its edge and just beyond it.

A mock gets each case as a test; another target on a loopback address gets all cases in two checks.
A live target gets none, because the fixed catalogue has the most telling ones.
"""

from __future__ import annotations

from .cases.boundaries import Case, cases, settled
from .cases.refusals import RANGES
from .cases.requests import post, text_of
from .judging.checks import check
from .judging.probe import Api
from .judging.verdicts import MUST, SHOULD, Skipped, expect
from .wire.exchange import Exchange

REFERENCE = "docs: Create chat completion, Create completion (types, ranges, enumerations)"
# A target that enforces all constraints but those of one member means to enforce these, too. One
# faulty refusal of valid requests may concern two members.
ONE, TWO, OF = 1, 2, 60


def send(api: Api, case: Case) -> Exchange:
    body = text_of(case.for_model(api.model_for))
    exchange = api.send(case.name, post(case.operation, body, valid=case.valid))
    api.boundaries[case.name] = exchange.ok
    return exchange


@check(SHOULD, REFERENCE, cases=[case for case in cases() if case.valid])
def test_a_request_at_an_edge_is_answered(api: Api, case: Case) -> None:
    only_mock(api)
    exchange = send(api, case)
    expect(exchange.ok, f"status {exchange.came.status}", exchange,
           documented=f"{case.name} is valid")  # fmt: skip


@check(SHOULD, REFERENCE, cases=[case for case in cases() if not case.valid])
def test_a_request_beyond_an_edge_is_refused(api: Api, case: Case) -> None:
    only_mock(api)
    exchange = send(api, case)
    row = api.error("bad_body")
    expect(exchange.came.status == row.status, f"status {exchange.came.status}", exchange,
           documented=f"{case.name} breaks `{case.keyword}` of the schema")  # fmt: skip


def only_mock(api: Api) -> None:
    if not api.target.is_mock:
        raise Skipped("asked of a mock only; for other targets the check over all edges speaks")


def judged(api: Api, valid: bool, most: int) -> tuple[list[Exchange], int]:
    """The exchanges whose outcome contradicts the schema, and the number sent. Raises Skipped if
    they concern more than `most` members."""
    if not api.thorough:
        raise Skipped("asked of targets on a loopback address only, for it takes many requests")
    if not api.ask("chat.base").ok:
        raise Skipped("the plain request is refused")
    chosen = [case for case in cases() if case.valid == valid and settled(case)]
    sent = [(case, send(api, case)) for case in chosen]
    wrong = [(case, exchange) for case, exchange in sent if exchange.ok != valid]
    roots = sorted({case.root for case, _ in wrong})
    if len(roots) > most or len(chosen) < OF:
        raise Skipped(f"this target has its own way with {', '.join(roots)}")
    return [exchange for _, exchange in wrong], len(chosen)


@check(MUST, REFERENCE)
def test_no_constraint_is_left_out_where_all_others_are_enforced(api: Api) -> None:
    if sum(api.ask(name).ok for name in RANGES) > len(RANGES) // 2:
        raise Skipped("this target does not enforce ranges")
    wrong, total = judged(api, False, ONE)
    expect(not wrong, f"{len(wrong)} of {total} such requests are answered: "
           + ", ".join(e.name for e in wrong), *wrong)  # fmt: skip


@check(MUST, REFERENCE)
def test_no_edge_is_refused_where_all_others_are_answered(api: Api) -> None:
    wrong, total = judged(api, True, TWO)
    expect(not wrong, f"{len(wrong)} of {total} such requests are refused: "
           + ", ".join(e.name for e in wrong), *wrong)  # fmt: skip
