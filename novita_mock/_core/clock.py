"""The clock of a mock: what the time is, how to wait, and how a test goes past waiting.

The one place of the core that reads the time: the rooms are told it and never ask.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

# A fixed moment: without a source of the caller's, equal histories have equal bytes.
EPOCH = 1_764_547_200.0

_CENTURY = 100 * 366 * 86_400
_SLEEPERS = ("time", "asyncio", "anyio", "trio")
_sleep = time.sleep


class Clock:
    """Time that can be jumped. All times are in seconds.

    source: gives seconds since 1970 for the `created` of answers; a fixed moment if None.
    """

    def __init__(self, source: Callable[[], float] | None = None) -> None:
        self._source = source
        self._jumped = 0.0
        self._skips = False

    def created(self) -> float:
        """Seconds since 1970, as answers tell it."""
        return (EPOCH if self._source is None else self._source()) + self._jumped

    def now(self) -> float:
        """Seconds since 1970, as they pass for limits and the journal."""
        return time.time() + self._jumped

    def monotonic(self) -> float:
        """Seconds since some moment; they never run backwards."""
        return time.monotonic() + self._jumped

    def jump(self, seconds: float) -> None:
        """Lets `seconds` pass at once, a hundred years at most. Raises ValueError if they are below
        zero or more."""
        if not 0 <= seconds <= _CENTURY:
            expected = f"time only goes forward: expected 0 to {_CENTURY} seconds"
            raise ValueError(f"{expected}; got {seconds}")
        self._jumped += seconds

    def left(self, due: float) -> float:
        """Seconds that are really to be waited until `due` on `monotonic`; none while skipping."""
        wait = due - time.monotonic() - self._jumped
        return self._cut(wait) if wait > 0 else 0.0

    def sleep(self, seconds: float) -> None:
        """Waits; jumps instead while skipping."""
        _sleep(self._cut(seconds))

    async def asleep(self, seconds: float) -> None:
        """As `sleep`, under asyncio or trio."""
        trio = sys.modules.get("trio")
        if trio is not None and _runs(trio):
            await trio.sleep(self._cut(seconds))
        else:
            import asyncio

            await asyncio.sleep(self._cut(seconds))

    def _cut(self, seconds: float) -> float:
        """What is left of `seconds` to be waited."""
        wait = max(0.0, seconds)
        if self._skips and wait <= _CENTURY:
            self.jump(wait)
            return 0.0
        return wait

    @contextmanager
    def skipping(self) -> Iterator[Self]:
        """While it is entered, nobody in this thread waits: `time.sleep`, `asyncio.sleep`,
        `anyio.sleep`, `trio.sleep` and the pauses of the mock jump this clock, so that the back-off
        of a client takes no time. A name that was imported from those modules is not reached."""
        thread, waits = threading.get_ident(), dict[str, Any]()

        def cut(seconds: float) -> float:
            return self._cut(seconds) if threading.get_ident() == thread else seconds

        for name in _SLEEPERS:
            if name in sys.modules:
                waits[name] = sys.modules[name].sleep
        for name, wait in waits.items():
            short = _short if name == "time" else _short_async
            setattr(sys.modules[name], "sleep", short(wait, cut))  # noqa: B010  # as above
        self._skips = True
        try:
            yield self
        finally:
            self._skips = False
            for name, wait in waits.items():
                setattr(sys.modules[name], "sleep", wait)  # noqa: B010


def _runs(trio: Any) -> bool:
    """Whether trio runs the code that asks; not every version of it can be asked just that."""
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def _short(wait: Any, cut: Callable[[float], float]) -> Any:
    return lambda seconds: wait(cut(seconds))


def _short_async(wait: Any, cut: Callable[[float], float]) -> Any:
    async def sleep(seconds: float, *more: Any, **named: Any) -> Any:
        return await wait(cut(seconds), *more, **named)

    return sleep
