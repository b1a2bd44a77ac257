"""Exchanges shared by the processes of one run, so that each is fetched once."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path

from ..wire.exchange import Exchange
from .budget import acquire


class Store:
    """A folder with a file for each exchange by its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, fetch: Callable[[], Exchange]) -> Exchange:
        """The exchange of that name: read if another process has it, else fetched."""
        file = self._folder / f"{name.replace(':', '_')}.exchange"
        lock = file.with_suffix(".fetching")
        if not file.exists():
            acquire(lock)
            try:
                if not file.exists():
                    made = fetch()
                    part = file.with_suffix(f".{time.monotonic_ns()}")
                    part.write_bytes(pickle.dumps(made))
                    part.rename(file)
                    return made
            finally:
                lock.unlink(missing_ok=True)
        found: Exchange = pickle.loads(file.read_bytes())
        return found
