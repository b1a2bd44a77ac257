"""What may be asked: documented requests are answered; what the schemas exclude is refused."""

from __future__ import annotations

from collections.abc import Iterable

from .cases.boundary_selection import chosen, outermost
from .cases.refusals import BY_HAND, CONSTRAINTS, CORE, ERRORS, FORM, RANGES, STREAMED, TYPES
from .judging.checks import check, each
from .judging.probe import Api
from .judging.selectors import contested, documented, exchanges
from .judging.verdicts import MUST, SHOULD, Skipped, expect
from .test_1_admission import UNADMITTED, refusal
from .wire.exchange import Exchange
from .wire.views import CHAT, TEXT, Stream

REFERENCE = "docs: Create chat completion, Create completion"
NO_JSON = tuple(name for name in ERRORS if name.startswith("error.json."))
# With `OF` constraints or more, a target that lets one member pass means to enforce them all.
FEW_PASS, OF = 1, 8


@each(documented, MUST, "seed, " + REFERENCE)
def test_a_documented_request_is_answered(exchange: Exchange) -> None:
    status, reason = refusal(exchange)
    expect(exchange.ok, f"status {status} {reason or ''} {exchange.came.problem}")


@each(contested, SHOULD, REFERENCE + " (pages differ)")
def test_a_request_that_some_page_allows_is_answered(exchange: Exchange) -> None:
    status, reason = refusal(exchange)
    expect(exchange.ok, f"status {status} {reason or ''}")


@each(exchanges, MUST, "seed: Error codes (500 stands for a model under maintenance only)")
def test_no_request_makes_the_server_fail(exchange: Exchange) -> None:
    status = exchange.came.status
    expect(0 < status < 500, f"status {status} {exchange.came.problem}")


@check(MUST, "docs: LLM error table (400: the body); seed: any other status than 200 is an error")
def test_a_body_that_is_no_json_object_is_refused(api: Api) -> None:
    for name in (*NO_JSON, "error.deep"):
        exchange = api.ask(name)
        status = exchange.came.status
        expect(status == 400, f"status {status}", exchange, documented="status 400")


@check(SHOULD, "docs: LLM error table (INVALID_REQUEST_BODY)")
def test_a_bad_body_is_refused_with_its_documented_reason(api: Api) -> None:
    row = api.error("bad_body")
    for name in (*NO_JSON, *CORE):
        exchange = api.ask(name)
        status, reason = refusal(exchange)
        expect((status, reason) == (row.status, row.reason), f"{status} {reason}", exchange)


@check(MUST, REFERENCE + " (required, type)")
def test_a_request_without_what_is_required_is_refused(api: Api) -> None:
    for name in CORE:
        exchange = api.ask(name)
        status = exchange.came.status
        expect(400 <= status < 500, f"status {status}", exchange)


def passed(api: Api, names: Iterable[str]) -> tuple[list[Exchange], int]:
    """The requests that were answered although they break a constraint, and the number of all."""
    found = [api.ask(name) for name in names]
    return [exchange for exchange in found if exchange.ok], len(found)


def enforced(api: Api, members: dict[str, str]) -> None:
    """Fails the check if the target enforces nearly all of the constraints, but not all.

    `members`: the name of each request, and the member that it is about.
    """
    if not api.ask("chat.base").ok:
        raise Skipped("the plain request is refused")
    through, total = passed(api, members)
    about = outermost({members[exchange.name] for exchange in through})
    if len(about) > FEW_PASS or total < OF:
        raise Skipped(f"this target does not enforce {', '.join(sorted(about))}, nor means to")
    came = f"answered, although {total - len(through)} of {total} such requests are refused: "
    expect(not through, came + ", ".join(e.name for e in through), *through)


@check(MUST, REFERENCE + " (printed ranges, read with both ends)")
def test_a_documented_range_is_enforced_where_the_others_are(api: Api) -> None:
    enforced(api, RANGES)


@check(MUST, REFERENCE + " (types and enumerations)")
def test_a_documented_type_is_enforced_where_the_others_are(api: Api) -> None:
    enforced(api, TYPES)


@check(MUST, REFERENCE + " (messages)")
def test_the_form_of_a_message_is_enforced_where_the_rest_is(api: Api) -> None:
    enforced(api, FORM)


@check(SHOULD, REFERENCE + "; live: unknown beyond max_tokens")
def test_every_documented_constraint_is_enforced(api: Api) -> None:
    through, _ = passed(api, [*BY_HAND, *CONSTRAINTS])
    expect(not through, "answered: " + ", ".join(e.name for e in through), *through)


@check(MUST, REFERENCE + " (temperature 0 is excluded by the same print)")
def test_ranges_include_both_ends_or_neither(api: Api) -> None:
    if not api.ask("chat.base").ok:
        raise Skipped("temperature 0 is refused")
    exchange = api.ask("chat.ends")
    status = exchange.came.status
    expect(exchange.ok, f"status {status}, while temperature 0 is accepted", exchange)


@check(SHOULD, "docs: LLM error table (the message explains)")
def test_a_refusal_names_the_field(api: Api) -> None:
    for name, case in chosen().items():
        exchange = api.ask(name)
        fields = [step for step in case.path if isinstance(step, str)]
        named = any(field.encode() in exchange.came.body for field in fields)
        expect(exchange.ok or named, f"the message says nothing of {fields[-1]}", exchange)


@check(MUST, "seed: Error codes (one format, whatever was asked for)")
def test_a_refusal_is_the_same_whether_streamed_or_not(api: Api) -> None:
    for plain, streamed in (
        ("error.model.chat", "error.model.text"),
        ("key.wrong.chat", "key.wrong.text"),
    ):
        one, two = api.ask(plain), api.ask(streamed)
        expect(refusal(one) == refusal(two), f"{refusal(one)} and {refusal(two)}", one, two)
        kind = two.came.media_type
        expect(two.ok or kind == "application/json", f"a refusal as {kind}", two)


@check(MUST, "seed: Error codes (an error has another status than 200)")
def test_a_stream_that_begins_is_an_answer_and_no_refusal(api: Api) -> None:
    for name in (STREAMED, "rule.best_of:stream", "error.model.text"):
        exchange = api.ask(name)
        chunks = Stream(exchange).chunks if exchange.ok else [{"choices": []}]
        answered = chunks and all("choices" in chunk for chunk in chunks)
        expect(answered, "status 200, and no answer in the stream", exchange)


@check(MUST, REFERENCE + " (content: text or parts)")
def test_a_text_and_a_single_text_part_are_both_accepted(api: Api) -> None:
    one, two = api.ask("chat.base"), api.ask("chat.parts")
    expect(one.ok == two.ok, f"status {one.came.status} and {two.came.status}", one, two)


@check(MUST, "RFC 8259: the order of members, blanks and escapes mean nothing")
def test_writings_of_one_request_have_one_status(api: Api) -> None:
    for first, second in (("chat.base", "chat.written"), ("text.base", "stop.letter.text")):
        one, two = api.ask(first), api.ask(second)
        expect(
            one.came.status == two.came.status,
            f"status {one.came.status} and {two.came.status}", one, two,
        )  # fmt: skip


@check(MUST, REFERENCE + " (defaults; null is legal)")
def test_a_default_written_out_and_a_null_change_no_status(api: Api) -> None:
    base = api.ask("chat.base")
    for name in ("chat.neutral", "chat.turns"):
        exchange = api.ask(name)
        expect(exchange.ok == base.ok, f"status {exchange.came.status}", base, exchange)


@check(SHOULD, "observed: dsv4, kimi (an undocumented field was accepted)")
def test_an_unknown_field_is_ignored(api: Api) -> None:
    exchange = api.ask("chat.unknown_field")
    if exchange.came.status in UNADMITTED:
        raise Skipped("the key is refused for its scheme in lower case")
    expect(exchange.ok, f"status {exchange.came.status}", exchange)


@check(MUST, "docs: List models (endpoints)")
def test_a_listed_model_answers_both_operations_it_is_listed_for(api: Api) -> None:
    row = next((row for row in api.rows if row["id"] == api.model), {})
    listed = row.get("endpoints")
    for operation, name in ((CHAT, "chat.base"), (TEXT, "text.base")):
        endpoint = api.description.operations[operation].endpoint
        if isinstance(listed, list) and endpoint in listed:
            exchange = api.ask(name)
            expect(exchange.ok, f"status {exchange.came.status} at {endpoint}", exchange)
