"""Finds the rule that answers a request without testing every rule.

The index files a rule under its most selective condition: an exact text, a piece of the text that
it searches for, or a model id. A request is tested against the rules filed under what it contains,
and against the rest, which have no such condition.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from heapq import merge

from novita_mock._api.request_view import HEADER, RequestView
from novita_mock._stubs.conditions import TEXTS, Condition, Exact, is_literal
from novita_mock._stubs.model import Rule

Fits = tuple[Callable[[RequestView], bool], ...]
Entry = tuple[int, int, int, Fits]
"""A rule in sort order: the most specific first, then the first. Item 3 is the rule's index."""
Bucket = dict[str, list[Entry]]
Place = tuple[Bucket, str]

_SIZES = (8, 4, 2, 1)
_FEW = 64
_LONG = 1_000


class _Needles:
    """Rules filed by the text that they search for (the needle). A needle of 7 letters contains a
    whole block of 4 wherever a long text is cut into such blocks; a short text can be cut into all
    its pieces of 7. Larger blocks are fewer, and fewer rules share one."""

    def __init__(self, size: int) -> None:
        self.shortest = 2 * size - 1
        self._size = size
        self._blocks = re.compile(f"(?s).{{{size}}}").findall
        self._pieces: Bucket = {}
        self._in_blocks: Bucket = {}

    def places(self, needle: str) -> Iterator[Place]:
        """The places where a rule with this needle is filed."""
        # On a tie the last piece wins, because numbered texts differ at their end.
        pieces = reversed([*_pieces(needle, self.shortest)])
        rarest = min(pieces, key=lambda piece: len(self._pieces.get(piece, ())))
        yield self._pieces, rarest
        for block in dict.fromkeys(_pieces(rarest, self._size)):
            yield self._in_blocks, block

    def candidates(self, text: str) -> list[list[Entry]]:
        """The rules whose piece, or one of whose blocks, occurs in `text`."""
        bucket = self._pieces
        if len(bucket) < _FEW:
            # Searching for each piece is faster than cutting the text.
            return [entries for piece, entries in bucket.items() if piece in text]
        if len(text) < _LONG // self._size:
            return [bucket[key] for key in bucket.keys() & set(_pieces(text, self.shortest))]
        blocks = self._in_blocks
        return [blocks[key] for key in {*self._blocks(text)} if key in blocks]


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(len(text) - size + 1))


class Index:
    """The rules that can still answer, filed by their conditions."""

    def __init__(self) -> None:
        self._exact: dict[str, Bucket] = {}
        self._needles: dict[str, tuple[_Needles, ...]] = {}
        self._rest: Bucket = {"": []}
        self._filed: dict[int, tuple[Entry, list[Place]]] = {}

    def add(self, index: int, rule: Rule) -> None:
        """Files `rule`, which has the number `index` in the script."""
        conditions, exact = rule.weight
        entry = -conditions, -exact, index, tuple(c.fits for c in rule.when.conditions)
        places = [*self._places(rule.when.conditions)]
        for bucket, key in places:
            insort(bucket.setdefault(key, []), entry)
        self._filed[index] = entry, places

    def drop(self, index: int) -> None:
        """Removes a rule that is used up."""
        entry, places = self._filed.pop(index)
        for bucket, key in places:
            entries = bucket[key]
            at = bisect_left(entries, entry)
            # A new list, because a request in another thread may be iterating over the old one.
            bucket[key] = entries[:at] + entries[at + 1 :]

    def first(self, view: RequestView) -> int | None:
        """Index of the rule that answers; None if none fits."""
        candidates = [*self._candidates(view)]
        rest = self._rest[""]
        for _, _, index, tests in merge(rest, *candidates) if candidates else rest:
            for fits in tests:
                if not fits(view):
                    break
            else:
                return index
        return None

    def _candidates(self, view: RequestView) -> Iterator[list[Entry]]:
        """The rules filed under what the request contains."""
        for name, bucket in self._exact.items():
            if (text := view.text(name)) in bucket:
                yield bucket[text]
        for name, sizes in self._needles.items():
            if (text := view.folded(name)) is not None:
                for needles in sizes:
                    yield from needles.candidates(text)

    def _places(self, conditions: Iterable[Condition]) -> Iterable[Place]:
        """The places where a rule with these `conditions` is filed."""
        criteria = {c.name: c.wanted for c in conditions}
        texts = {name: wanted for name, wanted in criteria.items() if _is_text(name)}
        for name, wanted in texts.items():
            if isinstance(wanted, Exact):
                return [(self._exact.setdefault(name, {}), wanted.text)]
        folded = {n: wanted.casefold() for n, wanted in texts.items() if isinstance(wanted, str)}
        if longest := max(folded, key=lambda name: len(folded[name]), default=None):
            if longest not in self._needles:
                self._needles[longest] = tuple(map(_Needles, _SIZES))
            for needles in self._needles[longest]:
                if len(folded[longest]) >= needles.shortest:
                    return needles.places(folded[longest])
        if is_literal(criteria.get("model")):
            return [(self._exact.setdefault("model", {}), criteria["model"])]
        return [(self._rest, "")]


def _is_text(name: str) -> bool:
    return name in TEXTS or name.startswith(HEADER)
