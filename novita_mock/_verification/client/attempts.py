"""Groups calls into attempts: a request and its retries.

Clients of the openai family count their retries in a header, so nothing has to be guessed. For
other clients, an equal request is a retry if it soon follows a failure. After a success, or where
equal requests are sent in parallel, it is a new request.
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
    """How we know that attempts belong together."""

    COUNTED = "counted"
    """The client counts them."""
    BARE = "bare"
    """They follow a failure, and the client does not count them."""
    ANEW = "anew"
    """They follow a failure, and the client marks each one as the first attempt."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """A request and its retries, oldest first. All of them failed, except perhaps the last."""

    kind: Kind
    calls: Sequence[Call]


@cache
def _statuses(*, retryable: bool) -> frozenset[int]:
    return frozenset(
        row.status for row in load_description().errors.rows if row.retryable is retryable
    )


def is_refused(call: Call) -> bool:
    """Whether the call got a refusal that a retry cannot change. Readiness probes (non-POST
    requests to unknown routes) do not count."""
    if call.operation is None and call.method != "POST":
        return False
    return call.status in _statuses(retryable=False)


def may_pass(call: Call) -> bool:
    """Whether the call failed in a way that a retry may change."""
    return call.status in _statuses(retryable=True) or call.status >= 500 or is_lost(call)


def is_lost(call: Call) -> bool:
    """Whether the connection was lost."""
    chunks = call.reply.chunks
    return bool(chunks) and isinstance(chunks[-1], Disconnect)


def failed(call: Call) -> bool:
    """Whether the call failed in either way."""
    return is_refused(call) or may_pass(call)


def lasted(call: Call) -> float:
    """The duration of the reply, in seconds."""
    head = call.reply.head_gap * (1 + len(call.reply.headers))
    return head + sum(chunk.pause for chunk in call.reply.chunks)


def wait(call: Call, retry: Call) -> float | None:
    """Seconds between the end of a reply and the retry; None if that is unknown, because the client
    did not wait for the end."""
    waited = retry.at - call.at - lasted(call)
    # Clocks are accurate to about a microsecond, and are sometimes set back.
    return max(0.0, waited) if waited > -0.001 or not lasted(call) else None


def count(call: Call) -> int | None:
    """The retry number that the client sent, 0 for the first attempt; None if it sent none."""
    sent = call.sent.headers.get(_count_header())
    return int(sent) if sent is not None and sent.isdigit() else None


@cache
def _count_header() -> bytes:
    return bytes(table()["retry_count"], "ascii")


def groups(calls: Iterable[Call]) -> list[list[Call]]:
    """The calls grouped by equal requests of the same caller, in order."""
    equal: dict[tuple[object, ...], list[Call]] = {}
    for call in calls:
        request = call.sent
        get = request.headers.get
        caller = get(b"authorization"), get(b"x-api-key")
        headers = (*caller, get(ERROR_HEADER), get(FAULT_HEADER))
        equal.setdefault((request.method, request.path, *headers, request.body), []).append(call)
    return list(equal.values())


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
    """Assigns each retry to the oldest attempt that waits for a retry with this number. So no wait
    comes out shorter than it was, whichever of several equal clients sent the retry."""
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
    if _are_parallel(calls):
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


def _are_parallel(calls: Sequence[Call]) -> bool:
    """Whether a call came at once after one that succeeded. Then the client repeats the request on
    purpose, and a failure is not the reason for the next call."""
    for call, following in pairwise(calls):
        if not failed(call) and following.at - call.at < lasted(call) + table()["at_once"]:
            return True
    return False
