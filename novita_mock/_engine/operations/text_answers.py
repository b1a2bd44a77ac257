"""Operations that answer in text, whole or streamed: plan, generate, render.

What differs between them are the prompts in the body, the shape of the answer, and perhaps what
is said where no script says anything.
"""

from __future__ import annotations

from collections.abc import Callable

from novita_mock._api.description import Operation
from novita_mock._core.http import Json, Reply
from novita_mock._engine.generation import generate
from novita_mock._engine.operations.implementation import Answer, Context, Implementation, Setup
from novita_mock._engine.prompt import Prompt
from novita_mock._engine.stub_selection import Selection, select_stub
from novita_mock._journal.call import CallMetadata
from novita_mock._render.encoder import Encoder
from novita_mock._render.shape import Shape
from novita_mock._stubs.model import ScriptedAnswer


def text_operation(
    name: str,
    prompts: Callable[[Json], list[Prompt]],
    shape: Shape,
    improvise: Callable[[Json], ScriptedAnswer] | None = None,
) -> Implementation:
    """The operation `name`.

    prompts: reads them from a valid body.
    shape: how its choices are written as JSON and as chunks.
    improvise: what to answer to a body where no script says so; generated text if None.
    """

    def prepare(setup: Setup, operation: Operation) -> Answer:
        encoder = Encoder(setup.description, operation, shape)
        planner, seed, most = setup.planner, setup.seed, setup.description.limits["tokens"]

        def answer(context: Context) -> Reply:
            row, body, ledger = context.model, context.body, context.ledger
            draft = planner.draft(operation, row, body, prompts(body))
            # The script comes last, so that a refused request uses up no rule.
            selection = select_stub(context.script, context.metadata, body)
            _note(selection, context.metadata)
            scripted = selection.answer
            if improvise is not None and scripted.is_improvised:
                scripted = improvise(body)
            plan = planner.plan(draft, scripted, context.script)
            id = ledger.draw_id(plan.id_prefix or operation.id_prefix)
            completion = generate(plan, seed, most, id, ledger.created())
            context.charge(row, completion.prompt_tokens, completion.completion_tokens)
            return encoder.encode(completion, plan)

        return answer

    return Implementation(name, prepare)


def _note(selection: Selection, metadata: CallMetadata) -> None:
    """Keeps with the call what the script decided. Raises what it refuses the request with."""
    metadata.rule, metadata.missed = selection.rule, selection.missed
    metadata.fault = metadata.fault or selection.answer.fault
    if selection.refusal is not None:
        raise selection.refusal
