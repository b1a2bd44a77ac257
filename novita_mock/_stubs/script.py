"""The script of a mock: its rules in order, and how often each has answered."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from novita_mock._api.request_view import RequestView
from novita_mock._core.timing import Pace
from novita_mock._stubs.index import Index
from novita_mock._stubs.model import Rule


class Script:
    """The rules in force, and how often each has answered; and how fast each model does, by
    patterns of ids, of which the first that fits counts."""

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
        """How fast `model` answers where no rule says so; None if no profile does."""
        for pattern, pace in self._profiles:
            if fnmatchcase(model, pattern):
                return pace
        return None

    def take(self, view: RequestView) -> int | None:
        """Index of the rule that answers, its use counted; None if none fits."""
        index = self._index.first(view)
        if index is not None:
            self.used[index] += 1
            if self.used[index] == self.rules[index].times:
                self._index.drop(index)
        return index
