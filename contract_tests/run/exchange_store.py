"""Exchanges shared by the processes of one run, so that each is fetched once."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path

from ..wire.exchange import Exchange
from .budget import acquire


class Store:
    """A folder with one file per exchange, under the name of its request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, fetch: Callable[[], Exchange]) -> Exchange:
        """The exchange of that name: read from the folder if it is there, fetched otherwise."""
        file = self._folder / f"{name.replace(':', '_')}.exchange"
        lock = file.with_suffix(".fetching")
        if not file.exists():
            acquire(lock)
            try:
                if not file.exists():
                    fetched = fetch()
                    part = file.with_suffix(f".{time.monotonic_ns()}")
                    part.write_bytes(pickle.dumps(fetched))
                    part.rename(file)
                    return fetched
            finally:
                lock.unlink(missing_ok=True)
        found: Exchange = pickle.loads(file.read_bytes())
        return found
