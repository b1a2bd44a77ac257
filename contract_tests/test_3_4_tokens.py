"""How tokens are counted."""

from __future__ import annotations

from .judging.checks import check, each
from .judging.probe import Api
from .judging.selectors import answers, whole_answers
from .judging.verdicts import MUST, SHOULD, Skipped, expect
from .test_3_answers import wanted
from .wire.views import Answer, Unreadable

BOTH_PAGES = "docs: Create chat completion, Create completion"
PARENTS = {
    "prompt_tokens_details": "prompt_tokens", "completion_tokens_details": "completion_tokens",
}  # fmt: skip


@each(answers, MUST, BOTH_PAGES + " (usage)")
def test_the_total_is_prompt_and_completion_together(answer: Answer) -> None:
    one, two = answer.count("prompt_tokens"), answer.count("completion_tokens")
    total = answer.count("total_tokens")
    expect(total == one + two, f"total_tokens is {total}, {one} and {two} are {one + two}")


@each(answers, MUST, BOTH_PAGES + " (usage)")
def test_a_prompt_has_tokens_and_so_has_a_text(answer: Answer) -> None:
    one, two = answer.count("prompt_tokens"), answer.count("completion_tokens")
    prompt = answer.body.get("prompt", "any")
    empty = not prompt or (isinstance(prompt, list) and not any(prompt))
    expect(one > 0 or empty, f"prompt_tokens is {one}")
    said = answer.text or any(c.calls or c.reasoning for c in answer.choices)
    expect(two > 0 or not said, f"completion_tokens is {two} for {answer.text[:40]!r}")


@each(answers, MUST, "docs: Prompt cache; observed: kotlin (details)")
def test_no_detail_of_the_usage_is_above_its_total(answer: Answer) -> None:
    for name, parent in PARENTS.items():
        details, total = (answer.usage or {}).get(name), answer.count(parent)
        for key, count in (details or {}).items() if isinstance(details, dict) else ():
            expect(not isinstance(count, int) or count <= total,
                   f"{name}.{key} is {count}, {parent} is {total}")  # fmt: skip


@each(whole_answers, SHOULD, "docs: usage optional for chat; observed: in every live answer")
def test_every_answer_brings_its_usage(answer: Answer) -> None:
    expect(answer.usage is not None, "no usage")


@each(answers, MUST, BOTH_PAGES + " (max_tokens)")
def test_no_answer_has_more_tokens_than_its_limit(answer: Answer) -> None:
    limit = answer.body.get("max_tokens")
    if not isinstance(limit, int):
        raise Unreadable("no limit was asked for")
    most = limit * wanted(answer) * max(1, int(answer.body.get("best_of") or 1))
    spent = answer.count("completion_tokens")
    expect(spent <= most, f"{spent} completion tokens, the limit allows {most}")


@each(answers, MUST, BOTH_PAGES + " (max_tokens)")
def test_no_choice_lists_more_tokens_than_its_limit(answer: Answer) -> None:
    limit = answer.body.get("max_tokens")
    if not isinstance(limit, int):
        raise Unreadable("no limit was asked for")
    for choice in answer.choices:
        if choice.logprobs is None:
            raise Unreadable("no log probabilities")
        expect(
            len(choice.logprobs) <= limit, f"{len(choice.logprobs)} tokens at a limit of {limit}"
        )


@check(MUST, BOTH_PAGES + " (max_tokens)")
def test_a_limit_of_one_gives_one_token(api: Api) -> None:
    for name, base in (("chat.one", "chat.base"), ("text.one", "text.base")):
        answer = api.answer(name)
        reason, text = answer.choices[0].finish, answer.texts[0]
        longer = len(api.answer(base).text) > len(text)
        expect(reason == "length" or not longer or not text.strip(),
               f"it ended for {reason!r} after {text!r}", answer.exchange)  # fmt: skip
        expect(len(text) <= 40, f"one token is {text!r}", answer.exchange)


@check(MUST, BOTH_PAGES + " (max_tokens, n)")
def test_the_tokens_of_all_choices_are_counted(api: Api) -> None:
    for name in ("chat.n", "chat.n.stream", "chat.one", "text.list", "text.tokens.stream"):
        try:
            answer = api.answer(name)
            spent = answer.count("completion_tokens")
        except (Skipped, Unreadable):
            continue
        said = sum(bool(text) for text in answer.texts)
        logprobs = sum(len(choice.logprobs or ()) for choice in answer.choices)
        counts = f"{spent} tokens for {said} texts, {logprobs} are listed"
        expect(spent >= max(said, logprobs), counts, answer.exchange)


def prompt_tokens(api: Api, name: str) -> int:
    return api.answer(name).count("prompt_tokens")


@check(MUST, BOTH_PAGES + " (prompt_tokens: the tokens of the prompt)")
def test_one_prompt_has_one_count_whatever_else_is_asked(api: Api) -> None:
    for base, others in (
        ("chat.base", ("chat.base.again", "chat.one", "chat.n", "chat.stream.usage",
                       "chat.n.stream", "logprobs.chat", "chat.lowest")),
        ("text.base", ("text.base.again", "text.one", "logprobs.text.stream", "logprobs.text")),
    ):  # fmt: skip
        count = prompt_tokens(api, base)
        for name in others:
            try:
                other = prompt_tokens(api, name)
            except (Skipped, Unreadable):
                continue
            expect(other == count, f"{count} and {other} prompt tokens",
                   api.ask(base), api.ask(name))  # fmt: skip


@check(MUST, BOTH_PAGES + " (prompt_tokens: the tokens of the prompt)")
def test_a_longer_prompt_has_more_tokens(api: Api) -> None:
    for base, longer, least in (
        ("chat.base", "chat.turns", 30),
        ("text.base", "text.list", 1),
    ):
        try:
            few, many = prompt_tokens(api, base), prompt_tokens(api, longer)
        except Skipped:
            continue
        expect(many >= few + least, f"{few} prompt tokens and {many}",
               api.ask(base), api.ask(longer))  # fmt: skip


@each(answers, SHOULD, "a token is part of a byte at least, and of forty at most")
def test_the_number_of_tokens_suits_the_text(answer: Answer) -> None:
    if any(c.calls or c.reasoning for c in answer.choices):
        raise Unreadable("calls and reasoning are counted too")
    spent, size = answer.count("completion_tokens"), len(answer.text.encode("utf-8", "replace"))
    ends = 2 * len(answer.choices) * max(1, int(answer.body.get("best_of") or 1))
    best_of = int(answer.body.get("best_of") or 1) > 1
    expect(best_of or size / 40 - 1 <= spent <= size + ends, f"{spent} tokens for {size} bytes")
