"""The requests of the load: one of 1.4 kB, many that differ in their last message, and bad ones."""

from __future__ import annotations

import json
import random
from typing import Any

PATH = "/v3/openai/chat/completions"
MODEL = "meta-llama/llama-3.1-8b-instruct"
TOKENS = 64
_SYSTEM = (
    "You are a helpful assistant for the customers of a small shop that sells bicycles, parts and "
    "clothes. Answer briefly and to the point, in the language of the customer, and never promise "
    "a date of delivery that is not in the system."
)
_HELLO = "Hello! What can I do for you today?"
_USER = (
    "I bought a touring bicycle from you about three weeks ago, and since yesterday the rear brake "
    "makes a loud noise whenever I use it. The wheel turns freely and the pads look nearly new to "
    "me. What could be the reason, and is there something that I can check at home before I bring "
    "it to the workshop? "
)
DIFFERENT = 4_096


def request(user: str = _USER * 3, **more: Any) -> bytes:
    """A chat request of three messages."""
    messages = [
        {"role": "system", "content": _SYSTEM},
        {"role": "assistant", "content": _HELLO},
        {"role": "user", "content": user.strip()},
    ]
    body = {"model": MODEL, "messages": messages, "max_tokens": TOKENS, "temperature": 0.7}
    return json.dumps(body | {"top_p": 0.9, "seed": 7} | more).encode()


def different(count: int = DIFFERENT) -> list[bytes]:
    """Requests of that size, the last message of each in another order of words."""
    chance, words = random.Random(0), (_USER * 3).split()
    return [request(" ".join(chance.sample(words, len(words)))) for _ in range(count)]


def bad() -> bytes:
    """A request that is refused with the path of what is wrong in it."""
    return request(temperature=9)
