"""Equal requests, and requests with equal meaning; judged only on a deterministic target."""

from __future__ import annotations

from .judging.checks import check
from .judging.probe import Api
from .judging.verdicts import MUST, SHOULD, expect

SEED = "docs: Create chat completion (seed: best effort)"


def same(api: Api, one: str, two: str) -> None:
    """Fails the check unless both answers have the same texts and finish reasons."""
    api.deterministic("text.base" if one.startswith("text") else "chat.base")
    first, second = api.answer(one), api.answer(two)
    found = [[(c.text, c.finish) for c in a.choices] for a in (first, second)]
    expect(found[0] == found[1], f"{found[0]} and {found[1]}", first.exchange, second.exchange)


@check(SHOULD, SEED)
def test_equal_requests_have_equal_answers(api: Api) -> None:
    for name in ("chat.base", "text.base"):
        one, two = api.answer(name), api.answer(f"{name}.again")
        expect(one.texts == two.texts, f"{one.texts} and {two.texts}", one.exchange, two.exchange)


@check(
    MUST, "RFC 8259: the order of members, blanks, escapes and writings of a number mean nothing"
)
def test_writings_of_one_request_have_one_answer(api: Api) -> None:
    same(api, "chat.base", "chat.written")


@check(MUST, "docs: Create chat completion (defaults; null is legal)")
def test_a_default_written_out_and_a_null_change_nothing(api: Api) -> None:
    same(api, "chat.base", "chat.neutral")


@check(SHOULD, "docs: Create chat completion (content: text or parts)")
def test_a_single_text_part_is_the_text(api: Api) -> None:
    same(api, "chat.base", "chat.parts")


@check(SHOULD, "observed: dsv4, kimi")
def test_an_unknown_field_changes_nothing(api: Api) -> None:
    same(api, "chat.base", "chat.unknown_field")


@check(SHOULD, "docs: Create chat completion (n)")
def test_the_first_of_several_choices_is_the_only_one_of_one(api: Api) -> None:
    api.deterministic()
    one, two = api.answer("chat.base"), api.answer("chat.one")
    expect(one.text.startswith(two.texts[0]), f"{one.text!r} and {two.texts[0]!r}",
           one.exchange, two.exchange)  # fmt: skip


@check(MUST, "an answer depends on its own request")
def test_nothing_that_was_sent_before_is_left_behind(api: Api) -> None:
    list(api.exchanges())  # every request has been sent now
    same(api, "chat.base", "chat.last")
