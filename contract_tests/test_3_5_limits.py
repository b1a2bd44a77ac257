"""Where answers end and what changes them, by comparison with earlier answers."""

from __future__ import annotations

from .judging.checks import check, each
from .judging.probe import Api
from .judging.selectors import chats
from .judging.verdicts import MUST, SHOULD, Skipped, expect
from .wire.views import Answer

CHAT_PAGE = "docs: Create chat completion"
BOTH_PAGES = "docs: Create chat completion, Create completion"


@check(MUST, BOTH_PAGES + " (max_tokens)")
def test_a_lower_limit_cuts_the_same_answer(api: Api) -> None:
    for base, names in (
        ("chat.base", ("logprobs.chat", "logprobs.chat.stream")),
        ("text.base", ("text.one",)),
    ):
        api.deterministic(base)
        whole = api.answer(base)
        for name in names:
            part = api.answer(name)
            both = (whole.exchange, part.exchange)
            expect(whole.text.startswith(part.text), f"{part.text!r} of {whole.text!r}", *both)
            shorter = len(part.text) < len(whole.text)
            reason = part.choices[0].finish
            expect(not shorter or reason == "length", f"it was cut, and ended for {reason}", *both)


@check(MUST, BOTH_PAGES + " (stop)")
def test_an_answer_ends_at_the_first_stop_sequence(api: Api) -> None:
    for base, names in (
        ("chat.base", ("stop.text", "stop.many", "stop.inside.stream")),
        ("text.base", ("stop.letter.text",)),
    ):
        api.deterministic(base)
        for name in names:
            _ends_at_stop(api, base, name)


def _ends_at_stop(api: Api, base: str, name: str) -> None:
    try:
        whole, part = api.answer(base), api.answer(name)
    except Skipped:
        return
    asked = part.body["stop"]
    stops = [asked] if isinstance(asked, str) else asked
    hits = [(whole.text.find(s), s) for s in stops if s in whole.text]
    end, stop = min((at + len(s), s) for at, s in hits)
    allowed = (whole.text[:end], whole.text[: end - len(stop)])
    came = f"{part.text!r} of {whole.text!r} with stop {asked!r}"
    expect(part.text in allowed, came, whole.exchange, part.exchange)


@check(MUST, BOTH_PAGES + " (stop: the returned text includes the sequence)")
def test_the_text_keeps_the_stop_sequence(api: Api) -> None:
    api.deterministic()
    for name in ("stop.text", "stop.inside.stream", "stop.letter.text"):
        try:
            answer = api.answer(name)
        except Skipped:
            continue
        asked = answer.body["stop"]
        stops = (asked,) if isinstance(asked, str) else tuple(asked)
        expect(answer.text.endswith(stops), f"{answer.text!r} with stop {asked!r}", answer.exchange)


@check(MUST, BOTH_PAGES + " (finish_reason: stop)")
def test_an_answer_that_met_a_stop_sequence_says_so(api: Api) -> None:
    api.deterministic()
    for name in ("stop.text", "stop.many", "stop.inside.stream", "stop.letter.text"):
        try:
            answer = api.answer(name)
        except Skipped:
            continue
        reason = answer.choices[0].finish
        expect(reason == "stop", f"finish_reason is {reason!r}", answer.exchange)


@check(MUST, BOTH_PAGES + " (stop)")
def test_a_stop_sequence_that_does_not_occur_changes_nothing(api: Api) -> None:
    api.deterministic()
    one, two = api.answer("chat.base"), api.answer("chat.neutral")
    same = (one.text, one.choices[0].finish) == (two.text, two.choices[0].finish)
    expect(same, f"{one.text!r} and {two.text!r}", one.exchange, two.exchange)


# Sampling and prompts


@check(SHOULD, BOTH_PAGES + " (seed, temperature)")
def test_other_seeds_give_other_texts(api: Api) -> None:
    texts = {api.answer(name).text for name in ("chat.n", "chat.n.stream")}
    expect(len(texts) > 1, f"two seeds at temperature 1.99 give {texts}")


@check(MUST, "docs: Create completion (prompt: several texts)")
def test_several_prompts_are_answered_in_their_order(api: Api) -> None:
    api.deterministic("text.base")
    base, both = api.answer("text.base"), api.answer("text.list")
    first, second = ([*both.texts, "", ""])[:2]
    shown = (base.exchange, both.exchange)
    expect(base.text.startswith(first), f"{first!r} instead of {base.text!r}", *shown)
    expect(not second or first != second or not first, "both have the same text", *shown)


@check(MUST, "docs: Create completion (choices, usage)")
def test_a_completion_has_a_text_and_no_message(api: Api) -> None:
    stream = api.stream("logprobs.text.stream")
    whole = [(piece, api.ask("text.base")) for piece in api.value("text.base")["choices"]]
    for piece, exchange in [*whole, *((piece, stream.exchange) for _, piece in stream.pieces)]:
        keys = sorted(piece)
        alone = "text" in keys and not {"message", "delta"} & set(keys)
        expect(alone, f"a choice has {keys}", exchange)


@each(chats, MUST, CHAT_PAGE + " (role); observed: always assistant")
def test_a_chat_is_answered_by_the_assistant(answer: Answer) -> None:
    roles = [choice.role for choice in answer.choices]
    expect(all(role == "assistant" for role in roles), f"the roles are {roles}")
