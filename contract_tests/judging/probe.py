"""A target as the checks see it: requests by name, each sent once and remembered.

`Api` is the one mutable object of the suite. Every request passes its `Line`, which protects a
live target (budget, rate, retries).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
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
    """The way from a check to the wire."""

    def send(self, target: Target, asked: Asked) -> tuple[Came, int]:
        """The reply and the number of attempts before it. Raises Skipped if it may not send."""

    def settle(self, api: Api, exchange: Exchange) -> None:
        """Receives every finished exchange."""


class Direct:
    """No budget and no retries: for the mock in this process."""

    def send(self, target: Target, asked: Asked) -> tuple[Came, int]:
        return target.send(asked), 0

    def settle(self, api: Api, exchange: Exchange) -> None:
        return None


@dataclass(frozen=True)
class Catalogue:
    """The requests by name, in the order of sending. `contested` names the requests that one page
    allows and another does not."""

    requests: Mapping[str, Callable[[Api], Asked]]
    contested: frozenset[str]


@dataclass
class Api:
    """One target, judged by one API version with the requests of a catalogue. `named`: the model
    id that the user chose. `thorough`: send the long lists of requests, too."""

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
        """How the API version answers a situation."""
        return self.description.errors.row(situation, self.edition)

    def errors(self, *situations: str) -> set[tuple[int, str | None]]:
        """Status and reason of the situations in every API version."""
        rows = [
            self.description.errors.row(s, e)
            for s in situations
            for e in self.description.errors.editions
        ]
        return {(row.status, row.reason) for row in rows}

    # Requests ------------------------------------------------------------------------------

    def send(self, name: str, asked: Asked) -> Exchange:
        """Sends a request without remembering it by name."""
        came, retried = self.line.send(self.target, asked)
        exchange = Exchange(name, asked, came, retried)
        self.sent.append(exchange)
        self.looked_at.append(exchange)
        self.line.settle(self, exchange)
        return exchange

    def ask(self, name: str) -> Exchange:
        """The exchange of that name, sent at first use; raises Skipped if there can be none."""
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
        """The exchanges of the whole catalogue, in order; leaves out the skipped ones."""
        for name in self.catalogue.requests:
            with suppress(Skipped):
                yield self.ask(name)

    # Views ---------------------------------------------------------------------------------

    def answer(self, name: str) -> Answer:
        """The answer to the request of that name; raises Skipped if it was refused."""
        exchange = self.ask(name)
        found = answer_of(exchange)
        if found is None:
            raise Skipped(f"{name} was answered with status {exchange.came.status}")
        return found

    def stream(self, name: str) -> Stream:
        """The stream for the request of that name; raises Skipped if it was refused."""
        exchange = self.ask(name)
        if not exchange.is_stream:
            raise Skipped(f"{name} was answered with status {exchange.came.status}")
        return stream_of(exchange)

    def value(self, name: str) -> Any:
        """The JSON reply to the request of that name; raises Skipped if refused or unreadable."""
        exchange = self.ask(name)
        if not exchange.ok:
            raise Skipped(f"{name} was answered with status {exchange.came.status}")
        try:
            return exchange.value
        except ValueError as fault:
            raise Skipped(f"{name} is not JSON: {fault}") from None

    def deterministic(self, *names: str) -> None:
        """Raises Skipped unless equal greedy requests were seen to have equal answers."""
        for name in names or ("chat.base",):
            first, second = self.answer(name), self.answer(f"{name}.again")
            if first.texts != second.texts:
                raise Skipped("equal requests have different answers on this target")
        if not self._comparable:
            raise Skipped("the text of an answer depends on more than its prompt here")

    @cached_property
    def _comparable(self) -> bool:
        """Whether answers to one prompt can be compared at all: a server may derive its text from
        a digest of the whole body. A fault may break one or two of these relations."""
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
        """The usable rows of the model list; none if the list cannot be read."""
        try:
            value = self.value("models.list")
        except Skipped:
            return []
        data = value.get("data") if isinstance(value, dict) else None
        rows = data if isinstance(data, list) else []
        return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]

    @cached_property
    def model(self) -> str:
        """The model to ask: the one named, that of the docs' examples, or the cheapest."""
        if self.named:
            return self.named
        ids = [row["id"] for row in self.rows]
        cheap = self._cheapest(lambda row: True)
        return SEED_MODEL if SEED_MODEL in ids or cheap is None else cheap

    def able(self, feature: str) -> str:
        """The model to ask for a feature: the usual one unless its row excludes the feature, else
        the cheapest that lists it. Raises Skipped if none does."""
        own = next((row for row in self.rows if row["id"] == self.model), {})
        flags = own.get("features")
        if not isinstance(flags, list) or feature in flags:
            return self.model
        found = self._cheapest(lambda row: feature in (row.get("features") or []))
        if found is None:
            raise Skipped(f"no model of the list has the feature {feature}")
        return found

    def model_for(self, body: Json) -> str:
        """A model that supports what `body` asks for, by the list; else the usual one."""
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
        """USD per prompt token and per completion token, from the list or the description."""
        row = next((row for row in self.rows if row["id"] == model), None)
        row = row or self.description.models.get(model) or {}
        sides = ("input_token_price_per_m", "output_token_price_per_m")
        found = [row.get(side) for side in sides]
        known = [v if isinstance(v, int | float) and v >= 0 else 100_000 for v in found]
        return known[0] / 1e10, known[1] / 1e10

    def now(self) -> float:
        return time.time()


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
