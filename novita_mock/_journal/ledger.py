"""The ledger: what has happened so far. Ids and times are drawn here, calls are kept here.

It keeps the bytes of a call as they came and reads them only when somebody asks.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import orjson

from novita_mock._accounts.rate_limits import Limits
from novita_mock._accounts.wallet import Wallet
from novita_mock._api.request_view import Facts
from novita_mock._core.clock import Clock
from novita_mock._core.http import Json, Reply, Request, value
from novita_mock._core.redaction import CREDENTIALS, REDACTED, redact, sent_key
from novita_mock._core.timing import Pace
from novita_mock._faults.catalogue import Fault
from novita_mock._stubs.index import Index
from novita_mock._stubs.model import Rule

MOST_CALLS = 100_000
MOST_BYTES = 64 * 2**20


@value
class Bill:
    """What a call costs: tokens at the prices of a model's `row`, for the account of `key`."""

    key: str = field(repr=False)
    row: Json
    prompt_tokens: int
    completion_tokens: int


@dataclass(slots=True)
class About:
    """What the corridor found out on the way, as far as the request came.

    `operation` is None for an unknown route; `model` and `stream` are what the body said, if it
    could be read; `rule` is the index of the scripted rule that answered; `tokens` were written;
    `fault` is how the reply was broken; `bill` is what the call costs if it is charged.
    `valid`: the body is what the operation's schema describes. `missed`: why no rule took a
    request that had to be scripted; `known` are the fields that the operation's schema names.
    `headers` are those of the request, as they came.
    """

    operation: str | None = None
    model: str | None = None
    stream: bool = False
    rule: int | None = None
    tokens: int = 0
    valid: bool = False
    missed: str | None = None
    known: frozenset[str] = frozenset()
    fault: Fault | None = None
    bill: Bill | None = None
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Call:
    """One request and the reply to it, as kept in the journal, numbered from 1. `at`: when it came
    in, in seconds since 1970."""

    number: int
    at: float
    about: About
    reply: Reply
    _request: Request = field(repr=False)

    @property
    def operation(self) -> str | None:
        """Name of the operation, as in `schemas/operations.json`; None for an unknown route."""
        return self.about.operation

    @property
    def model(self) -> str | None:
        """The model that was asked for, if the request could be read."""
        return self.about.model

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.about.stream

    @property
    def method(self) -> str:
        """HTTP method."""
        return self._request.method

    @property
    def path(self) -> str:
        """Path, percent-decoded, without the query."""
        return self._request.path

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self._request.body) + self.reply.size

    @property
    def status(self) -> int:
        """HTTP status of the reply."""
        return self.reply.status

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Request headers, lower-case, secrets replaced by `***`."""
        pairs = ((k.decode("latin-1"), v) for k, v in self._request.headers.items())
        shown = ((k, self.redacted(v.decode("latin-1"))) for k, v in pairs)
        return {k: REDACTED if k in CREDENTIALS else v for k, v in shown}

    @cached_property
    def body(self) -> str:
        """The request's body as text, the caller's key replaced by `***` wherever it stands."""
        return self.redacted(self._request.body.decode(errors="replace"))

    def redacted(self, text: str) -> str:
        """`text` with the caller's key replaced by `***`."""
        return redact(text, sent_key(self._request))

    @cached_property
    def request(self) -> Any:
        """The request's body read as JSON; None if it is none."""
        return _read(self._request.body)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Top-level fields of a valid request that its schema does not name. They were ignored."""
        fields = self.request if self.about.valid else ()
        return tuple(name for name in fields if name not in self.about.known)

    @cached_property
    def answer(self) -> Any:
        """The reply's body read as JSON; the list of its chunks for a stream, else its text."""
        body = self.reply.body
        if body.startswith(b"data:"):
            frames = (frame.removeprefix(b"data: ") for frame in body.split(b"\n\n"))
            return [chunk for chunk in map(_read, frames) if chunk is not None]
        found = _read(body)
        return body.decode(errors="replace") if found is None else found


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


class Script:
    """The rules in force, and how often each has answered; and how fast each model does, by
    patterns of ids, of which the first that fits counts."""

    def __init__(
        self,
        rules: Iterable[Rule] = (),
        *,
        only: bool = False,
        profiles: Iterable[tuple[str, Pace]] = (),
    ) -> None:
        self._profiles = tuple(profiles)
        self.rules: list[Rule] = []
        self.used: list[int] = []
        self.only = only
        self._index = Index()
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> None:
        """Appends a rule."""
        self._index.add(len(self.rules), rule)
        self.rules.append(rule)
        self.used.append(0)

    def pace(self, model: str) -> Pace | None:
        """How fast `model` answers where no rule says so; None if no profile does."""
        for pattern, pace in self._profiles:
            if fnmatchcase(model, pattern):
                return pace
        return None

    def take(self, facts: Facts) -> int | None:
        """Index of the rule that answers, its use counted; None if none fits."""
        index = self._index.first(facts)
        if index is not None:
            self.used[index] += 1
            if self.used[index] == self.rules[index].times:
                self._index.drop(index)
        return index


class Ledger:
    """Counters, buckets, the wallet and the journal of one mock."""

    def __init__(self, seed: int, clock: Clock, limits: Limits, wallet: Wallet) -> None:
        self._seed = seed
        self._clock = clock
        self._limits = limits
        self.wallet = wallet
        self.calls: deque[Call] = deque()
        self.restart()

    def restart(self) -> None:
        """Forgets everything: the next answer is the first again."""
        self.forget()
        self._limits.reset()
        self.wallet.reset()
        self.count = 0
        self._ids = random.Random(self._seed)

    def forget(self) -> None:
        """Forgets the calls."""
        self.calls.clear()
        self.size = 0

    def draw_id(self, prefix: str) -> str:
        """The next id."""
        return f"{prefix}{self._ids.getrandbits(128):032x}"

    def created(self) -> int:
        """Seconds since 1970, as an answer tells it."""
        return int(self._clock.created())

    def enter(self, key: str, model: str) -> None:
        """Counts a request of `key` to `model`; refuses one too many, and an empty wallet."""
        self._limits.take_request(key, model, self._clock.monotonic())
        self.wallet.check(key)

    def use(self, bill: Bill) -> None:
        """Counts the tokens of an answer; refuses too many of them."""
        tokens = bill.prompt_tokens + bill.completion_tokens
        self._limits.take_tokens(bill.key, bill.row["id"], tokens, self._clock.monotonic())

    def record(self, request: Request, reply: Reply, about: About) -> Call:
        """Keeps a call, and charges it; the oldest make room once there are too many or too large
        ones."""
        bill = about.bill
        if bill is not None and self.wallet.charges(reply.status):
            self.wallet.charge(bill.key, bill.row, bill.prompt_tokens, bill.completion_tokens)
        self.count += 1
        call = Call(self.count, self._clock.now(), about, reply, request)
        self.calls.append(call)
        self.size += call.size
        while len(self.calls) > MOST_CALLS or (self.size > MOST_BYTES and len(self.calls) > 1):
            self.size -= self.calls.popleft().size
        return call
