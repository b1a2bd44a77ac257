"""What is checked when a test with a mock ends, and the text of its failure.

Knows calls, rules and escapes. It must not know pytest, which is the plugin's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from novita_mock._journal.describe import curl, line
from novita_mock._mock import Mock
from novita_mock._stubs.spelling import as_python
from novita_mock._verification.near_miss import nearest, suggestion


class Escaped(Protocol):
    """A request that no operation took, as an adapter recorded it, without the key. `status` is
    the status of the answer; None if the request was stopped."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def status(self) -> int | None: ...


class TeardownChecks:
    """Checks `mock`, which tests know by the fixture's `name`, and the `escapes` of its adapter."""

    def __init__(self, name: str, mock: Mock, escapes: Sequence[Escaped] = ()) -> None:
        self._name = name
        self._mock = mock
        self._escapes = escapes
        self._reported: set[str] = set()

    def problems(self) -> list[str]:
        """A text for each problem that has not been reported yet."""
        checks: tuple[Callable[[], Iterator[str]], ...] = (
            self._escaped,
            self._missed,
            self._unused,
        )
        new = [text for check in checks for text in check() if text not in self._reported]
        self._reported.update(new)
        return new

    def report(self) -> str:
        """A line and a curl command for each call of this test; empty if there were none."""
        return "\n".join(
            f"{line(call)}\n   {curl(call, self._mock.origin)}" for call in self._mock.calls
        )

    def _escaped(self) -> Iterator[str]:
        for escape in self._escapes:
            yield describe(self._name, escape)

    def _missed(self) -> Iterator[str]:
        for call in self._mock.calls:
            if call.metadata.missed is not None:
                yield (
                    f"{self._name}: no scripted rule took this call\n\n"
                    f"    {line(call)}\n\n"
                    f"{call.metadata.missed}\n"
                    f"A rule that takes it:\n\n    {suggestion(call, self._name)}\n"
                )

    def _unused(self) -> Iterator[str]:
        for rule in self._mock.unused:
            yield (
                f"{self._name}: a scripted answer was never used\n\n"
                f"    {as_python(rule, self._name)}\n\n"
                f"The nearest call:\n\n    {nearest(rule, self._mock.calls, self._mock.rules)}\n"
            )


def describe(name: str, escape: Escaped) -> str:
    """The text of a failure for an escape from the fixture or guard called `name`."""
    sent = f"\n    {escape.body}" if escape.body else ""
    stopped = "It was stopped. " if escape.status is None else ""
    return (
        f"{name}: a request would have reached the real API\n\n"
        f"    {escape.method} {escape.url}{sent}\n\n"
        f"{stopped}{escape.why}\n"
    )
