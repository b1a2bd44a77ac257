"""A prompt: its text, its number of tokens and its subject. Later stages use only these."""

from __future__ import annotations

from novita_mock._core.http import value
from novita_mock._core.tokenizer import count


@value
class Prompt:
    """One prompt. `text` is the whole prompt, `subject` the part that the answer is about.
    `continues`: the answer continues the text."""

    text: str
    tokens: int
    subject: str
    continues: bool


def of_text(text: str) -> Prompt:
    """A text that the answer continues."""
    return Prompt(text, count(text), text, continues=True)


def of_tokens(tokens: list[int]) -> Prompt:
    """Tokens that the answer continues."""
    text = " ".join(str(int(token)) for token in tokens)
    return Prompt(text, len(tokens), "", continues=True)
