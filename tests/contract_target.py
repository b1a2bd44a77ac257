"""The faulty provider as a target of the contract suite: in this process, without a socket."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Iterable
from urllib.parse import unquote

import contract_tests
from contract_tests.cases.catalogue import api_of as opened
from contract_tests.judging import checks, verdicts
from contract_tests.judging.probe import Api
from contract_tests.wire.exchange import Asked, Came
from contract_tests.wire.target import filled
from tests.faulty_provider import Provider, Request

KEY = "sk-the-key-of-the-test-suite"


def load() -> None:
    """Imports every chapter, which registers its checks."""
    for module in sorted(found.name for found in pkgutil.iter_modules(contract_tests.__path__)):
        if module.startswith("test_"):
            importlib.import_module(f"{contract_tests.__name__}.{module}")


class Faulty:
    """A provider as a target."""

    base, key, is_mock, accepts_any_key = "/v3/openai", KEY, False, False

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def send(self, asked: Asked) -> Came:
        raw, _, query = (self.base + asked.path).partition("?")
        headers, began = tuple(filled(asked, KEY)), time.time()
        wanted = Request(asked.method, unquote(raw), headers, asked.body, query, raw)
        reply = self.provider.answer(wanted)
        pairs = tuple((name.lower(), value) for name, value in reply.headers)
        length = dict(pairs).get("content-length", str(len(reply.body)))
        problem = "" if length == str(len(reply.body)) else "another length was announced"
        return Came(reply.status, pairs, reply.body, (), began, time.time(), problem)


def api_of(provider: Provider, edition: str = "v3", thorough: bool = True) -> Api:
    """A fresh `Api` of a provider."""
    return opened(Faulty(provider), edition, thorough=thorough)


def judged_by(strength: str) -> list[checks.Check]:
    """The checks of one strength that need no parameter."""
    load()
    return [
        check for check in checks.CHECKS.values() if check.strength == strength and not check.cases
    ]


def broken(api: Api, chosen: Iterable[checks.Check]) -> list[checks.CheckResult]:
    """The checks that fail on the target."""
    found = [checks.run(check, api) for check in chosen]
    return [finding for finding in found if finding.verdict == verdicts.FAILED]


def first_broken(api: Api, chosen: list[checks.Check]) -> checks.CheckResult | None:
    """The first check that fails on the target.

    It moves to the front of `chosen`, since neighbouring faults are of one kind. Checks of single
    exchanges run as the replies come, so that most faults show before the whole catalogue is sent.
    """
    found = _first_broken(api, chosen)
    if found is not None:
        chosen.remove(found.check)
        chosen.insert(0, found.check)
    return found


def _first_broken(api: Api, chosen: list[checks.Check]) -> checks.CheckResult | None:
    of_each = [check for check in chosen if check.select is not None]
    for exchange in api.exchanges():
        for check in of_each:
            try:
                checks.judge_one(check, api, exchange)
            except verdicts.Failed as failure:
                return checks.CheckResult(
                    check, verdicts.FAILED, 1, failure.came, exchanges=failure.exchanges
                )
    others = (checks.run(check, api) for check in chosen if check.select is None)
    return next((finding for finding in others if finding.verdict == verdicts.FAILED), None)
