"""Tests the provider that tests the contract suite: it conforms, and each of its faults shows."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.faulty_provider import FAULTS, VARIATIONS, Provider, Reply, Request
from tests.faulty_provider import probes as p
from tests.faulty_provider.catalogue import MODEL
from tests.faulty_provider.rules import RULES

_UNIQUE = re.compile(r'"(?:id)":"((?:chatcmpl-|call_)[0-9a-f]{24,32})"')


def call(provider: Provider, request: Request) -> Reply:
    """Calls the ASGI app in process, as a server would."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": request.method, "path": request.path,
        "raw_path": (request.raw_path or request.path).encode(),
        "query_string": request.query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in request.headers],
    }  # fmt: skip
    asyncio.run(provider(scope, receive, send))
    headers = tuple((k.decode(), v.decode()) for k, v in sent[0]["headers"])
    return Reply(sent[0]["status"], headers, tuple(one["body"] for one in sent[1:]))


def read(reply: Reply) -> Any:
    return json.loads(reply.body)


def events(reply: Reply) -> list[Any]:
    *chunks, done, end = reply.body.decode().split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    return [json.loads(chunk.removeprefix("data: ")) for chunk in chunks]


def observed(provider: Provider, probe: tuple[Request, ...]) -> str:
    """The replies to the probe, with ids numbered in order and the present time masked."""
    seen: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return f'"id":"{seen.setdefault(match[1], f"#{len(seen)}")}"'

    shown = ""
    for request in probe:
        reply = call(provider, request)
        headers = [header for header in reply.headers if header[0] != "content-length"]
        text = _UNIQUE.sub(number, reply.body.decode("utf-8", "backslashreplace"))
        first = re.search(r'"created":(\d+)', text)
        if first and abs(int(first[1]) - time.time()) < 5:
            text = text.replace(f'"created":{first[1]}', '"created":now')
        shown += f"{reply.status} {headers} {text}"
    return shown


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_differs_from_the_conforming_answer(name: str) -> None:
    probe = FAULTS[name].probe
    assert observed(Provider(name), probe) != observed(Provider(), probe)


@pytest.mark.parametrize("name", FAULTS)
def test_the_conforming_answers_to_probes_repeat(name: str) -> None:
    probe = FAULTS[name].probe
    assert observed(Provider(), probe) == observed(Provider(), probe)


def test_every_fault_names_the_part_of_the_contract_that_it_breaks() -> None:
    assert all(re.fullmatch(r"1\.([1-9]|1\d|20)", fault.law) for fault in FAULTS.values())
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) for name in (*FAULTS, *VARIATIONS))


@pytest.mark.parametrize("name", VARIATIONS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [{}, p.FORCED, p.REASON, {"n": 2, "logprobs": True}])
def test_a_variation_still_answers(name: str, stream: bool, body: dict[str, Any]) -> None:
    more = {"stream": stream, "stream_options": {"include_usage": True}} if stream else {}
    reply = call(Provider(variations=frozenset({name})), p.chat(**{**body, **more}))
    assert reply.status == 200
    assert events(reply) if stream else read(reply)["choices"]


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_variation_can_be_seen(name: str) -> None:
    probe = (*p.USAGE_STREAM, *p.TOOL_STREAM, *p.TOOLS, *p.CHAT, *p.BAD, *p.LIST)
    if name != "tool-fragments-deepseek":
        assert observed(Provider(variations=frozenset({name})), probe) != observed(
            Provider(), probe
        )


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_is_refused_by_name(provider: Provider, name: str) -> None:
    rule = RULES[name]
    chat = "chat" in rule.operations
    reply = call(provider, p.chat(**rule.bad) if chat else p.text(**rule.bad))
    assert reply.status == read(reply)["code"] == 400
    assert read(reply)["reason"] == "INVALID_REQUEST_BODY"
    assert rule.field in read(reply)["message"]


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (replace(p.CHAT[0], headers=()), 401, "INVALID_API_KEY"),
        (replace(p.CHAT[0], headers=(("authorization", "Bearer wrong"),)), 401, "INVALID_API_KEY"),
        (replace(p.CHAT[0], headers=(("authorization", "Bearer "),)), 401, "INVALID_API_KEY"),
        (p.chat(model="nobody/knows"), 404, "MODEL_NOT_FOUND"),
        (p.get("/models/nobody/knows"), 404, "MODEL_NOT_FOUND"),
        (p.text(model="qwen/qwen-2.5-72b-instruct"), 400, "INVALID_REQUEST_BODY"),
        (p.chat(model="baai/bge-m3"), 400, "INVALID_REQUEST_BODY"),
        (p.get("/chat/completions"), 405, "METHOD_NOT_ALLOWED"),
        *(
            (p.post("/chat/completions", body), 400, "INVALID_REQUEST_BODY")
            for body in (b"", b"{", b"[]", b"null", b'"a"', b"\xff", b'{"n":NaN}', b"[" * 99_999)
        ),
    ],
)
def test_what_is_wrong_is_refused(
    provider: Provider, request_: Request, status: int, reason: str
) -> None:
    reply = call(provider, request_)
    assert (reply.status, read(reply)["code"], read(reply)["reason"]) == (status, status, reason)


@pytest.mark.parametrize("base", ["/v3/openai", "/openai/v1", "/openai", "/v3/openai/v1"])
def test_every_base_is_served(provider: Provider, base: str) -> None:
    assert call(provider, replace(p.CHAT[0], path=f"{base}/chat/completions")).status == 200
    lost = call(provider, p.get("/nowhere"))
    assert (lost.status, lost.body.strip()) == (404, b"404 page not found")


@pytest.mark.parametrize("request_", [*p.ROW, *p.ENCODED_ROW], ids=["slash", "encoded"])
def test_a_row_is_that_of_the_list(provider: Provider, request_: Request) -> None:
    rows = {row["id"]: row for row in read(call(provider, p.LIST[0]))["data"]}
    assert read(call(provider, request_)) == rows[MODEL]


def joined(chunks: list[Any]) -> dict[int, dict[str, str]]:
    told: dict[int, dict[str, str]] = {}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        own = told.setdefault(choice["index"], {"text": "", "calls": ""})
        delta = choice.get("delta", {"content": choice.get("text")})
        own["text"] += delta.get("content") or ""
        for fragment in delta.get("tool_calls", []):
            own["calls"] += fragment["function"].get("arguments", "")
        own["finish"] = choice["finish_reason"] or ""
    return told


@pytest.mark.parametrize("variation", [None, *VARIATIONS])
@pytest.mark.parametrize(
    "request_",
    [*p.N, *p.LONG, *p.TOOLS, *p.JSON_MODE, *p.SCHEMA_MODE, *p.REASONING, p.chat(stop=p.CROSSING),
     p.text(prompt=["a", "b"], n=2), p.chat(max_tokens=1)],
)  # fmt: skip
def test_a_stream_says_what_the_answer_says(variation: str | None, request_: Request) -> None:
    provider = Provider(variations=frozenset({variation} if variation else ()))
    body = json.loads(request_.body)
    asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
    answer = read(call(provider, request_))
    chunks = events(call(provider, replace(request_, body=json.dumps(asked).encode())))
    told = joined(chunks)
    for choice in answer["choices"]:
        message = choice.get("message", {"content": choice.get("text")})
        calls = message.get("tool_calls", [])
        assert told[choice["index"]] == {
            "text": message["content"] or "",
            "calls": "".join(one["function"]["arguments"] for one in calls),
            "finish": choice["finish_reason"],
        }
    assert [chunk["usage"] for chunk in chunks if chunk.get("usage")][-1] == answer["usage"]
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] <= len(answer["choices"]) * body["max_tokens"]


def test_a_stop_text_is_kept_and_ends_the_answer(provider: Provider) -> None:
    for stop in (p.AFTER, p.CROSSING, [p.AFTER, "never"]):
        choice = read(call(provider, p.chat(stop=stop)))["choices"][0]
        hit = stop if isinstance(stop, str) else stop[0]
        assert choice["finish_reason"] == "stop"
        assert choice["message"]["content"] == p.SAID.text[: p.SAID.text.find(hit) + len(hit)]


def test_log_probabilities_spell_the_text(provider: Provider) -> None:
    choice = read(call(provider, p.LOGPROBS[0]))["choices"][0]
    items = choice["logprobs"]["content"]
    assert "".join(item["token"] for item in items) == choice["message"]["content"]
    assert all(item["bytes"] == list(item["token"].encode()) for item in items)
    for item in items:
        best = [one["logprob"] for one in item["top_logprobs"]]
        assert best == sorted(best, reverse=True)
        assert len(best) == 3
        assert sum(math.exp(one) for one in best) <= 1


def test_structured_answers_and_arguments_fit_their_schemas(provider: Provider) -> None:
    said = read(call(provider, p.SCHEMA_MODE[0]))["choices"][0]["message"]["content"]
    assert json.loads(said)["city"] in ("Köln", "東京")
    assert json.loads(said)["count"] >= 3
    message = read(call(provider, p.TOOLS[0]))["choices"][0]["message"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"])["city"] in ("Köln", "東京")
    answer = call(provider, p.chat(messages=p.TURN, tools=[p.ADD]))
    assert read(answer)["choices"][0]["message"]["content"]


def test_faults_are_switched_at_run_time(provider: Provider) -> None:
    for name, status in (("auth-missing-crashes", 500), ("", 401)):
        switched = call(provider, Request("PUT", "/__fault__", body=name.encode()))
        assert read(switched) == {"fault": name or None}
        assert call(provider, replace(p.CHAT[0], headers=())).status == status


@pytest.mark.parametrize(
    ("edition", "missing", "wrong"),
    [("v3", (401, "INVALID_API_KEY"), (401, "INVALID_API_KEY")),
     ("2026", (403, "INVALID_API_KEY"), (401, "FAILED_TO_AUTH")),
     ("live", (403, "INVALID_API_KEY"), (401, "FAILED_TO_AUTH"))],
)  # fmt: skip
def test_editions_name_errors_differently(edition: str, missing: Any, wrong: Any) -> None:
    provider = Provider(edition=edition)
    for headers, expected in (((), missing), ((("authorization", "Bearer wrong"),), wrong)):
        error = read(call(provider, replace(p.CHAT[0], headers=headers)))
        assert (error["code"], error["reason"]) == expected
        assert ("metadata" in error) == (edition == "live")
