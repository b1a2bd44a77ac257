"""How an operation renders its answers: one set of functions per operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from novita_mock._core.completion import Alternatives, Choice
from novita_mock._core.http import Json


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs between operations.

    `whole`: a choice of an unstreamed answer. `opening` and `closing`: the pieces of a choice
    before and after its text. `piece`: a token of the text; `before` and `behind` are the bytes
    around the token in it.
    `logprobs`: the member of that name, for the tokens from the given offset on.
    """

    whole: Callable[[Choice], Json]
    opening: Callable[[Choice], Iterator[Json]]
    piece: Callable[[Choice, str], Json]
    before: bytes
    behind: bytes
    closing: Callable[[Choice], Iterator[Json]]
    logprobs: Callable[[list[Alternatives], int], Json]
