"""Runs pydantic-ai's agent loop with two tools against a server, streamed and not.

    python check_agent.py BASE_URL --edition EDITION

Needs `pydantic-ai-slim[openai]` and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

MODEL = "meta-llama/llama-3.3-70b-instruct"
QUESTIONS = {
    "What is the weather in Paris?": "get_weather",
    "What is the time in Oslo?": "get_time",
}


class City(BaseModel):
    name: str
    inhabitants: int


def agent(url: str, called: list[str]) -> Agent[None, str]:
    """An agent with two tools, which write their names into `called`."""
    provider = OpenAIProvider(base_url=url, api_key="any-key")
    made = Agent(OpenAIChatModel(MODEL, provider=provider))

    @made.tool_plain
    def get_weather(city: str) -> str:
        """Current weather of a city."""
        called.append("get_weather")
        return f"sunny in {city}"

    @made.tool_plain
    def get_time(city: str) -> str:
        """Current time in a city."""
        called.append("get_time")
        return f"noon in {city}"

    return made


async def calls_the_right_tool_and_ends(url: str) -> None:
    for question, tool in QUESTIONS.items():
        called: list[str] = []
        result = await agent(url, called).run(question)
        assert called == [tool], called
        assert ("sunny" if tool == "get_weather" else "noon") in result.output, result.output


async def streams_the_same_loop(url: str) -> None:
    called: list[str] = []
    async with agent(url, called).run_stream("What is the weather in Paris?") as result:
        text = await result.get_output()
    assert called == ["get_weather"], called
    assert "sunny" in text, text


async def gives_a_typed_output(url: str) -> None:
    provider = OpenAIProvider(base_url=url, api_key="any-key")
    typed = Agent(OpenAIChatModel(MODEL, provider=provider), output_type=City)
    assert isinstance((await typed.run("Name a city")).output, City)


CHECKS: tuple[Callable[[str], Awaitable[None]], ...] = (
    calls_the_right_tool_and_ends,
    streams_the_same_loop,
    gives_a_typed_output,
)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--edition")
    url = parser.parse_args().url
    print(f"pydantic-ai {version('pydantic-ai-slim')}, against {url}")
    failed = 0
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            asyncio.run(check(url))  # type: ignore[arg-type]
        except Exception as error:
            failed += 1
            print(f"FAIL {name}: {error!r}")
        else:
            print(f"ok   {name}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
