"""`pytest --novita-live` from here runs exactly the contract suite; without the option it runs
the tests of the kit."""

from __future__ import annotations

from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("contract_tests")
TESTS = Path(__file__).with_name("tests")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("novita_live", False):
        return
    from contract_tests.run import session

    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(SUITE)]
    session.register(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    live = config.getoption("novita_live", False)
    return True if live and collection_path == TESTS else None
