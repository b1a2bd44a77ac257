"""Completions: prompts are texts or tokens, answers continue them."""

from __future__ import annotations

from typing import Any

from novita_mock._core.http import Json
from novita_mock._engine.operations.text_answers import text_operation
from novita_mock._engine.prompt import Prompt, of_text, of_tokens
from novita_mock._render import completions


def prompts(body: Json) -> list[Prompt]:
    """Each prompt of the body."""
    prompt: Any = body["prompt"]
    match prompt:
        case str():
            return [of_text(prompt)]
        case [str(), *_]:
            return [of_text(text) for text in prompt]
        case [list(), *_]:
            return [of_tokens(tokens) for tokens in prompt]
    return [of_tokens(prompt)]


COMPLETIONS = text_operation("completions", prompts, completions.SHAPE)
