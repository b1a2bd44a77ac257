"""The one way in which generation fails: which keyword, where, and why."""

from __future__ import annotations


class NoInstance(Exception):
    """No valid instance can be made: the schema is invalid, contradictory or too hard.

    `pointer` is the JSON pointer of the subschema, from `#`, or an absolute URI if it is in
    another document. `keyword` is the keyword at fault in it, empty for a `false` schema.
    """

    def __init__(self, pointer: str, keyword: str, problem: str) -> None:
        place = f"{pointer}/{keyword}" if keyword else pointer
        super().__init__(f"{place}: {problem}")
        self.pointer = pointer
        self.keyword = keyword
        self.problem = problem


class OutOfSteps(Exception):
    """One generation has used up its budget of steps. Never leaves this package."""
