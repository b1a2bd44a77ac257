"""The fixture that checks use; `run.session` does everything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .judging.probe import Api
from .run import session


def pytest_configure(config: pytest.Config) -> None:
    session.register(config)


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """The target that the checks judge."""
    yield from session.opened(request.config)
