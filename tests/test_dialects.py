"""Where models put their reasoning, and how replies of API version `live` differ by model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from novita_mock import Mock, Request
from novita_mock._api.description import load_description
from novita_mock._api.dialects import WireProfile
from novita_mock._core.tokenizer import split
from novita_mock._render import dialects

LLAMA = "meta-llama/llama-3.1-8b-instruct"
V4 = "deepseek/deepseek-v4-pro"
KIMI = "moonshotai/kimi-k2.5"
TURBO = "deepseek/deepseek-r1-turbo"
GLM = "zai-org/glm-4.5"
MINIMAX = "minimax/minimax-m2"
CHAT = [
    id for id, row in load_description().models.items() if "chat/completions" in row["endpoints"]
]
ASKED = {"role": "user", "content": "What is the weather in Paris?"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def reply(edition: str, model: str, **more: Any) -> Any:
    body = {"model": model, "messages": [ASKED], **more}
    headers = {b"authorization": b"Bearer any-key"}
    return Mock(edition=edition).answer(
        Request("POST", "/v3/openai/chat/completions", headers, orjson.dumps(body))
    )


def answer(edition: str, model: str, **more: Any) -> Any:
    return orjson.loads(reply(edition, model, **more).body)


def message(edition: str, model: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer(edition, model, **more)["choices"][0]["message"]
    return found


def chunks(edition: str, model: str, **more: Any) -> list[dict[str, Any]]:
    events = reply(edition, model, stream=True, **more).body.split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    return [orjson.loads(event.removeprefix(b"data: ")) for event in events[:-2]]


def deltas(edition: str, model: str, **more: Any) -> Iterator[dict[str, Any]]:
    return (chunk["choices"][0]["delta"] for chunk in chunks(edition, model, **more))


REASONING: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "r1-turbo reasons inline": ("v3", TURBO, {}, "inline"),
    "r1-turbo reasons apart if asked to": ("v3", TURBO, {"separate_reasoning": True}, "apart"),
    "glm-4.5 reasons by default": ("2026", GLM, {}, "apart"),
    "glm-4.5 does not if told so": ("2026", GLM, {"enable_thinking": False}, "none"),
    "deepseek-r1 reasons without being asked": ("v3", "deepseek/deepseek-r1", {}, "apart"),
    "llama does not reason": ("live", LLAMA, {"separate_reasoning": True}, "none"),
    "v4 reasons on the live wire": ("live", V4, {}, "apart"),
    "v4 does not in an edition that does not say so": ("v3", V4, {}, "none"),
    "kimi-k2.5 never does": ("live", KIMI, {"reasoning": {"enabled": True}}, "none"),
    "minimax-m2 reasons where it is split": ("v3", MINIMAX, {"reasoning_split": True}, "apart"),
}


@pytest.mark.parametrize(("edition", "model", "more", "where"), REASONING.values(), ids=REASONING)
def test_reasoning_is_where_the_records_say(
    edition: str, model: str, more: dict[str, Any], where: str
) -> None:
    said = message(edition, model, **more)
    inline = str(said["content"]).startswith("<think>\n")
    assert ("reasoning_content" in said, inline) == (where == "apart", where == "inline")


def test_reasoning_tokens_are_part_of_the_completion_tokens() -> None:
    found = answer("2026", GLM)
    said, usage = found["choices"][0]["message"], found["usage"]
    thoughts = usage["completion_tokens_details"]["reasoning_tokens"]
    assert thoughts == len(split(said["reasoning_content"]))
    assert usage["completion_tokens"] == thoughts + len(split(said["content"]))


def test_the_limit_counts_reasoning() -> None:
    usage = answer("2026", GLM, max_tokens=5)["usage"]
    assert usage["completion_tokens"] == 5


def test_effort_sets_how_long_a_model_reasons() -> None:
    low, high = (
        len(message("live", V4, reasoning={"effort": effort})["reasoning_content"])
        for effort in ("anything", "max")
    )
    assert low < high


def test_all_reasoning_is_streamed_before_the_content() -> None:
    kinds = [
        "reasoning" if "reasoning_content" in delta else "content"
        for delta in deltas("2026", GLM)
        if delta.keys() & {"reasoning_content", "content"}
    ]
    assert kinds == sorted(kinds, reverse=True)
    assert set(kinds) == {"reasoning", "content"}


def test_streamed_reasoning_and_content_join_to_the_unstreamed_message() -> None:
    said = message("2026", GLM)
    for name in ("reasoning_content", "content"):
        assert "".join(d.get(name, "") for d in deltas("2026", GLM)) == said[name]


def test_minimax_repeats_its_reasoning_in_details() -> None:
    said = message("v3", MINIMAX, reasoning_split=True)
    (detail,) = said["reasoning_details"]
    assert detail["text"] == said["reasoning_content"]
    assert detail["type"] == "reasoning.text"


def test_usage_of_v4_is_on_the_chunk_that_finishes() -> None:
    found = chunks("live", V4, stream_options={"include_usage": True})
    assert ["usage" in chunk for chunk in found] == [False] * (len(found) - 1) + [True]
    assert found[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_of_kimi_is_on_a_chunk_of_its_own_and_null_nowhere() -> None:
    found = chunks("live", KIMI, stream_options={"include_usage": True})
    assert found[-1]["choices"] == []
    assert all("usage" not in chunk for chunk in found[:-1])


@pytest.mark.parametrize(
    ("pieces", "counts"),
    [
        ([{"reasoning_content": "Let"}, {"reasoning_content": " me"}, {"content": "Hi"}],
         [0, 1, 2, 3, 9]),
        ([{"reasoning_content": "Let"}, {"tool_calls": [{"index": 0}]}], [0, 1, 1, 9]),
        ([{"content": "Hi"}, {"content": ""}, {"content": " there"}], [0, 1, 1, 2, 9]),
    ],
    ids=["reasoning and content", "reasoning and a tool call", "content"],
)  # fmt: skip
def test_growing_usage_counts_reasoning_and_content(
    pieces: list[dict[str, Any]], counts: list[int]
) -> None:
    """No listed model is on record with this style, so its profile is made here."""
    deltas = [{"role": "assistant"}, *pieces, {}]
    plain = [{"model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    usage = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}
    found = dialects.chunks(plain, usage, WireProfile(usage="U2"))
    assert [chunk["choices"] for chunk in found] == [chunk["choices"] for chunk in plain]
    assert [chunk["usage"] for chunk in found] == [
        {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": 5 + count}
        for count in counts
    ]


@pytest.mark.parametrize("edition", ["v3", "2026"])
def test_usage_of_the_documented_editions_is_null_until_the_last_chunk(edition: str) -> None:
    found = chunks(edition, V4, stream_options={"include_usage": True})
    assert found[-1]["choices"] == []
    assert all(chunk["usage"] is None for chunk in found[:-1])


@pytest.mark.parametrize("model", CHAT)
def test_no_dialect_sends_usage_that_was_not_asked_for(model: str) -> None:
    assert not any(chunk.get("usage") for chunk in chunks("live", model))


@pytest.mark.parametrize("model", CHAT)
def test_every_dialect_says_the_same_streamed_or_not(model: str) -> None:
    said = message("live", model)
    joined = "".join(delta.get("content") or "" for delta in deltas("live", model))
    assert joined == said["content"]


def test_llama_sends_empty_deltas_first_and_finishes_with_the_last_piece() -> None:
    found = list(deltas("live", LLAMA))
    assert found[:5] == [{"role": "assistant"}, {}, {}, {}, {}]
    last = chunks("live", LLAMA)[-1]["choices"][0]
    assert last["delta"]["content"]
    assert last["finish_reason"] == "stop"
    assert last["content_filter_results"]["hate"] == {"filtered": False}


def test_v4_sends_its_role_with_the_first_piece() -> None:
    first = next(deltas("live", V4))
    assert first.keys() == {"role", "reasoning_content"}


def test_kimi_leaves_arguments_out_first_and_repeats_the_type() -> None:
    found = [d["tool_calls"][0] for d in deltas("live", KIMI, tools=[TOOL]) if "tool_calls" in d]
    assert found[0]["id"] == "functions.get_weather:0"
    assert "arguments" not in found[0]["function"]
    assert all(f["type"] == "function" and "id" not in f for f in found[1:])


def test_v4_begins_with_empty_arguments_and_repeats_nothing() -> None:
    found = [d["tool_calls"][0] for d in deltas("live", V4, tools=[TOOL]) if "tool_calls" in d]
    assert found[0]["function"]["arguments"] == ""
    assert found[0]["id"].startswith("call_00_")
    assert all(fragment.keys() == {"index", "function"} for fragment in found[1:])


def test_minimax_answers_under_other_names() -> None:
    assert answer("live", MINIMAX)["model"] == "MiniMax"
    assert chunks("live", MINIMAX)[0]["model"] == "minimax-m2"
    assert answer("v3", MINIMAX)["model"] == MINIMAX


GATES: dict[str, tuple[str, dict[str, Any], str]] = {
    "tools": (LLAMA, {"tools": [TOOL]}, "model features function calling not support"),
    "json_object": (
        GLM,
        {"response_format": {"type": "json_object"}},
        f"model: {GLM} does not support feature: structured-outputs",
    ),
    "images": (
        LLAMA,
        {"messages": [{**ASKED, "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        "model features vision not support",
    ),
    "max_tokens": (
        LLAMA,
        {"max_tokens": 65536},
        "max_tokens (current value: 65536) must be between 0 and 16384 ",
    ),
}


@pytest.mark.parametrize(("model", "more", "text"), GATES.values(), ids=GATES)
def test_the_live_edition_refuses_what_a_model_lacks_in_the_observed_words(
    model: str, more: dict[str, Any], text: str
) -> None:
    refusal = answer("live", model, **more)
    expected = {"code": 400, "reason": "INVALID_REQUEST_BODY", "message": text, "metadata": {}}
    assert refusal == expected
    assert reply("v3", model, **more).status == 200


def test_a_plain_text_form_asks_for_no_feature() -> None:
    assert reply("live", GLM, response_format={"type": "text"}).status == 200


def test_kimi_k2_thinking_refuses_in_the_second_shape_with_a_trace_id() -> None:
    refusal = answer("live", "moonshotai/kimi-k2-thinking", max_tokens=100352)
    assert refusal.keys() == {"message", "type"}
    text, _, trace = refusal["message"].partition(" trace_id: ")
    assert text == "max_tokens: 100352 exceeds maximum 98304"
    assert len(trace) == 32


def test_a_rate_limit_of_the_live_wire_has_counts_and_no_retry_after() -> None:
    headers = dict(reply("live", "mock/RATE_LIMIT_EXCEEDED").headers)
    assert headers[b"x-ratelimit-limit-requests"] == b"1000"
    assert b"retry-after" not in headers
