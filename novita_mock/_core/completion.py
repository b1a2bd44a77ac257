"""An answer before rendering: choices, tool calls, log probabilities."""

from __future__ import annotations

from typing import Any

from novita_mock._core.http import value

Alternatives = tuple[int, list[tuple[str, float]]]
"""For one position: how many alternatives to list, and the tokens with their log probabilities.
The chosen token comes first, then the less likely ones."""


@value
class GeneratedCall:
    """A tool call. The `fragments`, joined, are the JSON text of its arguments."""

    id: str
    name: str
    fragments: list[str]


@value
class Choice:
    """One choice of an answer.

    `content` is None if there are only tool calls. `details` is the item of `reasoning_details`
    that repeats the reasoning, if there is one.
    """

    index: int
    content: list[str] | None
    finish_reason: str
    reasoning: list[str]
    calls: list[GeneratedCall]
    alternatives: list[Alternatives] | None
    details: dict[str, Any] | None = None


@value
class Completion:
    """All choices of an answer and the tokens they used; `usage` only if it was recorded."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    usage: dict[str, Any] | None = None
