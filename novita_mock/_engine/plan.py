"""What passes between stage, compose and encode: the scene to be answered, and the completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from novita_mock._api.dialects import PLAIN, SILENT, Manner, Reasoning
from novita_mock._core.http import value
from novita_mock._stubs.model import Answer, Pace

if TYPE_CHECKING:
    from novita_mock._instances import Prepared

Alternatives = tuple[int, list[tuple[str, float]]]
"""How many are to be listed at a place, and the tokens there with their log probabilities: first
the one taken, then the less likely ones."""


@value
class Prompt:
    """One text to be answered. `text` is all of it, `subject` the part that the answer is about;
    `continues`: the answer goes on where the text ends."""

    text: str
    tokens: int
    subject: str
    continues: bool


@value
class Limit:
    """Tokens of a choice: `asked` for by the request, None if it left that open, and the `most`
    that the model has room for, None if its row does not say."""

    asked: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class Task:
    """What is made where no script answers: calls of `tools`, each with the schema of its
    arguments; a `value` valid for a schema; `any_object`; else text, about the tool results in
    `report` if there are some."""

    tools: tuple[tuple[str, Prepared], ...] = ()
    value: Prepared | None = None
    any_object: bool = False
    report: str = ""


TEXT = Task()


@value
class Scene:
    """What is to be answered. No room after the stage reads a field of the body again.

    `limits` has an entry for each prompt. `seed` is None where sampling is greedy, so that
    nothing but the prompt counts. `alternatives` is how many tokens are listed at each place;
    None unless log probabilities were asked for.
    """

    model: str
    prompts: list[Prompt]
    limits: list[Limit]
    n: int
    stops: tuple[str, ...]
    seed: str | None
    alternatives: int | None
    stream: bool
    include_usage: bool
    answer: Answer
    pace: Pace
    task: Task = TEXT
    reasoning: Reasoning = SILENT
    manner: Manner = PLAIN

    @property
    def id_prefix(self) -> str:
        """What the id of an answer begins with, if the model has a manner of its own."""
        return self.manner.completion_id.partition("{")[0]


@value
class Call:
    """A tool call; the fragments joined are the JSON text of its arguments."""

    id: str
    name: str
    fragments: list[str]


@value
class Choice:
    """One answer. `content` is None where there are only tool calls; `details` is the item of
    `reasoning_details` that repeats the reasoning, if there is one."""

    index: int
    content: list[str] | None
    finish_reason: str
    reasoning: list[str]
    calls: list[Call]
    alternatives: list[Alternatives] | None
    details: dict[str, Any] | None = None


@value
class Completion:
    """All choices of an answer, and the tokens that they took; `usage` if it was recorded."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    usage: dict[str, Any] | None = None
