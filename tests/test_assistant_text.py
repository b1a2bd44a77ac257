"""The tokenizer and the text writer: tokens join to the text, sentences are about the subject."""

from __future__ import annotations

import itertools
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novita_mock._core.tokenizer import count, split
from novita_mock._engine.assistant_text import _FIRST, _TEMPLATES, topics, write
from tests.ask import CHAT, TEXT, ask, texts

MATERIAL = blake2b(b"a").digest()
SPLIT = [
    ("", []),
    ("Hi there!", ["Hi", " there", "!"]),
    ("don't", ["don", "'", "t"]),
    ("internationalization", ["internat", "ionaliza", "tion"]),
    (" 12345 ", [" 123", "45", " "]),
    ("a  b", ["a", "  ", "b"]),
    ("a\n\nb", ["a", "\n\n", "b"]),
    ("x\n y", ["x", "\n ", "y"]),
    ("日本語", ["日本", "語"]),
    ('{"a": 1}', ['{"', "a", '":', " 1", "}"]),
]
SUBJECTS = [
    "Tell me about rainbows",
    "Hi there!",
    "Wie backe ich Brot?",
    "What is the café in Zürich like?",
    "日本語で答えてください。",
    "2 + 2",
    "",
    "   \n\t ",
    "{0} {1} {x}",
    "a b c",
    "C++ or C#?",
    "🙂🙂🙂",
    "x" * 5000,
]


@given(st.text())
def test_the_tokens_of_a_text_joined_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text
    assert all(split(text))
    assert count(text) == len(split(text))


RUNS = st.sampled_from(
    ["a", "Word", "1", "99", ".", "-_", " ", "  ", "\n", "\t", "\x0b", "\x1c", "\x7f", "\0"]
)


@given(st.lists(st.builds(str.__mul__, RUNS, st.integers(1, 20))))
def test_what_is_counted_on_bytes_is_what_the_splitter_gives(runs: list[str]) -> None:
    text = "".join(runs)
    assert count(text) == len(split(text))
    assert count(text + "é") == len(split(text + "é"))


@given(st.text(), st.text())
def test_a_longer_text_has_no_fewer_tokens(text: str, more: str) -> None:
    assert count(text + more) >= count(text)


@pytest.mark.parametrize(("text", "tokens"), SPLIT)
def test_the_splitter_cuts_as_documented(text: str, tokens: list[str]) -> None:
    assert split(text) == tokens


@pytest.mark.parametrize("wanted", [None, 1, 2, 50, 5000])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_writer_gives_tokens_that_the_splitter_would_give(
    subject: str, wanted: int | None
) -> None:
    tokens = write(MATERIAL, topics(subject), wanted)
    assert tokens == split("".join(tokens))


@given(st.text(max_size=60), st.binary(min_size=8, max_size=8))
def test_the_tokens_of_an_answer_are_those_of_its_text(subject: str, entropy: bytes) -> None:
    tokens = write(entropy, topics(subject), None)
    assert tokens == split("".join(tokens))


@pytest.mark.parametrize("wanted", [0, 1, 2, 3, 17, 100, 4096])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_writer_gives_exactly_as_many_tokens_as_wanted(subject: str, wanted: int) -> None:
    assert len(write(MATERIAL, topics(subject), wanted)) == wanted


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_longer_answer_begins_with_the_shorter(subject: str) -> None:
    longest = write(MATERIAL, topics(subject), 600)
    for wanted in (1, 7, 60, 599):
        assert write(MATERIAL, topics(subject), wanted) == longest[:wanted]
    natural = write(MATERIAL, topics(subject), None)
    assert longest[: len(natural)] == natural


@given(st.integers(0, 2**64), st.sampled_from(SUBJECTS))
def test_equal_entropy_and_subject_give_equal_words(number: int, subject: str) -> None:
    entropy = number.to_bytes(9, "big")
    assert write(entropy, topics(subject), None) == write(entropy, topics(subject), None)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Tell me about rainbows", ["rainbows", "about", "Tell"]),
        ("Hi there!", ["there"]),
        ("Wie backe ich Brot?", ["backe", "Brot"]),
        ("日本語で答えてください", ["日本語で答えてください"]),
        ("a b c", ["a", "b", "c"]),
    ],
)
def test_an_answer_mentions_a_word_of_the_last_user_message(message: str, words: list[str]) -> None:
    conversation = [
        {"role": "user", "content": "Something else entirely"},
        {"role": "assistant", "content": "Indeed"},
        {"role": "user", "content": message},
    ]
    [said] = texts(CHAT, ask(messages=conversation))
    assert any(word in said for word in words)
    [continued] = texts(TEXT, ask(TEXT, prompt=message))
    assert any(word in continued for word in words)


def test_answers_vary_with_seed_question_and_place() -> None:
    by_seed = {texts(CHAT, ask(seed=seed))[0] for seed in range(100)}
    assert len(by_seed) >= 95
    [first, *others] = texts(CHAT, ask(n=20))
    assert len({first, *others}) >= 19


def test_no_sentence_comes_twice_in_a_row_and_most_are_used() -> None:
    text = "".join(write(MATERIAL, topics("Tell me about rainbows"), 20_000))
    sentences = [s for s in text.replace("\n\n", " ").split(". ") if s]
    assert all(a != b for a, b in itertools.pairwise(sentences))
    assert len(set(sentences)) >= 25


@pytest.mark.parametrize("pieces", [*_FIRST, *_TEMPLATES], ids=lambda p: str(p[0])[:20])
def test_a_sentence_stored_as_tokens_is_what_the_splitter_makes_of_it(
    pieces: tuple[list[str] | int, ...],
) -> None:
    for piece in pieces:
        if isinstance(piece, list):
            assert split("".join(piece)) == piece


@pytest.mark.parametrize("operation", [CHAT, TEXT])
def test_an_answer_is_long_enough_to_stream_and_reads_as_text(operation: str) -> None:
    for seed in range(30):
        [said] = texts(operation, ask(operation, seed=seed))
        assert 20 <= count(said) <= 400
        assert said.endswith((".", "?", "!"))
        assert said.startswith(" ") is (operation == TEXT)
        assert "  " not in said
