"""A target as the checks see it: requests by name, each sent once and remembered.

The one mutable object of the suite. What protects a live target (budget, pace, patience) sits
in `Line`, which every request passes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from novita_mock._api.description import Description, ErrorRow, load_description

from ..wire.exchange import Asked, Came, Exchange, Json
from ..wire.target import Target
from ..wire.views import Answer, Stream, Unreadable, answer_of, stream_of
from .verdicts import UNREADABLE, Skipped

SEED_MODEL = "meta-llama/llama-3.1-8b-instruct"
COMPARABLE = 2
MODALITIES = {"image_url": "image", "video_url": "video", "input_audio": "audio"}


class Line(Protocol):
    """What stands between a check and the wire."""

    def send(self, target: Target, asked: Asked) -> tuple[Came, int]:
        """The reply, and how many tries were made before it. Raises Skipped when it may not."""

    def settle(self, api: Api, exchange: Exchange) -> None:
        """Is told every exchange once it is there."""


class Direct:
    """No budget and no patience: for a mock in this process."""

    def send(self, target: Target, asked: Asked) -> tuple[Came, int]:
        return target.send(asked), 0

    def settle(self, api: Api, exchange: Exchange) -> None:
        return None


@dataclass(frozen=True)
class Catalogue:
    """The requests by name, in the order in which they are sent; `contested` are the names of those
    that some page allows and another does not."""

    requests: Mapping[str, Callable[[Api], Asked]]
    contested: frozenset[str]


@dataclass
class Api:
    """One target, judged by one edition with the requests of a catalogue. `named` is a model id
    that was asked for; a `thorough` judgement sends the long lists of requests, too."""

    target: Target
    catalogue: Catalogue
    edition: str = "v3"
    named: str | None = None
    line: Line = field(default_factory=Direct)
    seed: int = 0
    thorough: bool = False
    examples: int = 0
    judged: dict[str, int] = field(default_factory=dict)
    boundaries: dict[str, bool] = field(default_factory=dict)
    looked_at: list[Exchange] = field(default_factory=list)
    sent: list[Exchange] = field(default_factory=list)
    _known: dict[str, Exchange | Skipped] = field(default_factory=dict)
    store: Callable[[str, Callable[[], Exchange]], Exchange] | None = None

    @cached_property
    def description(self) -> Description:
        return load_description()

    @cached_property
    def random(self) -> random.Random:
        return random.Random(self.seed)

    def error(self, situation: str) -> ErrorRow:
        """How the edition answers a situation."""
        return self.description.errors.row(situation, self.edition)

    def errors(self, *situations: str) -> set[tuple[int, str | None]]:
        """Status and reason of the situations in every edition."""
        rows = [
            self.description.errors.row(s, e)
            for s in situations
            for e in self.description.errors.editions
        ]
        return {(row.status, row.reason) for row in rows}

    # Requests ------------------------------------------------------------------------------

    def send(self, name: str, asked: Asked) -> Exchange:
        """Sends a request that is not remembered."""
        came, retried = self.line.send(self.target, asked)
        exchange = Exchange(name, asked, came, retried)
        self.sent.append(exchange)
        self.looked_at.append(exchange)
        self.line.settle(self, exchange)
        return exchange

    def ask(self, name: str) -> Exchange:
        """The exchange of the catalogue with that name; Skipped if it cannot be had."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._fetch(name)
        if isinstance(found, Skipped):
            raise found
        self.looked_at.append(found)
        return found

    def _fetch(self, name: str) -> Exchange | Skipped:
        def fetch() -> Exchange:
            return self.send(name, self.catalogue.requests[name](self))

        try:
            return self.store(name, fetch) if self.store else fetch()
        except Skipped as why:
            return why
        except UNREADABLE as why:
            return Skipped(f"{name} is made from an earlier answer that cannot be read: {why}")

    def exchanges(self) -> Iterator[Exchange]:
        """The whole catalogue, one after the other, without what cannot be had."""
        for name in self.catalogue.requests:
            with suppress(Skipped):
                yield self.ask(name)

    # Views ---------------------------------------------------------------------------------

    def answer(self, name: str) -> Answer:
        """The answer of the catalogue with that name; Skipped if it was refused."""
        exchange = self.ask(name)
        found = answer_of(exchange)
        if found is None:
            raise Skipped(f"{name} was answered with status {exchange.came.status}")
        return found

    def stream(self, name: str) -> Stream:
        """The stream of the catalogue with that name; Skipped if it was refused."""
        exchange = self.ask(name)
        if not exchange.is_stream:
            raise Skipped(f"{name} was answered with status {exchange.came.status}")
        return stream_of(exchange)

    def value(self, name: str) -> Any:
        """The JSON of an answer of the catalogue; Skipped if it is refused or unreadable."""
        exchange = self.ask(name)
        if not exchange.ok:
            raise Skipped(f"{name} was answered with status {exchange.came.status}")
        try:
            return exchange.value
        except ValueError as fault:
            raise Skipped(f"{name} is not JSON: {fault}") from None

    def deterministic(self, *names: str) -> None:
        """Skipped unless equal greedy requests were seen to have equal answers."""
        for name in names or ("chat.base",):
            first, second = self.answer(name), self.answer(f"{name}.again")
            if first.texts != second.texts:
                raise Skipped("equal requests have different answers on this target")
        if not self._comparable:
            raise Skipped("the text of an answer depends on more than its prompt here")

    @cached_property
    def _comparable(self) -> bool:
        """Whether answers to one prompt can be compared at all: a server may take its text from a
        digest of the whole body. One or two of these relations may be broken by a fault."""
        base, agree = self.answer("chat.base").text, 0
        for name in ("logprobs.chat", "stop.text", "chat.stream", "chat.neutral", "chat.written"):
            try:
                agree += base.startswith(self.answer(name).text)
            except (Skipped, Unreadable):
                agree += 1
        return agree > COMPARABLE

    # The models of the target -------------------------------------------------------------

    @cached_property
    def rows(self) -> list[Json]:
        """The rows of the model list that can be used; none if the list cannot be read."""
        try:
            value = self.value("models.list")
        except Skipped:
            return []
        data = value.get("data") if isinstance(value, dict) else None
        rows = data if isinstance(data, list) else []
        return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]

    @cached_property
    def model(self) -> str:
        """The model that is asked: the one named, that of the seed page, or the cheapest."""
        if self.named:
            return self.named
        ids = [row["id"] for row in self.rows]
        cheap = self._cheapest(lambda row: True)
        return SEED_MODEL if SEED_MODEL in ids or cheap is None else cheap

    def able(self, feature: str) -> str:
        """The model to ask for a feature: the usual one if its row may have it, else the cheapest
        that says so. Skipped if none does."""
        own = next((row for row in self.rows if row["id"] == self.model), {})
        flags = own.get("features")
        if not isinstance(flags, list) or feature in flags:
            return self.model
        found = self._cheapest(lambda row: feature in (row.get("features") or []))
        if found is None:
            raise Skipped(f"no model of the list has the feature {feature}")
        return found

    def model_for(self, body: Json) -> str:
        """A model that the list says to be able of what `body` asks for; else the usual one."""
        text = str(body)
        try:
            if body.get("tools") or "tool_calls" in text:
                return self.able("function-calling")
            if isinstance(body.get("response_format"), dict):
                return self.able("structured-outputs")
        except Skipped:
            return self.model
        wanted = {modality for part, modality in MODALITIES.items() if f"'type': '{part}'" in text}
        fits = self._cheapest(lambda row: wanted <= set(_modalities(row))) if wanted else None
        return fits or self.model

    def _cheapest(self, wanted: Callable[[Json], bool]) -> str | None:
        rows = [row for row in self.rows if _is_chat(row) and wanted(row)]
        return min(rows, key=_price)["id"] if rows else None

    def price(self, model: str) -> tuple[float, float]:
        """USD for a prompt token and for a completion token, by the list or else by the book."""
        row = next((row for row in self.rows if row["id"] == model), None)
        row = row or self.description.models.get(model) or {}
        sides = ("input_token_price_per_m", "output_token_price_per_m")
        found = [row.get(side) for side in sides]
        known = [v if isinstance(v, int | float) and v >= 0 else 100_000 for v in found]
        return known[0] / 1e10, known[1] / 1e10

    def now(self) -> float:
        return time.time()

    def fresh(self) -> Api:
        """The same target with nothing remembered."""
        return replace(self, looked_at=[], sent=[], _known={})


def _is_chat(row: Json) -> bool:
    endpoints = row.get("endpoints")
    served = not isinstance(endpoints, list) or "chat/completions" in endpoints
    return served and row.get("model_type", "chat") == "chat" and row.get("status", 1) == 1


def _modalities(row: Json) -> list[str]:
    found = row.get("input_modalities")
    return found if isinstance(found, list) else []


def _price(row: Json) -> float:
    total = 0.0
    for side in ("input_token_price_per_m", "output_token_price_per_m"):
        value = row.get(side)
        total += value if isinstance(value, int | float) and value >= 0 else 1e9
    return total
