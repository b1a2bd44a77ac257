"""JSON answers and reasoning. A check judges only a target that showed the feature."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from .cases.features import DOCUMENTED, PERSON, STRUCTURED
from .judging.checks import check, each
from .judging.probe import Api
from .judging.selectors import answers, chats, streams
from .judging.verdicts import MUST, NOTE, SHOULD, Failed, Skipped, expect
from .wire.strict_json import JsonFault, read_text
from .wire.views import Answer, Stream, Unreadable, delta, said

FORMAT = "docs: Create chat completion (response_format)"
REASON = "docs: reasoning guide (separate_reasoning); observed: dsv4, kimi"
FORMS = ("json.object", "json.schema")


def parsed(answer: Answer) -> Any:
    """The content as JSON; the fault if it is not JSON."""
    try:
        return read_text(answer.choices[0].text or "")
    except (JsonFault, IndexError) as fault:
        return fault


def _shows(answer: Answer) -> bool:
    return "{" in answer.text and '"' in answer.text


def structured(api: Api) -> list[Answer]:
    """The answers to requests for JSON; Skipped if no row and no answer shows the feature."""
    found = []
    for name in FORMS:
        try:
            found.append(api.answer(name))
        except (Skipped, Unreadable):
            continue
    row = next((row for row in api.rows if found and row["id"] == found[0].model), {})
    if STRUCTURED not in (row.get("features") or []) and not any(map(_shows, found)):
        raise Skipped("no answer of this target shows a form that was asked for")
    return found


@check(MUST, FORMAT)
def test_an_answer_in_json_is_one_json_object(api: Api) -> None:
    for answer in structured(api):
        choice = answer.choices[0]
        value = parsed(answer)
        if choice.finish == "length":
            continue
        good = isinstance(value, dict)
        expect(good, f"{choice.text!r}: {value!r:.120}, finish_reason {choice.finish}",
               answer.exchange)  # fmt: skip


@check(MUST, FORMAT)
def test_an_answer_to_a_schema_follows_it(api: Api) -> None:
    judged = 0
    for answer in structured(api):
        value = parsed(answer)
        if "json_schema" not in answer.body["response_format"] or not isinstance(value, dict):
            continue
        judged += 1
        error = next(iter(Draft202012Validator(PERSON).iter_errors(value)), None)
        if error is not None:
            raise Failed(f"{answer.text!r}: {error.message[:150]}", FORMAT, answer.exchange)
    if not judged:
        raise Skipped("no answer to a schema is complete")


@check(SHOULD, "docs: List models (features); observed: flags are wrong at times")
def test_a_model_that_lists_structured_outputs_gives_them(api: Api) -> None:
    row = next((row for row in api.rows if row["id"] == api.model), {})
    if "structured-outputs" not in (row.get("features") or []):
        raise Skipped("the model does not list the feature")
    for name in FORMS:
        exchange = api.ask(name)
        shows = exchange.ok and _shows(api.answer(name))
        expect(shows, f"status {exchange.came.status}, no JSON", exchange)


@check(SHOULD, "docs: List models (features); observed: flags are wrong at times")
def test_a_model_that_lists_function_calling_calls(api: Api) -> None:
    flagged = [row for row in api.rows if "function-calling" in (row.get("features") or [])]
    if not flagged:
        raise Skipped("no model lists the feature")
    answer = api.answer("tools.required")
    expect(any(choice.calls for choice in answer.choices), "no tool is called", answer.exchange)


@check(MUST, "docs: Create chat completion (separate_reasoning of deepseek-r1-turbo)")
def test_reasoning_is_set_apart_by_the_model_that_documents_it(api: Api) -> None:
    for name in ("reasoning.on", "reasoning.stream"):
        answer = api.answer(name)
        if answer.body["model"] != DOCUMENTED:
            raise Skipped(f"{DOCUMENTED} is not listed")
        apart = all(c.reasoning for c in answer.choices) and "<think>" not in answer.text
        expect(apart, f"reasoning_content is missing; the text is {answer.text[:60]!r}",
               answer.exchange)  # fmt: skip


@check(SHOULD, REASON)
def test_reasoning_comes_where_it_is_asked_for(api: Api) -> None:
    for name in ("reasoning.on", "reasoning.stream"):
        answer = api.answer(name)
        expect(any(c.reasoning for c in answer.choices), "no reasoning_content", answer.exchange)


def reasons(api: Api) -> None:
    """Raises Skipped unless one of the answers has reasoning."""
    for name in ("reasoning.on", "reasoning.stream"):
        try:
            if any(choice.reasoning for choice in api.answer(name).choices):
                return
        except (Skipped, Unreadable):
            continue
    raise Skipped("no answer of this target shows its reasoning")


@check(MUST, REASON)
def test_reasoning_comes_in_a_stream_and_in_a_whole_answer_alike(api: Api) -> None:
    reasons(api)
    one, two = api.answer("reasoning.on"), api.answer("reasoning.stream")
    both = [any(choice.reasoning for choice in answer.choices) for answer in (one, two)]
    expect(all(both), f"whole: {both[0]}, streamed: {both[1]}", one.exchange, two.exchange)


@check(MUST, REASON)
def test_streamed_reasoning_is_the_reasoning_of_the_whole_answer(api: Api) -> None:
    reasons(api)
    api.deterministic()
    one, two = api.answer("reasoning.on"), api.answer("reasoning.stream")
    texts = ["".join(c.reasoning for c in a.choices) for a in (one, two)]
    expect(texts[0] == texts[1], f"{texts[0]!r} and {texts[1]!r}", one.exchange, two.exchange)
    said = [answer.text for answer in (one, two)]
    expect(said[0] == said[1], f"{said[0]!r} and {said[1]!r}", one.exchange, two.exchange)


@each(chats, MUST, REASON)
def test_reasoning_that_is_set_apart_is_not_in_the_content(answer: Answer) -> None:
    reasoned = [choice for choice in answer.choices if choice.reasoning]
    if not reasoned:
        raise Unreadable("no reasoning")
    for choice in reasoned:
        text = choice.text or ""
        expect("<think>" not in text and "</think>" not in text, f"the content is {text[:80]!r}")
        repeated = len(choice.reasoning) > 20 and choice.reasoning.strip() in text
        expect(not repeated, f"the content repeats the reasoning: {text[:80]!r}")


@each(chats, NOTE, REASON)
def test_reasoning_comes_only_where_it_is_asked_for(answer: Answer) -> None:
    asked = ("separate_reasoning", "enable_thinking", "reasoning", "reasoning_effort", "thinking",
             "reasoning_split")  # fmt: skip
    wanted = any(answer.body.get(name) for name in asked)
    expect(wanted or not any(c.reasoning for c in answer.choices), "reasoning_content unasked")


@each(answers, MUST, "observed: kotlin, dsv4 (completion_tokens_details)")
def test_reasoning_is_counted_among_the_tokens(answer: Answer) -> None:
    details = (answer.usage or {}).get("completion_tokens_details") or {}
    count = details.get("reasoning_tokens")
    reasoning = "".join(choice.reasoning for choice in answer.choices)
    if not isinstance(count, int) or isinstance(count, bool):
        raise Unreadable("not counted")
    expect(count > 0 or not reasoning, f"reasoning_tokens is {count} for {reasoning[:60]!r}")
    expect(count == 0 or not answer.text or count <= answer.count("completion_tokens"),
           f"{count} reasoning tokens of {answer.usage}")  # fmt: skip


@each(streams, SHOULD, "observed: dsv4 (all reasoning comes first)")
def test_reasoning_comes_before_the_content(stream: Stream) -> None:
    for pieces in stream.deltas().values():
        spoke = False
        for piece in pieces:
            thinks = delta(piece).get("reasoning_content")
            expect(not (spoke and thinks), f"reasoning after the content began: {thinks!r}")
            spoke = spoke or bool(said(piece))
