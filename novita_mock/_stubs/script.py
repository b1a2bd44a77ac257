"""The script of a mock: its rules in order, and how often each one has answered."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from novita_mock._api.request_view import RequestView
from novita_mock._core.timing import Pace
from novita_mock._stubs.index import Index
from novita_mock._stubs.model import Rule


class Script:
    """The active rules and how often each one has answered; also the pace of models, by model id
    pattern, where the first match applies."""

    def __init__(
        self,
        rules: Iterable[Rule] = (),
        *,
        only: bool = False,
        profiles: Iterable[tuple[str, Pace]] = (),
    ) -> None:
        self._profiles = tuple(profiles)
        self.rules: list[Rule] = []
        self.used: list[int] = []
        self.only = only
        self._index = Index()
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> None:
        """Appends a rule."""
        self._index.add(len(self.rules), rule)
        self.rules.append(rule)
        self.used.append(0)

    def pace(self, model: str) -> Pace | None:
        """The pace of `model` where its rule sets none; None if no profile matches."""
        for pattern, pace in self._profiles:
            if fnmatchcase(model, pattern):
                return pace
        return None

    def take(self, view: RequestView) -> int | None:
        """Index of the rule that answers, or None. Counts the use."""
        index = self._index.first(view)
        if index is not None:
            self.used[index] += 1
            if self.used[index] == self.rules[index].times:
                self._index.drop(index)
        return index
