"""Log probabilities: the tokens of an answer, one by one, with their alternatives."""

from __future__ import annotations

import math

from .judging.checks import check, each
from .judging.probe import Api
from .judging.selectors import answers, json_replies
from .judging.verdicts import MUST, SHOULD, Skipped, expect
from .wire.exchange import Exchange
from .wire.views import CHAT, Answer, Choice, TokenLogprob, Unreadable

PAGES = "docs: Create chat completion, Create completion (logprobs); observed: gonka"
EPSILON = 1e-3
ASKED = (
    "logprobs.chat",
    "logprobs.chat.stream",
    "chat.one",
    "logprobs.text",
    "logprobs.text.stream",
)


def listed(answer: Answer) -> list[tuple[Choice, list[TokenLogprob]]]:
    """The choices that have log probabilities; raises Unreadable if none has."""
    found = [(choice, choice.logprobs) for choice in answer.choices if choice.logprobs]
    if not found:
        raise Unreadable("no log probabilities")
    return [(choice, logprobs) for choice, logprobs in found if logprobs]


@check(SHOULD, PAGES + " (may be silently missing)")
def test_log_probabilities_come_where_they_are_asked_for(api: Api) -> None:
    for name in ASKED:
        answer = api.answer(name)
        missing = [choice.index for choice in answer.choices if not choice.logprobs and choice.text]
        expect(not missing, f"choices {missing} have none", answer.exchange)


@check(MUST, PAGES)
def test_no_answer_lacks_the_log_probabilities_that_others_have(api: Api) -> None:
    have = {name: any(c.logprobs for c in api.answer(name).choices) for name in ASKED}
    lacking = [name for name, has in have.items() if not has]
    if len(lacking) > 2:
        raise Skipped("this target gives log probabilities rarely or never")
    expect(not lacking, f"{len(have) - len(lacking)} of {len(have)} such answers have them",
           *(api.ask(name) for name in lacking))  # fmt: skip


@each(answers, MUST, PAGES)
def test_no_probability_is_above_one(answer: Answer) -> None:
    for _, logprobs in listed(answer):
        for entry in logprobs:
            for value in (entry.logprob, *(value for _, value, _ in entry.top)):
                good = value is None or (isinstance(value, int | float) and value <= 0)
                expect(good and not (value is not None and math.isnan(value)),
                       f"the log probability of {entry.token!r} is {value!r}")  # fmt: skip


@each(json_replies, MUST, "docs: Create completion (logprobs: lists of one length)")
def test_the_lists_of_log_probabilities_have_one_length(exchange: Exchange) -> None:
    for piece in exchange.value["choices"]:
        logprobs = piece.get("logprobs")
        if not isinstance(logprobs, dict) or "tokens" not in logprobs:
            raise Unreadable("no lists")
        sizes = {name: len(many) for name, many in logprobs.items() if isinstance(many, list)}
        expect(len(set(sizes.values())) == 1, f"their lengths are {sizes}")


@each(answers, MUST, PAGES)
def test_the_tokens_joined_are_the_text(answer: Answer) -> None:
    for choice, logprobs in listed(answer):
        joined, text = "".join(entry.token for entry in logprobs), choice.text or ""
        if "\ufffd" in joined:
            raise Unreadable("a token is a part of a letter")
        # Tokens that mark the end of a text may follow it.
        same = joined.startswith(text) and (joined == text or _is_mark(joined[len(text) :]))
        expect(same, f"{joined!r} for {text!r}")


def _is_mark(rest: str) -> bool:
    return rest.startswith("<") and rest.endswith(">")


@each(answers, MUST, PAGES + " (bytes: UTF-8)")
def test_the_bytes_of_a_token_spell_it(answer: Answer) -> None:
    for _, logprobs in listed(answer):
        for entry in logprobs:
            for token, spelled in ((entry.token, entry.bytes), *((t, b) for t, _, b in entry.top)):
                if spelled is not None and "\ufffd" not in token:
                    expect(spelled == list(token.encode("utf-8", "replace")),
                           f"{token!r} is spelled {spelled}")  # fmt: skip


def alternatives(answer: Answer) -> int:
    """The number of alternatives asked for."""
    chat = answer.exchange.asked.operation == CHAT
    return int(answer.body.get("top_logprobs" if chat else "logprobs") or 0)


@each(answers, MUST, PAGES + " (top_logprobs)")
def test_there_are_as_many_alternatives_as_were_asked_for(answer: Answer) -> None:
    count, chat = alternatives(answer), answer.exchange.asked.operation == CHAT
    for _, logprobs in listed(answer):
        for entry in logprobs:
            # A completion also lists the token itself if it is not among the likeliest.
            most = count if chat else count + 1
            found = len(entry.top)
            expect(count <= found <= most, f"{found} alternatives to {entry.token!r}, not {count}")


@each(answers, MUST, PAGES + " (top_logprobs: the likeliest first)")
def test_the_alternatives_are_sorted_and_distinct(answer: Answer) -> None:
    chat = answer.exchange.asked.operation == CHAT
    for _, logprobs in listed(answer):
        for entry in logprobs:
            tokens, values = [t for t, _, _ in entry.top], [value for _, value, _ in entry.top]
            expect(len(set(tokens)) == len(tokens), f"{tokens} repeats one")
            expect(not chat or values == sorted(values, reverse=True), f"{values} is not sorted")


@each(answers, MUST, "probabilities of different tokens add up to one at most")
def test_the_probabilities_of_one_place_add_up_to_one_at_most(answer: Answer) -> None:
    for _, logprobs in listed(answer):
        for entry in logprobs:
            total = sum(math.exp(value) for _, value, _ in entry.top)
            expect(total <= 1 + EPSILON, f"those at {entry.token!r} add up to {total:.4f}")


@each(answers, MUST, PAGES)
def test_a_token_among_the_alternatives_has_one_probability(answer: Answer) -> None:
    for _, logprobs in listed(answer):
        for entry in logprobs:
            for token, value, _ in entry.top:
                same = token != entry.token or entry.logprob is None
                expect(same or abs(value - (entry.logprob or 0.0)) < EPSILON,
                       f"{token!r} has {entry.logprob} and {value}")  # fmt: skip


@each(answers, SHOULD, "docs: temperature 0 takes the likeliest token")
def test_greedy_sampling_takes_the_likeliest_token(answer: Answer) -> None:
    if answer.body.get("temperature") != 0:
        raise Unreadable("not greedy")
    for _, logprobs in listed(answer):
        for entry in logprobs:
            best = max((value for _, value, _ in entry.top), default=entry.logprob)
            good = entry.logprob is None or best is None or entry.logprob >= best - EPSILON
            expect(good, f"{entry.token!r} has {entry.logprob}, another one {best}")


@each(answers, MUST, "docs: Create completion (text_offset)")
def test_the_offsets_of_the_tokens_follow_the_text(answer: Answer) -> None:
    if answer.exchange.is_stream:
        raise Unreadable("offsets of a stream come in pieces")
    for piece in answer.exchange.value["choices"]:
        logprobs = piece.get("logprobs") if isinstance(piece, dict) else None
        if not isinstance(logprobs, dict) or not isinstance(logprobs.get("text_offset"), list):
            raise Unreadable("no offsets")
        at, expected = logprobs["text_offset"][0] if logprobs["text_offset"] else 0, []
        for token in logprobs.get("tokens", []):
            expected.append(at)
            at += len(token)
        expect(logprobs["text_offset"] == expected, f"{logprobs['text_offset']}, not {expected}")


@each(answers, SHOULD, PAGES + "; docs: usage")
def test_as_many_tokens_are_listed_as_are_counted(answer: Answer) -> None:
    if any(choice.reasoning or choice.calls for choice in answer.choices):
        raise Unreadable("reasoning and calls are counted too")
    total = sum(len(logprobs) for _, logprobs in listed(answer))
    spent, best_of = answer.count("completion_tokens"), int(answer.body.get("best_of") or 1)
    ends = len(answer.choices)
    expect(best_of > 1 or total <= spent <= total + ends, f"{total} listed, {spent} counted")


@check(MUST, PAGES)
def test_a_stream_has_the_tokens_of_the_whole_answer(api: Api) -> None:
    api.deterministic()
    for one, two in (
        ("logprobs.chat", "logprobs.chat.stream"),
        ("logprobs.text", "logprobs.text.stream"),
    ):
        first, second = api.answer(one), api.answer(two)
        lists = [[o.token for c in a.choices for o in c.logprobs or ()] for a in (first, second)]
        if not all(lists):
            continue
        expect(lists[0] == lists[1], f"{lists[0]} and {lists[1]}", first.exchange, second.exchange)


@check(MUST, PAGES)
def test_asking_for_log_probabilities_does_not_change_the_text(api: Api) -> None:
    for base, name in (("chat.base", "logprobs.chat"), ("text.base", "logprobs.text")):
        api.deterministic(base)
        one, two = api.answer(base), api.answer(name)
        both = (one.exchange, two.exchange)
        expect(one.text.startswith(two.text), f"{one.text!r} and {two.text!r}", *both)
