"""Exchanges shared by the processes of one run, so that each is fetched once."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from ..wire.exchange import Exchange


class Store:
    """A folder with one file per exchange, under the name of its request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, fetch: Callable[[], Exchange]) -> Exchange:
        """The exchange of that name: read from the folder if it is there, fetched otherwise.

        While one process fetches it, the others wait, however long that takes.
        """
        file = self._folder / f"{name.replace(':', '_')}.exchange"
        if not file.exists():
            # The system frees the lock of a process that dies, so none needs to be broken.
            with FileLock(file.with_suffix(".fetching")):
                if not file.exists():
                    fetched = fetch()
                    part = file.with_suffix(".part")
                    part.write_bytes(pickle.dumps(fetched))
                    part.rename(file)
                    return fetched
        found: Exchange = pickle.loads(file.read_bytes())
        return found
