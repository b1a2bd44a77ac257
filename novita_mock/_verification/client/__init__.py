"""A verdict on the client: what the calls of a mock say about whoever made them.

Each rule looks at the calls alone; the rules and their bounds stand in `schemas/verdicts.json`.
Where the calls allow a harmless reading, a rule says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from novita_mock._journal import describe
from novita_mock._journal.call import Call
from novita_mock._verification.client.conversations import findings as of_conversations
from novita_mock._verification.client.finding import Finding, rules
from novita_mock._verification.client.leaked_keys import RULE as KEYS
from novita_mock._verification.client.leaked_keys import findings as of_keys
from novita_mock._verification.client.retries import findings as of_retries

__all__ = ["Finding", "assert_well_behaved", "judge", "rules"]

_MOST_LINES = 5

_FINDERS: tuple[Callable[[Sequence[Call]], Iterator[Finding]], ...] = (
    of_retries,
    of_conversations,
    of_keys,
)


def judge(calls: Iterable[Call]) -> list[Finding]:
    """What the client did wrong, in the order in which it began; nothing if all was well.

    `calls`: oldest first, as `Mock.calls` has them.
    """
    journal = tuple(calls)
    found = [finding for finder in _FINDERS for finding in finder(journal)]
    order = list(rules())
    return sorted(found, key=lambda finding: (finding.calls, order.index(finding.rule)))


def assert_well_behaved(calls: Iterable[Call], allow: Collection[str] = ()) -> None:
    """Asserts that the client did nothing wrong but what the rules in `allow` find.

    Raises ValueError for a rule that there is not.
    """
    allowed = {allow} if isinstance(allow, str) else set(allow)
    if unknown := sorted(allowed - set(rules())):
        raise ValueError(f"no rule is called {unknown[0]!r}: expected one of {', '.join(rules())}")
    journal = tuple(calls)
    found = judge(journal)
    wrong = [finding for finding in found if finding.rule not in allowed]
    if not wrong:
        return
    with_keys = {n for finding in found if finding.rule == KEYS for n in finding.calls}
    lines = {call.number: call for call in journal}
    broken = sorted({finding.rule for finding in wrong})
    told = [f"the client is not well-behaved (allow={broken} would let it pass):"]
    for finding in wrong:
        told.append(f"  {finding.rule}: {finding.message}")
        shown = (lines[number] for number in finding.calls[:_MOST_LINES])
        told += [f"    {_line(call, quiet=call.number in with_keys)}" for call in shown]
        if (more := len(finding.calls) - _MOST_LINES) > 0:
            told.append(f"    and {more} more")
    raise AssertionError("\n".join(told))


def _line(call: Call, *, quiet: bool) -> str:
    """A call in one line; without its text if a key stands in it."""
    if not quiet:
        return describe.line(call)
    what = f"{call.number}. {call.method} {call.path} {call.model or ''}"
    return f"{call.redacted(what).rstrip()} -> {describe.outcome(call)}"
