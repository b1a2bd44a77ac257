"""Which keys are admitted, and which routes exist."""

from __future__ import annotations

from .judging.checks import check, each
from .judging.probe import Api
from .judging.selectors import exchanges
from .judging.verdicts import MUST, NOTE, SHOULD, Skipped, expect
from .wire.exchange import Exchange

KEYS = "seed: Error codes; docs: LLM error table"
MISSING = ("key.missing.text", "key.empty")
WRONG = ("key.wrong.chat", "key.wrong.text")
UNADMITTED = (401, 403)


def refusal(exchange: Exchange) -> tuple[int, str | None]:
    """Status and reason of a refusal."""
    try:
        value = exchange.value
    except ValueError:
        return exchange.came.status, None
    reason = value.get("reason") if isinstance(value, dict) else None
    return exchange.came.status, reason if isinstance(reason, str) else None


def refused_as(exchange: Exchange, allowed: set[tuple[int, str | None]]) -> None:
    found = refusal(exchange)
    documented = " or ".join(f"{status} {reason}" for status, reason in sorted(allowed, key=str))
    expect(found in allowed, f"{found[0]} {found[1]}", exchange, documented=documented)


def refuses_wrong_keys(api: Api) -> None:
    if api.target.accepts_any_key:
        raise Skipped("this mock accepts every key unless some were listed with --api-key")


@check(MUST, KEYS)
def test_a_missing_key_is_refused(api: Api) -> None:
    refused_as(api.ask("key.missing.text"), api.errors("missing_key", "wrong_key"))


@check(SHOULD, KEYS)
def test_a_missing_key_is_refused_in_the_words_of_the_edition(api: Api) -> None:
    row = api.error("missing_key")
    for name in MISSING:
        refused_as(api.ask(name), {(row.status, row.reason)})


@check(MUST, KEYS)
def test_an_empty_key_is_refused(api: Api) -> None:
    refused_as(api.ask("key.empty"), api.errors("missing_key", "wrong_key"))


@check(MUST, KEYS)
def test_a_wrong_key_is_refused(api: Api) -> None:
    refuses_wrong_keys(api)
    for name in WRONG:
        refused_as(api.ask(name), api.errors("wrong_key"))


@check(SHOULD, "seed: Error codes (INVALID_API_KEY); observed: live-test (FAILED_TO_AUTH)")
def test_a_wrong_key_is_refused_in_the_words_of_the_edition(api: Api) -> None:
    refuses_wrong_keys(api)
    row = api.error("wrong_key")
    for name in WRONG:
        refused_as(api.ask(name), {(row.status, row.reason)})


@check(MUST, "docs: request headers (Authorization: Bearer)")
def test_a_key_of_another_scheme_is_refused(api: Api) -> None:
    refused_as(api.ask("key.basic"), api.errors("missing_key", "wrong_key"))


@check(MUST, "docs: request headers (Authorization: Bearer); RFC 6750: a token has no blanks")
def test_a_key_with_blanks_is_refused(api: Api) -> None:
    refused_as(api.ask("key.blanks"), api.errors("missing_key", "wrong_key"))


@check(MUST, "docs: request headers (Authorization: Bearer)")
def test_a_key_in_the_query_is_no_key(api: Api) -> None:
    refused_as(api.ask("key.in_query"), api.errors("missing_key", "wrong_key"))


@check(SHOULD, "RFC 9110, 11.1: names of schemes have no case")
def test_the_scheme_of_the_key_may_be_written_in_lower_case(api: Api) -> None:
    exchange = api.ask("chat.unknown_field")
    status = exchange.came.status
    expect(status not in UNADMITTED, f"status {status}", exchange)


@check(SHOULD, "by analogy: what a body may hold is no news for strangers")
def test_the_key_is_checked_before_the_body(api: Api) -> None:
    exchange = api.ask("key.missing.bad_body")
    status = exchange.came.status
    expect(status in UNADMITTED, f"status {status}", exchange)


@check(MUST, "docs: List models (key required); observed: omni (answered without)")
def test_the_model_list_without_a_key_is_either_refused_or_answered(api: Api) -> None:
    exchange = api.ask("key.missing.list")
    if not exchange.ok:
        refused_as(exchange, api.errors("missing_key", "wrong_key"))


@check(SHOULD, "docs: List models (key required); observed: omni (answered without)")
def test_the_model_list_wants_a_key_where_the_edition_says_so(api: Api) -> None:
    exchange = api.ask("key.missing.list")
    wanted = api.edition in api.description.operations["models.list"].key
    expect(exchange.ok != wanted, f"status {exchange.came.status}", exchange)


@check(SHOULD, "docs: Retrieve model (key required)")
def test_a_model_is_not_shown_to_a_wrong_key(api: Api) -> None:
    refuses_wrong_keys(api)
    refused_as(api.ask("key.wrong.row"), api.errors("wrong_key"))


@check(MUST, "observed: slipway (404, plain text)")
def test_an_unknown_path_is_not_found(api: Api) -> None:
    exchange = api.ask("path.unknown")
    expect(exchange.came.status == 404, f"status {exchange.came.status}", exchange)


@check(NOTE, "observed: slipway (the plain text `404 page not found`)")
def test_an_unknown_path_is_answered_in_plain_text(api: Api) -> None:
    exchange = api.ask("path.unknown")
    text = exchange.came.body.strip()
    expect(text == b"404 page not found", f"the body {text[:80]!r}", exchange)


@check(MUST, "seed, docs: the method of each operation")
def test_a_method_that_is_not_documented_is_refused(api: Api) -> None:
    for name in ("path.get_chat", "path.post_list"):
        exchange = api.ask(name)
        expect(400 <= exchange.came.status < 500, f"status {exchange.came.status}", exchange)


@check(NOTE, "RFC 9110, 15.5.6")
def test_a_wrong_method_is_answered_with_405_and_the_right_one(api: Api) -> None:
    exchange = api.ask("path.get_chat")
    allowed = (exchange.came.header("allow") or "").upper()
    came = f"status {exchange.came.status}, Allow: {allowed or 'absent'}"
    expect(exchange.came.status == 405 and "POST" in allowed, came, exchange)


@each(exchanges, MUST, "seed: Base URL")
def test_no_documented_path_redirects(exchange: Exchange) -> None:
    status = exchange.came.status
    expect(not 300 <= status < 400, f"status {status} to {exchange.came.header('location')}")
