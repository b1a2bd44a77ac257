"""The one way in which no instance is made: which keyword, where, and why."""

from __future__ import annotations


class NoInstance(Exception):
    """No valid instance can be made of a schema: it is invalid, contradictory or beyond us.

    `pointer` is the JSON pointer of the subschema, from `#`, or an absolute URI where it lies in
    another document; `keyword` is the keyword at fault in it, empty for a `false` schema.
    """

    def __init__(self, pointer: str, keyword: str, problem: str) -> None:
        place = f"{pointer}/{keyword}" if keyword else pointer
        super().__init__(f"{place}: {problem}")
        self.pointer = pointer
        self.keyword = keyword
        self.problem = problem


class OutOfSteps(Exception):
    """The budget of one generation is spent; never leaves this package."""
