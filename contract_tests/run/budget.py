"""What a live run may spend, and how fast. All processes of a run share it through one file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..cases.requests import PATHS
from ..judging.probe import Api
from ..judging.verdicts import Skipped
from ..wire.exchange import Asked, Came, Exchange
from ..wire.target import Target
from ..wire.views import Unreadable, answer_of

MAX_REQUESTS = 149
MAX_USD = 0.05
RPM = 30
LETTERS_PER_TOKEN = 2
TRIES_AT_LIMIT = 4
MISSING = -1.0


@dataclass
class Ledger:
    """Requests and USD spent so far, in a file that several processes read and write."""

    file: Path
    max_requests: int = MAX_REQUESTS
    max_usd: float = MAX_USD
    rpm: int = 0

    @contextmanager
    def _open(self) -> Iterator[dict[str, Any]]:
        with FileLock(self.file.with_suffix(".lock")):
            empty = {"requests": 0, "usd": 0.0, "next": 0.0, "stopped": "", "retries": 0}
            state = json.loads(self.file.read_text()) if self.file.exists() else empty
            yield state
            self.file.write_text(json.dumps(state))

    def reserve(self, usd: float) -> float:
        """Reserves one request and its worst cost; returns the seconds to wait before sending it.

        Raises Skipped if the run has been stopped or the request would exceed a cap.
        """
        with self._open() as state:
            if state["stopped"]:
                raise Skipped(state["stopped"])
            if state["requests"] >= self.max_requests:
                raise Skipped(f"budget: the cap of {self.max_requests} requests is reached")
            if state["usd"] + usd > self.max_usd:
                raise Skipped(f"budget: the cap of {self.max_usd:g} USD would be passed")
            state["requests"] += 1
            state["usd"] += usd
            now = time.time()
            at = max(now, state["next"])
            state["next"] = at + (60 / self.rpm if self.rpm else 0)
            return float(at - now)

    def settle(self, difference: float) -> None:
        """Corrects the cost reserved: `difference` is USD spent minus USD reserved."""
        with self._open() as state:
            state["usd"] = max(0.0, state["usd"] + difference)

    def note_retry(self) -> None:
        with self._open() as state:
            state["retries"] += 1

    def stop(self, why: str) -> None:
        """Ends the run: no further request is sent."""
        with self._open() as state:
            state["stopped"] = state["stopped"] or why

    def state(self) -> dict[str, Any]:
        with self._open() as state:
            return dict(state)


def worst_cost(api: Api, asked: Asked) -> float:
    """The most that a request may cost, in USD, at the listed prices of its model."""
    body = asked.json
    if not asked.valid or asked.operation not in PATHS:
        return 0.0
    prices = _prices(api, str(body.get("model")))
    limit = body.get("max_tokens")
    count = int(body.get("best_of") or body.get("n") or 1)
    prompt = body.get("prompt")
    prompts = len(prompt) if isinstance(prompt, list) and not isinstance(prompt[0], int) else 1
    tokens = (limit if isinstance(limit, int) else 512) * count * prompts
    return len(asked.body) / LETTERS_PER_TOKEN * prices[0] + tokens * prices[1]


def _prices(api: Api, model: str) -> tuple[float, float]:
    # While the list itself is being fetched, only the description has prices.
    if "rows" in api.__dict__:
        return api.price(model)
    row = api.description.models.get(model) or {}
    return (
        float(row.get("input_token_price_per_m", 10_000)) / 1e10,
        float(row.get("output_token_price_per_m", 10_000)) / 1e10,
    )


def real_cost(api: Api, exchange: Exchange) -> float:
    """The cost of an exchange in USD, from its usage; MISSING if the usage cannot be read."""
    if not exchange.ok:
        return 0.0
    try:
        answer = answer_of(exchange)
        if answer is None:
            return 0.0
        one, two = answer.count("prompt_tokens"), answer.count("completion_tokens")
    except Unreadable:
        return MISSING
    prices = _prices(api, str(exchange.asked.json.get("model")))
    return max(0, one) * prices[0] + max(0, two) * prices[1]


@dataclass
class Careful:
    """Sends to a live target within the budget and the rate, and retries.

    `pause`: the first wait after a 429, in seconds.
    """

    ledger: Ledger
    pause: float = 1.0
    progress: Any = None
    api: Api | None = field(default=None, repr=False)
    _reserved: float = 0.0

    def send(self, target: Target, asked: Asked) -> tuple[Came, int]:
        """The reply, and the number of attempts before it."""
        assert self.api is not None
        wait, tries, failures = self.pause, 0, 0
        while True:
            self._reserved = worst_cost(self.api, asked)
            time.sleep(self.ledger.reserve(self._reserved))
            came = target.send(asked)
            if came.status == 429 and tries < TRIES_AT_LIMIT:
                wait = _wait(came, wait)
            elif _transient(came) and failures < 1:
                failures += 1
            else:
                break
            tries += 1
            self.ledger.settle(-self._reserved)
            self.ledger.note_retry()
            time.sleep(wait)
            wait *= 2
        self._refuse(came, asked)
        return came, tries

    def _refuse(self, came: Came, asked: Asked) -> None:
        """Raises Skipped for a reply that says nothing about the contract. Stops the run if
        nothing more can be learned."""
        if asked.valid and came.status == 403 and b"BALANCE" in came.body:
            self.ledger.stop("the account has no balance left (403 NOT_ENOUGH_BALANCE)")
            raise Skipped("the account has no balance left")
        if came.status in (429, 502, 503, 504) or _silent(came):
            self.ledger.settle(-self._reserved)
            reason = came.problem or f"status {came.status}"
            raise Skipped(f"transient: {reason}, though tried again")

    def settle(self, api: Api, exchange: Exchange) -> None:
        """Records what the exchange cost, and reports progress."""
        spent = real_cost(api, exchange)
        if spent != MISSING:
            self.ledger.settle(spent - self._reserved)
        if self.progress is not None:
            self.progress(exchange, self.ledger)


def _silent(came: Came) -> bool:
    return came.status == 0 and came.problem.startswith(("timeout", "no connection"))


def _transient(came: Came) -> bool:
    return came.status >= 500 or came.status == 0


def _wait(came: Came, wait: float) -> float:
    seconds = came.header("retry-after") or ""
    return max(wait, min(float(seconds), 60.0)) if seconds.isdigit() else wait
