"""The contract suite against a mock with one stage of the pipeline broken: it finds each one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from contract_tests.cases.catalogue import api_of
from contract_tests.judging import verdicts
from contract_tests.wire.target import InProcess
from novita_mock._api import validation
from novita_mock._core.errors import Refused
from novita_mock._core.http import Reply, TimedBytes
from novita_mock._core.sse import DONE
from novita_mock._engine import authentication, generation, pipeline, planning, routing
from novita_mock._engine.operations import text_answers
from novita_mock._journal import ledger
from novita_mock._render import encoder, errors, models
from tests.contract_target import first_broken, judged_by

Patch = Callable[[pytest.MonkeyPatch], None]

CHECKS = [*judged_by(verdicts.MUST), *judged_by(verdicts.SHOULD)]


def changed(owner: Any, name: str, change: Callable[[Any], Any]) -> Patch:
    """Changes what a function returns."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        plain = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, **named: change(plain(*given, **named)))

    return patch


def instead(owner: Any, name: str, new: Any) -> Patch:
    """Replaces an attribute."""
    return lambda monkeypatch: monkeypatch.setattr(owner, name, new)


def with_body(change: Callable[[Any], Any]) -> Callable[[Reply], Reply]:
    def patched(reply: Reply) -> Reply:
        body = orjson.dumps(change(orjson.loads(reply.body)))
        length = (b"content-length", b"%d" % len(body))
        return replace(reply, headers=(errors.JSON, length), chunks=(TimedBytes(body),))

    return patched


def unframed(frames: list[bytes]) -> list[bytes]:
    return [frame.replace(b"\n\n", b"\n") for frame in frames]


def second_id(frames: list[bytes]) -> list[bytes]:
    return [*frames[:-1], frames[-1].replace(b'"id":"', b'"id":"x')]


def no_reader(self: Any, body: bytes) -> Any:
    return orjson.loads(body)


def anybody(policy: Any, operation: Any, request: Any) -> Any:
    return authentication.Caller("somebody")


def any_method(routes: Any, method: str, path: str) -> Any:
    found = routes.find(path)
    if found is None:
        raise Refused("unknown_route", path=path)
    methods, parameters = found
    return routing.Located(next(iter(methods.values())), parameters)


def cut_stop(tokens: list[str], stops: tuple[str, ...]) -> tuple[list[str], bool]:
    text = "".join(tokens)
    hits = [text.find(stop) for stop in stops if stop in text]
    return ([text[: min(hits)]], True) if hits else (tokens, False)


def last_stop(tokens: list[str], stops: tuple[str, ...]) -> tuple[list[str], bool]:
    return _REAL_STOP(tokens, stops[-1:])


_REAL_STOP = generation._stop
USAGE = (encoder, "_usage")

MUTATIONS: dict[str, Patch] = {
    # routing
    "every method is taken": instead(pipeline, "route", any_method),
    # authentication
    "nobody needs a key": instead(pipeline, "authenticate", anybody),
    "a key is missing only where no header is": instead(authentication, "SCHEME", "basic"),
    # validation
    "nothing is checked": instead(validation.Reader, "read", no_reader),
    "best_of may be below n": instead(validation, "_check_not_below", lambda *_: None),
    # planning
    "stop is ignored": instead(planning, "_stops", lambda stop: ()),
    "log probabilities are ignored": instead(planning, "_alternatives", lambda body: None),
    "one alternative too few": changed(
        planning, "_alternatives", lambda count: count and count - 1),
    "prompts count one token": changed(
        text_answers, "generate", lambda made: replace(made, prompt_tokens=1)),
    # generation
    "the limit is ignored": instead(generation._TokenBudget, "take", lambda self, tokens: tokens),
    "the stop sequence is cut off": instead(generation, "_stop", cut_stop),
    "only the last stop sequence counts": instead(generation, "_stop", last_stop),
    "a completion lacks its last choice": changed(
        text_answers, "generate",
        lambda made: replace(made, choices=made.choices[:-1] or made.choices)),
    "completion tokens are one too many": changed(
        text_answers, "generate",
        lambda made: replace(made, completion_tokens=made.completion_tokens + 1)),
    "every answer ends with stop": changed(
        generation, "_choice",
        lambda made: (replace(made[0], finish_reason="stop"), *made[1:])),
    "choices are numbered from one": changed(
        generation, "_choice",
        lambda made: (replace(made[0], index=made[0].index + 1), *made[1:])),
    "probabilities are above one": changed(
        generation, "alternatives",
        lambda made: [(n, [(t, -p) for t, p in likely]) for n, likely in made]),
    "alternatives are upside down": changed(
        generation, "alternatives",
        lambda made: [(n, [likely[0], *likely[:0:-1]]) for n, likely in made]),
    # rendering
    "the total is wrong": changed(*USAGE, lambda made: {**made, "total_tokens": 7}),
    "usage has no total": changed(
        *USAGE, lambda made: {k: v for k, v in made.items() if k != "total_tokens"}),
    "no [DONE]": instead(encoder, "DONE", b""),
    "[DONE] twice": instead(encoder, "DONE", DONE * 2),
    "streams are sent as JSON": instead(encoder, "EVENTS", (errors.JSON,)),
    "JSON is sent as text": instead(errors, "JSON", errors.TEXT),
    "events are not parted": changed(encoder.Encoder, "_frames", unframed),
    "the last chunk has another id": changed(encoder.Encoder, "_frames", second_id),
    "the first chunk is lost": changed(encoder.Encoder, "_frames", lambda made: made[1:]),
    "the last chunk is lost": changed(encoder.Encoder, "_frames", lambda made: made[:-1]),
    "a code is text": changed(
        pipeline, "refuse", lambda reply: reply if reply.headers[0] == errors.TEXT else with_body(
            lambda body: {**body, "code": str(body["code"])})(reply)),
    "errors stand under error": changed(
        pipeline, "refuse", lambda reply: reply if reply.headers[0] == errors.TEXT else with_body(
            lambda body: {"error": body})(reply)),
    "a row is another": changed(
        models.ModelReplies, "row", with_body(lambda row: {**row, "context_size": 1})),
    # ledger
    "created is in milliseconds": changed(ledger.Ledger, "created", lambda now: now * 1000),
    "all ids are one": changed(ledger.Ledger, "draw_id", lambda _: "chatcmpl-1"),
    "ids are empty": changed(ledger.Ledger, "draw_id", lambda _: ""),
}  # fmt: skip


def test_there_are_enough_mutations() -> None:
    assert len(MUTATIONS) >= 20


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutated_stage_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTATIONS[name](monkeypatch)
    finding = first_broken(api_of(InProcess(), thorough=True), CHECKS)
    assert finding is not None
    assert finding.reason


@pytest.mark.parametrize("edition", ["v3", "2026", "live"])
def test_the_mock_as_it_is_breaks_nothing(edition: str) -> None:
    assert first_broken(api_of(InProcess(edition), edition, thorough=True), list(CHECKS)) is None
