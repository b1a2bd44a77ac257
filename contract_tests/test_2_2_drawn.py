"""Valid requests that nobody has thought of: every check of single answers holds for them, too."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from .cases.clamp import clamp, tidy
from .cases.reducer import reduce
from .cases.requests import post, text_of
from .cases.strategies import requests
from .judging.checks import CHECKS, Check, check, judge_one
from .judging.probe import Api
from .judging.referee import is_valid_request
from .judging.verdicts import MUST, NOTE, Failed, Skipped, expect
from .wire.exchange import Exchange, Json
from .wire.views import CHAT, TEXT

REFERENCE = "seed; docs: Create chat completion, Create completion"
REDUCTION = 12


def send(api: Api, operation: str, body: Json, ascii_only: bool) -> Exchange:
    wanted = text_of(body, ascii_only=ascii_only)
    return api.send(f"drawn {operation}", post(operation, wanted))


def prepared(api: Api, body: Json) -> Json:
    """The body as it is sent: what must fit together does, and a live one is clamped."""
    model = {"model": api.model}
    made = tidy(body) if api.target.is_mock else clamp(body)
    return made | ({"model": api.model_for(made)} if api.target.is_mock else model)


def applied(api: Api) -> list[Check]:
    """The checks that drawn requests are held against: on a mock all that a run fails for."""
    single = [check for check in CHECKS.values() if check.select is not None]
    return [check for check in single if check.strength == MUST
            or (api.target.is_mock and check.strength != NOTE)]  # fmt: skip


def examine(api: Api, operation: str, body: Json, ascii_only: bool) -> None:
    """fails the check that the answer to `body` breaks."""
    exchange = send(api, operation, body, ascii_only)
    for one in applied(api):
        try:
            api.judged[one.name] = api.judged.get(one.name, 0) + judge_one(one, api, exchange)
        except Failed as broken:
            raise Failed(f"{one.sentence} {broken.came}", one.source, exchange) from None


def run(api: Api, operation: str) -> None:
    """Draws, sends and examines as many requests as the run wants."""
    phases = [Phase.explicit, Phase.generate]
    failed: list[tuple[Json, bool]] = []
    # The first one drawn is the simplest there is: the catalogue has it.
    passed_over = [] if api.thorough else [None]

    @seed(api.seed)
    @settings(
        max_examples=api.examples + len(passed_over), database=None, deadline=None,
        report_multiple_bugs=False,
        phases=[*phases, Phase.shrink] if api.target.is_mock else phases,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(requests(operation))
    def check(drawn: tuple[Json, bool]) -> None:
        if passed_over:
            passed_over.pop()
            return
        body = prepared(api, drawn[0])
        try:
            examine(api, operation, body, drawn[1])
        except Failed:
            failed.append((body, drawn[1]))
            raise

    try:
        check()
    except Failed as broken:
        if api.target.is_mock:
            raise
        try:
            _reduced(api, operation, *failed[-1])
        except Skipped:
            # What was seen broken stays so where the budget ends before it is reduced.
            raise broken from None


def _reduced(api: Api, operation: str, body: Json, ascii_only: bool) -> None:
    def fails(candidate: Json) -> bool:
        try:
            examine(api, operation, candidate, ascii_only)
        except Failed:
            return True
        return False

    def is_valid(candidate: Json) -> bool:
        return is_valid_request(operation, candidate) and candidate.get("model") == api.model

    small, _ = reduce(body, is_valid, fails, REDUCTION)
    examine(api, operation, small, ascii_only)
    examine(api, operation, body, ascii_only)
    expect(False, "a drawn request failed once, and not again", api.looked_at[-1])


@check(MUST, REFERENCE, cases=[CHAT, TEXT])
def test_a_drawn_request_is_answered_as_every_other(api: Api, case: Any) -> None:
    if api.examples:
        run(api, case)
    else:
        api.ask("chat.base")
