"""The client report: finds client mistakes in the recorded calls of a mock.

Rules look only at the calls. `schemas/verdicts.json` defines the rules and their bounds. A rule
reports nothing if the calls have a harmless explanation.
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
    """The client's mistakes, ordered by their first calls; empty if there are none.

    `calls`: oldest first, like `Mock.calls`.
    """
    journal = tuple(calls)
    mistakes = [finding for finder in _FINDERS for finding in finder(journal)]
    order = list(rules())
    return sorted(mistakes, key=lambda finding: (finding.calls, order.index(finding.rule)))


def assert_well_behaved(calls: Iterable[Call], allow: Collection[str] = ()) -> None:
    """Asserts that the client made no mistake, apart from those that the rules in `allow` find.

    Raises ValueError for an unknown rule.
    """
    allowed = {allow} if isinstance(allow, str) else set(allow)
    if unknown := sorted(allowed - set(rules())):
        raise ValueError(f"no rule is called {unknown[0]!r}: expected one of {', '.join(rules())}")
    journal = tuple(calls)
    findings = judge(journal)
    mistakes = [finding for finding in findings if finding.rule not in allowed]
    if not mistakes:
        return
    with_keys = {n for finding in findings if finding.rule == KEYS for n in finding.calls}
    by_number = {call.number: call for call in journal}
    broken = sorted({finding.rule for finding in mistakes})
    lines = [f"the client is not well-behaved (allow={broken} would let it pass):"]
    for finding in mistakes:
        lines.append(f"  {finding.rule}: {finding.message}")
        shown = (by_number[number] for number in finding.calls[:_MOST_LINES])
        lines += [f"    {_line(call, quiet=call.number in with_keys)}" for call in shown]
        if (more := len(finding.calls) - _MOST_LINES) > 0:
            lines.append(f"    and {more} more")
    raise AssertionError("\n".join(lines))


def _line(call: Call, *, quiet: bool) -> str:
    """A call in one line. `quiet`: without its text, because that contains a key."""
    if not quiet:
        return describe.line(call)
    request = f"{call.number}. {call.method} {call.path} {call.model or ''}"
    return f"{call.redacted(request).rstrip()} -> {describe.outcome(call)}"
