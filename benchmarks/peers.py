"""Peers: other mock servers, measured where `peers.sh` has installed them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks.servers import Server

VARIABLE = "NOVITA_MOCK_PEERS"
_CHAT = "/v1/chat/completions"
_ANSWER = "A fixed answer of the peer, as long as a short sentence is."
# Name, program below the folder, arguments, settings file and its text, what it does not do.
_ROWS = (
    (
        "aimock",
        "node_modules/.bin/llmock",
        "-p {port} -f aimock.json --log-level silent",
        json.dumps({"fixtures": [{"match": {}, "response": {"content": _ANSWER}}]}),
        "aimock.json",
        "no validation, fixed text",
    ),
    (
        "mocktopus",
        "venv/bin/mocktopus",
        "serve -p {port} -s mocktopus.yaml",
        "version: 1\nrules:\n  - type: llm.openai\n    when: {}\n    respond:\n"
        f"      content: {_ANSWER}\n",
        "mocktopus.yaml",
        "no validation, fixed text",
    ),
    ("stubllm", "venv/bin/stubllm", "serve --port {port} --log-level critical", "", "",
     "no validation, fixed text"),
    ("fakellm", "venv/bin/fakellm", "serve --port {port}", "", "",
     "no validation, fixed text; its streams sleep"),
    ("llmock", "venv/bin/llmock", "serve --port {port} --log-level critical", "", "",
     "validates in part"),
    ("mock-llm", "node_modules/.bin/mock-llm", "", "", "", "no validation, fixed text"),
    ("mockllm", "venv/bin/mockllm", "start --port {port} --responses mockllm.yml",
     f'responses: {{}}\ndefaults:\n  unknown_response: "{_ANSWER}"\n', "mockllm.yml",
     "no validation, fixed text"),
)  # fmt: skip


def installed(folder: Path | None) -> list[Server]:
    """The peers in `folder` (else in that of the environment), none if there is no such folder."""
    named = folder or (Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None)
    if named is None or not named.is_dir():
        return []
    found = []
    for name, program, arguments, text, file, note in _ROWS:
        if not (named / program).exists():
            continue
        if file:
            (named / file).write_text(text, encoding="utf-8")
        command = (str((named / program).absolute()), *arguments.split())
        found.append(Server(name, command, _CHAT, named.absolute(), note=note))
    return found
