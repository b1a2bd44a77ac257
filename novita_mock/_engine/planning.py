"""Fourth stage, planning: from the request, the script and the catalogue to the plan of an answer.

Later stages see only the plan. They never read a field of the body.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from novita_mock._api import problems
from novita_mock._api.description import Description, Operation
from novita_mock._api.dialects import PLAIN, Dialect, Dialects
from novita_mock._core.errors import ERROR_MODEL, Refused, wished
from novita_mock._core.http import Json, value
from novita_mock._core.timing import Pace
from novita_mock._engine.capabilities import check_features, check_history
from novita_mock._engine.plan import TEXT, Limit, OutputTarget, Plan
from novita_mock._engine.prompt import Prompt
from novita_mock._stubs.model import ScriptedAnswer
from novita_mock._stubs.script import Script

LOWER = "lower"
CHAT_MODEL, NOT_CHAT = "chat", "not_a_chat_model"


@value
class Draft:
    """A request that can be answered: what the catalogue and the body say of it."""

    operation: Operation
    row: Json
    body: Json
    dialect: Dialect
    prompts: list[Prompt]
    limits: list[Limit]
    n: int


class Planner:
    """Makes plans by the catalogue and the rules of one edition, which it looks up once."""

    def __init__(
        self, description: Description, edition: str, pace: Pace, *, any_model: bool = False
    ) -> None:
        self._pace = pace
        self._models: Mapping[str, Json] = description.models
        self._any_model = any_model
        self._lowers = description.overlong[edition] == LOWER
        self._most_choices = description.limits["choices"]
        self._reasons = frozenset(description.errors.reasons)
        self._gates = description.gates if edition in description.gates["editions"] else None
        self._dialects = Dialects(description, edition)

    def row(self, model: str, key_error: str | None) -> Json:
        """The catalogue row of `model`. Raises the error that the model id or the key requests."""
        reason = model.removeprefix(ERROR_MODEL) if model.startswith(ERROR_MODEL) else None
        if reason in self._reasons:
            raise wished(str(reason), problems.show(model))
        if key_error is not None:
            raise wished(key_error, problems.show(model))
        row = self._models.get(model)
        if row is not None:
            return row
        if self._any_model and model:
            template = next(iter(self._models.values()))
            return {**template, "id": model, "title": model, "display_name": model}
        raise Refused("model_not_found", model=problems.show(model), hint=self._hint(model))

    def _hint(self, model: str) -> str:
        near = difflib.get_close_matches(model, self._models, n=1)
        return f" Did you mean {problems.show(near[0])}?" if near else ""

    def own_error(self, model: str | None, situation: str) -> Json | None:
        """The model's own answer in a situation, if it has one."""
        return self._dialects.of(model).overrides.get(situation) if model else None

    def draft(self, operation: Operation, row: Json, body: Json, prompts: list[Prompt]) -> Draft:
        """What is known before the script is asked. Refuses what the model or the kit cannot do."""
        if operation.endpoint not in row["endpoints"]:
            raise _no_endpoint(operation, row)
        if self._gates is not None:
            check_features(self._gates, row, body)
        check_history(body)
        dialect = self._dialects.of(row["id"])
        n = int(body.get("n") or 1)
        if n * len(prompts) > self._most_choices:
            raise Refused("too_many_choices", choices=n * len(prompts), limit=self._most_choices)
        limit = None if body.get("max_tokens") is None else int(body["max_tokens"])
        limits = [self._limit(row, dialect, limit, prompt.tokens) for prompt in prompts]
        return Draft(operation, row, body, dialect, prompts, limits, n)

    def plan(self, draft: Draft, answer: ScriptedAnswer, script: Script) -> Plan:
        """The plan of a draft, with the answer that the script gives or leaves open."""
        body, dialect = draft.body, draft.dialect
        return Plan(
            model=body["model"],
            prompts=draft.prompts,
            limits=draft.limits,
            n=draft.n,
            stops=_stops(body.get("stop")),
            seed=None if _is_greedy(body) else str(int(body.get("seed") or 0)),
            alternatives=_alternatives(body),
            stream=bool(body.get("stream")),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            answer=answer,
            pace=answer.pace or script.pace(draft.row["id"]) or self._pace,
            target=_target(body) if answer.is_improvised else TEXT,
            reasoning=dialect.reasoning(body, answered=_ends_with(body, "tool")),
            profile=dialect.profile if draft.operation.dialects else PLAIN,
        )

    def _limit(self, row: Json, dialect: Dialect, asked: int | None, prompt_tokens: int) -> Limit:
        """The token limits of a choice. Some editions lower them to what the model allows."""
        context = row.get("context_size") or None
        output = dialect.most_tokens(row.get("max_output_tokens") or None)
        free = None if context is None else context - prompt_tokens
        wanted = asked or 0
        if output is not None and wanted > output and not self._lowers:
            raise Refused("max_tokens_exceeded", max_tokens=wanted, limit=output, model=row["id"])
        if free is not None and (free <= 0 or (wanted > free and not self._lowers)):
            raise Refused(
                "context_exceeded",
                model=row["id"],
                prompt_tokens=prompt_tokens,
                max_tokens=wanted,
                limit=context,
            )
        most = output if free is None else free if output is None else min(free, output)
        lowered = asked if asked is None or most is None else min(asked, most)
        return Limit(lowered, most)


def _no_endpoint(operation: Operation, row: Json) -> Refused:
    is_chat_model = row.get("model_type", CHAT_MODEL) == CHAT_MODEL
    other = NOT_CHAT in operation.errors and not is_chat_model
    situation = NOT_CHAT if other else "endpoint_missing"
    return Refused(situation, model=row["id"], endpoint=operation.endpoint)


def _target(body: Json) -> OutputTarget:
    """The output target: what to make, unless it is plain text."""
    structured = body.get("tools") or body.get("tool_choice") or body.get("response_format")
    if not structured and not _ends_with(body, "tool"):
        return TEXT
    # Deferred import: the generator takes a while to load, and few servers need it.
    from novita_mock._engine.tool_choice import target

    return target(body)


def _ends_with(body: Json, role: str) -> bool:
    messages: list[Json] = body.get("messages") or []
    return bool(messages) and bool(messages[-1]["role"] == role)


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _is_greedy(body: Json) -> bool:
    return body.get("temperature") == 0 or body.get("top_k") == 1


def _alternatives(body: Json) -> int | None:
    asked = body.get("logprobs")
    if isinstance(asked, bool):
        return int(body.get("top_logprobs") or 0) if asked else None
    return None if asked is None else int(asked)
