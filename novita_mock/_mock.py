"""`Mock`: the one mutable object. It holds the corridor, the script and the ledger together."""

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

    The words `say`, `call_tool`, `json`, `recorded`, `refuse` and `fail` script the next answers,
    once each unless `times` says otherwise; `on(...)` scripts answers for requests of one kind,
    `default` for what no rule takes, which without it is answered with generated text.

    edition: `v3` (the seed page), `2026` or `live`.
    seed: chooses the texts and ids; same seed, same history, same request: same bytes.
    api_keys: the keys that are accepted; any key if there are none.
    any_model: answer for models that are not in the catalogue.
    ttft, gap: seconds before the first and between further chunks of a stream.
    tokens_per_second, jitter, spread: see `Pace`.
    profiles: how fast models answer, by their ids (with `*` and `?`); of those that fit the first.
    rpm, tpm: requests and tokens that each key may use of a model in a minute; no limit if None.
    tier: `T1` to `T5`, whose limits hold where `rpm` or `tpm` say nothing.
    balance: what each key has to spend, in USD; it does not run out if None.
    scenario: the path of a scenario file, or what is read from one; `reset` goes back to it.
    only: refuse what no scripted rule takes.
    base_urls: where in-process doors answer besides `https://api.novita.ai`.
    clock: gives seconds since 1970 for `created`; a fixed moment if None.

    Raises ValueError for an unknown edition or tier, and for a pace, a limit or a balance that
    cannot be, or a scenario that cannot be read.
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
        """Scheme, host and whatever stands before the base paths."""
        keys = tuple(api_keys)
        self.any_key: bool = not keys
        """Whether every key is accepted."""
        self.api_key: str = keys[0] if keys else "any-key"
        """A key that is accepted."""
        policy = Policy(edition, errors.reasons, frozenset(keys))
        pace = Pace(ttft, gap, tokens_per_second, jitter, spread)
        self._pipeline = Pipeline(self.description, policy, seed, pace, any_model)
        self.clock: Clock = clock if isinstance(clock, Clock) else Clock(clock)
        """The time of the mock, which a test can jump."""
        limits = Limits(self.description, rpm=rpm, tpm=tpm, tier=tier)
        self.wallet: Wallet = Wallet(self.description, balance)
        """What each key has left to spend."""
        self._ledger = Ledger(seed, self.clock, limits, self.wallet)
        self.counters: Counters = Counters(self.description.models, errors.reasons)
        """What has come in, counted since the start or the last reset."""
        self._only = only
        self._profiles = tuple((profiles or {}).items())
        self._script = Script(only=only, profiles=self._profiles)
        self.scenario: Any = EMPTY
        """The scenario that was loaded last."""
        self._lasting: Any = EMPTY
        if scenario is not None:
            found = Path(scenario) if isinstance(scenario, str) else scenario
            self.load(found, lasting=True)
        super().__init__(self.add, When(), 1, errors.reasons, self._faults)

    @property
    def book(self) -> Description:
        """The former name of `description`."""
        return self.description

    @property
    def base_url(self) -> str:
        """Where a client finds the mock."""
        return self.origin + self.description.bases[0]

    def answer(self, request: Request) -> Reply:
        """The reply to `request`. Never raises for anything that a client can send."""
        return self.call(request).reply

    def call(self, request: Request) -> Call:
        """Answers `request`, and gives the call as it stands in the journal."""
        call = self._pipeline.answer(request, self._script, self._ledger)
        self.counters.count(call)
        return call

    def on(self, *, times: int | None = None, **when: Unpack[Criteria]) -> RuleBuilder:
        """Words for the requests that fit `when`, whose arguments are the fields of `When`.

        What they script is a standing rule unless `times` says how often it answers. Raises
        TypeError for a field that `When` does not have, and for what it cannot be; ValueError for
        an operation that is not scripted.
        """
        asked = When(**when)
        scripted = [name for name, row in self.description.operations.items() if row.request]
        if asked.operation not in (None, *scripted):
            known = ", ".join(scripted)
            raise ValueError(f"operation: expected one of {known}; got {asked.operation!r}")
        return RuleBuilder(self.add, asked, times, self.description.errors.reasons, self._faults)

    def _faults(self) -> Faults:
        from novita_mock._faults.catalogue import Faults

        return Faults(self.description)

    @property
    def default(self) -> RuleBuilder:
        """Words for what no rule takes, however it was scripted."""
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
        """Takes the rules of a scenario, the `Path` of a file or what is read from one, in place of
        the script so far. `lasting`: `reset` goes back to it.

        Raises ValueError that says where and why it is not a scenario.
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
        """The script."""
        return tuple(self._script.rules)

    @property
    def unused(self) -> tuple[Rule, ...]:
        """The rules that have not answered yet; a default need not."""
        pairs = zip(self._script.rules, self._script.used, strict=True)
        return tuple(rule for rule, used in pairs if not used and not rule.fallback)

    @property
    def calls(self) -> tuple[Call, ...]:
        """What came in, oldest first, each with its reply."""
        return tuple(self._ledger.calls)

    @property
    def last(self) -> Call:
        """The newest call. Raises AssertionError if there was none."""
        if not self._ledger.calls:
            raise AssertionError("no call has come in")
        return self._ledger.calls[-1]

    def assert_called(self, times: int | None = None, **when: Unpack[Criteria]) -> None:
        """Asserts that a call, or exactly `times` calls, came in that fit `when`.

        The arguments are those of `When`. The failure tells what did come in.
        """
        assert_called(self.calls, When(**when), times)

    def assert_not_called(self, **when: Unpack[Criteria]) -> None:
        """Asserts that no call came in that fits `when`."""
        assert_called(self.calls, When(**when), 0)

    @property
    def size(self) -> int:
        """Bytes of the calls that are kept."""
        return self._ledger.size

    def verdict(self) -> list[Finding]:
        """What the client did wrong, as its calls show it (see `schemas/verdicts.json`)."""
        from novita_mock._verification import client

        return client.judge(self.calls)

    def assert_well_behaved(self, allow: Collection[str] = ()) -> None:
        """Asserts that the client did nothing wrong but what `allow` names.

        The failure tells what it did, and in which calls. Raises ValueError for a name that
        `schemas/verdicts.json` does not have.
        """
        from novita_mock._verification import client

        client.assert_well_behaved(self.calls, allow)

    def reset(self) -> None:
        """Forgets the script, the history and what was used up: the mock is as if new."""
        self._script = Script(only=self._only, profiles=self._profiles)
        self.scenario = self._lasting
        if self._lasting is not EMPTY:
            self.load(self._lasting)
        self._ledger.restart()
        self.counters.clear()

    def forget(self) -> None:
        """Forgets the calls, and nothing else."""
        self._ledger.forget()
