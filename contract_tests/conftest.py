"""The fixture of the checks; everything else of a run is in `session`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .judging.probe import Api
from .run import session


def pytest_configure(config: pytest.Config) -> None:
    session.register(config)


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """The target that the checks are held against."""
    yield from session.opened(request.config)
