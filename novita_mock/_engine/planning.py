"""Fourth room: request, script and catalogue say what is to be answered, by whom and how long.

Its `Scene` is all that the rooms after it see: no field of the body is read again.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from novita_mock._api import problems
from novita_mock._api.description import Description, Operation
from novita_mock._api.dialects import PLAIN, Dialect, Dialects
from novita_mock._core.errors import ERROR_MODEL, Refused, wished
from novita_mock._core.http import Json
from novita_mock._core.timing import Pace
from novita_mock._engine.capabilities import check_features, check_history
from novita_mock._engine.plan import TEXT, Limit, OutputTarget, Plan
from novita_mock._engine.prompt import READERS
from novita_mock._engine.stub_selection import select_stub
from novita_mock._journal.call import CallMetadata
from novita_mock._stubs.script import Script

LOWER = "lower"
CHAT = "chat/completions"
CHAT_MODEL = "chat"


class Planner:
    """The catalogue and the rules of an edition, looked up without any request in hand."""

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
        """The row of `model`. The errors that a model id or a key asks for are answered here."""
        wish = model.removeprefix(ERROR_MODEL) if model.startswith(ERROR_MODEL) else None
        shown = problems.show(model)
        if wish in self._reasons:
            raise wished(str(wish), shown)
        if key_error is not None:
            raise wished(key_error, shown)
        row = self._models.get(model)
        if row is not None:
            return row
        if self._any_model and model:
            pattern = next(iter(self._models.values()))
            return {**pattern, "id": model, "title": model, "display_name": model}
        raise Refused("model_not_found", model=shown, hint=self._hint(model))

    def _hint(self, model: str) -> str:
        near = difflib.get_close_matches(model, self._models, n=1)
        return f" Did you mean {problems.show(near[0])}?" if near else ""

    def own_error(self, model: str | None, situation: str) -> Json | None:
        """How `model` answers a situation, if it does so in its own way."""
        return self._dialects.of(model).overrides.get(situation) if model else None

    def plan(
        self, operation: Operation, row: Json, body: Json, script: Script, metadata: CallMetadata
    ) -> Plan:
        """What `body` asks `row`'s model for; refuses what that model or this kit cannot do.

        The script is asked last: what is refused before does not use a rule up.
        """
        if operation.endpoint not in row["endpoints"]:
            raise _no_endpoint(operation, row)
        if self._gates is not None:
            check_features(self._gates, row, body)
        check_history(body)
        dialect = self._dialects.of(row["id"])
        prompts = READERS[operation.name](body)
        n = int(body.get("n") or 1)
        if n * len(prompts) > self._most_choices:
            raise Refused("too_many_choices", choices=n * len(prompts), limit=self._most_choices)
        limit = None if body.get("max_tokens") is None else int(body["max_tokens"])
        limits = [self._limit(row, dialect, limit, prompt.tokens) for prompt in prompts]
        answer = select_stub(script, metadata, body)
        return Plan(
            model=body["model"],
            prompts=prompts,
            limits=limits,
            n=n,
            stops=_stops(body.get("stop")),
            seed=None if _is_greedy(body) else str(int(body.get("seed") or 0)),
            alternatives=_alternatives(body),
            stream=bool(body.get("stream")),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            answer=answer,
            pace=answer.pace or script.pace(row["id"]) or self._pace,
            target=_target(body) if answer.is_improvised else TEXT,
            reasoning=dialect.reasoning(body, answered=_ends_with(body, "tool")),
            profile=dialect.profile if operation.endpoint == CHAT else PLAIN,
        )

    def _limit(self, row: Json, dialect: Dialect, asked: int | None, prompt_tokens: int) -> Limit:
        """Tokens of a choice, lowered to what the model has room for if the edition lowers them."""
        context = row.get("context_size") or None
        output = dialect.most_tokens(row.get("max_output_tokens") or None)
        room = None if context is None else context - prompt_tokens
        wanted = asked or 0
        if output is not None and wanted > output and not self._lowers:
            raise Refused("max_tokens_exceeded", max_tokens=wanted, limit=output, model=row["id"])
        if room is not None and (room <= 0 or (wanted > room and not self._lowers)):
            raise Refused(
                "context_exceeded",
                model=row["id"],
                prompt_tokens=prompt_tokens,
                max_tokens=wanted,
                limit=context,
            )
        most = output if room is None else room if output is None else min(room, output)
        lowered = asked if asked is None or most is None else min(asked, most)
        return Limit(lowered, most)


def _no_endpoint(operation: Operation, row: Json) -> Refused:
    chat = operation.endpoint == CHAT
    known = row.get("model_type", CHAT_MODEL) == CHAT_MODEL
    situation = "endpoint_missing" if known or not chat else "not_a_chat_model"
    return Refused(situation, model=row["id"], endpoint=operation.endpoint)


def _target(body: Json) -> OutputTarget:
    """What is to be made, if it is anything but a plain text."""
    asked = body.get("tools") or body.get("tool_choice") or body.get("response_format")
    if not asked and not _ends_with(body, "tool"):
        return TEXT
    # Most servers never come here, and what makes values takes a while to import.
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
