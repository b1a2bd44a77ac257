"""Generation: what an answer says, how long it gets and why it ends."""

from __future__ import annotations

from typing import Any

import pytest

from novita_mock import Mock
from novita_mock._core.tokenizer import count, split
from tests.ask import CHAT, TEXT, WRITTEN, ask, both_say, texts

each_operation = pytest.mark.parametrize("operation", WRITTEN)


def reasons(answer: Any) -> list[str]:
    return [choice["finish_reason"] for choice in answer["choices"]]


@each_operation
@pytest.mark.parametrize("limit", [0, 1, 2, 15, 16, 17, 512, 5000])
def test_max_tokens_is_kept_to_the_token_and_ends_with_length(operation: str, limit: int) -> None:
    answer = ask(operation, max_tokens=limit)
    [said] = texts(operation, answer)
    assert reasons(answer) == ["length"]
    assert answer["usage"]["completion_tokens"] == limit
    assert count(said) == limit


@each_operation
def test_without_a_limit_an_answer_ends_of_itself(operation: str) -> None:
    answer = ask(operation)
    assert reasons(answer) == ["stop"]
    assert answer["usage"]["completion_tokens"] == count(texts(operation, answer)[0])


@each_operation
@pytest.mark.parametrize("n", [1, 2, 3, 128])
def test_every_choice_may_have_max_tokens(operation: str, n: int) -> None:
    answer = ask(operation, n=n, max_tokens=20)
    assert reasons(answer) == ["length"] * n
    assert answer["usage"]["completion_tokens"] == 20 * n


@each_operation
def test_a_shorter_answer_is_the_beginning_of_a_longer_one(operation: str) -> None:
    [longest] = texts(operation, ask(operation, max_tokens=400))
    for limit in (0, 1, 5, 50, 399):
        [said] = texts(operation, ask(operation, max_tokens=limit))
        assert longest.startswith(said)
        assert split(longest)[:limit] == split(said)
    [natural] = texts(operation, ask(operation))
    assert longest.startswith(natural)


@each_operation
@pytest.mark.parametrize("n", [1, 2, 5, 128])
def test_there_are_n_choices_numbered_in_order(operation: str, n: int) -> None:
    answer = ask(operation, n=n)
    assert [choice["index"] for choice in answer["choices"]] == list(range(n))


PROMPTS = [
    ("one", 1),
    (["one", "two", "three"], 3),
    ([1, 2, 3], 1),
    ([[1, 2], [3]], 2),
    ([[1, 2], [3], [1, 2]], 3),
    (["same", "same"], 2),
]


@pytest.mark.parametrize(("prompt", "number"), PROMPTS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_prompt_has_n_choices_in_the_order_of_the_prompts(
    prompt: Any, number: int, n: int
) -> None:
    answer = ask(TEXT, prompt=prompt, n=n)
    assert [choice["index"] for choice in answer["choices"]] == list(range(number * n))
    if number > 1:
        alone = [text for one in prompt for text in texts(TEXT, ask(TEXT, prompt=one, n=n))]
        assert texts(TEXT, answer) == alone


@pytest.mark.parametrize(("prompt", "number"), PROMPTS)
def test_usage_counts_every_prompt_once_and_every_choice(prompt: Any, number: int) -> None:
    one, three = ask(TEXT, prompt=prompt)["usage"], ask(TEXT, prompt=prompt, n=3)
    assert three["usage"]["prompt_tokens"] == one["prompt_tokens"]
    assert three["usage"]["completion_tokens"] == sum(map(count, texts(TEXT, three)))


@pytest.mark.parametrize("best_of", [1, 2, 7])
def test_best_of_leaves_n_choices(best_of: int) -> None:
    assert len(ask(TEXT, best_of=best_of)["choices"]) == 1
    assert len(ask(TEXT, best_of=max(best_of, 2), n=2)["choices"]) == 2


# --- stop ----------------------------------------------------------------------------------------


@each_operation
def test_a_text_ends_with_the_stop_sequence_wherever_it_begins(operation: str) -> None:
    [whole] = texts(operation, ask(operation))
    for start in range(0, len(whole) - 3, 7):
        stop = whole[start : start + 3]
        answer = ask(operation, stop=stop)
        end = whole.index(stop) + len(stop)
        assert texts(operation, answer) == [whole[:end]]
        assert reasons(answer) == ["stop"]
        assert answer["usage"]["completion_tokens"] == count(whole[:end])


@each_operation
@pytest.mark.parametrize("length", [1, 2, 30, 100])
def test_a_stop_sequence_of_any_length_is_found(operation: str, length: int) -> None:
    [whole] = texts(operation, ask(operation))
    stop = whole[20 : 20 + length]
    [said] = texts(operation, ask(operation, stop=stop))
    assert said == whole[: whole.index(stop) + length]


@each_operation
def test_the_first_of_several_stop_sequences_wins_in_any_order(operation: str) -> None:
    [whole] = texts(operation, ask(operation))
    early, late = whole[10:14], whole[40:44]
    said = whole[: min(whole.index(early), whole.index(late)) + 4]
    for stops in ([early, late], [late, early], ["\x00", late, early, "never"], [early]):
        assert texts(operation, ask(operation, stop=stops)) == [said]
    assert texts(operation, ask(operation, stop=early)) == [said]


@each_operation
@pytest.mark.parametrize("stop", [None, [], "no such words", ["\x00", "🙂"]], ids=ascii)
def test_a_stop_sequence_that_does_not_occur_changes_nothing(operation: str, stop: Any) -> None:
    assert ask(operation, stop=stop) == ask(operation)


@each_operation
def test_a_limit_before_the_stop_sequence_is_length_and_one_behind_it_is_stop(
    operation: str,
) -> None:
    [whole] = texts(operation, ask(operation))
    stop = "".join(split(whole)[9:10])
    end = count(whole[: whole.index(stop) + len(stop)])
    assert reasons(ask(operation, stop=stop, max_tokens=end - 1)) == ["length"]
    assert reasons(ask(operation, stop=stop, max_tokens=end)) == ["stop"]
    assert reasons(ask(operation, stop=stop, max_tokens=end + 1)) == ["stop"]


def test_each_choice_stops_for_itself() -> None:
    whole = texts(CHAT, ask(n=4, max_tokens=60))
    stop = whole[2][30:36]
    cut = texts(CHAT, ask(n=4, max_tokens=60, stop=stop))
    expected = [t[: t.index(stop) + 6] if stop in t else t for t in whole]
    assert cut == expected


@pytest.mark.parametrize(
    ("text", "stop", "said"),
    [
        ("日本語 テスト です", "テス", "日本語 テス"),
        ("👩‍👩‍👧 family", "‍👧", "👩‍👩‍👧"),
        ("aaaa", "aa", "aa"),
        ("line one\nline two", "\n", "line one\n"),
        ("abcabd", "abd", "abcabd"),
        ("stop", "stop", "stop"),
    ],
)
def test_a_scripted_text_is_stopped_too(text: str, stop: str, said: str) -> None:
    mock = Mock()
    mock.say(text)
    answer = ask(mock=mock, stop=stop)
    assert (texts(CHAT, answer), reasons(answer)) == ([said], ["stop"])


# --- seeds ---------------------------------------------------------------------------------------


@each_operation
@pytest.mark.parametrize("fields", [{"temperature": 0}, {"top_k": 1}], ids=str)
def test_greedy_sampling_has_one_answer(operation: str, fields: dict[str, Any]) -> None:
    said = texts(operation, ask(operation, n=4, **fields))
    assert len(set(said)) == 1
    assert texts(operation, ask(operation, seed=99, **fields)) == said[:1]


@each_operation
def test_a_seed_chooses_the_words_and_the_mocks_seed_does_too(operation: str) -> None:
    base = texts(operation, ask(operation, seed=1))
    assert texts(operation, ask(operation, seed=1)) == base
    assert texts(operation, ask(operation, seed=2)) != base
    assert texts(operation, ask(operation, mock=Mock(seed=5), seed=1)) != base
    assert texts(operation, ask(operation, seed=None)) == texts(operation, ask(operation))


@each_operation
def test_the_words_do_not_depend_on_what_was_asked_before(operation: str) -> None:
    mock = Mock()
    first = texts(operation, ask(operation, mock=mock, seed=3))
    for seed in range(5):
        ask(mock=mock, seed=seed)
    assert texts(operation, ask(operation, mock=mock, seed=3)) == first


@each_operation
def test_the_first_choice_is_the_same_whatever_n_is(operation: str) -> None:
    [one] = texts(operation, ask(operation))
    assert texts(operation, ask(operation, n=3))[0] == one


@pytest.mark.parametrize("field", ["frequency_penalty", "presence_penalty", "logit_bias"])
def test_a_default_written_out_changes_nothing(field: str) -> None:
    default: dict[str, Any] = {field: {} if field == "logit_bias" else 0}
    null: dict[str, Any] = {field: None}
    assert ask(**default) == ask(**null) == ask()


# --- scripted ------------------------------------------------------------------------------------


def test_reasoning_and_text_share_max_tokens() -> None:
    mock = Mock()
    mock.on().say("one two three four", think="five six")
    full = ask(mock=mock)
    assert full["choices"][0]["message"] == {
        "role": "assistant",
        "content": "one two three four",
        "reasoning_content": "five six",
    }
    assert full["usage"]["completion_tokens"] == 6
    assert full["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}
    cut = ask(mock=mock, max_tokens=3)
    assert (texts(CHAT, cut), reasons(cut)) == (["one"], ["length"])
    only_thought = ask(mock=mock, max_tokens=1)
    assert only_thought["choices"][0]["message"]["reasoning_content"] == "five"
    assert (texts(CHAT, only_thought), reasons(only_thought)) == ([""], ["length"])


def test_a_tool_call_is_the_reason_to_end() -> None:
    mock = Mock()
    mock.call_tool("get_weather", {"city": "Paris"})
    [choice] = ask(mock=mock)["choices"]
    [call] = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert call["function"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    assert call["type"] == "function"


def test_call_ids_are_unique_over_answers_and_choices() -> None:
    mock = Mock()
    mock.on().call_tool("f")
    answers = [ask(mock=mock, n=2) for _ in range(3)]
    ids = [
        call["id"]
        for answer in answers
        for choice in answer["choices"]
        for call in choice["message"]["tool_calls"]
    ]
    assert len(set(ids)) == len(ids)


def test_a_call_that_does_not_fit_ends_with_length() -> None:
    mock = Mock()
    mock.call_tool("f", {"text": "one two three four five"})
    answer = ask(mock=mock, max_tokens=3)
    assert reasons(answer) == ["length"]
    assert answer["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("word", ["call_tool", "think"])
def test_what_completions_cannot_say_breaks_no_schema(word: str) -> None:
    mock = Mock()
    if word == "think":
        mock.say("text", think="reasoning")
    else:
        mock.call_tool("f", {"a": 1})
    assert both_say("completions/completion.response.json", ask(TEXT, mock=mock))


def test_an_answer_that_reaches_the_bound_of_the_mock_ends_below_the_limit() -> None:
    # The package's bound on an answer leaves 2048 tokens for each of 128 choices.
    answer = ask(n=128, max_tokens=4000)
    assert answer["usage"]["completion_tokens"] == 128 * 2048
    assert set(reasons(answer)) == {"stop"}
