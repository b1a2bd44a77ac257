"""Assertions on the recorded calls."""

from __future__ import annotations

from collections.abc import Sequence

from novita_mock._journal.call import Call
from novita_mock._journal.describe import line, view
from novita_mock._stubs.criteria import When


def assert_called(calls: Sequence[Call], when: When, times: int | None) -> None:
    """Asserts that at least one call, or exactly `times` calls, match `when`."""
    matching = sum(when.differs(view(call)) is None for call in calls)
    if matching == times or (times is None and matching):
        return
    wanted = "a call" if times is None else f"{times} call{'' if times == 1 else 's'}"
    criteria = ", ".join(f"{k}={v!r}" for k, v in when.asked().items())
    listed = "\n".join(f"  {line(call)}" for call in calls) or "  nothing"
    which = f" with {criteria}" if criteria else ""
    raise AssertionError(f"expected {wanted}{which}; {matching} came in. All calls:\n{listed}")
