"""Valid requests that nobody thought of: every check of single answers applies to them, too."""

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
    """The body as it is sent: consistent, and clamped for a live target."""
    model = {"model": api.model}
    made = tidy(body) if api.target.is_mock else clamp(body)
    return made | ({"model": api.model_for(made)} if api.target.is_mock else model)


def applied(api: Api) -> list[Check]:
    """The checks that judge drawn requests; on a mock, all that can fail a run."""
    single = [check for check in CHECKS.values() if check.select is not None]
    return [check for check in single if check.strength == MUST
            or (api.target.is_mock and check.strength != NOTE)]  # fmt: skip


def examine(api: Api, operation: str, body: Json, ascii_only: bool) -> None:
    """Raises Failed for the check that the answer to `body` fails."""
    exchange = send(api, operation, body, ascii_only)
    for one in applied(api):
        try:
            api.judged[one.name] = api.judged.get(one.name, 0) + judge_one(one, api, exchange)
        except Failed as failure:
            raise Failed(f"{one.sentence} {failure.came}", one.source, exchange) from None


def run(api: Api, operation: str) -> None:
    """Draws, sends and examines `api.examples` requests."""
    phases = [Phase.explicit, Phase.generate]
    failed: list[tuple[Json, bool]] = []
    # The first request drawn is the simplest one, which the catalogue has already.
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
    except Failed as failure:
        if api.target.is_mock:
            raise
        try:
            _reduced(api, operation, *failed[-1])
        except Skipped:
            # A failure stays a failure if the budget ends before the request is reduced.
            raise failure from None


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
