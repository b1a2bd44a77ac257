"""What passes between stage, compose and encode: the scene to be answered, and the completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from novita_mock._api.dialects import PLAIN, SILENT, Reasoning, WireProfile
from novita_mock._core.http import value
from novita_mock._core.timing import Pace
from novita_mock._engine.prompt import Prompt
from novita_mock._stubs.model import ScriptedAnswer

if TYPE_CHECKING:
    from novita_mock._instances import Prepared


@value
class Limit:
    """Tokens of a choice: `asked` for by the request, None if it left that open, and the `most`
    that the model has room for, None if its row does not say."""

    asked: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class OutputTarget:
    """What is made where no script answers: calls of `tools`, each with the schema of its
    arguments; a `value` valid for a schema; `any_object`; else text, about the tool results in
    `report` if there are some."""

    tools: tuple[tuple[str, Prepared], ...] = ()
    value: Prepared | None = None
    any_object: bool = False
    report: str = ""


TEXT = OutputTarget()


@value
class Plan:
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
    answer: ScriptedAnswer
    pace: Pace
    target: OutputTarget = TEXT
    reasoning: Reasoning = SILENT
    profile: WireProfile = PLAIN

    @property
    def recorded(self) -> bytes | None:
        """A recorded answer's body, which is sent as it stands."""
        return self.answer.recorded

    @property
    def id_prefix(self) -> str:
        """What the id of an answer begins with, if the model has a manner of its own."""
        return self.profile.completion_id.partition("{")[0]
