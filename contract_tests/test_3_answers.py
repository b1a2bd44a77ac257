"""What an answer says of itself: its shape, its choices, its tokens, where it stops.

Relations between fields and between answers; no law here needs to know the model.
"""

from __future__ import annotations

from .api import Api
from .exchange import Exchange
from .laws import MUST, NOTE, SHOULD, Broken, Undecided, each, expect, law
from .shapes import first_fault
from .strict_json import JsonFault
from .subjects import answers, chats, exchanges, json_replies, whole_answers
from .views import Answer, Unreadable

CHAT_PAGE = "docs: Create chat completion"
BOTH_PAGES = "docs: Create chat completion, Create completion"
ALIASES = {"minimax/minimax-m2": ("minimax-m2", "MiniMax")}
SLACK = 5.0
PARENTS = {
    "prompt_tokens_details": "prompt_tokens", "completion_tokens_details": "completion_tokens",
}  # fmt: skip


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
        raise Broken(str(fault)) from None


@each(json_replies, MUST, BOTH_PAGES + ", List models, Retrieve model")
def test_an_answer_has_the_documented_shape(exchange: Exchange) -> None:
    from novita_mock._book import open_book

    try:
        value = exchange.value
    except JsonFault as unread:
        raise Unreadable(str(unread)) from None
    path = open_book().operations[exchange.asked.operation].response
    fault = first_fault(path, value)
    if fault is not None:
        raise Broken(f"{fault[0]}: {fault[1]}", f"the schema {path}")


@each(answers, SHOULD, "Unicode 15, 23.8: text that could not be read has been lost")
def test_no_text_has_signs_that_stand_for_lost_ones(answer: Answer) -> None:
    lost = [sign for sign in answer.text if sign == "\ufffd" or 0xD800 <= ord(sign) <= 0xDFFF]
    cut = any(choice.finish == "length" for choice in answer.choices)
    expect(not lost or cut, f"the text has {lost[:3]!r}")


# Head


@law(MUST, BOTH_PAGES + " (a unique id)")
def test_no_two_answers_have_the_same_id(api: Api) -> None:
    seen: dict[object, Exchange] = {}
    for exchange in api.exchanges():
        for answer in _readable(api, exchange):
            before = seen.setdefault(answer.id, exchange)
            expect(before is exchange, f"the id {answer.id!r} twice", before, exchange)
    if len(seen) < 2:
        raise Undecided("fewer than two answers came")


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
    about = f"created is {created}; it was asked between {came.began:.0f} and {came.ended:.0f}"
    expect(low <= created <= high, about)


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
    """How many prompts the request has."""
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


@each(chats, MUST, CHAT_PAGE + " (message.content)")
def test_a_chat_without_a_call_has_content(answer: Answer) -> None:
    if answer.exchange.is_stream:
        raise Unreadable("a stream may have none before its end")
    for choice in answer.choices:
        expect(choice.text is not None or choice.calls or choice.reasoning,
               f"content of choice {choice.index} is null")  # fmt: skip


@law(MUST, "seed: the client examples print what was said")
def test_an_answer_says_something(api: Api) -> None:
    names = ("chat.base", "chat.stream", "text.base", "text.stream", "chat.longer",
             "chat.defaults", "chat.nulls", "chat.parts", "chat.unknown_field")  # fmt: skip
    for name in names:
        try:
            answer = api.answer(name)
        except (Undecided, Unreadable):
            continue
        said = answer.text.strip() or any(c.reasoning or c.calls for c in answer.choices)
        expect(said, "the text is empty", answer.exchange)


@each(chats, MUST, CHAT_PAGE + " (logprobs: false by default)")
def test_log_probabilities_come_only_where_they_are_asked_for(answer: Answer) -> None:
    asked = answer.body.get("logprobs") is True
    for choice in answer.choices:
        expect(asked or not choice.odds, f"choice {choice.index} has log probabilities")


@law(NOTE, BOTH_PAGES + " (n)")
def test_several_choices_differ(api: Api) -> None:
    texts = api.answer("chat.n").texts
    expect(len(set(texts)) > 1, "all choices have the same text at temperature 1")


# Tokens


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
        if choice.odds is None:
            raise Unreadable("no log probabilities")
        expect(len(choice.odds) <= limit, f"{len(choice.odds)} tokens at a limit of {limit}")


@law(MUST, BOTH_PAGES + " (max_tokens)")
def test_a_limit_of_one_gives_one_token(api: Api) -> None:
    for name, base in (("chat.one", "chat.base"), ("text.one", "text.base")):
        answer = api.answer(name)
        longer = len(api.answer(base).text) > len(answer.text)
        reason, text = answer.choices[0].finish, answer.text
        expect(reason == "length" or not longer or not text.strip(),
               f"it ended for {reason!r} after {text!r}", answer.exchange)  # fmt: skip
        expect(len(text) <= 40, f"one token is {text!r}", answer.exchange)


@law(MUST, BOTH_PAGES + " (max_tokens, n)")
def test_the_tokens_of_all_choices_are_counted(api: Api) -> None:
    for name in ("chat.n", "chat.n.stream", "odds.chat.none", "text.list", "text.list.n"):
        try:
            answer = api.answer(name)
            spent = answer.count("completion_tokens")
        except (Undecided, Unreadable):
            continue
        said = sum(bool(text) for text in answer.texts)
        odds = sum(len(choice.odds or ()) for choice in answer.choices)
        expect(spent >= max(said, odds), f"{spent} tokens for {said} texts, {odds} are listed",
               answer.exchange)  # fmt: skip


def prompt_tokens(api: Api, name: str) -> int:
    return api.answer(name).count("prompt_tokens")


@law(MUST, BOTH_PAGES + " (prompt_tokens: the tokens of the prompt)")
def test_one_prompt_has_one_count_whatever_else_is_asked(api: Api) -> None:
    for base, others in (
        ("chat.base", ("chat.base.again", "chat.one", "chat.few", "chat.n", "chat.seed.1",
                       "chat.stream.usage", "chat.n.stream", "odds.chat", "chat.highest")),
        ("text.base", ("text.base.again", "text.one", "text.stream.usage", "odds.text")),
    ):  # fmt: skip
        count = prompt_tokens(api, base)
        for name in others:
            try:
                other = prompt_tokens(api, name)
            except (Undecided, Unreadable):
                continue
            expect(other == count, f"{count} and {other} prompt tokens",
                   api.ask(base), api.ask(name))  # fmt: skip


@law(MUST, BOTH_PAGES + " (prompt_tokens: the tokens of the prompt)")
def test_a_longer_prompt_has_more_tokens(api: Api) -> None:
    for base, longer, least in (
        ("chat.base", "chat.turns", 1),
        ("chat.base", "chat.longer", 30),
        ("text.base", "text.list", 1),
    ):
        try:
            few, many = prompt_tokens(api, base), prompt_tokens(api, longer)
        except Undecided:
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


# Limits and stops, by comparison with an earlier answer


@law(MUST, BOTH_PAGES + " (max_tokens)")
def test_a_lower_limit_cuts_the_same_answer(api: Api) -> None:
    for base, names in (
        ("chat.base", ("chat.few", "chat.one", "chat.few.stream")),
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


@law(MUST, BOTH_PAGES + " (stop)")
def test_an_answer_ends_at_the_first_stop_sequence(api: Api) -> None:
    for base, names in (
        ("chat.base", ("stop.text", "stop.array", "stop.two", "stop.inside.stream")),
        ("text.base", ("stop.no_text",)),
        ("chat.base", ("stop.two.reversed", "stop.foreign")),
    ):
        api.deterministic(base)
        for name in names:
            _ends_at_stop(api, base, name)


def _ends_at_stop(api: Api, base: str, name: str) -> None:
    try:
        whole, part = api.answer(base), api.answer(name)
    except Undecided:
        return
    asked = part.body["stop"]
    stops = [asked] if isinstance(asked, str) else asked
    hits = [(whole.text.find(s), s) for s in stops if s in whole.text]
    end, stop = min((at + len(s), s) for at, s in hits)
    allowed = (whole.text[:end], whole.text[: end - len(stop)])
    came = f"{part.text!r} of {whole.text!r} with stop {asked!r}"
    expect(part.text in allowed, came, whole.exchange, part.exchange)


@law(MUST, BOTH_PAGES + " (stop: the returned text includes the sequence)")
def test_the_text_keeps_the_stop_sequence(api: Api) -> None:
    api.deterministic()
    for name in ("stop.text", "stop.array", "stop.inside.stream", "stop.no_text"):
        try:
            answer = api.answer(name)
        except Undecided:
            continue
        asked = answer.body["stop"]
        stops = (asked,) if isinstance(asked, str) else tuple(asked)
        expect(answer.text.endswith(stops), f"{answer.text!r} with stop {asked!r}", answer.exchange)


@law(MUST, BOTH_PAGES + " (finish_reason: stop)")
def test_an_answer_that_met_a_stop_sequence_says_so(api: Api) -> None:
    api.deterministic()
    for name in ("stop.text", "stop.array", "stop.two", "stop.inside.stream", "stop.no_text"):
        try:
            answer = api.answer(name)
        except Undecided:
            continue
        reason = answer.choices[0].finish
        expect(reason == "stop", f"finish_reason is {reason!r}", answer.exchange)


@law(MUST, BOTH_PAGES + " (stop: a text or up to four)")
def test_a_stop_sequence_alone_in_a_list_is_the_same(api: Api) -> None:
    api.deterministic()
    one, two = api.answer("stop.text"), api.answer("stop.array")
    expect(one.text == two.text, f"{one.text!r} and {two.text!r}", one.exchange, two.exchange)


@law(MUST, BOTH_PAGES + " (stop)")
def test_the_order_of_stop_sequences_means_nothing(api: Api) -> None:
    api.deterministic()
    one, two = api.answer("stop.two"), api.answer("stop.two.reversed")
    expect(one.text == two.text, f"{one.text!r} and {two.text!r}", one.exchange, two.exchange)


@law(MUST, BOTH_PAGES + " (stop)")
def test_a_stop_sequence_that_does_not_occur_changes_nothing(api: Api) -> None:
    api.deterministic()
    one, two = api.answer("chat.base"), api.answer("stop.never")
    same = (one.text, one.choices[0].finish) == (two.text, two.choices[0].finish)
    expect(same, f"{one.text!r} and {two.text!r}", one.exchange, two.exchange)


# Sampling and prompts


@law(SHOULD, BOTH_PAGES + " (seed, temperature)")
def test_other_seeds_give_other_texts(api: Api) -> None:
    texts = {api.answer(f"chat.seed.{seed}").text for seed in (1, 2)}
    expect(len(texts) > 1, f"two seeds at temperature 2 give {texts}")


@law(MUST, "docs: Create completion (prompt: several texts)")
def test_several_prompts_are_answered_in_their_order(api: Api) -> None:
    api.deterministic("text.base")
    base, both = api.answer("text.base"), api.answer("text.list")
    first, second = ([*both.texts, "", ""])[:2]
    shown = (base.exchange, both.exchange)
    expect(base.text.startswith(first), f"{first!r} instead of {base.text!r}", *shown)
    expect(not second or first != second or not first, "both have the same text", *shown)


@law(MUST, "docs: Create completion (choices, usage)")
def test_a_completion_has_a_text_and_no_message(api: Api) -> None:
    stream = api.stream("text.stream")
    whole = [(piece, api.ask("text.base")) for piece in api.value("text.base")["choices"]]
    for piece, exchange in [*whole, *((piece, stream.exchange) for _, piece in stream.pieces)]:
        keys = sorted(piece)
        alone = "text" in keys and not {"message", "delta"} & set(keys)
        expect(alone, f"a choice has {keys}", exchange)


@each(chats, MUST, CHAT_PAGE + " (role); observed: always assistant")
def test_a_chat_is_answered_by_the_assistant(answer: Answer) -> None:
    roles = [choice.role for choice in answer.choices]
    expect(all(role == "assistant" for role in roles), f"the roles are {roles}")
