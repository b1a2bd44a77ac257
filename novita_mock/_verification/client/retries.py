"""The rules of the client report on retries: what is retried, how soon, how often, what never."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import orjson

from novita_mock._journal import describe
from novita_mock._journal.call import Call
from novita_mock._verification.client.attempts import (
    Attempts,
    Kind,
    attempts,
    count,
    failed,
    groups,
    is_lost,
    is_refused,
    may_pass,
    wait,
)
from novita_mock._verification.client.finding import Finding, bounds, table

REFUSAL, STORM, BACKOFF, GAVE_UP = "retried_refusal", "retry_storm", "no_backoff", "gave_up_on_429"


def findings(calls: Sequence[Call]) -> Iterator[Finding]:
    """The client's mistakes with retries."""
    given_up: list[Call] = []
    for group in groups(calls):
        for chain in attempts(group):
            yield from _retried_refusals(chain)
            yield from _storm(chain)
            yield from _no_backoff(chain)
        if _ends_with_429(group):
            given_up.append(group[-1])
    yield from _gave_up(given_up, calls)


def _numbers(calls: Sequence[Call]) -> tuple[int, ...]:
    return tuple(call.number for call in calls)


def _retried_refusals(chain: Attempts) -> Iterator[Finding]:
    for run in _runs(chain.calls, lambda call, retry: _is_retried(chain.kind, call, retry)):
        if chain.kind is Kind.ANEW and len(run) < bounds(REFUSAL)["anew"]:
            continue
        message = (
            f"the same request came again after {describe.outcome(run[0])}, which does not pass "
            f"by itself ({_times(len(run) - 1)})"
        )
        yield Finding(REFUSAL, _numbers(run), message)


def _is_retried(kind: Kind, call: Call, retry: Call) -> bool:
    if not is_refused(call):
        return False
    if kind is Kind.COUNTED:
        return True
    # No scripted rule refused it and the retry succeeded, so the cause was removed in between.
    if call.metadata.rule is None and not failed(retry):
        return False
    # Requests that come at once may be parallel.
    return kind is Kind.BARE or retry.at - call.at >= table()["at_once"]


def _runs(calls: Sequence[Call], linked: Callable[[Call, Call], bool]) -> Iterator[list[Call]]:
    """The longest runs of two or more calls, each of them `linked` to the next."""
    run: list[Call] = []
    for call in calls:
        if run and not linked(run[-1], call):
            if len(run) > 1:
                yield run
            run = []
        run.append(call)
    if len(run) > 1:
        yield run


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _storm(chain: Attempts) -> Iterator[Finding]:
    bound = bounds(STORM)
    most: int = bound["anew" if chain.kind is Kind.ANEW else "retries"]
    seconds: float = bound["seconds"]
    calls = chain.calls
    for first, last in zip(calls, calls[most + 1 :], strict=False):
        if last.at - first.at <= seconds:
            message = (
                f"the same request failed and came again more than {most} times in {seconds} s, "
                f"{len(calls) - 1} times in all"
            )
            yield Finding(STORM, _numbers(calls), message)
            return


def _no_backoff(chain: Attempts) -> Iterator[Finding]:
    if chain.kind is Kind.ANEW:
        return
    for run in _runs(chain.calls, _is_at_once):
        waits = [wait(call, retry) or 0.0 for call, retry in pairwise(run)]
        if not _grow(waits):
            message = (
                f"after {_failure(run[0])} the same request came again at once, "
                f"{_times(len(waits))} in a row, after {_listed(waits)} s"
            )
            yield Finding(BACKOFF, _numbers(run), message)


def _failure(call: Call) -> str:
    return "a lost connection" if is_lost(call) else describe.outcome(call)


def _is_at_once(call: Call, retry: Call) -> bool:
    waited = wait(call, retry)
    return may_pass(call) and waited is not None and waited < table()["at_once"]


def _grow(waits: Sequence[float]) -> bool:
    """Whether each wait is longer than the one before, by more than random noise. True for a single
    wait, which may be the first of growing ones."""
    bound = bounds(BACKOFF)
    growth, noise = bound["growth"], bound["noise"]
    return all(later >= max(growth * wait, noise) for wait, later in pairwise(waits))


def _listed(waits: Sequence[float]) -> str:
    shown = ", ".join(f"{wait:.3f}" for wait in waits[:5])
    return shown if len(waits) <= 5 else f"{shown}, ..."


def _ends_with_429(group: Sequence[Call]) -> bool:
    """Whether the last of equal requests exceeded a rate limit and was not a retry itself."""
    *before, last = group
    if last.status != bounds(GAVE_UP)["status"] or not may_pass(last) or last.operation is None:
        return False
    return not count(last) and not (before and failed(before[-1]))


def _gave_up(candidates: Sequence[Call], calls: Sequence[Call]) -> Iterator[Finding]:
    """The candidates whose text no other request sent either, such as one to another model."""
    if not candidates:
        return
    others: dict[bytes, list[Call]] = {}
    for call in calls:
        text = _text(call)
        if text is not None:
            others.setdefault(text, []).append(call)
    for call in candidates:
        equal = others.get(_text(call) or b"", [])
        if not any(_is_another_attempt(other, call) for other in equal):
            message = f"{describe.outcome(call)} passes by itself; the request was given up"
            yield Finding(GAVE_UP, (call.number,), message)


def _is_another_attempt(other: Call, call: Call) -> bool:
    """Whether one of the two calls is a later attempt at the text of the other."""
    return other.number > call.number or (other.number < call.number and failed(other))


def _text(call: Call) -> bytes | None:
    """The messages or the prompt of a valid request, as bytes; None for other requests."""
    if not call.metadata.valid:
        return None
    body = orjson.loads(call.sent.body)
    return orjson.dumps([body.get("messages"), body.get("prompt")])
