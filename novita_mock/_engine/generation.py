"""Fifth room: a scene becomes a completion, token by token. It knows no JSON and no bytes of HTTP.

What is written depends on the mock's seed and the scene alone: not on the history, and not on
whether the answer will be streamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import orjson

from novita_mock._api.dialects import SILENT
from novita_mock._core.completion import Call, Choice, Completion
from novita_mock._core.http import value
from novita_mock._core.id_templates import fill
from novita_mock._core.tokenizer import split
from novita_mock._engine.assistant_text import topics, write
from novita_mock._engine.logprobs import alternatives
from novita_mock._engine.plan import TEXT, Limit, Scene
from novita_mock._engine.prompt import Prompt
from novita_mock._engine.replay import completion
from novita_mock._stubs.model import Answer, ToolCall

_INLINE = "inline_think"
_OPEN = ("<think>", "\n")
_CLOSE = ("\n", "</think>", "\n\n")


@value
class _Take:
    """One choice to be written. `share` is the most that the kit writes for it."""

    scene: Scene
    prompt: Prompt
    limit: Limit
    material: bytes
    share: int
    id: str


class _Purse:
    """Tokens that a choice may still take; `cut` is set once something did not fit."""

    def __init__(self, tokens: int | None) -> None:
        self._left = tokens
        self.spent = 0
        self.cut = False

    def take(self, tokens: list[str]) -> list[str]:
        """As many of `tokens` as there are left."""
        taken = tokens if self._left is None else tokens[: self._left - self.spent]
        self.spent += len(taken)
        self.cut = self.cut or len(taken) < len(tokens)
        return taken


def compose(scene: Scene, seed: int, most: int, id: str, created: int) -> Completion:
    """The completion of `scene`: n choices for each prompt, in order, `most` tokens over all."""
    if scene.answer.recorded is not None:
        return completion(scene, scene.answer.recorded)
    written = [_choice(index, take) for index, take in enumerate(_takes(scene, seed, most, id))]
    choices = [choice for choice, _ in written]
    return Completion(
        id=id,
        created=created,
        model=scene.model,
        choices=choices,
        prompt_tokens=sum(prompt.tokens for prompt in scene.prompts),
        completion_tokens=sum(tokens for _, tokens in written),
        reasoning_tokens=sum(len(choice.reasoning) for choice in choices),
    )


def _takes(scene: Scene, seed: int, most: int, id: str) -> Iterator[_Take]:
    share = max(1, most // (scene.n * len(scene.prompts)))
    for prompt, limit in zip(scene.prompts, scene.limits, strict=True):
        base = blake2b(f"{seed}\0{scene.model}\0{prompt.text}".encode()).digest()
        for nth in range(scene.n):
            # Greedy sampling has one answer, whatever the seed and however often it is asked for.
            salt = b"" if scene.seed is None else f"{scene.seed}\0{nth}".encode()
            yield _Take(scene, prompt, limit, blake2b(base + salt).digest(), share, id)


def _choice(index: int, take: _Take) -> tuple[Choice, int]:
    """A choice, and the tokens that it took."""
    answer, limit = _answer(take), take.limit
    purse = _Purse(limit.most if limit.asked is None else limit.asked)
    thoughts, inline = _thoughts(take, answer)
    reasoning = [] if inline else purse.take(thoughts)
    content, stopped = _content(take, answer, [*_OPEN, *thoughts, *_CLOSE] if inline else [], purse)
    calls: list[Call] = []
    if not stopped and not take.prompt.continues:
        calls = [_call(call, n, index, take, purse) for n, call in enumerate(answer.tool_calls)]
    reason = "stop" if stopped else "length" if purse.cut else "tool_calls" if calls else "stop"
    found = None
    if take.scene.alternatives is not None and content is not None:
        found = alternatives(take.material, content, take.scene.alternatives)
    details = take.scene.reasoning.details if reasoning else None
    return Choice(index, content, reason, reasoning, calls, found, details), purse.spent


def _thoughts(take: _Take, answer: Answer) -> tuple[list[str], bool]:
    """The reasoning before the answer, and whether it stands inside the content."""
    if answer.think is not None:
        return split(answer.think), False
    kind = take.scene.reasoning
    if kind is SILENT or not take.scene.answer.is_improvised:
        return [], False
    material = blake2b(take.material + b"think").digest()
    thoughts = write(material, topics(take.prompt.subject), sentences=kind.sentences)
    thoughts[0] = thoughts[0].lstrip()
    return thoughts, kind.where == _INLINE


def _answer(take: _Take) -> Answer:
    """The scripted answer, or what the task asks to be made; without either, an open one."""
    if take.scene.task == TEXT:
        return take.scene.answer
    # Most servers never come here, and what makes values takes a while to import.
    from novita_mock._engine.structured_output import make

    return make(take.scene.task, take.material, lambda: "".join(_improvised(take, None)))


def _content(
    take: _Take, answer: Answer, before: list[str], purse: _Purse
) -> tuple[list[str] | None, bool]:
    """The tokens of the text, `before` it the inline reasoning, and whether a stop sequence
    ended it."""
    if answer.say is not None:
        tokens = split(answer.say)
    elif answer.tool_calls:
        if not before:
            return None, False
        tokens = []
    else:
        asked = take.limit.asked
        # One token more than was asked for, so that it has to be cut.
        tokens = _improvised(take, None if asked is None else min(asked + 1, take.share))
    kept, stopped = _stop(tokens, take.scene.stops)
    paid = purse.take(before + kept if before else kept)
    return paid, stopped and not purse.cut


def _improvised(take: _Take, wanted: int | None) -> list[str]:
    """A text of the kit's own."""
    tokens = write(take.material, topics(take.prompt.subject), wanted)
    if not take.prompt.continues:
        tokens[0] = tokens[0].lstrip()
    return tokens


def _call(call: ToolCall, n: int, index: int, take: _Take, purse: _Purse) -> Call:
    text = call.arguments
    if not isinstance(text, str):
        text = orjson.dumps(call.arguments).decode()
    purse.take(split(call.name))
    # Unlike the text, the id belongs to this one answer: the next answer's calls have others.
    id = call.id or fill(take.scene.manner.call_id, f"{take.id}{index}", n, call.name)
    return Call(id, call.name, purse.take(split(text)))


def _stop(tokens: list[str], stops: tuple[str, ...]) -> tuple[list[str], bool]:
    """`tokens` up to the end of the first stop sequence to be complete, which stays in the text."""
    if not stops:
        return tokens, False
    text = "".join(tokens)
    hits = [at + len(stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not hits:
        return tokens, False
    end, kept = min(hits), []
    for token in tokens:
        kept.append(token[:end])
        end -= len(token)
        if end <= 0:
            break
    return kept, True
