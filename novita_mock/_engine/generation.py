"""Fifth stage, generation: turns a plan into a completion, token by token. Knows nothing of HTTP.

The text depends only on the mock's seed and the plan: not on the history, and not on whether the
answer will be streamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import orjson

from novita_mock._api.dialects import SILENT
from novita_mock._core.completion import Choice, Completion, GeneratedCall
from novita_mock._core.http import value
from novita_mock._core.id_templates import fill
from novita_mock._core.tokenizer import split
from novita_mock._engine.assistant_text import topics, write
from novita_mock._engine.logprobs import alternatives
from novita_mock._engine.plan import TEXT, Limit, Plan
from novita_mock._engine.prompt import Prompt
from novita_mock._engine.replay import completion
from novita_mock._stubs.model import ScriptedAnswer, ToolCall

_INLINE = "inline_think"
_OPEN = ("<think>", "\n")
_CLOSE = ("\n", "</think>", "\n\n")


@value
class _Draft:
    """One choice to be generated. `cap`: the most tokens that the kit generates for it."""

    plan: Plan
    prompt: Prompt
    limit: Limit
    entropy: bytes
    cap: int
    id: str


class _TokenBudget:
    """The tokens that a choice may still use; `cut` is set once tokens did not fit."""

    def __init__(self, tokens: int | None) -> None:
        self._left = tokens
        self.spent = 0
        self.cut = False

    def take(self, tokens: list[str]) -> list[str]:
        """As many of `tokens` as the budget allows."""
        taken = tokens if self._left is None else tokens[: self._left - self.spent]
        self.spent += len(taken)
        self.cut = self.cut or len(taken) < len(tokens)
        return taken


def generate(plan: Plan, seed: int, most: int, id: str, created: int) -> Completion:
    """The completion of `plan`: n choices for each prompt, in order; `most` tokens in total."""
    if plan.answer.recorded is not None:
        return completion(plan, plan.answer.recorded)
    written = [_choice(index, draft) for index, draft in enumerate(_drafts(plan, seed, most, id))]
    choices = [choice for choice, _ in written]
    return Completion(
        id=id,
        created=created,
        model=plan.model,
        choices=choices,
        prompt_tokens=sum(prompt.tokens for prompt in plan.prompts),
        completion_tokens=sum(tokens for _, tokens in written),
        reasoning_tokens=sum(len(choice.reasoning) for choice in choices),
    )


def _drafts(plan: Plan, seed: int, most: int, id: str) -> Iterator[_Draft]:
    cap = max(1, most // (plan.n * len(plan.prompts)))
    for prompt, limit in zip(plan.prompts, plan.limits, strict=True):
        base = blake2b(f"{seed}\0{plan.model}\0{prompt.text}".encode()).digest()
        for nth in range(plan.n):
            # Greedy sampling has only one answer, whatever the seed and the number of the choice.
            salt = b"" if plan.seed is None else f"{plan.seed}\0{nth}".encode()
            yield _Draft(plan, prompt, limit, blake2b(base + salt).digest(), cap, id)


def _choice(index: int, draft: _Draft) -> tuple[Choice, int]:
    """A choice, and the number of tokens that it used."""
    answer, limit = _answer(draft), draft.limit
    budget = _TokenBudget(limit.most if limit.asked is None else limit.asked)
    thoughts, inline = _thoughts(draft, answer)
    reasoning = [] if inline else budget.take(thoughts)
    content, stopped = _content(
        draft, answer, [*_OPEN, *thoughts, *_CLOSE] if inline else [], budget
    )
    calls: list[GeneratedCall] = []
    if not stopped and not draft.prompt.continues:
        calls = [_call(call, n, index, draft, budget) for n, call in enumerate(answer.tool_calls)]
    reason = "stop" if stopped else "length" if budget.cut else "tool_calls" if calls else "stop"
    logprobs = None
    if draft.plan.alternatives is not None and content is not None:
        logprobs = alternatives(draft.entropy, content, draft.plan.alternatives)
    details = draft.plan.reasoning.details if reasoning else None
    return Choice(index, content, reason, reasoning, calls, logprobs, details), budget.spent


def _thoughts(draft: _Draft, answer: ScriptedAnswer) -> tuple[list[str], bool]:
    """The reasoning before the answer, and whether it is part of the content."""
    if answer.think is not None:
        return split(answer.think), False
    kind = draft.plan.reasoning
    if kind is SILENT or not draft.plan.answer.is_improvised:
        return [], False
    entropy = blake2b(draft.entropy + b"think").digest()
    thoughts = write(entropy, topics(draft.prompt.subject), sentences=kind.sentences)
    thoughts[0] = thoughts[0].lstrip()
    return thoughts, kind.where == _INLINE


def _answer(draft: _Draft) -> ScriptedAnswer:
    """The answer of the plan, which may be open, or one made for the output target."""
    if draft.plan.target == TEXT:
        return draft.plan.answer
    # Deferred import: the generator takes a while to load, and few servers need it.
    from novita_mock._engine.structured_output import make

    return make(draft.plan.target, draft.entropy, lambda: "".join(_improvised(draft, None)))


def _content(
    draft: _Draft, answer: ScriptedAnswer, before: list[str], budget: _TokenBudget
) -> tuple[list[str] | None, bool]:
    """The tokens of the text, and whether a stop sequence ended it. `before`: the tokens of inline
    reasoning, which come first."""
    if answer.say is not None:
        tokens = split(answer.say)
    elif answer.tool_calls:
        if not before:
            return None, False
        tokens = []
    else:
        asked = draft.limit.asked
        # One token more than requested, so that the budget has to cut the text.
        tokens = _improvised(draft, None if asked is None else min(asked + 1, draft.cap))
    kept, stopped = _stop(tokens, draft.plan.stops)
    taken = budget.take(before + kept if before else kept)
    return taken, stopped and not budget.cut


def _improvised(draft: _Draft, wanted: int | None) -> list[str]:
    """Generated text."""
    tokens = write(draft.entropy, topics(draft.prompt.subject), wanted)
    if not draft.prompt.continues:
        tokens[0] = tokens[0].lstrip()
    return tokens


def _call(call: ToolCall, n: int, index: int, draft: _Draft, budget: _TokenBudget) -> GeneratedCall:
    text = call.arguments
    if not isinstance(text, str):
        text = orjson.dumps(call.arguments).decode()
    budget.take(split(call.name))
    # Unlike the text, the id belongs to this one answer: calls of other answers have other ids.
    id = call.id or fill(draft.plan.profile.call_id, f"{draft.id}{index}", n, call.name)
    return GeneratedCall(id, call.name, budget.take(split(text)))


def _stop(tokens: list[str], stops: tuple[str, ...]) -> tuple[list[str], bool]:
    """`tokens` up to the end of the stop sequence that is complete first; it stays in the text."""
    if not stops:
        return tokens, False
    text = "".join(tokens)
    ends = [at + len(stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not ends:
        return tokens, False
    end, kept = min(ends), []
    for token in tokens:
        kept.append(token[:end])
        end -= len(token)
        if end <= 0:
            break
    return kept, True
