"""The ledger: the history of one mock. It draws ids and times, and keeps the calls.

It stores the bytes of a call unchanged and parses them only on demand.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping

from novita_mock._accounts.rate_limits import Limits
from novita_mock._accounts.wallet import Wallet
from novita_mock._core.clock import Clock
from novita_mock._core.http import Reply, Request
from novita_mock._journal.call import Bill, Call, CallMetadata


class Ledger:
    """The call number, ids, rate limits, wallet and journal of one mock."""

    def __init__(
        self, seed: int, clock: Clock, limits: Limits, wallet: Wallet, bounds: Mapping[str, int]
    ) -> None:
        """Keeps no more calls and bytes than `bounds`, those of limits.json, say."""
        self._most_calls, self._most_bytes = bounds["calls"], bounds["bytes"]
        self._seed = seed
        self._clock = clock
        self._limits = limits
        self.wallet = wallet
        self.calls: deque[Call] = deque()
        self.restart()

    def restart(self) -> None:
        """Resets everything: the next answer is the first again."""
        self.forget()
        self._limits.reset()
        self.wallet.reset()
        self.count = 0
        self._ids = random.Random(self._seed)

    def forget(self) -> None:
        """Deletes the recorded calls."""
        self.calls.clear()
        self.size = 0

    def draw_id(self, prefix: str) -> str:
        """The next id."""
        return f"{prefix}{self._ids.getrandbits(128):032x}"

    def created(self) -> int:
        """Seconds since 1970, for the `created` field of an answer."""
        return int(self._clock.created())

    def enter(self, key: str, model: str) -> None:
        """Counts a request of `key` to `model`. Refuses one above the limit, or without credit."""
        self._limits.take_request(key, model, self._clock.monotonic())
        self.wallet.check(key)

    def use(self, bill: Bill) -> None:
        """Counts the tokens of an answer. Refuses tokens above the limit."""
        tokens = bill.prompt_tokens + bill.completion_tokens
        self._limits.take_tokens(bill.key, bill.row["id"], tokens, self._clock.monotonic())

    def record(self, request: Request, reply: Reply, metadata: CallMetadata) -> Call:
        """Charges and keeps a call. Drops the oldest calls above its bounds."""
        bill = metadata.bill
        if bill is not None and self.wallet.charges(reply.status):
            self.wallet.charge(bill.key, bill.row, bill.prompt_tokens, bill.completion_tokens)
        self.count += 1
        call = Call(self.count, self._clock.now(), metadata, reply, request)
        self.calls.append(call)
        self.size += call.size
        while self._is_full():
            self.size -= self.calls.popleft().size
        return call

    def _is_full(self) -> bool:
        if len(self.calls) > self._most_calls:
            return True
        return self.size > self._most_bytes and len(self.calls) > 1
