"""`Mock`: the one mutable object, which holds the pipeline, the script and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from novita_mock._accounts.rate_limits import Limits
from novita_mock._accounts.wallet import Usd, Wallet
from novita_mock._api.description import Description, load_description
from novita_mock._core.clock import Clock
from novita_mock._core.http import Reply, Request
from novita_mock._core.timing import Pace
from novita_mock._engine.authentication import Policy
from novita_mock._engine.pipeline import Pipeline
from novita_mock._journal.call import Call
from novita_mock._journal.ledger import Ledger
from novita_mock._journal.metrics import Counters
from novita_mock._stubs.builder import RuleBuilder
from novita_mock._stubs.criteria import Criteria, When
from novita_mock._stubs.model import Rule
from novita_mock._stubs.script import Script
from novita_mock._verification.assertions import assert_called

if TYPE_CHECKING:
    from novita_mock._faults.catalogue import Faults
    from novita_mock._verification.client import Finding

EMPTY: Any = {"rules": []}
ORIGIN = "https://api.novita.ai"


class Mock(RuleBuilder):
    """An LLM API that answers from `schemas/`: a plain function from request to reply.

    `say`, `call_tool`, `json`, `recorded`, `refuse` and `fail` script the next answers; each answer
    is given once unless `times` says otherwise. `on(...)` scripts answers for matching requests.
    `default` scripts the answer to requests that no rule takes; without it they get generated text.

    edition: the API version: `v3` (Novita docs, LLM API page), `2026` (API reference of February
        2026) or `live` (today's service, as observed).
    seed: selects the texts and ids. The same seed, history and request give the same bytes.
    api_keys: the accepted keys; empty: any key.
    any_model: accept models that are not in the catalogue.
    ttft, gap: seconds before the first chunk of a stream, and between later chunks.
    tokens_per_second, jitter, spread: see `Pace`.
    profiles: the pace of models, by model id (with `*` and `?`); the first match applies.
    rpm, tpm: requests and tokens per minute for each key and model; None: no limit.
    tier: `T1` to `T5`; its limits apply where `rpm` or `tpm` is None.
    balance: the credit of each key, in USD; None: unlimited.
    scenario: the path of a scenario file, or its content; `reset` restores it.
    only: refuse requests that no scripted rule takes.
    base_urls: where in-process adapters answer besides `https://api.novita.ai`.
    clock: returns seconds since 1970 for `created`; None: a fixed moment.

    Raises ValueError for an unknown edition or tier, an invalid pace, limit or balance, or a
    scenario that cannot be read.
    """

    def __init__(
        self,
        *,
        edition: str = "v3",
        seed: int = 0,
        api_keys: Iterable[str] = (),
        any_model: bool = False,
        ttft: float = 0.0,
        gap: float = 0.0,
        tokens_per_second: float | None = None,
        jitter: float = 0.0,
        spread: str = "normal",
        profiles: Mapping[str, Pace] | None = None,
        rpm: int | None = None,
        tpm: int | None = None,
        tier: str | None = None,
        balance: Usd | None = None,
        scenario: str | Path | Mapping[str, Any] | None = None,
        only: bool = False,
        base_urls: Iterable[str] = (),
        clock: Clock | Callable[[], float] | None = None,
    ) -> None:
        self.description: Description = load_description()
        errors = self.description.errors
        if edition not in errors.editions:
            known = ", ".join(errors.editions)
            raise ValueError(f"unknown edition {edition!r}: expected one of {known}")
        self.edition = edition
        self.base_urls: tuple[str, ...] = (ORIGIN, *(url.rstrip("/") for url in base_urls))
        self.origin = ORIGIN
        """Scheme and host, and any path before the base paths."""
        keys = tuple(api_keys)
        self.any_key: bool = not keys
        """Whether every key is accepted."""
        self.api_key: str = keys[0] if keys else "any-key"
        """An accepted key."""
        policy = Policy(edition, errors.reasons, frozenset(keys))
        pace = Pace(ttft, gap, tokens_per_second, jitter, spread)
        self._pipeline = Pipeline(self.description, policy, seed, pace, any_model)
        self.clock: Clock = clock if isinstance(clock, Clock) else Clock(clock)
        """The mock's clock, which a test can fast-forward."""
        limits = Limits(self.description, rpm=rpm, tpm=tpm, tier=tier)
        self.wallet: Wallet = Wallet(self.description, balance)
        """The remaining credit of each key."""
        self._ledger = Ledger(seed, self.clock, limits, self.wallet, self.description.limits)
        self.counters: Counters = Counters(self.description.models, errors.reasons)
        """Counters of requests since the start or the last reset."""
        self._only = only
        self._profiles = tuple((profiles or {}).items())
        self._script = Script(only=only, profiles=self._profiles)
        self.scenario: Any = EMPTY
        """The last loaded scenario."""
        self._lasting: Any = EMPTY
        if scenario is not None:
            source = Path(scenario) if isinstance(scenario, str) else scenario
            self.load(source, lasting=True)
        super().__init__(self.add, When(), 1, errors.reasons, self._faults)

    @property
    def book(self) -> Description:
        """The former name of `description`."""
        return self.description

    @property
    def base_url(self) -> str:
        """The base URL for clients of the mock."""
        return self.origin + self.description.bases[0]

    def answer(self, request: Request) -> Reply:
        """The reply to `request`. Never raises, whatever the client sends."""
        return self.call(request).reply

    def call(self, request: Request) -> Call:
        """Answers `request` and returns the call as recorded in the journal."""
        call = self._pipeline.answer(request, self._script, self._ledger)
        self.counters.count(call)
        return call

    def on(self, *, times: int | None = None, **when: Unpack[Criteria]) -> RuleBuilder:
        """A builder that scripts answers for requests matching `when`, the fields of `When`.

        A rule answers every matching request, or the first `times` of them. Raises TypeError for
        an unknown field or a value of the wrong type, and ValueError for an invalid value. What is
        scripted raises ValueError where the operation takes no such answer.
        """
        criteria = When(**when)
        if criteria.operation not in (None, *self.description.scripted):
            known = ", ".join(self.description.scripted)
            why = ", which no script answers" * (criteria.operation in self.description.operations)
            raise ValueError(f"operation: expected one of {known}; got {criteria.operation!r}{why}")
        reasons = self.description.errors.reasons
        return RuleBuilder(self.add, criteria, times, reasons, self._faults)

    def _faults(self) -> Faults:
        from novita_mock._faults.catalogue import Faults

        return Faults(self.description)

    @property
    def default(self) -> RuleBuilder:
        """A builder that scripts the answer to requests that no rule takes."""
        return RuleBuilder(
            self._add_default, When(), None, self.description.errors.reasons, self._faults
        )

    def _add_default(self, rule: Rule) -> None:
        self.add(replace(rule, fallback=True))

    def add(self, rule: Rule) -> None:
        """Appends a rule to the script."""
        self._script.add(rule)

    def load(
        self, scenario: Path | Mapping[str, Any], name: str = "scenario", *, lasting: bool = False
    ) -> None:
        """Replaces the script with the rules of `scenario`: the `Path` of a file, or its content.
        `lasting`: `reset` restores this scenario.

        Raises ValueError that says where and why the scenario is invalid.
        """
        from novita_mock._stubs import scenario_file

        document: Any = scenario
        if isinstance(scenario, Path):
            document, name = scenario_file.read(scenario), str(scenario)
        rules, only = scenario_file.rules(self.description, document, name)
        own = scenario_file.profiles(document, name)
        self._script = Script(rules, only=only, profiles=(*own, *self._profiles))
        self.scenario = document
        if lasting:
            self._lasting = document

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the script, in order."""
        return tuple(self._script.rules)

    @property
    def unused(self) -> tuple[Rule, ...]:
        """The rules that have not answered yet, except defaults, which need not be used."""
        pairs = zip(self._script.rules, self._script.used, strict=True)
        return tuple(rule for rule, used in pairs if not used and not rule.fallback)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The recorded calls, oldest first, each with its reply."""
        return tuple(self._ledger.calls)

    @property
    def last(self) -> Call:
        """The newest call. Raises AssertionError if there is none."""
        if not self._ledger.calls:
            raise AssertionError("no call has come in")
        return self._ledger.calls[-1]

    def assert_called(self, times: int | None = None, **when: Unpack[Criteria]) -> None:
        """Asserts that at least one call, or exactly `times` calls, match `when`.

        The arguments are those of `When`. The failure lists all calls.
        """
        assert_called(self.calls, When(**when), times)

    def assert_not_called(self, **when: Unpack[Criteria]) -> None:
        """Asserts that no call matches `when`."""
        assert_called(self.calls, When(**when), 0)

    @property
    def size(self) -> int:
        """Size of the kept calls, in bytes."""
        return self._ledger.size

    def verdict(self) -> list[Finding]:
        """The client report: mistakes that the calls show (rules: `schemas/verdicts.json`)."""
        from novita_mock._verification import client

        return client.judge(self.calls)

    def assert_well_behaved(self, allow: Collection[str] = ()) -> None:
        """Asserts that the client made no mistake, apart from those that `allow` names.

        The failure lists the mistakes and their calls. Raises ValueError for a name that
        `schemas/verdicts.json` does not define.
        """
        from novita_mock._verification import client

        client.assert_well_behaved(self.calls, allow)

    def reset(self) -> None:
        """Restores the initial state: script, history, rate limits and credit."""
        self._script = Script(only=self._only, profiles=self._profiles)
        self.scenario = self._lasting
        if self._lasting is not EMPTY:
            self.load(self._lasting)
        self._ledger.restart()
        self.counters.clear()

    def forget(self) -> None:
        """Deletes the recorded calls, and nothing else."""
        self._ledger.forget()
