"""What a test's mock has to answer for when the test ends: the sentences of its failure.

Knows calls, rules and escapes; pytest itself is the plugin's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from novita_mock._journal.describe import curl, line
from novita_mock._mock import Mock
from novita_mock._verification.near_miss import nearest, suggestion
from novita_mock._verification.spelling import spell


class Escaped(Protocol):
    """A request that no operation took, as a door recorded it; no key stands in it. `status` is
    what it was answered with, None if it was stopped."""

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
    """Watches `mock`, which tests know by the fixture's `name`, and its door's `escapes`."""

    def __init__(self, name: str, mock: Mock, escapes: Sequence[Escaped] = ()) -> None:
        self._name = name
        self._mock = mock
        self._escapes = escapes
        self._told: set[str] = set()

    def problems(self) -> list[str]:
        """What went wrong and has not been told yet, a text each."""
        parts: tuple[Callable[[], Iterator[str]], ...] = (self._escaped, self._missed, self._unused)
        new = [text for part in parts for text in part() if text not in self._told]
        self._told.update(new)
        return new

    def report(self) -> str:
        """This test's calls, a line and a curl command each; nothing if there were none."""
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
                f"    {spell(rule, self._name)}\n\n"
                f"The nearest call:\n\n    {nearest(rule, self._mock.calls)}\n"
            )


def describe(name: str, escape: Escaped) -> str:
    """An escape as a failure tells it."""
    sent = f"\n    {escape.body}" if escape.body else ""
    stopped = "It was stopped. " if escape.status is None else ""
    return (
        f"{name}: a request would have reached the real API\n\n"
        f"    {escape.method} {escape.url}{sent}\n\n"
        f"{stopped}{escape.why}\n"
    )
