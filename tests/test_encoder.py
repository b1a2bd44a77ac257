"""Rendering: the bytes of a reply, whole and streamed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from novita_mock import Disconnect, Mock, TimedBytes
from novita_mock._core.tokenizer import count
from novita_mock._stubs.model import ToolCall
from tests.ask import (
    CHAT,
    DESCRIPTION,
    EDITIONS,
    MODEL,
    TEXT,
    WRITTEN,
    ask,
    body_of,
    both_say,
    error,
    got,
    joined,
    posted,
    stream,
    texts,
)

CREATED = 1764547200
WITH_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}

each_operation = pytest.mark.parametrize("operation", WRITTEN)


def scripted(text: str = "Hi there", **played: Any) -> Mock:
    mock = Mock()
    mock.on().say(text, **played)
    return mock


def streamed_bytes(mock: Mock, operation: str = CHAT, **fields: Any) -> bytes:
    return mock.answer(posted(body_of(operation, stream=True, **fields), operation)).body


def frames(head: str, tails: list[str]) -> bytes:
    return "".join(f"data: {head}{tail}\n\n" for tail in tails).encode() + b"data: [DONE]\n\n"


# --- whole ---------------------------------------------------------------------------------------


@each_operation
def test_an_answer_has_the_documented_members_and_no_others(operation: str) -> None:
    answer = ask(operation, mock=scripted())
    assert list(answer) == ["id", "object", "created", "model", "choices", "usage"]
    assert answer["created"] == CREATED
    assert answer["model"] == MODEL
    assert answer["object"] == {CHAT: "chat.completion", TEXT: "text_completion"}[operation]
    assert both_say(DESCRIPTION.operations[operation].response, answer)


def test_a_whole_chat_answer_is_these_bytes() -> None:
    reply = scripted().answer(posted(body_of()))
    id = json.loads(reply.body)["id"]
    assert reply.body.decode() == (
        f'{{"id":"{id}","object":"chat.completion","created":1764547200,"model":"{MODEL}",'
        '"choices":[{"index":0,"message":{"role":"assistant","content":"Hi there"},'
        '"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}'
    )


@pytest.mark.parametrize("path", ["/models", f"/models/{MODEL}"])
def test_json_is_sent_with_its_type_and_length(path: str) -> None:
    for reply in (Mock().answer(got(path)), Mock().answer(posted(body_of()))):
        headers = dict(reply.headers)
        assert headers[b"content-type"] == b"application/json"
        assert headers[b"content-length"] == b"%d" % len(reply.body)
        assert len(headers) == len(reply.headers) == 2


@each_operation
@pytest.mark.parametrize("n", [1, 3])
def test_usage_adds_up_and_is_the_same_streamed_or_not(operation: str, n: int) -> None:
    for fields in ({"max_tokens": 40}, {"stop": "."}, {}):
        whole = ask(operation, n=n, **fields)
        usage = whole["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert usage["completion_tokens"] == sum(map(count, texts(operation, whole)))
        last = stream(operation, n=n, **WITH_USAGE, **fields)[-1]
        assert last["usage"] == usage


# --- streams -------------------------------------------------------------------------------------


def test_a_chat_stream_is_these_bytes() -> None:
    body = streamed_bytes(scripted())
    id = json.loads(body[6 : body.index(b"\n")])["id"]
    head = (
        f'{{"id":"{id}","object":"chat.completion.chunk","created":1764547200,"model":"{MODEL}",'
        '"choices":[{"index":0,"delta":'
    )
    assert body == frames(
        head,
        [
            '{"role":"assistant"},"finish_reason":null}]}',
            '{"content":"Hi"},"finish_reason":null}]}',
            '{"content":" there"},"finish_reason":null}]}',
            '{},"finish_reason":"stop"}]}',
        ],
    )


def test_a_completion_stream_with_usage_is_these_bytes() -> None:
    body = streamed_bytes(scripted(), TEXT, **WITH_USAGE)
    id = json.loads(body[6 : body.index(b"\n")])["id"]
    head = (
        f'{{"id":"{id}","object":"text_completion","created":1764547200,"model":"{MODEL}",'
        '"choices":['
    )
    assert body == frames(
        head,
        [
            '{"index":0,"text":"Hi","finish_reason":null}],"usage":null}',
            '{"index":0,"text":" there","finish_reason":null}],"usage":null}',
            '{"index":0,"text":"","finish_reason":"stop","logprobs":null}],"usage":null}',
            '],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}',
        ],
    )


@each_operation
def test_a_stream_is_sent_as_events(operation: str) -> None:
    reply = Mock().answer(posted(body_of(operation, stream=True), operation))
    assert reply.status == 200
    assert dict(reply.headers) == {
        b"content-type": b"text/event-stream",
        b"cache-control": b"no-cache",
    }


@each_operation
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"max_tokens": 0},
        {"max_tokens": 1},
        {"max_tokens": 77},
        {"stop": ["e", "."]},
        {"seed": 9},
        {"temperature": 0},
    ],
    ids=str,
)
def test_a_stream_joined_is_the_unstreamed_answer(
    operation: str, n: int, fields: dict[str, Any]
) -> None:
    whole = ask(operation, n=n, **fields)
    streamed = stream(operation, n=n, **fields)
    said = dict.fromkeys(range(n), "") | dict(enumerate(joined(operation, streamed)))
    assert list(said.values()) == texts(operation, whole)
    ends = {
        choice["index"]: choice["finish_reason"]
        for chunk in streamed
        for choice in chunk["choices"]
        if choice["finish_reason"]
    }
    assert ends == {c["index"]: c["finish_reason"] for c in whole["choices"]}


@each_operation
@pytest.mark.parametrize("fields", [{}, {"n": 3}, WITH_USAGE], ids=["one", "n=3", "usage"])
def test_every_chunk_is_valid_and_of_one_answer(operation: str, fields: dict[str, Any]) -> None:
    streamed = stream(operation, **fields)
    assert {(c["id"], c["created"], c["model"]) for c in streamed} == {
        (streamed[0]["id"], CREATED, MODEL)
    }
    for chunk in streamed:
        assert both_say(str(DESCRIPTION.operations[operation].chunk), chunk)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_choice_streams_its_role_its_text_and_its_end_in_this_order(n: int) -> None:
    for index in range(n):
        own = [c for chunk in stream(n=n) for c in chunk["choices"] if c["index"] == index]
        deltas = [choice["delta"] for choice in own]
        assert deltas[0] == {"role": "assistant"}
        assert deltas[-1] == {}
        assert all(set(delta) == {"content"} and delta["content"] for delta in deltas[1:-1])
        assert [choice["finish_reason"] for choice in own] == [None] * (len(own) - 1) + ["stop"]


@each_operation
def test_choices_take_turns(operation: str) -> None:
    streamed = stream(operation, n=3, max_tokens=10)
    indexes = [choice["index"] for chunk in streamed for choice in chunk["choices"]]
    assert indexes == [0, 1, 2] * (len(indexes) // 3)
    uneven = [chunk["choices"] for chunk in stream(operation, n=3)]
    assert all(len(choices) == 1 for choices in uneven)


@each_operation
def test_usage_comes_last_without_choices_and_only_if_asked_for(operation: str) -> None:
    *others, last = stream(operation, **WITH_USAGE)
    assert last["choices"] == []
    assert set(last["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert all(chunk["choices"] for chunk in others)
    for fields in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
        assert all("usage" not in chunk for chunk in stream(operation, **fields))


@pytest.mark.parametrize(
    "text", ['say "hi"\n\n\\ \t\x00\x7f', "日本語 é 🙂", "\u2028\u2029", "</s>"]
)
@each_operation
def test_any_text_survives_the_stream(operation: str, text: str) -> None:
    streamed = stream(operation, mock=scripted(text))
    assert joined(operation, streamed) == [text]
    body = streamed_bytes(scripted(text), operation)
    assert body.count(b"\n") == 2 * (len(streamed) + 1)
    assert b"\r" not in body


def test_reasoning_is_streamed_between_role_and_text() -> None:
    deltas = [c["choices"][0]["delta"] for c in stream(mock=scripted("a", think="b c"))]
    assert deltas == [
        {"role": "assistant"},
        {"reasoning_content": "b"},
        {"reasoning_content": " c"},
        {"content": "a"},
        {},
    ]


def test_tool_calls_are_streamed_in_fragments_one_after_the_other() -> None:
    mock = Mock()
    mock.on().call_tools(ToolCall("f", {"a": "b c"}, "id-1"), ToolCall("g", "", "id-2"))
    streamed = stream(mock=mock)
    deltas = [chunk["choices"][0]["delta"] for chunk in streamed]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    heads = [call for call in calls if "id" in call]
    assert heads == [
        {"index": i, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
        for i, (id, name) in enumerate([("id-1", "f"), ("id-2", "g")])
    ]
    assert [call["index"] for call in calls] == sorted(call["index"] for call in calls)
    arguments = "".join(call["function"]["arguments"] for call in calls if call["index"] == 0)
    assert arguments == '{"a":"b c"}'
    assert streamed[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert all(both_say("chat/completion.chunk.json", chunk) for chunk in streamed)


# --- log probabilities ---------------------------------------------------------------------------

LOGPROBS = [
    (CHAT, {"logprobs": True}, 0),
    (CHAT, {"logprobs": True, "top_logprobs": 0}, 0),
    (CHAT, {"logprobs": True, "top_logprobs": 1}, 1),
    (CHAT, {"logprobs": True, "top_logprobs": 20}, 20),
    (TEXT, {"logprobs": 0}, 0),
    (TEXT, {"logprobs": 1}, 1),
    (TEXT, {"logprobs": 5}, 5),
]
each_logprobs = pytest.mark.parametrize(("operation", "fields", "number"), LOGPROBS)

Place = tuple[str, float, dict[str, float]]


def places(operation: str, logprobs: Any) -> list[Place]:
    """Token, log probability and alternatives in each position, for both shapes."""
    if operation == TEXT:
        rows = zip(
            logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True
        )
        return list(rows)
    found = []
    for entry in logprobs["content"]:
        top = {t["token"]: t["logprob"] for t in entry["top_logprobs"]}
        assert len(top) == len(entry["top_logprobs"])
        assert [*top.values()] == sorted(top.values(), reverse=True)
        for token in (entry, *entry["top_logprobs"]):
            assert bytes(token["bytes"]) == token["token"].encode()
        found.append((entry["token"], entry["logprob"], top))
    return found


@each_logprobs
@pytest.mark.parametrize("more", [{}, {"n": 3}, {"stop": "e"}, {"max_tokens": 90}], ids=str)
def test_log_probabilities_are_consistent_with_the_text(
    operation: str, fields: dict[str, Any], number: int, more: dict[str, Any]
) -> None:
    answer = ask(operation, **fields, **more)
    for text, choice in zip(texts(operation, answer), answer["choices"], strict=True):
        found = places(operation, choice["logprobs"])
        assert "".join(token for token, _, _ in found) == text
        assert len(found) == count(text)
        for token, logprob, top in found:
            assert len(top) == number
            assert logprob <= 0
            assert sum(map(math.exp, {**top, token: logprob}.values())) <= 1
            assert not top or top[token] == logprob
    assert both_say(DESCRIPTION.operations[operation].response, answer)


@pytest.mark.parametrize("text", ["日本語 テスト", "🙂🙂 ok", "é è", "a the a", ""])
@each_logprobs
def test_log_probabilities_fit_any_text(
    operation: str, fields: dict[str, Any], number: int, text: str
) -> None:
    answer = ask(operation, mock=scripted(text), **fields)
    found = places(operation, answer["choices"][0]["logprobs"])
    assert "".join(token for token, _, _ in found) == text
    assert all(len(top) == number for _, _, top in found)


@each_logprobs
def test_log_probabilities_are_the_same_streamed(
    operation: str, fields: dict[str, Any], number: int
) -> None:
    whole = ask(operation, n=2, **fields)
    for choice in whole["choices"]:
        pieces = [
            piece["logprobs"]
            for chunk in stream(operation, n=2, **fields)
            for piece in chunk["choices"]
            if piece["index"] == choice["index"] and piece.get("logprobs")
        ]
        names = ["content"] if operation == CHAT else list(choice["logprobs"])
        for name in names:
            assert [x for piece in pieces for x in piece[name]] == choice["logprobs"][name]


@pytest.mark.parametrize("text", ["one two three", "日本 語 🙂 x"])
def test_text_offsets_are_the_places_of_the_tokens_in_the_text(text: str) -> None:
    choice = ask(TEXT, mock=scripted(text), logprobs=1)["choices"][0]
    for token, offset in zip(
        choice["logprobs"]["tokens"], choice["logprobs"]["text_offset"], strict=True
    ):
        assert choice["text"][offset : offset + len(token)] == token


def test_without_log_probabilities_chat_has_no_member_and_completions_null() -> None:
    assert "logprobs" not in ask()["choices"][0]
    assert ask(TEXT)["choices"][0]["logprobs"] is None


# --- the time it takes ---------------------------------------------------------------------------


@each_operation
def test_without_a_pace_a_stream_is_one_run_of_timed_bytes(operation: str) -> None:
    reply = scripted().answer(posted(body_of(operation, stream=True), operation))
    assert [type(chunk) for chunk in reply.chunks] == [TimedBytes]
    assert reply.chunks[0].pause == 0


def test_a_pace_is_a_pause_before_each_chunk() -> None:
    reply = scripted(ttft=0.5, gap=0.1).answer(posted(body_of(stream=True)))
    assert [chunk.pause for chunk in reply.chunks] == [0.5, 0.1, 0.1, 0.1, 0.1]
    assert all(isinstance(b, TimedBytes) and b.data.endswith(b"\n\n") for b in reply.chunks)
    assert reply.body == scripted().answer(posted(body_of(stream=True))).body
    unstreamed = scripted(ttft=0.5, gap=0.1).answer(posted(body_of()))
    assert [chunk.pause for chunk in unstreamed.chunks] == [pytest.approx(0.6)]  # two tokens


SAID = ["Hi there", "", '"', '",', ',","', '"\\",', "\\", ",", ', ",", ', "[1]", 'é"\n,']


@each_operation
@pytest.mark.parametrize("text", SAID)
def test_an_unpaced_stream_has_the_bytes_of_a_paced_one(text: str, operation: str) -> None:
    asked = posted(body_of(operation, stream=True), operation)
    (whole,) = scripted(text).answer(asked).chunks
    paced = scripted(text, gap=0.1).call(asked)
    assert whole == TimedBytes(paced.reply.body)
    assert paced.size == len(asked.body) + len(paced.reply.body)
    assert joined(operation, stream(operation, mock=scripted(text))) == [text]


def test_the_timed_bytes_of_a_paced_stream_are_those_of_a_tuple() -> None:
    reply = scripted(gap=0.1).answer(posted(body_of(stream=True)))
    chunks = tuple(reply.chunks)
    assert reply == replace(reply, chunks=chunks)
    assert replace(reply, chunks=chunks) == reply
    assert reply != replace(reply, chunks=chunks[1:])
    assert (len(reply.chunks), hash(reply.chunks), repr(reply.chunks)) == (
        len(chunks), hash(chunks), repr(chunks),
    )  # fmt: skip
    assert (reply.chunks[-1], reply.chunks[1:3]) == (chunks[-1], chunks[1:3])
    assert list(reply.chunks) == list(reply.chunks)


@pytest.mark.parametrize("gap", [0.0, 0.1])
@pytest.mark.parametrize("after", [0, 1, 3, 5, 99])
def test_a_cut_stream_ends_with_a_disconnect_after_the_given_chunks(after: int, gap: float) -> None:
    reply = scripted(cut_after=after, gap=gap).answer(posted(body_of(stream=True)))
    assert isinstance(reply.chunks[-1], Disconnect)
    assert all(isinstance(chunk, TimedBytes) for chunk in reply.chunks[:-1])
    whole = scripted().answer(posted(body_of(stream=True))).body
    *chunks, _done = [frame + b"\n\n" for frame in whole.split(b"\n\n")[:-1]]
    assert reply.body == b"".join(chunks[:after])


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_refusal_has_the_members_of_its_edition(edition: str) -> None:
    reply = Mock(edition=edition).answer(posted(body_of(model="mock/NOT_ENOUGH_BALANCE")))
    more = ["metadata"] if edition == "live" else []
    assert list(error(reply)) == ["code", "reason", "message", *more]
    assert dict(reply.headers)[b"content-type"] == b"application/json"
    assert dict(reply.headers)[b"content-length"] == b"%d" % len(reply.body)


@each_operation
def test_a_refusal_has_no_pace(operation: str) -> None:
    mock = Mock(ttft=1, gap=1)
    reply = mock.answer(posted(body_of(operation, stream=True, model="zzz"), operation))
    assert [chunk.pause for chunk in reply.chunks] == [0]


def test_a_refusal_does_not_repeat_the_key() -> None:
    key = "sk-secret-0123456789"
    reply = Mock().answer(posted(body_of(model=key), key=key))
    assert error(reply)["reason"] == "MODEL_NOT_FOUND"
    assert key.encode() not in reply.body


# --- models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_list_is_the_catalogue(edition: str) -> None:
    listed = json.loads(Mock(edition=edition).answer(got("/models")).body)
    assert listed == {"data": list(DESCRIPTION.models.values())}
    assert both_say("models/list.response.json", listed)


@pytest.mark.parametrize("model", list(DESCRIPTION.models))
def test_a_model_is_retrieved_as_it_is_listed(model: str) -> None:
    reply = Mock().answer(got(f"/models/{model}"))
    assert (reply.status, json.loads(reply.body)) == (200, DESCRIPTION.models[model])


def test_an_unknown_model_is_not_retrieved() -> None:
    reply = Mock().answer(got("/models/no/such"))
    assert (reply.status, error(reply)["reason"]) == (404, "MODEL_NOT_FOUND")
