"""What an operation is to the pipeline: one value, and the context in which it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from novita_mock._api.description import Description, Operation
from novita_mock._api.forms import Upload
from novita_mock._core.http import Json, Reply
from novita_mock._engine.authentication import Caller
from novita_mock._engine.planning import Planner
from novita_mock._engine.routing import Located
from novita_mock._journal.call import Bill, CallMetadata
from novita_mock._journal.ledger import Ledger
from novita_mock._render.models import ModelReplies
from novita_mock._stubs.script import Script

_EMPTY: Json = {}


@dataclass(frozen=True)
class Setup:
    """What operations have in common, made once for a mock."""

    description: Description
    planner: Planner
    seed: int

    @cached_property
    def models(self) -> ModelReplies:
        """The model list and its rows as replies."""
        return ModelReplies(self.description)


class Context:
    """One request on its way: who asks for what, and what the mock has to answer with.

    `row` is the catalogue row of the model that was asked for; `body`, `uploads` and `query` have
    passed their schemas. A plain class: one is made for each request.
    """

    __slots__ = (
        "body", "caller", "ledger", "located", "metadata", "query", "row", "script", "uploads",
    )  # fmt: skip

    def __init__(
        self,
        located: Located,
        caller: Caller,
        script: Script,
        ledger: Ledger,
        metadata: CallMetadata,
    ) -> None:
        self.located = located
        self.caller = caller
        self.script = script
        self.ledger = ledger
        self.metadata = metadata
        self.row: Json | None = None
        self.body: Json = _EMPTY
        self.uploads: Mapping[str, Upload] = _EMPTY
        self.query: Json = _EMPTY

    @property
    def model(self) -> Json:
        """The catalogue row of the model. Raises KeyError if the request names none."""
        if self.row is None:
            raise KeyError("model")
        return self.row

    def charge(self, row: Json, prompt_tokens: int, completion_tokens: int) -> None:
        """Counts tokens at the prices of a model's row. Refuses tokens above the limit."""
        self.metadata.tokens = completion_tokens
        self.metadata.bill = Bill(self.caller.account, row, prompt_tokens, completion_tokens)
        self.ledger.use(self.metadata.bill)


Answer = Callable[[Context], Reply]


@dataclass(frozen=True, slots=True)
class Implementation:
    """How the operation `name` of operations.json answers.

    `prepare` does the work that needs no request, and gives the function that answers one.
    """

    name: str
    prepare: Callable[[Setup, Operation], Answer]
