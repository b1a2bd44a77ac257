"""What a refusal looks like, whatever the reason."""

from __future__ import annotations

import re

from .judging.checks import check, each
from .judging.probe import Api
from .judging.referee import first_fault
from .judging.selectors import errors
from .judging.verdicts import MUST, NOTE, SHOULD, Failed, Skipped, expect
from .run.redact import Redactor
from .test_1_admission import refused_as
from .wire.exchange import WRONG_KEY, Exchange
from .wire.strict_json import JsonFault
from .wire.views import Unreadable

SEED = "seed: Error codes"
ENVELOPE = "common/error.json"
ENGINE = frozenset(("message", "type"))
_INSIDES = re.compile(
    r"Traceback \(most recent|File \"/|\bat [\w$.]+\([\w.]+:\d+\)|goroutine \d+|panic:|"
    r"/(?:usr|home|root|app|opt|srv|var)/[\w./-]+|SELECT .+ FROM |<html|<!doctype|"
    r"\b(?:10|127|192\.168)\.\d+\.\d+\.\d*|sk-[A-Za-z0-9]{20,}",
    re.IGNORECASE,
)


@each(errors, MUST, SEED)
def test_an_error_is_sent_as_json(exchange: Exchange) -> None:
    kind = exchange.came.media_type
    expect(kind == "application/json", f"Content-Type: {kind or 'absent'}")


@each(errors, MUST, SEED)
def test_an_error_is_one_plain_json_document(exchange: Exchange) -> None:
    try:
        _ = exchange.value
    except JsonFault as fault:
        raise Failed(str(fault)) from None


def envelope(exchange: Exchange) -> dict[str, object]:
    """The body of an error; raises Unreadable if it is not a JSON object."""
    try:
        value = exchange.value
    except JsonFault as fault:
        raise Unreadable(str(fault)) from None
    if not isinstance(value, dict):
        raise Unreadable("the body is no object")
    return value


def _engine(exchange: Exchange) -> bool:
    """Whether this is the second shape, which the engine behind the gateway has sent."""
    value = envelope(exchange)
    return exchange.came.status == 400 and set(value) >= ENGINE and "reason" not in value


@check(MUST, SEED + " (code, reason, message); observed live: mimo, or-raw (a second shape)")
def test_an_error_has_the_documented_shape(api: Api) -> None:
    judged = [e for exchange in api.exchanges() for e in errors(api, exchange)]
    for exchange in judged:
        try:
            if api.edition == "live" and _engine(exchange):
                continue
            fault = first_fault(ENVELOPE, envelope(exchange))
        except Unreadable as why:
            raise Failed(str(why), "", exchange) from None
        if fault is not None:
            raise Failed(f"{fault[0]}: {fault[1]}", f"the schema {ENVELOPE}", exchange)
    if not judged:
        raise Skipped("nothing was refused")


@each(errors, MUST, SEED + " (code)")
def test_the_code_of_an_error_is_its_status(exchange: Exchange) -> None:
    code, status = envelope(exchange).get("code"), exchange.came.status
    if code is None or code == 0:
        raise Unreadable("no code")
    expect(code == status, f"code {code} with status {status}")


@each(errors, MUST, SEED + " (message)")
def test_an_error_says_something_and_shows_no_insides(exchange: Exchange) -> None:
    message = envelope(exchange).get("message")
    expect(isinstance(message, str) and message.strip(), f"the message is {message!r}")
    found = _INSIDES.search(exchange.came.body.decode("utf-8", "replace"))
    expect(not found, f"the body has {found[0][:80]!r}" if found else "")


@each(errors, SHOULD, SEED + ", docs: LLM error table (names)")
def test_the_reason_of_an_error_is_a_name(exchange: Exchange) -> None:
    reason = envelope(exchange).get("reason")
    good = isinstance(reason, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", reason)
    expect(good, f"the reason is {reason!r}")


@each(errors, NOTE, SEED + ", docs: LLM error table (names)")
def test_the_reason_of_an_error_is_a_documented_one(exchange: Exchange) -> None:
    from novita_mock._api.description import load_description

    reason = envelope(exchange).get("reason")
    expect(reason in load_description().errors.reasons, f"the reason is {reason!r}")


@check(SHOULD, SEED + " (three members); observed: metadata")
def test_an_error_has_the_members_of_the_edition(api: Api) -> None:
    exchange = api.ask("error.model.chat")
    found = set(envelope(exchange))
    wanted = {"code", "reason", "message"} | set(api.description.errors.envelopes[api.edition])
    wanted.discard("$comment")
    expect(found == wanted, f"the members are {sorted(found)}", exchange)


@check(MUST, SEED + " (404 MODEL_NOT_FOUND)")
def test_an_unknown_model_is_not_found(api: Api) -> None:
    for name in ("error.model.chat", "error.model.text"):
        refused_as(api.ask(name), api.errors("model_not_found"))


@check(MUST, "observed: slipway (404); or a body that lacks a model (400)")
def test_an_empty_model_is_no_model(api: Api) -> None:
    allowed = api.errors("model_not_found", "bad_body")
    refused_as(api.ask("error.model.empty"), allowed)


@check(MUST, "design: a key is a secret")
def test_no_reply_repeats_the_key(api: Api) -> None:
    secrets = [Redactor(api.target.key), Redactor(WRONG_KEY)]
    for exchange in api.exchanges():
        came = exchange.came
        sent = came.body + b"\n".join(v.encode("utf-8", "replace") for _, v in came.headers)
        text = sent.decode("utf-8", "replace")
        expect(not any(s.occurs(text) for s in secrets), "the reply has the key", exchange)


@each(errors, NOTE, "observed: gateway (no Retry-After on 205 answers)")
def test_a_rate_limit_says_when_to_come_back(exchange: Exchange) -> None:
    if exchange.came.status != 429:
        raise Unreadable("no rate limit was met")
    expect(exchange.came.header("retry-after"), "no Retry-After")
