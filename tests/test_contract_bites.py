"""The contract suite against an independent provider: it passes while the provider conforms, and
fails at every single fault."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from contract_tests.judging import verdicts
from tests.contract_target import api_of, broken, first_broken, judged_by
from tests.faulty_provider import FAULTS, KINDS, VARIATIONS, Provider, app, completion
from tests.faulty_provider.rules import RULES
from tests.faulty_provider.values import Hooks

LONG = ("test_no_constraint", "test_no_edge", "test_every_listed_model_can_be_retrieved")
MUSTS = sorted(judged_by(verdicts.MUST), key=lambda check: check.name.startswith(LONG))
SHOULDS = judged_by(verdicts.SHOULD)
EITHER = [*SHOULDS, *MUSTS]
NOTES = judged_by(verdicts.NOTE)
EDITIONS = ("v3", "2026", "live")
SPARED = 0.05
SOME = 12  # one in this number, where all take too long

# Faults that no check can find, and why.
NOT_KILLED = {
    "path-openai-v1-missing": "one base URL is judged, the one that was given",
    "models-lacks-served": "no page promises that all that is served is listed",
    "accepts-parallel-tool-calls-type": "no source says that the member exists",
    "accepts-name-pattern": "a guide breaks the pattern itself",
    "accepts-tool-choice": "the member is in no reference page",
    "refuses-empty-content": "observed: an empty text is refused by some models",
}
# Faults against a must that no page states plainly: only a should-check finds them.
FOUND_BY_SHOULD = {
    "accepts-any-number": "nothing says that the live API checks any range; all or none may be",
    "refuses-unknown-field": "no page says that an unknown field is ignored",
    "unknown-field-matters": "no page says that an unknown field is ignored",
    "refuses-prompt-list": "the table types the prompt as a text, the prose allows lists",
}


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_conforming_provider_breaks_no_must_check(edition: str) -> None:
    api = api_of(Provider(edition=edition), edition)
    assert [f"{f.check.name}: {f.reason}" for f in broken(api, MUSTS)] == []


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("provided", EDITIONS)
def test_an_edition_that_was_not_asked_for_is_no_broken_must_check(
    edition: str, provided: str
) -> None:
    api = api_of(Provider(edition=provided), edition, thorough=False)
    assert [f"{f.check.name}: {f.reason}" for f in broken(api, MUSTS)] == []


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_conforming_provider_breaks_no_should_check_of_its_edition(edition: str) -> None:
    api = api_of(Provider(edition=edition), edition)
    assert [f"{f.check.name}: {f.reason}" for f in broken(api, [*SHOULDS, *NOTES])] == []


REPORTED = (
    "usage-every-chunk", "usage-on-finish-chunk", "usage-extra-chunk-without-nulls",
    "role-with-content", "finish-with-content", "empty-deltas-first", "role-repeated",
    "tool-fragments-kimi", "tool-fragments-whole", "tool-fragments-typed", "reasoning-unasked",
    "errors-with-metadata", "model-alias", "models-object-list", "models-documented-fields",
)  # fmt: skip


@pytest.mark.parametrize("variation", REPORTED)
def test_an_honest_variation_is_reported(variation: str) -> None:
    api = api_of(Provider(None, frozenset([variation])), thorough=False)
    assert broken(api, [*SHOULDS, *NOTES])


@pytest.mark.parametrize("variation", VARIATIONS)
def test_an_honest_variation_raises_no_alarm(variation: str) -> None:
    api = api_of(Provider(None, frozenset([variation])), thorough=False)
    assert [f"{f.check.name}: {f.reason}" for f in broken(api, MUSTS)] == []


def alive(faults: Iterable[str]) -> list[str]:
    """The given faults that no check of the required strength finds."""
    musts, either, found = list(MUSTS), list(EITHER), []
    for name in faults:
        must = FAULTS[name].strength == "must" and name not in FOUND_BY_SHOULD
        if first_broken(api_of(Provider(name)), musts if must else either) is None:
            found.append(f"{name}: {FAULTS[name].about}")
    return found


def killable(kind: str) -> list[str]:
    return [name for name in KINDS[kind] if name not in NOT_KILLED]


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_of_a_kind_is_killed(kind: str) -> None:
    assert alive(killable(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_some_faults_of_each_kind_are_killed(kind: str) -> None:
    assert alive(killable(kind)[::SOME]) == []


def test_nearly_every_fault_is_killed_by_the_requests_of_a_default_live_run() -> None:
    wanted = [name for name, fault in FAULTS.items() if fault.strength == "must"]
    chosen = list(MUSTS)
    left = [
        name for name in wanted
        if first_broken(api_of(Provider(name), thorough=False), chosen) is None
    ]  # fmt: skip
    assert len(left) <= SPARED * len(wanted), f"{len(left)} of {len(wanted)} live: {left}"


@pytest.mark.parametrize("fault", NOT_KILLED)
def test_a_fault_that_cannot_be_killed_still_is_not(fault: str) -> None:
    assert first_broken(api_of(Provider(fault)), list(EITHER)) is None


CHECKED_BY_ALL = frozenset(
    ("messages-missing", "messages-type", "messages-null", "model-missing", "prompt-missing")
)
LENIENT = {
    "nothing but the core is checked": frozenset(RULES) - CHECKED_BY_ALL,
    "every other constraint is checked": frozenset(sorted(RULES)[::2]) - CHECKED_BY_ALL,
    "only ranges of numbers are checked": frozenset(
        name for name in RULES if not name.endswith(("-low", "-high"))
    ) - CHECKED_BY_ALL,
}  # fmt: skip


@pytest.mark.parametrize("skipped", LENIENT.values(), ids=list(LENIENT))
def test_a_provider_that_checks_little_breaks_no_must_check(skipped: frozenset[str]) -> None:
    provider = Provider()
    provider.hooks = (Hooks(skip=skipped),)
    assert [f"{f.check.name}: {f.reason}" for f in broken(api_of(provider), MUSTS)] == []


@pytest.mark.parametrize("by_chance", [True, False], ids=["by chance", "by the whole body"])
def test_a_provider_whose_texts_cannot_be_compared_breaks_no_must_check(
    by_chance: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = completion.complete

    def other(body: dict[str, Any], stop: Any) -> Any:
        digest = random.randrange(10**9) if by_chance else hash(repr(sorted(body.items())))
        return plain({**body, "seed": digest, "temperature": 1.0}, stop)

    monkeypatch.setattr(app, "complete", other)
    assert [f"{f.check.name}: {f.reason}" for f in broken(api_of(Provider()), MUSTS)] == []
