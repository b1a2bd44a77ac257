"""A weather desk: a small application on the Novita AI API, with retries, streaming and tools.

It knows nothing of novita-mock. Address and key come from OPENAI_BASE_URL and OPENAI_API_KEY.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from openai import OpenAI, OpenAIError

MODEL = "meta-llama/llama-3.3-70b-instruct"
SORRY = "The weather desk is closed."
MOST_ROUNDS = 5

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_temperature",
            "description": "Temperature of a city in degrees Celsius",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
TEMPERATURES = {"Paris": 21, "Oslo": 9}


def ask(question: str) -> str:
    """An answer in one piece; the client tries again by itself when the API is busy."""
    client = OpenAI(max_retries=3)
    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": question}]
    )
    return answer.choices[0].message.content or ""


def ask_politely(question: str) -> str:
    """An answer, or an apology for whatever goes wrong."""
    try:
        return ask(question)
    except OpenAIError:
        return SORRY


def stream(question: str) -> Iterator[str]:
    """An answer piece by piece."""
    chunks = OpenAI().chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": question}], stream=True
    )
    for chunk in chunks:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


def report(question: str) -> str:
    """An answer for which the model may look temperatures up."""
    client = OpenAI()
    messages: list = [{"role": "user", "content": question}]
    for _ in range(MOST_ROUNDS):
        answer = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(message)
        for call in message.tool_calls:
            city = json.loads(call.function.arguments)["city"]
            result = {"city": city, "celsius": TEMPERATURES.get(city)}
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)}
            )
    raise RuntimeError(f"no answer after {MOST_ROUNDS} rounds")
