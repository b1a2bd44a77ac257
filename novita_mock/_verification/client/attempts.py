"""Which calls are attempts at the same thing: a request and its retries. Part of `_verdict`.

A client of the openai family counts its retries in a header; there nothing has to be guessed. Of
other clients an equal request is a retry if it follows a failure soon: after a success it is a
second request, and so it is where equal requests come side by side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import pairwise

from novita_mock._api.description import load_description
from novita_mock._core.errors import ERROR_HEADER, FAULT_HEADER
from novita_mock._core.http import Disconnect
from novita_mock._journal.call import Call
from novita_mock._verification.client.finding import table


class Kind(Enum):
    """How attempts are known to belong together."""

    COUNTED = "counted"
    """The client counted them."""
    BARE = "bare"
    """They follow a failure, and the client does not count."""
    ANEW = "anew"
    """They follow a failure, and the client says of each that it is the first."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """A request and what followed it, oldest first: each of them but the last failed."""

    kind: Kind
    calls: Sequence[Call]


@cache
def _statuses(*, retryable: bool) -> frozenset[int]:
    return frozenset(
        row.status for row in load_description().errors.rows if row.retryable is retryable
    )


def is_refused(call: Call) -> bool:
    """Whether it got a refusal that does not pass by itself. A look at what no API is made of, as
    by whoever waits for a server to start, is not counted."""
    if call.operation is None and call.method != "POST":
        return False
    return call.status in _statuses(retryable=False)


def may_pass(call: Call) -> bool:
    """Whether it failed in a way that may pass by itself."""
    return call.status in _statuses(retryable=True) or call.status >= 500 or is_lost(call)


def is_lost(call: Call) -> bool:
    """Whether the connection was lost."""
    chunks = call.reply.chunks
    return bool(chunks) and isinstance(chunks[-1], Disconnect)


def failed(call: Call) -> bool:
    """Whether it failed in either way."""
    return is_refused(call) or may_pass(call)


def lasted(call: Call) -> float:
    """Seconds that the reply takes."""
    head = call.reply.head_gap * (1 + len(call.reply.headers))
    return head + sum(chunk.pause for chunk in call.reply.chunks)


def wait(call: Call, retry: Call) -> float | None:
    """Seconds between the end of a reply and a retry; None if the client did not wait for the end,
    so that nobody knows."""
    waited = retry.at - call.at - lasted(call)
    # Clocks are read to about a microsecond, and set back at times.
    return max(0.0, waited) if waited > -0.001 or not lasted(call) else None


def count(call: Call) -> int | None:
    """The number of the retry as the client counts it, 0 for no retry; None if it does not."""
    told = call._request.headers.get(_count_header())
    return int(told) if told is not None and told.isdigit() else None


@cache
def _count_header() -> bytes:
    return bytes(table()["retry_count"], "ascii")


def groups(calls: Iterable[Call]) -> list[list[Call]]:
    """The calls with equal requests of one caller, in order."""
    found: dict[tuple[object, ...], list[Call]] = {}
    for call in calls:
        request = call._request
        get = request.headers.get
        wished = get(ERROR_HEADER), get(FAULT_HEADER)
        asked = (get(b"authorization"), get(b"x-api-key"), *wished)
        found.setdefault((request.method, request.path, *asked, request.body), []).append(call)
    return list(found.values())


def attempts(group: Sequence[Call]) -> list[Attempts]:
    """The chains of at least two attempts among equal requests."""
    if len(group) < 2 or not any(map(failed, group)):
        return []
    bare = [call for call in group if count(call) is None]
    first = [call for call in group if count(call) == 0]
    chains = [Attempts(Kind.COUNTED, chain) for chain in _counted(group)]
    chains += [Attempts(Kind.BARE, chain) for chain in _following(bare)]
    return chains + [Attempts(Kind.ANEW, chain) for chain in _following(first)]


def _counted(group: Sequence[Call]) -> list[list[Call]]:
    """Each retry goes to the oldest attempt that waits for one of its number. So the waits come out
    no shorter than they were, whoever of several equal clients it was."""
    waiting: dict[int, deque[list[Call]]] = {}
    chains: list[list[Call]] = []
    for call in group:
        number = count(call)
        if number is None:
            continue
        queue = waiting.get(number - 1)
        chain = queue.popleft() if queue else []
        chain.append(call)
        if len(chain) == 2:
            chains.append(chain)
        if failed(call):
            waiting.setdefault(number, deque()).append(chain)
    return chains


def _following(calls: Sequence[Call]) -> list[list[Call]]:
    if _come_side_by_side(calls):
        return []
    chains: list[list[Call]] = []
    soon: float = table()["soon"]
    for call in calls:
        last = chains[-1][-1] if chains else None
        if last is not None and failed(last) and call.at - last.at <= lasted(last) + soon:
            chains[-1].append(call)
        else:
            chains.append([call])
    return [chain for chain in chains if len(chain) > 1]


def _come_side_by_side(calls: Sequence[Call]) -> bool:
    """Whether one came at once after another that had succeeded: the client asks the same several
    times on purpose, and a failure of one is no reason for the next."""
    for call, following in pairwise(calls):
        if not failed(call) and following.at - call.at < lasted(call) + table()["at_once"]:
            return True
    return False
