"""The client report: it finds nothing against real clients, and finds out each bad one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import httpx2
import openai
import pytest

from novita_mock import Mock, Request
from novita_mock._api.description import load_description
from novita_mock._core.http import Reply, TimedBytes
from novita_mock._journal.call import Call, CallMetadata
from novita_mock._verification.client import Finding, assert_well_behaved, judge, rules
from novita_mock._verification.client.attempts import Kind, attempts
from novita_mock._verification.client.finding import table
from novita_mock.httpx import Transport, async_openai_client, openai_client
from tests.ask import KEY, MODEL, body_of, encoded, got, posted
from tests.work import calls_of

RATE, DOWN, BALANCE = "RATE_LIMIT_EXCEEDED", "MODEL_NOT_AVAILABLE", "NOT_ENOUGH_BALANCE"
USER: Any = {"role": "user", "content": "Tell me about rainbows"}
MORE: Any = {"role": "user", "content": "Thanks. And the next one?"}
TEXT = "Rainbows are arcs of light that the sun makes in the rain."
COUNT = "x-stainless-retry-count"
OTHER_MODEL = "deepseek/deepseek-r1"
# In mid-stream, openai up to 3.13 lets errors of its HTTP library through.
LOST = (openai.OpenAIError, httpx.TransportError, httpx2.TransportError)


def found(calls: Sequence[Call]) -> list[tuple[str, tuple[int, ...]]]:
    return [(finding.rule, finding.calls) for finding in judge(calls)]


def script(mock: Mock, outcome: str, times: int | None = 1) -> None:
    """Scripts one outcome: `ok`, the reason of an error, or a fault."""
    if outcome == "ok":
        mock.say(TEXT, times=times)
    elif outcome.isupper():
        mock.refuse(outcome, times=times)
    else:
        mock.fail(outcome, times=times)


def played(*rows: tuple[Any, ...], mock: Mock | None = None) -> list[Call]:
    """Calls at the times of `rows`, with their outcomes; `headers` and `fields` are added to each
    request."""
    mock = mock or Mock()
    calls = []
    for at, outcome, *more in rows:
        headers, fields = [*more, {}, {}][:2]
        if outcome is not None:
            script(mock, outcome)
        sent = {name.encode(): value.encode() for name, value in headers.items()}
        call = mock.call(posted(body_of(**fields), headers=sent))
        calls.append(replace(call, at=at))
    return calls


def counted(number: int) -> dict[str, str]:
    return {COUNT: str(number)}


# --- the client of openai is blameless ------------------------------------------------------------

FAILURES = [
    (RATE, 1), (RATE, 2), (RATE, 3), (RATE, 9),
    (DOWN, 2), ("SERVICE_NOT_AVAILABLE", 9),
    ("reset", 2), ("disconnect", 3), ("connection_refused", 2), ("bad_gateway", 2),
    ("gateway_timeout(seconds=5)", 9), ("truncated_body", 2), ("headers_only", 2),
    ("stall(1)", 1), ("truncated_json", 1), ("html_page", 1), ("redirect", 1),
    ("INVALID_REQUEST_BODY", 3), ("INVALID_API_KEY", 3), (BALANCE, 3), ("MODEL_NOT_FOUND", 3),
]  # fmt: skip
each_failure = pytest.mark.parametrize(("outcome", "times"), FAILURES)
each_speed = pytest.mark.parametrize("gap", [0.0, 0.1])


@each_failure
@each_speed
@pytest.mark.parametrize("retries", [2, 5])
def test_the_openai_client_is_well_behaved(
    outcome: str, times: int, gap: float, retries: int
) -> None:
    mock = Mock(gap=gap)
    script(mock, outcome, times)
    client = openai_client(mock, max_retries=retries)
    with mock.clock.skipping():
        for _ in range(2):
            attempt(lambda: client.chat.completions.create(model=MODEL, messages=[USER]))
            client.models.list()
    assert judge(mock.calls) == []
    assert_well_behaved(mock.calls)


@each_failure
def test_the_asynchronous_openai_client_is_well_behaved(outcome: str, times: int) -> None:
    mock = Mock()
    script(mock, outcome, times)

    async def ask() -> None:
        client = async_openai_client(mock)
        asked = [client.chat.completions.create(model=MODEL, messages=[USER]) for _ in range(4)]
        await asyncio.gather(*asked, return_exceptions=True)

    with mock.clock.skipping():
        asyncio.run(ask())
    assert len(mock.calls) >= 4
    assert judge(mock.calls) == []


@pytest.mark.parametrize(
    "fault",
    ["cut_after(3)", "cut_in_frame(3)", "cut_in_character(3)", "headers_only", "reset", "stall(2)",
     "error_event(3)", "missing_done", "missing_finish_reason", "junk", "crlf", "comments"],
)  # fmt: skip
@each_speed
def test_an_application_that_asks_again_after_a_broken_stream_is_well_behaved(
    fault: str, gap: float
) -> None:
    mock = Mock(gap=gap)
    mock.say(TEXT, fault=fault).say(TEXT, times=None)
    client = openai_client(mock)
    messages: list[Any] = [USER]
    with mock.clock.skipping():
        for _ in range(3):
            text = attempt(lambda: streamed(client, messages))  # noqa: B023  # called at once
            messages += [] if text is None else [{"role": "assistant", "content": text}, MORE]
    assert len(mock.calls) >= 3
    assert judge(mock.calls) == []


def attempt(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except (*LOST, json.JSONDecodeError):
        return None


def streamed(client: openai.OpenAI, messages: list[Any], *, careless: bool = False) -> str:
    """The text of a stream; if `careless`, the part that arrived."""
    text = ""
    try:
        with client.chat.completions.create(model=MODEL, messages=messages, stream=True) as stream:
            for chunk in stream:
                text += "".join(choice.delta.content or "" for choice in chunk.choices or ())
    except LOST:
        if not careless:
            raise
    return text


# --- bad clients, each written for a rule ---------------------------------------------------------


def hammer(mock: Mock, times: int, wait: float = 0.0, headers: Any = None) -> None:
    """A client that sends a request until it is answered, at most `times` times."""
    with httpx.Client(transport=Transport(mock), base_url=mock.base_url) as client:
        for _ in range(times):
            try:
                sent = {"authorization": f"Bearer {KEY}", **(headers or {})}
                if client.post("/chat/completions", json=body_of(), headers=sent).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(wait)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("INVALID_REQUEST_BODY", 400), ("INVALID_API_KEY", 401), (BALANCE, 403),
     ("MODEL_NOT_FOUND", 404)],
)  # fmt: skip
@pytest.mark.parametrize("wait", [0.0, 1.0])
def test_a_client_that_retries_a_refusal_is_found_out(
    reason: str, status: int, wait: float
) -> None:
    mock = Mock()
    mock.refuse(reason, times=2)
    with mock.clock.skipping():
        hammer(mock, 5, wait)
    [finding] = judge(mock.calls)
    assert (finding.rule, finding.calls) == ("retried_refusal", (1, 2, 3))
    assert finding.message == (
        f"the same request came again after {status} {reason}, which does not pass by itself "
        "(2 times)"
    )


def test_a_loop_around_the_openai_client_that_retries_a_refusal_is_found_out() -> None:
    mock = Mock()
    mock.refuse("INVALID_REQUEST_BODY", times=None)
    client = openai_client(mock)
    with mock.clock.skipping():
        for _ in range(4):
            attempt(lambda: client.chat.completions.create(model=MODEL, messages=[USER]))
            time.sleep(1)
    assert found(mock.calls) == [("retried_refusal", (1, 2, 3, 4))]


@pytest.mark.parametrize("outcome", [RATE, DOWN, "reset", "disconnect", "bad_gateway"])
def test_a_client_that_does_not_back_off_is_found_out(outcome: str) -> None:
    mock = Mock()
    script(mock, outcome, times=3)
    with mock.clock.skipping():
        hammer(mock, 9, 0.05)
    assert found(mock.calls) == [("no_backoff", (1, 2, 3, 4))]


def test_a_client_that_counts_and_does_not_back_off_is_found_out() -> None:
    rows = [(0.0, RATE, counted(0)), (0.01, RATE, counted(1)), (0.02, "ok", counted(2))]
    [finding] = judge(played(*rows))
    assert (finding.rule, finding.calls) == ("no_backoff", (1, 2, 3))
    assert finding.message == (
        f"after 429 {RATE} the same request came again at once, 2 times in a row, "
        "after 0.010, 0.010 s"
    )


@pytest.mark.parametrize("outcome", [RATE, "MODEL_NOT_FOUND", "reset"])
def test_a_storm_of_retries_is_found_out(outcome: str) -> None:
    mock = Mock()
    script(mock, outcome, times=None)
    with mock.clock.skipping():
        hammer(mock, 12, 0.2)
    storm = next(finding for finding in judge(mock.calls) if finding.rule == "retry_storm")
    assert storm.calls == tuple(range(1, 13))
    assert "more than 10 times in 10 s" in storm.message


def test_an_endless_loop_around_the_openai_client_is_a_storm() -> None:
    mock = Mock()
    mock.refuse(RATE, times=None)
    client = openai_client(mock, max_retries=0)
    for _ in range(103):
        attempt(lambda: client.chat.completions.create(model=MODEL, messages=[USER]))
    assert [finding.rule for finding in judge(mock.calls)] == ["retry_storm"]


def test_a_client_that_gives_up_on_429_is_found_out() -> None:
    mock = Mock()
    mock.refuse(RATE)
    client = openai_client(mock, max_retries=0)
    attempt(lambda: client.chat.completions.create(model=MODEL, messages=[USER]))
    assert found(mock.calls) == [("gave_up_on_429", (1,))]
    attempt(lambda: client.chat.completions.create(model=MODEL, messages=[MORE]))
    assert found(mock.calls) == [("gave_up_on_429", (1,))]


CUTS = ["cut_after(5)", "cut_in_frame(5)", "cut_in_character(5)", "headers_only"]
ERRORS = ["error_event(5)", "error_event_body(5)", "error_event_engine(5)"]


@pytest.mark.parametrize("fault", [*CUTS, *ERRORS, "empty_body"])
def test_a_client_that_takes_a_broken_stream_for_whole_is_found_out(fault: str) -> None:
    mock = Mock()
    mock.say(TEXT, fault=fault).say(TEXT, times=None)
    client = openai_client(mock)
    text = streamed(client, [USER], careless=True)
    assert len(text) < len(TEXT)
    for _ in range(2):
        streamed(client, [USER, {"role": "assistant", "content": text}, MORE])
    rule = "ignored_error_event" if fault in ERRORS else "took_cut_for_whole"
    assert found(mock.calls) == [(rule, (1, 2))]


def test_arguments_of_a_tool_call_that_were_cut_are_found_out() -> None:
    mock = Mock()
    mock.call_tool("look_up", {"what": "rainbows and much more"}, fault="cut_after(3)")
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    mock.call(posted(body_of(stream=True, tools=tools)))
    chunks = mock.last.answer
    calls = [
        call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]
    arguments = "".join(call["function"].get("arguments") or "" for call in calls)
    assert 0 < len(arguments) < len('{"what":"rainbows and much more"}')
    function = {"name": "look_up", "arguments": arguments}
    asked = {
        "role": "assistant",
        "tool_calls": [{**calls[0], "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": calls[0]["id"], "content": "none"}
    mock.call(posted(body_of(messages=[USER, asked, result], tools=tools)))
    assert found(mock.calls) == [("took_cut_for_whole", (1, 2))]


def rounds(number: int, results: int = 1, user: dict[str, Any] = USER) -> list[Any]:
    """A conversation with rounds of tool calls, each with a number of results."""
    messages: list[Any] = [user]
    for turn in range(number):
        ids = [f"call_{turn}_{index}" for index in range(results)]
        function = {"name": "look_up", "arguments": "{}"}
        calls = [{"id": id, "type": "function", "function": function} for id in ids]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": id, "content": "none"} for id in ids]
    return messages


def conversation(*requests: list[Any]) -> Sequence[Call]:
    mock = Mock()
    for messages in requests:
        assert mock.call(posted(body_of(messages=messages))).status == 200
    return mock.calls


def test_a_tool_loop_without_a_bound_is_found_out() -> None:
    calls = conversation(*(rounds(number) for number in range(49, 54)))
    [finding] = judge(calls)
    assert (finding.rule, finding.calls) == ("unbounded_tool_loop", (3, 4, 5))
    assert finding.message == (
        "53 rounds of tool calls since the user's last message; the bound is 50"
    )


# Assembled here, so that no scanner takes them for leaked keys.
RANDOM = "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vWxYz"
KEYS = {
    "Anthropic": "sk-" + "ant-api03-" + RANDOM,
    "OpenRouter": "sk-" + "or-v1-" + RANDOM,
    "OpenAI or the like": "sk-" + RANDOM,
    "Novita, Stripe or the like": "sk" + "_" + RANDOM,
    "Groq": "gsk" + "_" + RANDOM,
    "Perplexity": "pplx" + "-" + RANDOM,
    "xAI": "xai" + "-" + RANDOM,
    "Hugging Face": "hf" + "_" + RANDOM,
    "Google": "AI" + "za" + RANDOM,
    "AWS": "AK" + "IA" + RANDOM.upper()[:16],
    "GitHub": "gh" + "p_" + RANDOM + "Q",
    "Slack": "xox" + "b-" + RANDOM,
    "somebody, after the word Bearer": "Bear" + "er " + RANDOM,
}
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "messages[0]": lambda text: {"messages": [{"role": "user", "content": text}]},
    "messages[1]": lambda text: {"messages": [USER, {"role": "system", "content": text}]},
    "messages[0][0]": lambda text: {
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]
    },
}


@pytest.mark.parametrize("of", KEYS)
def test_a_key_of_a_vendor_in_a_prompt_is_found_out_and_not_shown(of: str) -> None:
    key = KEYS[of]
    fields = {"messages": [{"role": "user", "content": f"Use key={key}, please. {'x' * 300}"}]}
    calls = played((0.0, "ok", {}, fields), (0.0, "INVALID_REQUEST_BODY", {}, fields))
    [finding] = judge(calls)
    assert (finding.rule, finding.calls) == ("key_in_prompt", (1, 2))
    assert (
        finding.message
        == f"what looks like a key of {of} stands in messages[0]; it is not shown here"
    )
    with pytest.raises(AssertionError) as failure:
        assert_well_behaved(calls)
    assert RANDOM[:16].casefold() not in str(failure.value).casefold()


def test_every_kind_of_key_has_an_example() -> None:
    assert {row["of"] for row in load_description().credentials["vendors"]} == set(KEYS)


def test_a_key_is_not_shown_with_another_finding_either() -> None:
    fields = {"messages": [{"role": "user", "content": KEYS["Groq"]}]}
    calls = played(*((at, RATE, {}, fields) for at in (0.0, 0.01, 0.02)))
    with pytest.raises(AssertionError, match="no_backoff") as failure:
        assert_well_behaved(calls, allow=["key_in_prompt"])
    assert RANDOM[:8] not in str(failure.value)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", [KEY, f"My key is {KEY}.", f'{{"key": "{KEY}"}}'])
def test_the_callers_own_key_in_a_prompt_is_found_out(place: str, text: str) -> None:
    calls = played((0.0, "ok", {}, PLACES[place](text)))
    [finding] = judge(calls)
    shown = place.removesuffix("[0]") if place.count("[") > 1 else place
    assert finding.message.startswith(f"the caller's own key stands in {shown}")
    assert KEY not in finding.message


def test_a_key_in_the_prompt_of_a_text_completion_is_found_out() -> None:
    mock = Mock()
    mock.call(posted({"model": MODEL, "prompt": ["x", f"Key: {KEYS['xAI']}"]}, "completions"))
    [finding] = judge(mock.calls)
    assert "prompt[1]" in finding.message


# --- near misses ----------------------------------------------------------------------------------

LATER = {"messages": [MORE]}
HARMLESS: dict[str, list[tuple[Any, ...]]] = {
    "an equal request after a success": [(0.0, "ok"), (0.01, "ok"), (0.02, "ok")],
    "a refusal, then another request": [(0.0, "MODEL_NOT_FOUND"), (0.1, "ok", {}, LATER)],
    "a refusal, then the same with another key": [
        (0.0, "INVALID_API_KEY"),
        (0.1, "ok", {"authorization": "Bearer sk-another-key"}),
    ],
    "a refusal, and the same long after": [(0.0, "MODEL_NOT_FOUND"), (61.0, "MODEL_NOT_FOUND")],
    "a refusal, and the same on purpose, as the client says": [
        (0.0, "MODEL_NOT_FOUND", counted(0)),
        (1.0, "MODEL_NOT_FOUND", counted(0)),
    ],
    "refusals side by side, as the client says": [
        (at / 1000, "MODEL_NOT_FOUND", counted(0)) for at in range(5)
    ],
    "one retry at once": [(0.0, RATE), (0.0, "ok")],
    "a retry at once, then a wait": [(0.0, RATE), (0.0, RATE), (1.0, RATE), (3.0, "ok")],
    "waits that grow from little": [(0.0, RATE), (0.02, RATE), (0.05, RATE), (0.11, "ok")],
    "a constant wait": [(float(at), RATE) for at in range(9)],
    "ten retries in ten seconds": [(float(at), DOWN) for at in range(11)],
    "many retries in a long time": [(at * 3.0, DOWN) for at in range(50)],
    "equal requests side by side, some of them failing": [
        (0.0, "ok"), (0.001, RATE), (0.002, RATE), (0.003, RATE),
        (1.0, "ok"), (1.001, RATE), (2.0, "ok"),
    ],
    "equal requests side by side of a client that counts": [
        *((at / 1000, RATE, counted(0)) for at in range(20)),
        *((0.5 + at / 1000, RATE, counted(1)) for at in range(20)),
        *((1.5 + at / 1000, "ok", counted(2)) for at in range(20)),
    ],
    "429, then another model": [(0.0, RATE), (0.1, "ok", {}, {"model": OTHER_MODEL})],
    "429, then another model that fails, too": [
        (0.0, RATE), (0.1, RATE, {}, {"model": OTHER_MODEL}),
    ],
    "429, then the same with other parameters": [(0.0, RATE), (1.0, "ok", {}, {"max_tokens": 9})],
    "429, and given up after a retry": [(0.0, RATE), (1.0, RATE)],
    "429, and given up after a retry that was counted": [
        (0.0, RATE, counted(0)), (1.0, RATE, counted(1)),
    ],
    "429, and long after": [(0.0, RATE), (600.0, "ok")],
    "other errors that are given up": [(0.0, DOWN), (1.0, "reset", {}, LATER)],
    "an error that was asked for, then another": [
        (0.0, None, {"x-novita-mock-error": "MODEL_NOT_FOUND"}),
        (0.1, None, {"x-novita-mock-error": "INVALID_API_KEY"}),
    ],
    "a fault that was asked for, then another": [
        (0.0, None, {"x-novita-mock-fault": "reset"}),
        (0.01, None, {"x-novita-mock-fault": "disconnect"}),
        (0.02, None, {"x-novita-mock-fault": "bad_gateway"}),
    ],
    "many equal requests after a retry": [
        (0.0, RATE), *((0.5 + at / 5, "ok") for at in range(20)),
    ],
    "a retry of what the journal has forgotten": [(0.0, RATE, counted(1))],
    "a count that is no number": [(0.0, RATE, {COUNT: "x"}), (1.0, "ok", {COUNT: "-1"})],
}  # fmt: skip


@pytest.mark.parametrize("case", HARMLESS)
def test_what_has_a_harmless_reading_is_not_found(case: str) -> None:
    assert found(played(*HARMLESS[case])) == []


HARMFUL: dict[str, tuple[list[tuple[Any, ...]], str, tuple[int, ...]]] = {
    "the same soon after": (
        [(0.0, "MODEL_NOT_FOUND"), (59.0, "MODEL_NOT_FOUND")], "retried_refusal", (1, 2),
    ),
    "the same after another request": (
        [(0.0, "MODEL_NOT_FOUND"), (0.1, "ok", {}, LATER), (1.0, "MODEL_NOT_FOUND")],
        "retried_refusal", (1, 3),
    ),
    "a retry that is counted": (
        [(0.0, "MODEL_NOT_FOUND", counted(0)), (99.0, "ok", counted(1))],
        "retried_refusal", (1, 2),
    ),
    "a retry that is counted, at once": (
        [(0.0, "MODEL_NOT_FOUND", counted(0)), (0.0, "ok", counted(1))],
        "retried_refusal", (1, 2),
    ),
    "no back-off, long after an equal request": (
        [(0.0, "ok"), (5.0, RATE), (5.0, RATE), (5.0, "ok")], "no_backoff", (2, 3, 4),
    ),
    "a refusal after another failure": (
        [(0.0, RATE), (1.0, "MODEL_NOT_FOUND"), (2.0, "ok")], "retried_refusal", (2, 3),
    ),
    "on purpose, three times": (
        [(float(at), "MODEL_NOT_FOUND", counted(0)) for at in range(3)],
        "retried_refusal", (1, 2, 3),
    ),
    "a short constant wait": (
        [(0.0, RATE), (0.09, RATE), (0.18, "ok")], "no_backoff", (1, 2, 3),
    ),
    "waits that do not grow any more": (
        [(0.0, RATE), (0.02, RATE), (0.07, RATE), (0.12, "ok")], "no_backoff", (1, 2, 3, 4),
    ),
    "no back-off after a wait": (
        [(0.0, RATE), (1.0, RATE), (1.0, RATE), (1.0, "ok")], "no_backoff", (2, 3, 4),
    ),
    "after a slow error": (
        [(0.0, "gateway_timeout(5)"), (5.01, "gateway_timeout(5)"), (10.02, "ok")],
        "no_backoff", (1, 2, 3),
    ),
    "eleven retries in ten seconds": (
        [(at / 1.1, DOWN) for at in range(12)], "retry_storm", tuple(range(1, 13)),
    ),
    "429 after an equal request that went well": (
        [(0.0, "ok"), (1.0, RATE)], "gave_up_on_429", (2,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMFUL)
def test_the_bounds_are_where_the_table_says(case: str) -> None:
    rows, rule, calls = HARMFUL[case]
    assert found(played(*rows)) == [(rule, calls)]


def test_a_retry_after_a_slow_error_does_not_count_as_immediate() -> None:
    rows = [(0.0, "gateway_timeout(60)"), (2.0, "gateway_timeout(60)"), (6.0, "ok")]
    assert found(played(*rows)) == []


def test_a_refusal_whose_cause_was_removed_may_be_tried_again() -> None:
    mock = Mock(balance=0)
    first = played((0.0, None), mock=mock)
    mock.wallet.top_up(KEY, 5)
    again = played((1.0, None), mock=mock)
    assert [call.status for call in [*first, *again]] == [403, 200]
    assert found([*first, *again]) == []


def test_waiting_for_a_server_does_not_count_as_retrying() -> None:
    mock = Mock()
    for _ in range(20):
        mock.call(Request("GET", "/", {}))
    assert judge(mock.calls) == []
    for _ in range(2):
        mock.call(Request("POST", "/chat/completions", {}))
    assert found(mock.calls) == [("retried_refusal", (21, 22))]


def chat(mock: Mock, *messages: dict[str, Any], **fields: Any) -> Call:
    return mock.call(posted(body_of(messages=list(messages), **fields)))


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def arrived(call: Call) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in call.answer
        for choice in chunk.get("choices") or ()
    )


@pytest.mark.parametrize("fault", [*CUTS, *ERRORS])
@pytest.mark.parametrize("case", ["gone on with", "another text", "another question", "before"])
def test_a_broken_answer_is_not_always_taken_for_whole(fault: str, case: str) -> None:
    mock = Mock()
    mock.say(TEXT, fault=fault).say(TEXT, times=None)
    if case == "before":
        text = arrived(chat(mock, USER, stream=True))
        mock = Mock()
        chat(mock, USER, said(text), MORE)
        mock.say(TEXT, fault=fault)
    text = arrived(chat(mock, USER, stream=True))
    if case == "gone on with":
        chat(mock, USER, said(text))
    elif case == "another text":
        chat(mock, USER, said(text + " And so on."), MORE)
    elif case == "another question":
        chat(mock, {"role": "user", "content": "Another"}, said(text), MORE)
    assert judge(mock.calls) == []


@pytest.mark.parametrize("fault", ["cut_after(999)", "missing_done", "missing_finish_reason",
                                   "missing_blank_line", "duplicated_chunk"])  # fmt: skip
def test_a_stream_whose_text_came_as_a_whole_may_be_taken_for_it(fault: str) -> None:
    mock = Mock()
    mock.say(TEXT, fault=fault)
    text = arrived(chat(mock, USER, stream=True))
    chat(mock, USER, said(text), MORE)
    assert judge(mock.calls) == []


@pytest.mark.parametrize("stream", [True, False])
def test_a_text_that_came_again_as_a_whole_may_be_taken_for_it(stream: bool) -> None:
    mock = Mock()
    mock.say(TEXT, fault="cut_after(5)")
    text = arrived(chat(mock, USER, stream=True))
    mock.say(text)
    chat(mock, USER, stream=stream)
    chat(mock, USER, said(text), MORE)
    assert judge(mock.calls) == []


def test_tool_loops_are_measured_in_rounds_since_the_user_spoke() -> None:
    assert judge(conversation(rounds(50))) == []
    assert judge(conversation(rounds(20, results=5), rounds(50, results=2))) == []
    assert judge(conversation([*rounds(40), said("Done."), *rounds(40, user=MORE)])) == []


NO_KEYS = [
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "sk-your-api-key-goes-here-2024-please",
    "risk-" + RANDOM,
    "Authorization: Bearer $NOVITA_API_KEY",
    "Bearer of good news and 12 more things",
    "AK" + "IAIOSFODNN7EXAMPLE",
    "base64," + RANDOM + "AI" + "za" + RANDOM,
    "https://x.test/" + RANDOM,
    "any-key",
    KEY + "0",
]


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_only_resembles_a_key_is_none(text: str) -> None:
    assert found(played((0.0, "ok", {}, PLACES["messages[0]"](text)))) == []


def test_a_key_elsewhere_in_a_request_and_a_short_one_are_not_found() -> None:
    assert found(played((0.0, "ok", {}, {"user": KEY}))) == []
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{KEYS['Google']}"}}
    calls = played((0.0, None, {}, {"messages": [{"role": "user", "content": [image]}]}))
    assert found(calls) == []
    short = {"authorization": "Bearer any-key"}
    assert found(played((0.0, "ok", short, PLACES["messages[0]"]("Use any-key.")))) == []


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "7", "{", '{"messages": 7, "prompt": {"a": [1]}}', '{"messages": [null]}'],
)
def test_no_body_is_too_strange_to_be_judged(body: str) -> None:
    mock = Mock()
    mock.say(TEXT, fault="cut_after(1)")
    chat(mock, USER, stream=True)
    more = f'"assistant {KEYS["xAI"]}"'
    for sent in (
        body,
        f"{body} {more}",
        f"[{body or 0}, {more}]",
        f'{{"x": {body or 0}, "y": {more}}}',
    ):
        mock.call(posted(sent.encode() + b"\xff"))
        mock.call(posted(sent.encode()))
    assert judge(mock.calls) == []
    assert judge([]) == []


def test_retries_that_are_counted_go_to_the_oldest_attempt() -> None:
    rows = [(0.0, RATE, counted(0)), (0.4, RATE, counted(0)), (0.5, "ok", counted(1)),
            (0.9, "ok", counted(1)), (1.0, RATE, counted(2)), (2.0, "ok", counted(3))]  # fmt: skip
    chains = [c for c in attempts(played(*rows)) if c.kind is Kind.COUNTED]
    assert [[call.number for call in chain.calls] for chain in chains] == [[1, 3], [2, 4], [5, 6]]


def test_other_operations_are_given_up_and_tried_again_alike() -> None:
    mock = Mock()
    mock.call(got("/models", key=f"mock-{RATE}"))
    assert found(mock.calls) == [("gave_up_on_429", (1,))]
    mock.call(got("/models", key=f"mock-{RATE}"))
    assert found(mock.calls) == []


def test_a_key_is_found_once() -> None:
    both = f"Bearer {KEYS['OpenAI or the like']}"
    assert len(judge(played((0.0, "ok", {}, PLACES["messages[0]"](both))))) == 1
    own = {"authorization": f"Bearer {KEYS['Groq']}"}
    [finding] = judge(played((0.0, "ok", own, PLACES["messages[0]"](KEYS["Groq"]))))
    assert finding.message.startswith("the caller's own key")


# --- the assertion --------------------------------------------------------------------------------


def test_the_assertion_names_the_rule_and_the_calls() -> None:
    calls = played(*((0.0, "MODEL_NOT_FOUND") for _ in range(8)))
    with pytest.raises(AssertionError) as failure:
        assert_well_behaved(calls)
    first, rule, call, *_, more = str(failure.value).splitlines()
    assert "well-behaved" in first
    assert "allow=['no_backoff']" not in first
    assert "['retried_refusal']" in first
    assert rule.startswith("  retried_refusal: the same request came again after 404")
    assert call == (
        f"    1. POST /v3/openai/chat/completions {MODEL} 'Tell me about rainbows' -> "
        "404 MODEL_NOT_FOUND"
    )
    assert more == "    and 3 more"
    assert len(str(failure.value).splitlines()) == 8


def test_what_is_allowed_is_let_pass() -> None:
    calls = played((0.0, RATE), (0.0, RATE), (0.0, "MODEL_NOT_FOUND"), (0.0, "ok"))
    assert {finding.rule for finding in judge(calls)} == {"no_backoff", "retried_refusal"}
    assert_well_behaved(calls, allow=["no_backoff", "retried_refusal"])
    for rule, other in [("no_backoff", "retried_refusal"), ("retried_refusal", "no_backoff")]:
        with pytest.raises(AssertionError, match=f"  {other}: "):
            assert_well_behaved(calls, allow=rule)


def test_an_unknown_rule_cannot_be_allowed() -> None:
    with pytest.raises(ValueError, match=r"no rule is called 'no_back_off'.*no_backoff"):
        assert_well_behaved([], allow=["no_back_off"])


def test_the_findings_come_in_the_order_of_the_calls() -> None:
    rows = [(0.0, RATE, {}, LATER), (1.0, "MODEL_NOT_FOUND"), (2.0, "ok")]
    assert [rule for rule, _ in found(played(*rows))] == ["gave_up_on_429", "retried_refusal"]


def test_a_finding_is_a_value() -> None:
    assert Finding("x", (1,), "y") == Finding("x", (1,), "y")
    assert list(rules()) == list(table()["rules"])
    assert all(text.endswith(".") for text in rules().values())


def journal_of(length: int) -> list[Call]:
    """A journal in which some requests occur twice and some three times."""
    calls, headers = [], {b"authorization": b"Bearer " + KEY.encode()}
    replies = [Reply(status, (), (TimedBytes(b'{"choices":[]}'),)) for status in (200, 429, 404)]
    metadata = CallMetadata(operation="chat.completions", model=MODEL, valid=True)
    for number in range(1, length + 1):
        body = encoded(body_of(messages=[USER, said(f"{number % (length * 6 // 10)} risk-"), MORE]))
        request = Request("POST", "/v3/openai/chat/completions", headers, body)
        calls.append(Call(number, number / 100, metadata, replies[number % 3], request))
    return calls


def test_the_work_of_judging_a_journal_grows_no_faster_than_its_length() -> None:
    short, long = journal_of(500), journal_of(4_000)
    assert calls_of(lambda: judge(long)) <= 8.1 * calls_of(lambda: judge(short))
