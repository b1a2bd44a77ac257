"""What an answer says about itself: its shape, its choices, its tokens, where it stops.

The checks compare fields and answers with one another; none depends on the model.
"""

from __future__ import annotations

from .judging.checks import check, each
from .judging.probe import Api
from .judging.referee import first_fault
from .judging.selectors import answers, chats, exchanges, json_replies, whole_answers
from .judging.verdicts import MUST, NOTE, SHOULD, Failed, Skipped, expect
from .wire.exchange import Exchange
from .wire.strict_json import JsonFault
from .wire.views import Answer, Unreadable

CHAT_PAGE = "docs: Create chat completion"
BOTH_PAGES = "docs: Create chat completion, Create completion"
ALIASES = {"minimax/minimax-m2": ("minimax-m2", "MiniMax")}
SLACK = 5.0
SPOKEN = 5


# On the wire


@each(exchanges, MUST, "RFC 9112: message framing")
def test_every_reply_is_complete(exchange: Exchange) -> None:
    expect(not exchange.came.problem, exchange.came.problem)


@each(exchanges, MUST, "RFC 9110, 12.5.3 (the suite asks for identity)")
def test_no_reply_has_an_encoding_that_was_not_asked_for(exchange: Exchange) -> None:
    encoding = exchange.came.header("content-encoding") or "identity"
    expect(encoding.lower() == "identity", f"Content-Encoding: {encoding}")


@each(json_replies, MUST, "observed: tapes (application/json)")
def test_an_answer_that_is_not_streamed_is_sent_as_json(exchange: Exchange) -> None:
    kind = exchange.came.media_type
    expect(kind == "application/json", f"Content-Type: {kind or 'absent'}")


@each(json_replies, MUST, "RFC 8259")
def test_an_answer_is_one_plain_json_document(exchange: Exchange) -> None:
    try:
        _ = exchange.value
    except JsonFault as fault:
        raise Failed(str(fault)) from None


@each(json_replies, MUST, BOTH_PAGES + ", List models, Retrieve model")
def test_an_answer_has_the_documented_shape(exchange: Exchange) -> None:
    from novita_mock._api.description import load_description

    try:
        value = exchange.value
    except JsonFault as unread:
        raise Unreadable(str(unread)) from None
    path = load_description().operations[exchange.asked.operation].response
    fault = first_fault(path, value)
    if fault is not None:
        raise Failed(f"{fault[0]}: {fault[1]}", f"the schema {path}")


@each(answers, SHOULD, "Unicode 15, 23.8: text that could not be read has been lost")
def test_no_text_has_signs_that_stand_for_lost_ones(answer: Answer) -> None:
    lost = [char for char in answer.text if char == "\ufffd" or 0xD800 <= ord(char) <= 0xDFFF]
    cut = any(choice.finish == "length" for choice in answer.choices)
    expect(not lost or cut, f"the text has {lost[:3]!r}")


# Head


@check(MUST, BOTH_PAGES + " (a unique id)")
def test_no_two_answers_have_the_same_id(api: Api) -> None:
    seen: dict[object, Exchange] = {}
    for exchange in api.exchanges():
        for answer in _readable(api, exchange):
            before = seen.setdefault(answer.id, exchange)
            expect(before is exchange, f"the id {answer.id!r} twice", before, exchange)
    if len(seen) < 2:
        raise Skipped("fewer than two answers came")


def _readable(api: Api, exchange: Exchange) -> list[Answer]:
    try:
        return list(answers(api, exchange))
    except Unreadable:
        return []


@each(answers, MUST, BOTH_PAGES + " (created: Unix seconds)")
def test_an_answer_was_created_just_now(answer: Answer) -> None:
    came, created = answer.exchange.came, answer.created
    if not isinstance(created, int):
        raise Unreadable("created is no integer")
    low, high = came.began - SLACK, came.ended + SLACK
    times = f"created is {created}; it was asked between {came.began:.0f} and {came.ended:.0f}"
    expect(low <= created <= high, times)


@each(answers, MUST, BOTH_PAGES + "; docs: interleaved guide (names of minimax-m2)")
def test_an_answer_comes_from_the_model_that_was_asked(answer: Answer) -> None:
    asked = str(answer.body.get("model"))
    allowed = {asked, *ALIASES.get(asked, ()), asked.rpartition("/")[2]}
    expect(answer.model in allowed, f"asked {asked!r}, answered by {answer.model!r}")


@each(answers, SHOULD, BOTH_PAGES + "; docs: interleaved guide (a short name of minimax-m2)")
def test_an_answer_names_its_model_as_the_request_did(answer: Answer) -> None:
    asked = answer.body.get("model")
    expect(answer.model == asked, f"asked {asked!r}, answered by {answer.model!r}")


# Choices


def prompts(answer: Answer) -> int:
    """The number of prompts in the request."""
    prompt = answer.body.get("prompt")
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list):
        return len(prompt)
    return 1


def wanted(answer: Answer) -> int:
    return int(answer.body.get("n") or 1) * prompts(answer)


@each(answers, MUST, BOTH_PAGES + " (n); one choice where it is absent or null")
def test_there_are_n_choices_for_each_prompt(answer: Answer) -> None:
    count = wanted(answer)
    expect(len(answer.choices) == count, f"{len(answer.choices)} choices, asked for {count}")


@each(answers, MUST, BOTH_PAGES + " (index)")
def test_the_choices_are_numbered_from_zero(answer: Answer) -> None:
    found = sorted(choice.index for choice in answer.choices)
    expect(found == list(range(len(found))), f"the indexes are {found}")


@each(whole_answers, SHOULD, BOTH_PAGES + " (index)")
def test_the_choices_come_in_the_order_of_their_numbers(answer: Answer) -> None:
    found = [choice.index for choice in answer.choices]
    expect(found == sorted(found), f"the indexes are {found}")


@each(answers, MUST, BOTH_PAGES + " (finish_reason)")
def test_every_choice_says_why_it_ended(answer: Answer) -> None:
    for choice in answer.choices:
        expect(isinstance(choice.finish, str) and choice.finish,
               f"finish_reason of choice {choice.index} is {choice.finish!r}")  # fmt: skip


@each(answers, MUST, BOTH_PAGES + " (finish_reason: length)")
def test_an_answer_that_ends_for_its_length_has_reached_its_limit(answer: Answer) -> None:
    cut = sum(choice.finish == "length" for choice in answer.choices)
    limit = answer.body.get("max_tokens")
    if not cut or not isinstance(limit, int):
        raise Unreadable("no choice was cut")
    spent = answer.count("completion_tokens")
    expect(spent >= cut * limit,
           f"{cut} choices end for their length of {limit}, all together have {spent} tokens",
           )  # fmt: skip


@each(answers, MUST, BOTH_PAGES + " (finish_reason: length)")
def test_a_choice_that_ends_for_its_length_says_something(answer: Answer) -> None:
    limit = answer.body.get("max_tokens")
    if not isinstance(limit, int) or limit < SPOKEN:
        raise Unreadable("so few tokens may be a part of a letter")
    details = (answer.usage or {}).get("completion_tokens_details") or {}
    for choice in answer.choices:
        said = choice.text or choice.reasoning or choice.calls or details.get("reasoning_tokens")
        expect(said or choice.finish != "length",
               f"choice {choice.index} is empty, and was cut at {limit} tokens")  # fmt: skip


@each(chats, MUST, CHAT_PAGE + " (message.content)")
def test_a_chat_without_a_call_has_content(answer: Answer) -> None:
    if answer.exchange.is_stream:
        raise Unreadable("a stream may have none before its end")
    for choice in answer.choices:
        expect(choice.text is not None or choice.calls or choice.reasoning,
               f"content of choice {choice.index} is null")  # fmt: skip


@check(MUST, "seed: the client examples print what was said")
def test_an_answer_says_something(api: Api) -> None:
    names = ("chat.base", "chat.stream", "text.base", "logprobs.text.stream", "chat.turns",
             "chat.neutral", "chat.parts", "chat.unknown_field")  # fmt: skip
    for name in names:
        try:
            answer = api.answer(name)
        except (Skipped, Unreadable):
            continue
        said = answer.text.strip() or any(c.reasoning or c.calls for c in answer.choices)
        expect(said, "the text is empty", answer.exchange)


@each(chats, MUST, CHAT_PAGE + " (logprobs: false by default)")
def test_log_probabilities_come_only_where_they_are_asked_for(answer: Answer) -> None:
    asked = answer.body.get("logprobs") is True
    for choice in answer.choices:
        expect(asked or not choice.logprobs, f"choice {choice.index} has log probabilities")


@check(NOTE, BOTH_PAGES + " (n)")
def test_several_choices_differ(api: Api) -> None:
    texts = api.answer("chat.n").texts
    expect(len(set(texts)) > 1, "all choices have the same text at temperature 1.99")
