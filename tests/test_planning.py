"""Planning: which model answers, how much it may write, and what the request asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from novita_mock import Mock
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json
from novita_mock._core.timing import Pace
from novita_mock._engine.operations import chat, completions
from novita_mock._engine.plan import Limit, Plan
from novita_mock._engine.planning import Planner
from novita_mock._stubs.model import ScriptedAnswer
from novita_mock._stubs.script import Script
from tests.ask import (
    CHAT,
    DESCRIPTION,
    EDITIONS,
    MODEL,
    REASONS,
    TEXT,
    WRITTEN,
    body_of,
    error,
    posted,
)

READERS = {CHAT: chat.prompts, TEXT: completions.prompts}
CONTEXT, OUTPUT = 16384, 16384
SMALL = "gryphe/mythomax-l2-13b"  # context 4096, output 3200
LOWERING = ("v3", "2026")
CHAT_ONLY = "qwen/qwen-2.5-72b-instruct"
EMBEDDING = "baai/bge-m3"


def plan(operation: str = CHAT, edition: str = "v3", pace: Pace | None = None, **f: Any) -> Plan:
    planner = Planner(DESCRIPTION, edition, Pace(1.0, 0.5))
    body: Json = body_of(operation, **f)
    row = planner.row(body["model"], None)
    prompts = READERS[operation](body)
    draft = planner.draft(DESCRIPTION.operations[operation], row, body, prompts)
    return planner.plan(draft, ScriptedAnswer(pace=pace), Script())


def refusal(**asked: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        plan(**asked)
    return refused.value


def prompt_of(tokens: int) -> str:
    return "a " * (tokens - 1) + "b"


@pytest.mark.parametrize("model", list(DESCRIPTION.models))
def test_every_listed_model_has_its_row(model: str) -> None:
    assert Planner(DESCRIPTION, "v3", Pace()).row(model, None) is DESCRIPTION.models[model]


@pytest.mark.parametrize("reason", REASONS)
def test_a_model_id_asks_for_an_error(reason: str) -> None:
    with pytest.raises(Refused) as refused:
        Planner(DESCRIPTION, "v3", Pace()).row(f"mock/{reason}", "RATE_LIMIT_EXCEEDED")
    assert refused.value.name == reason


@pytest.mark.parametrize(
    "model",
    ["", "llama", "mock/", "mock/NO_SUCH", "mock/model_not_found", MODEL.upper(), "x" * 999],
)
@pytest.mark.parametrize("edition", EDITIONS)
def test_an_unknown_model_is_404(model: str, edition: str) -> None:
    reply = Mock(edition=edition).answer(posted(body_of(model=model)))
    assert (reply.status, error(reply)["reason"]) == (404, "MODEL_NOT_FOUND")


def test_a_misspelt_model_is_answered_with_the_nearest() -> None:
    reply = Mock().answer(posted(body_of(model="meta-llama/lama-3.1-8b-instruct")))
    assert error(reply)["message"] == (
        'The requested model is not found: "meta-llama/lama-3.1-8b-instruct".'
        ' GET /models lists all models. Did you mean "meta-llama/llama-3.1-8b-instruct"?'
    )
    far = error(Mock().answer(posted(body_of(model="zzz"))))["message"]
    assert far.endswith("GET /models lists all models.")


@pytest.mark.parametrize("operation", WRITTEN)
def test_any_model_is_answered_if_the_mock_allows_it(operation: str) -> None:
    reply = Mock(any_model=True).answer(posted(body_of(operation, model="my/own"), operation))
    assert json.loads(reply.body)["model"] == "my/own"
    assert Mock(any_model=True).answer(posted(body_of(model=""))).status == 404
    assert Mock(any_model=True).answer(posted(body_of(model="mock/ACCESS_DENY"))).status == 403


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("operation", "model", "problem"),
    [
        (TEXT, CHAT_ONLY, "does not support endpoint: completions"),
        (CHAT, EMBEDDING, "is not an chat model"),
        (TEXT, EMBEDDING, "does not support endpoint: completions"),
    ],
)
def test_a_model_without_the_endpoint_is_refused(
    edition: str, operation: str, model: str, problem: str
) -> None:
    reply = Mock(edition=edition).answer(posted(body_of(operation, model=model), operation))
    assert (reply.status, error(reply)["reason"]) == (400, "INVALID_REQUEST_BODY")
    assert error(reply)["message"] == f"model: {model} {problem}"


# --- how much may be written ---------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        (None, Limit(None, 3200)),
        (0, Limit(0, 3200)),
        (1, Limit(1, 3200)),
        (3200, Limit(3200, 3200)),
    ],
)
def test_a_limit_that_fits_is_kept(edition: str, asked: int | None, limit: Limit) -> None:
    fields: dict[str, Any] = {} if asked is None else {"max_tokens": asked}
    assert plan(edition=edition, model=SMALL, **fields).limits == [limit]


@pytest.mark.parametrize("edition", LOWERING)
@pytest.mark.parametrize("asked", [3201, 4096, 10**9, 10**30])
def test_a_limit_above_the_models_output_is_lowered_on_paper(edition: str, asked: int) -> None:
    assert plan(edition=edition, model=SMALL, max_tokens=asked).limits == [Limit(3200, 3200)]


def test_a_limit_above_the_models_output_is_refused_live() -> None:
    reply = Mock(edition="live").answer(posted(body_of(model=SMALL, max_tokens=3201)))
    assert (reply.status, error(reply)["reason"]) == (400, "INVALID_REQUEST_BODY")
    # The space at the end was observed.
    message = "max_tokens (current value: 3201) must be between 0 and 3200 "
    assert error(reply)["message"] == message


@pytest.mark.parametrize("edition", LOWERING)
def test_a_limit_beyond_the_context_is_lowered_on_paper(edition: str) -> None:
    found = plan(TEXT, edition, prompt=prompt_of(CONTEXT - 10), max_tokens=11)
    assert found.limits == [Limit(10, 10)]


def test_a_limit_beyond_the_context_is_refused_live() -> None:
    fits: dict[str, Any] = {"prompt": prompt_of(CONTEXT - 10), "max_tokens": 10}
    assert plan(TEXT, "live", **fits).limits == [Limit(10, 10)]
    found = refusal(operation=TEXT, edition="live", **{**fits, "max_tokens": 11})
    assert found.name == "context_exceeded"
    assert found.detail == {
        "model": MODEL,
        "prompt_tokens": CONTEXT - 10,
        "max_tokens": 11,
        "limit": CONTEXT,
    }


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_prompt_beyond_the_context_is_refused_in_every_edition(edition: str) -> None:
    found = refusal(operation=TEXT, edition=edition, prompt=prompt_of(CONTEXT))
    assert found.name == "context_exceeded"
    body = body_of(TEXT, prompt=["short", prompt_of(CONTEXT + 1)])
    assert Mock(edition=edition).answer(posted(body, TEXT)).status == 400


def test_each_prompt_has_its_own_limit() -> None:
    found = plan(TEXT, prompt=["a", prompt_of(CONTEXT - 5)], max_tokens=100)
    assert [limit.asked for limit in found.limits] == [100, 5]


# --- what is asked for ---------------------------------------------------------------------------

PROMPTS = [
    ("one two", [2]),
    (["one two", "three"], [2, 1]),
    ([15043, 3186], [2]),
    ([[1], [2, 3, 4]], [1, 3]),
    ([1.0, 2.0], [2]),
    ("", [0]),
]


@pytest.mark.parametrize(("prompt", "tokens"), PROMPTS)
def test_a_prompt_of_any_form_is_counted(prompt: Any, tokens: list[int]) -> None:
    assert [found.tokens for found in plan(TEXT, prompt=prompt).prompts] == tokens


@pytest.mark.parametrize(
    "more",
    [
        {"messages": [{"role": "system", "content": "Be kind."}]},
        {"messages": [{"role": "assistant", "content": "An earlier answer."}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "And this?"}]}]},
        {"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]}]},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "f"}}},
    ],
    ids=["system", "assistant", "part", "picture", "tools", "response_format"],
)  # fmt: skip
def test_whatever_is_added_to_a_conversation_adds_prompt_tokens(more: dict[str, Any]) -> None:
    base = body_of()
    longer = {**more, "messages": more.get("messages", []) + base["messages"]}
    assert plan(**longer).prompts[0].tokens > plan().prompts[0].tokens


@pytest.mark.parametrize("fields", [{"n": 5}, {"stream": True}, {"max_tokens": 9}, {"seed": 4}])
def test_sampling_does_not_change_the_prompt_tokens(fields: dict[str, Any]) -> None:
    assert plan(**fields).prompts == plan().prompts


ASKED: list[tuple[str, dict[str, Any], str, Any]] = [
    (CHAT, {}, "n", 1),
    (CHAT, {"n": None}, "n", 1),
    (CHAT, {"n": 3}, "n", 3),
    (CHAT, {}, "stops", ()),
    (CHAT, {"stop": None}, "stops", ()),
    (CHAT, {"stop": []}, "stops", ()),
    (CHAT, {"stop": "a"}, "stops", ("a",)),
    (CHAT, {"stop": ["a", "b"]}, "stops", ("a", "b")),
    (CHAT, {"logprobs": None}, "alternatives", None),
    (CHAT, {"logprobs": False}, "alternatives", None),
    (CHAT, {"logprobs": True}, "alternatives", 0),
    (CHAT, {"logprobs": True, "top_logprobs": 4}, "alternatives", 4),
    (CHAT, {"logprobs": True, "top_logprobs": None}, "alternatives", 0),
    (TEXT, {}, "alternatives", None),
    (TEXT, {"logprobs": 0}, "alternatives", 0),
    (TEXT, {"logprobs": 5}, "alternatives", 5),
    (CHAT, {"stream": None}, "stream", False),
    (CHAT, {"stream": True}, "stream", True),
    (CHAT, {"stream": True, "stream_options": None}, "include_usage", False),
    (CHAT, {"stream": True, "stream_options": {}}, "include_usage", False),
    (CHAT, {"stream": True, "stream_options": {"include_usage": True}}, "include_usage", True),
    (CHAT, {"temperature": 0}, "seed", None),
    (CHAT, {"top_k": 1}, "seed", None),
]


@pytest.mark.parametrize(("operation", "fields", "member", "value"), ASKED)
def test_a_plan_has_what_the_request_asks_for(
    operation: str, fields: dict[str, Any], member: str, value: Any
) -> None:
    assert getattr(plan(operation, **fields), member) == value


@pytest.mark.parametrize(("first", "second"), [(1, 1.0), (0, None), (-1, -1.0)])
def test_a_seed_is_the_number_and_not_its_spelling(first: Any, second: Any) -> None:
    assert plan(seed=first).seed == plan(seed=second).seed
    assert plan(seed=1).seed != plan(seed=2).seed


def test_the_pace_of_an_answer_goes_before_the_mocks() -> None:
    assert plan().pace == Pace(1.0, 0.5)
    assert plan(pace=Pace(0.0, 0.1)).pace == Pace(0.0, 0.1)


def test_more_choices_than_the_mock_makes_are_refused() -> None:
    limit = DESCRIPTION.limits["choices"]
    fits = ["a"] * (limit // 128)
    assert plan(TEXT, prompt=fits, n=128).n == 128
    found = refusal(operation=TEXT, prompt=[*fits, "b"], n=128)
    assert (found.name, found.detail["limit"]) == ("too_many_choices", limit)
