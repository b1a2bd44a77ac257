"""Calls a served novita-mock with faults, and reports what the installed `openai` makes of each.

    python probe_fault.py ORIGIN < cases.json > seen.json

It needs nothing but `openai`. A case is the call to make: `model`, `fault` (for the header; none if
null), `stream`, `timeout`, `retries` (the client's default if null), `mode` (`sync`, `async`) and
`usually`, which is for Node.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import openai

Case = dict[str, Any]
Seen = dict[str, Any]

BASE = "/v3/openai"
HEADER = "X-Novita-Mock-Fault"
MESSAGES: Any = [{"role": "user", "content": "Hi there!"}]
SECONDS_AWAY = 20


class Retries(logging.Handler):
    """Counts the retries that the client logs."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.getMessage().startswith("Retrying request")


async def settle(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def each(stream: Any) -> AsyncIterator[Any]:
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            yield item
    else:
        for item in stream:
            yield item


def named(error: Exception) -> str:
    """The class of an exception, with its package if that is not the client's."""
    package = type(error).__module__.partition(".")[0]
    own = package in ("openai", "builtins")
    name = type(error).__name__ if own else f"{package}.{type(error).__name__}"
    status = getattr(error, "status_code", None)
    return f"{name} {status}" if status else name


def note(chunk: Any, seen: Seen) -> None:
    """Adds a chunk to the observations of a stream, as a careful application reads it."""
    seen["chunks"] += 1
    if not (choices := getattr(chunk, "choices", None)):
        seen["odd"] = "an empty `choices`" if choices == [] else "no `choices`"
        return
    seen["text"] += choices[0].delta.content or ""
    seen["finish"] = seen["finish"] or choices[0].finish_reason


def note_answer(answer: Any, seen: Seen) -> None:
    if not hasattr(answer, "choices"):
        seen["odd"] = f"a `{type(answer).__name__}`"
        return
    seen["text"] = answer.choices[0].message.content
    seen["finish"] = answer.choices[0].finish_reason


async def call(client: Any, case: Case, seen: Seen) -> None:
    create = client.chat.completions.create
    asked = {"model": case["model"], "messages": MESSAGES, "stream": case["stream"]}
    answer = await settle(create(**asked))
    seen["answered"] = True
    if not case["stream"]:
        note_answer(answer, seen)
        return
    async for chunk in each(answer):
        note(chunk, seen)


def client_of(case: Case, origin: str) -> Any:
    maker: Any = openai.AsyncOpenAI if case["mode"] == "async" else openai.OpenAI
    more: dict[str, Any] = {"default_headers": {HEADER: case["fault"]}} if case["fault"] else {}
    if case["retries"] is not None:
        more["max_retries"] = case["retries"]
    return maker(base_url=origin + BASE, api_key="any-key", timeout=case["timeout"], **more)


async def probe(case: Case, origin: str) -> Seen:
    seen: Seen = {"answered": False, "error": None, "chunks": 0, "text": "", "finish": None}
    seen["odd"] = None
    retries = Retries(logging.INFO)
    logger = logging.getLogger("openai")
    logger.setLevel(logging.INFO)
    logger.addHandler(retries)
    client = client_of(case, origin)
    try:
        await call(client, case, seen)
    except Exception as error:
        seen["error"] = named(error)
    logger.removeHandler(retries)
    # Closing a lost connection may fail once more.
    with contextlib.suppress(Exception):
        await settle(client.close())
    return seen | {"tries": 1 + retries.count, "model": case["model"]}


def wait_for(origin: str) -> None:
    """Waits until the server answers: a fault may have taken it away for a while."""
    until = time.monotonic() + SECONDS_AWAY
    while True:
        try:
            with urllib.request.urlopen(f"{origin}/__mock__/health", timeout=2):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def main() -> None:
    origin = sys.argv[1]
    cases: list[Case] = json.load(sys.stdin)
    found = []
    for case in cases:
        wait_for(origin)
        found.append(asyncio.run(probe(case, origin)))
    json.dump({"version": openai.__version__, "runtime": None, "seen": found}, sys.stdout)


if __name__ == "__main__":
    main()
