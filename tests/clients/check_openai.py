"""Checks a served novita-mock with the installed `openai` client, version 1, 2 or 3.

    python check_openai.py BASE_URL [--edition v3|2026|live]

It needs nothing but `openai`. Every check runs with the sync and the async client: a sync call
returns a value and an async one an awaitable; `settle` makes them the same.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import openai

Check = Callable[[Any], Awaitable[None]]

BASE = "/v3/openai"
BASES = (BASE, "/openai/v1", "/openai", "/v3/openai/v1")
MODEL = "meta-llama/llama-3.1-8b-instruct"
UNKNOWN = "nobody/nothing"
LEAST_MODELS = 35
TOOL_MODEL = "meta-llama/llama-3.3-70b-instruct"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
BODY_LIMIT = 16 * 1024 * 1024
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hi there!"}]}
TEXT: dict[str, Any] = {"model": MODEL, "prompt": "How do I make pasta?"}

# The documented errors of each API version: reason -> status.
ERRORS: dict[str, dict[str, int]] = {
    "v3": {
        "INVALID_API_KEY": 401,
        "NOT_ENOUGH_BALANCE": 403,
        "MODEL_NOT_FOUND": 404,
        "RATE_LIMIT_EXCEEDED": 429,
        "MODEL_NOT_AVAILABLE": 500,
        "INVALID_REQUEST_BODY": 400,
    },
    "2026": {
        "FAILED_TO_AUTH": 401,
        "INVALID_API_KEY": 403,
        "NOT_ENOUGH_BALANCE": 403,
        "ACCESS_DENY": 403,
        "MODEL_NOT_FOUND": 404,
        "RATE_LIMIT_EXCEEDED": 429,
        "TOKEN_LIMIT_EXCEEDED": 429,
        "SERVICE_NOT_AVAILABLE": 503,
        "INVALID_REQUEST_BODY": 400,
    },
    "live": {
        "FAILED_TO_AUTH": 401,
        "NOT_ENOUGH_BALANCE": 403,
        "MODEL_NOT_FOUND": 404,
        "RATE_LIMIT_EXCEEDED": 429,
        "TOKEN_LIMIT_EXCEEDED": 429,
        "MODEL_NOT_AVAILABLE": 500,
        "INVALID_REQUEST_BODY": 400,
    },
}
EXCEPTIONS: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}
MISSING_KEY = {"v3": 401, "2026": 403, "live": 403}
TRIED_AGAIN = (429, 500, 503)
BAD_INPUT: dict[str, dict[str, Any]] = {
    "$.messages": {"messages": []},
    "$.messages[0].role": {"messages": [{"role": "nobody", "content": "x"}]},
    "$.temperature": {"temperature": 3},
    "$.n": {"n": 0},
    "$.max_tokens": {"max_tokens": "many"},
    "$.stream": {"stream": "yes"},
}


def same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}; got {found!r}")


def holds(what: str, found: object) -> None:
    if not found:
        raise AssertionError(f"{what}: does not hold")


async def settle(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def each(stream: Any) -> AsyncIterator[Any]:
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            yield item
    else:
        for item in stream:
            yield item


async def collect(stream: Any) -> list[Any]:
    return [item async for item in each(await settle(stream))]


def adds_up(usage: Any) -> None:
    holds("prompt_tokens is positive", usage.prompt_tokens > 0)
    same("total_tokens", usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)


def piece(choice: Any) -> str:
    """The text of a chunk's choice, of either operation."""
    return (choice.delta.content if hasattr(choice, "delta") else choice.text) or ""


def whole(choice: Any) -> str:
    """The text of an answer's choice, of either operation."""
    text = choice.message.content if hasattr(choice, "message") else choice.text
    return str(text)


def joined(chunks: list[Any], index: int = 0) -> str:
    choices = (choice for chunk in chunks for choice in chunk.choices)
    return "".join(piece(choice) for choice in choices if choice.index == index)


def finishes(chunks: list[Any]) -> dict[int, str]:
    choices = (choice for chunk in chunks for choice in chunk.choices)
    return {choice.index: choice.finish_reason for choice in choices if choice.finish_reason}


def chat(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(**{**CHAT, **more})


def completions(client: Any, **more: Any) -> Any:
    return client.completions.create(**{**TEXT, **more})


# --- answers: each is run for chat and for completions, `create` being one of the two ---

Create = Callable[..., Any]


async def is_answered(client: Any, create: Create) -> None:
    answer = await settle(create(client))
    same("model", answer.model, MODEL)
    same("finish_reason", answer.choices[0].finish_reason, "stop")
    holds("there is text", whole(answer.choices[0]).strip())
    adds_up(answer.usage)


async def is_streamed_as_it_is_answered(client: Any, create: Create) -> None:
    answer = await settle(create(client, seed=7))
    chunks = await collect(create(client, seed=7, stream=True))
    same("text", joined(chunks), whole(answer.choices[0]))
    same("ids", len({chunk.id for chunk in chunks}), 1)
    same("models", {chunk.model for chunk in chunks}, {MODEL})
    same("finish_reason", finishes(chunks), {0: "stop"})
    holds("more than three chunks", len(chunks) > 3)


async def is_streamed_with_usage_if_asked(client: Any, create: Create) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    answer = await settle(create(client, seed=7))
    chunks = await collect(create(client, seed=7, **asked))
    same("choices of the last chunk", chunks[-1].choices, [])
    same("usage before", [c.usage for c in chunks[:-1] if c.usage is not None], [])
    adds_up(chunks[-1].usage)
    same("usage", chunks[-1].usage.total_tokens, answer.usage.total_tokens)


async def has_n_choices(client: Any, create: Create) -> None:
    answer = await settle(create(client, n=2))
    chunks = await collect(create(client, n=2, stream=True))
    same("indexes", [choice.index for choice in answer.choices], [0, 1])
    same("texts", [joined(chunks, 0), joined(chunks, 1)], [whole(c) for c in answer.choices])
    same("finish_reason", finishes(chunks), {0: "stop", 1: "stop"})


async def is_limited_by_max_tokens(client: Any, create: Create) -> None:
    answer = await settle(create(client, max_tokens=5))
    same("finish_reason", answer.choices[0].finish_reason, "length")
    same("completion_tokens", answer.usage.completion_tokens, 5)


async def ends_with_the_stop_sequence(client: Any, create: Create) -> None:
    free = whole((await settle(create(client))).choices[0])
    stop = free.split()[3]
    for asked in (stop, ["never written", stop]):
        choice = (await settle(create(client, stop=asked))).choices[0]
        same("text", whole(choice), free[: free.index(stop) + len(stop)])
        same("finish_reason", choice.finish_reason, "stop")


async def is_left_in_mid_stream(client: Any, create: Create) -> None:
    stream = await settle(create(client, stream=True, max_tokens=500))
    async for _ in each(stream):
        break
    await settle(stream.close())
    await is_answered(client, create)


ANSWERS = (
    is_answered,
    is_streamed_as_it_is_answered,
    is_streamed_with_usage_if_asked,
    has_n_choices,
    is_limited_by_max_tokens,
    ends_with_the_stop_sequence,
    is_left_in_mid_stream,
)


# --- what only one operation has ---


async def chat_has_log_probabilities(client: Any) -> None:
    answer = await settle(chat(client, logprobs=True, top_logprobs=2, max_tokens=9))
    found = answer.choices[0].logprobs.content
    same("tokens", "".join(entry.token for entry in found), whole(answer.choices[0]))
    same("alternatives", {len(entry.top_logprobs) for entry in found}, {2})
    holds("logprobs are not positive", all(entry.logprob <= 0 for entry in found))


async def chat_is_gathered_by_the_stream_helper(client: Any) -> None:
    asked = {**CHAT, "n": 2, "logprobs": True, "top_logprobs": 2}
    manager = client.chat.completions.stream(**asked)
    if hasattr(manager, "__aenter__"):
        async with manager as stream:
            await collect(stream)
            final = await stream.get_final_completion()
    else:
        with manager as stream:
            final = stream.get_final_completion()
    answer = await settle(client.chat.completions.create(**asked))
    same("texts", [whole(c) for c in final.choices], [whole(c) for c in answer.choices])
    for choice in final.choices:
        tokens = "".join(entry.token for entry in choice.logprobs.content)
        same("tokens", tokens, whole(choice))


async def called(client: Any, asked: dict[str, Any], stream: bool) -> dict[str, Any]:
    """The one tool call of an answer, joined from its fragments if it is streamed."""
    if not stream:
        answer = await settle(client.chat.completions.create(**asked))
        same("finish_reason", answer.choices[0].finish_reason, "tool_calls")
        (call,) = answer.choices[0].message.tool_calls
        return dict(call.model_dump(include={"id", "type", "function"}))
    chunks = await collect(await settle(client.chat.completions.create(**asked, stream=True)))
    same("finish_reason", finishes(chunks), {0: "tool_calls"})
    deltas = [chunk.choices[0].delta.tool_calls or [] for chunk in chunks]
    first, *later = [fragment for fragments in deltas for fragment in fragments]
    text = "".join(f.function.arguments or "" for f in (first, *later))
    function = {"name": first.function.name, "arguments": text}
    return {"id": first.id, "type": "function", "function": function}


async def chat_calls_a_tool_and_uses_its_result(client: Any) -> None:
    question = {"role": "user", "content": "What is the weather in Paris?"}
    asked = {"model": TOOL_MODEL, "messages": [question], "tools": [TOOL]}
    for stream in (False, True):
        call = await called(client, asked, stream)
        arguments = json.loads(call["function"]["arguments"])
        holds("the city is a text", isinstance(arguments["city"], str))
        said_before = {"role": "assistant", "content": None, "tool_calls": [call]}
        result = {"role": "tool", "tool_call_id": call["id"], "content": "21 degrees"}
        more = {**asked, "messages": [question, said_before, result], "stream": stream}
        answer = await settle(client.chat.completions.create(**more))
        text = joined(await collect(answer)) if stream else whole(answer.choices[0])
        holds("the result is used", "21 degrees" in text)


async def chat_has_headers(client: Any) -> None:
    raw = client.chat.completions.with_raw_response
    for stream, kind in ((False, "application/json"), (True, "text/event-stream")):
        answer = await settle(raw.create(**CHAT, stream=stream))
        same("content-type", answer.headers["content-type"], kind)


async def completions_take_lists_of_prompts(client: Any) -> None:
    for prompt in (["One.", "Two."], [[1, 2, 3], [4, 5]]):
        answer = await settle(completions(client, prompt=prompt, n=2, max_tokens=4))
        same("indexes", [choice.index for choice in answer.choices], [0, 1, 2, 3])
        same("completion_tokens", answer.usage.completion_tokens, 16)
    answer = await settle(completions(client, prompt=[1, 2, 3], max_tokens=4))
    same("prompt_tokens", answer.usage.prompt_tokens, 3)


async def completions_have_log_probabilities(client: Any) -> None:
    answer = await settle(completions(client, logprobs=2, max_tokens=9))
    found = answer.choices[0].logprobs
    same("tokens", "".join(found.tokens), whole(answer.choices[0]))
    lengths = [len(token) for token in found.tokens]
    offsets = [sum(lengths[:at]) for at in range(len(lengths))]
    same("text_offset", found.text_offset, offsets)
    same("token_logprobs", len(found.token_logprobs), len(found.tokens))


async def models_are_listed(client: Any) -> None:
    page = await settle(client.models.list())
    ids = [model.id for model in page.data]
    holds("the seed's model is listed", MODEL in ids)
    holds("there are enough models", len(ids) >= LEAST_MODELS)
    same("items of the page", [model.id for model in await collect(page)], ids)


async def a_model_with_a_slash_is_retrieved(client: Any) -> None:
    model = await settle(client.models.retrieve(MODEL))
    same("id", model.id, MODEL)
    same("object", model.object, "model")


async def every_base_path_is_served(client: Any) -> None:
    root = str(client.base_url).rstrip("/").removesuffix(BASE)
    for base in BASES:
        there = client.with_options(base_url=root + base)
        await is_answered(there, chat)
        await a_model_with_a_slash_is_retrieved(there)


SPECIAL = (
    chat_has_log_probabilities,
    chat_calls_a_tool_and_uses_its_result,
    chat_is_gathered_by_the_stream_helper,
    chat_has_headers,
    completions_take_lists_of_prompts,
    completions_have_log_probabilities,
    models_are_listed,
    a_model_with_a_slash_is_retrieved,
    every_base_path_is_served,
)


# --- refusals ---


async def refusal(call: Callable[[], Any], status: int) -> openai.APIStatusError:
    """The exception that `call` raises; its class and status must be those of `status`."""
    wanted = EXCEPTIONS.get(status, openai.APIStatusError)
    try:
        await settle(call())
    except openai.APIStatusError as error:
        same("exception", type(error).__name__, wanted.__name__)
        same("status", error.status_code, status)
        return error
    raise AssertionError(f"expected {wanted.__name__}; nothing was raised")


def said(error: openai.APIStatusError) -> dict[str, Any]:
    """The body of a refusal. The exception's own `code` is text from version 3 on."""
    body: Any = error.body
    same("code", body["code"], error.status_code)
    same("code of the exception", str(error.code), str(error.status_code))
    holds("there is a message", body["message"])
    return dict(body)


def calls(client: Any, reason: str, way: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every call that can request the error `reason` in this way."""
    more: dict[str, Any] = {}
    if way == "header":
        more["extra_headers"] = {"X-Novita-Mock-Error": reason}
    if way == "key":
        client = client.with_options(api_key=f"mock-{reason}")
    model = f"mock/{reason}" if way == "model" else MODEL
    for stream in (False, True):
        for create in (chat, completions):
            yield create.__name__, partial(create, client, model=model, stream=stream, **more)
    yield "retrieve", partial(client.models.retrieve, model, **more)
    if way != "model":
        yield "list", partial(client.models.list, **more)


def asked_for(reason: str, status: int, way: str, edition: str) -> Check:
    async def check(client: Any) -> None:
        for name, call in calls(client, reason, way):
            body = said(await refusal(call, status))
            same(f"reason of {name}", body["reason"], reason)
            envelope = ["code", "reason", "message"] + ["metadata"] * (edition == "live")
            same(f"keys of {name}", sorted(body), sorted(envelope))

    return check


def is_tried_again(reason: str, status: int) -> Check:
    async def check(client: Any) -> None:
        again = client.with_options(max_retries=1)
        asked = {"extra_headers": {"X-Novita-Mock-Error": reason}}
        error = await refusal(partial(chat, again, **asked), status)
        tries = error.request.headers["x-stainless-retry-count"]
        same("further tries", tries, "1" if status in TRIED_AGAIN else "0")

    return check


def has_bad_input(path: str, wrong: dict[str, Any]) -> Check:
    async def check(client: Any) -> None:
        for stream in (False, True):
            asked = {"stream": stream, **wrong}
            error = await refusal(partial(chat, client, extra_body=asked), 400)
            body = said(error)
            same("reason", body["reason"], "INVALID_REQUEST_BODY")
            holds(f"{path} is in {body['message']}", body["message"].startswith(f"{path}:"))

    return check


async def an_unknown_model_is_refused(client: Any) -> None:
    for call in (
        partial(chat, client, model=UNKNOWN),
        partial(completions, client, model=UNKNOWN),
        partial(client.models.retrieve, UNKNOWN),
    ):
        same("reason", said(await refusal(call, 404))["reason"], "MODEL_NOT_FOUND")


async def an_unknown_route_is_plain_text(client: Any) -> None:
    root = str(client.base_url).rstrip("/").removesuffix(BASE)
    there = client.with_options(base_url=f"{root}/v1")
    error = await refusal(partial(chat, there), 404)
    same("text", error.response.text, "404 page not found")


async def too_large_a_body_is_refused(client: Any) -> None:
    asked = {"messages": [{"role": "user", "content": "x" * BODY_LIMIT}]}
    said(await refusal(partial(chat, client, **asked), 413))


def a_missing_key_is_refused(edition: str) -> Check:
    async def check(client: Any) -> None:
        nobody = {"extra_headers": {"Authorization": "Bearer"}}
        error = await refusal(partial(chat, client, **nobody), MISSING_KEY[edition])
        same("reason", said(error)["reason"], "INVALID_API_KEY")
        if edition == "live":
            await settle(client.models.list(**nobody))
        else:
            await refusal(partial(client.models.list, **nobody), MISSING_KEY[edition])

    return check


def too_many_tokens(edition: str) -> Check:
    async def check(client: Any) -> None:
        asked = {"max_tokens": 1_000_000}
        if edition == "live":
            await refusal(partial(chat, client, **asked), 400)
        else:
            adds_up((await settle(chat(client, **asked))).usage)

    return check


def answers(edition: str) -> Iterator[tuple[str, Check]]:
    for create in (chat, completions):
        for check in ANSWERS:
            name = f"{create.__name__} {check.__name__}"
            yield name, partial(check, create=create)
    for special in SPECIAL:
        yield special.__name__, special
    yield "too many tokens are lowered or refused", too_many_tokens(edition)


def refusals(edition: str) -> Iterator[tuple[str, Check]]:
    for reason, status in ERRORS[edition].items():
        for way in ("header", "model", "key"):
            name = f"{reason} is {EXCEPTIONS[status].__name__}, asked for by {way}"
            yield name, asked_for(reason, status, way, edition)
        again = "is" if status in TRIED_AGAIN else "is not"
        yield f"{reason} {again} tried again", is_tried_again(reason, status)
    for path, wrong in BAD_INPUT.items():
        yield f"bad input is refused at {path}", has_bad_input(path, wrong)
    for check in (
        an_unknown_model_is_refused,
        an_unknown_route_is_plain_text,
        too_large_a_body_is_refused,
    ):
        yield check.__name__, check
    yield "a missing key is refused", a_missing_key_is_refused(edition)


async def run(client: Any, kind: str, edition: str) -> tuple[int, int]:
    """Runs every check with `client`; returns how many passed and how many failed."""
    passed = failed = 0
    for name, check in [*answers(edition), *refusals(edition)]:
        label = f"{kind:5} {name.replace('_', ' ')}"
        try:
            await check(client)
        except Exception as error:
            failed += 1
            print(f"FAIL {label}: {type(error).__name__}: {error}")
        else:
            passed += 1
            print(f"ok   {label}")
    await settle(client.close())
    return passed, failed


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks novita-mock with the openai client.")
    parser.add_argument("base_url", nargs="?", default=os.environ.get("OPENAI_BASE_URL"))
    parser.add_argument("--edition", choices=list(ERRORS), default="v3")
    options = parser.parse_args()
    if not options.base_url:
        parser.error("a base URL is needed, as an argument or in OPENAI_BASE_URL")
    how = {"base_url": options.base_url, "api_key": "any-key", "max_retries": 0}
    print(f"openai {openai.__version__}, edition {options.edition}")
    passed = failed = 0
    for kind, make in (("sync", openai.OpenAI), ("async", openai.AsyncOpenAI)):
        done = asyncio.run(run(make(**how), kind, options.edition))
        passed, failed = passed + done[0], failed + done[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
