"""Asks a served mock one chat and prints what it says: `python say_hello.py BASE_URL`. It needs
the standard library only, so it runs in any environment."""

from __future__ import annotations

import json
import sys
import urllib.request

CHAT = {
    "model": "meta-llama/llama-3.1-8b-instruct",
    "messages": [{"role": "user", "content": "Hello!"}],
}


def say_hello(url: str) -> str:
    """The mock's answer at a base URL."""
    headers = {"Authorization": "Bearer any-key", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/chat/completions", json.dumps(CHAT).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


if __name__ == "__main__":
    print(say_hello(sys.argv[1]))
