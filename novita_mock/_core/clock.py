"""The clock of a mock: it knows the time, waits, and lets a test skip the waiting.

The only place in the core that reads the time. Pipeline stages receive it as an argument.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

# A fixed moment: unless the caller supplies a source, equal histories give equal bytes.
EPOCH = 1_764_547_200.0

_CENTURY = 100 * 366 * 86_400
_SLEEPERS = ("time", "asyncio", "anyio", "trio")
_sleep = time.sleep


class Clock:
    """A clock that can jump forward. All times are in seconds.

    source: returns seconds since 1970 for the `created` of answers; None: a fixed moment.
    """

    def __init__(self, source: Callable[[], float] | None = None) -> None:
        self._source = source
        self._jumped = 0.0
        self._skips = False

    def created(self) -> float:
        """Seconds since 1970, as answers show them in `created`."""
        return (EPOCH if self._source is None else self._source()) + self._jumped

    def now(self) -> float:
        """Seconds since 1970, for rate limits and the journal."""
        return time.time() + self._jumped

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; they never run backwards."""
        return time.monotonic() + self._jumped

    def jump(self, seconds: float) -> None:
        """Moves the clock forward by `seconds`, a hundred years at most.

        Raises ValueError if `seconds` is negative or greater than that.
        """
        if not 0 <= seconds <= _CENTURY:
            expected = f"time only goes forward: expected 0 to {_CENTURY} seconds"
            raise ValueError(f"{expected}; got {seconds}")
        self._jumped += seconds

    def left(self, due: float) -> float:
        """Seconds of real waiting until `due` on `monotonic`; 0 while skipping."""
        wait = due - time.monotonic() - self._jumped
        return self._remaining(wait) if wait > 0 else 0.0

    def sleep(self, seconds: float) -> None:
        """Waits; while skipping, jumps instead."""
        _sleep(self._remaining(seconds))

    async def asleep(self, seconds: float) -> None:
        """Like `sleep`, under asyncio or trio."""
        trio = sys.modules.get("trio")
        if trio is not None and _runs_here(trio):
            await trio.sleep(self._remaining(seconds))
        else:
            import asyncio

            await asyncio.sleep(self._remaining(seconds))

    def _remaining(self, seconds: float) -> float:
        """The part of `seconds` that is left to wait: while skipping, the clock jumps instead."""
        wait = max(0.0, seconds)
        if self._skips and wait <= _CENTURY:
            self.jump(wait)
            return 0.0
        return wait

    @contextmanager
    def skipping(self) -> Iterator[Self]:
        """While active, nothing in this thread waits.

        `time.sleep`, `asyncio.sleep`, `anyio.sleep`, `trio.sleep` and the pauses of the mock jump
        this clock instead, so a client's back-off takes no time. A `sleep` that was imported from
        one of these modules by name is not affected.
        """
        thread, waits = threading.get_ident(), dict[str, Any]()

        def remaining(seconds: float) -> float:
            return self._remaining(seconds) if threading.get_ident() == thread else seconds

        for name in _SLEEPERS:
            if name in sys.modules:
                waits[name] = sys.modules[name].sleep
        for name, wait in waits.items():
            short = _short if name == "time" else _short_async
            # A module has no attribute that a type checker would let us set.
            setattr(sys.modules[name], "sleep", short(wait, remaining))  # noqa: B010
        self._skips = True
        try:
            yield self
        finally:
            self._skips = False
            for name, wait in waits.items():
                setattr(sys.modules[name], "sleep", wait)  # noqa: B010  # as above


def _runs_here(trio: Any) -> bool:
    """Whether trio runs the calling code. Not every version has a function for just that."""
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def _short(wait: Any, remaining: Callable[[float], float]) -> Any:
    return lambda seconds: wait(remaining(seconds))


def _short_async(wait: Any, remaining: Callable[[float], float]) -> Any:
    async def sleep(seconds: float, *more: Any, **named: Any) -> Any:
        return await wait(remaining(seconds), *more, **named)

    return sleep
