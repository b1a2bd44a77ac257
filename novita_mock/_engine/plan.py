"""The plan of an answer: what planning hands to generation and rendering."""

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
    """Token limits of a choice: `asked` is that of the request, `most` that of the model. None: the
    request, or the model's row, sets no limit."""

    asked: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class OutputTarget:
    """The output to make where no script answers: calls of `tools`, each with the schema of its
    arguments; a `value` that is valid for a schema; `any_object`; otherwise text, beginning with
    the tool results in `report`."""

    tools: tuple[tuple[str, Prepared], ...] = ()
    value: Prepared | None = None
    any_object: bool = False
    report: str = ""


TEXT = OutputTarget()


@value
class Plan:
    """The plan of an answer. No stage after planning reads a field of the body.

    `limits` has an entry for each prompt. `seed` is None for greedy sampling, so that only the
    prompt counts. `alternatives` is the number of tokens listed at each position; None: the request
    asks for no log probabilities.
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
        """The body of a recorded answer, which is sent unchanged."""
        return self.answer.recorded

    @property
    def id_prefix(self) -> str:
        """The id prefix of the model's wire profile; empty: the operation's prefix applies."""
        return self.profile.completion_id.partition("{")[0]
