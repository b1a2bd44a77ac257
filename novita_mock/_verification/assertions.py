"""Assertions on the calls that came in."""

from __future__ import annotations

from collections.abc import Sequence

from novita_mock._journal.call import Call
from novita_mock._journal.describe import line, view
from novita_mock._stubs.criteria import When


def assert_called(calls: Sequence[Call], when: When, times: int | None) -> None:
    """Asserts that some call, or exactly `times` calls, fit `when`."""
    fitting = sum(when.differs(view(call)) is None for call in calls)
    if fitting == times or (times is None and fitting):
        return
    wanted = "a call" if times is None else f"{times} call{'' if times == 1 else 's'}"
    asked = ", ".join(f"{k}={v!r}" for k, v in when.asked().items())
    came = "\n".join(f"  {line(call)}" for call in calls) or "  nothing"
    which = f" with {asked}" if asked else ""
    raise AssertionError(f"expected {wanted}{which}; {fitting} came in. All calls:\n{came}")
