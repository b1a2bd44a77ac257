"""Which properties, enumerated values, bounds and branches of the request schemas were sent.

Valid and invalid requests count separately: one request covers a bound by lying at it, another one
by lying beyond it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from novita_mock._api.description import BASE_URI

from ..judging.referee import parts, registry, request_schema, resolve
from ..wire.exchange import Json
from .boundaries import Case, cases
from .requests import PATHS

BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
          "minItems", "maxItems")  # fmt: skip
Item = tuple[str, str, str]


@dataclass
class Coverage:
    """What was sent, as items of (kind, place, detail)."""

    valid: set[Item] = field(default_factory=set)
    invalid: set[Item] = field(default_factory=set)

    def add(self, operation: str, body: Json) -> None:
        """Counts a valid request."""
        uri = BASE_URI + request_schema(operation)
        seen = list(_seen(uri, {"$ref": uri}, body, operation, self.valid))
        self.valid.update(seen)

    def add_case(self, case: Case) -> None:
        """Counts an invalid request, which breaks one keyword in one place."""
        if not case.valid:
            place = _place(case)
            self.invalid |= {("property", place, ""), (case.keyword, place, "")}

    def missing(self) -> tuple[list[Item], list[Item]]:
        """The items that no valid request had, and those that no invalid request broke."""
        return sorted(_all() - self.valid), sorted(_breakable() - self.invalid)

    def lines(self) -> list[str]:
        """The figures, one line per kind."""
        lines = []
        for kind in ("property", "enum", "bound", "branch"):
            there = {item for item in _all() if item[0] == kind}
            broken = {item for item in _breakable() if _kind(item[0]) == kind}
            counted = f"{len(there & self.valid)}/{len(there)} valid"
            beyond = f", {len(broken & self.invalid)}/{len(broken)} invalid" if broken else ""
            lines.append(f"{kind}: {counted}{beyond}")
        return lines


def _kind(keyword: str) -> str:
    return "bound" if keyword in BOUNDS else keyword


def _place(case: Case) -> str:
    steps = ("[]" if isinstance(step, int) else f".{step}" for step in case.path)
    return case.operation + "".join(steps)


def _items(
    uri: str, schema: Any, place: str, within: tuple[str, ...]
) -> Iterator[tuple[Item, Any]]:
    """Every item below a schema; stops where a schema recurs."""
    for where, part in parts(uri, schema):
        mark = f"{where}{id(part)}"
        if mark in within:
            continue
        yield from _own_items(where, part, place)
        deeper = (*within, mark)
        for name, member in part.get("properties", {}).items():
            yield ("property", f"{place}.{name}", ""), member
            yield from _items(where, member, f"{place}.{name}", deeper)
        if isinstance(part.get("items"), dict):
            yield from _items(where, part["items"], f"{place}[]", deeper)


def _own_items(uri: str, part: Json, place: str) -> Iterator[tuple[Item, Any]]:
    for option in part.get("enum", []):
        yield ("enum", place, repr(option)), part
    for keyword in BOUNDS:
        if keyword in part and keyword not in ("maxLength", "maxItems", "minLength", "minItems"):
            yield ("bound", place, f"{keyword} {part[keyword]}"), part
    for at, branch in enumerate(part.get("anyOf", [])):
        yield ("branch", place, _title(uri, branch, at)), branch


def _title(uri: str, branch: Json, at: int) -> str:
    target = resolve(uri, branch["$ref"])[1] if "$ref" in branch else branch
    return str(target.get("title") or target.get("type") or at)


@cache
def _all() -> frozenset[Item]:
    found: set[Item] = set()
    for operation in PATHS:
        uri = BASE_URI + request_schema(operation)
        found |= {item for item, _ in _items(uri, {"$ref": uri}, operation, ())}
    # Excluded ends can only be broken; nothing valid lies at them.
    return frozenset(item for item in found if not item[2].startswith("exclusive"))


@cache
def _breakable() -> frozenset[Item]:
    found: set[Item] = set()
    for case in cases():
        if not case.valid:
            found |= {(case.keyword, _place(case), "")}
    return frozenset(found)


def _seen(uri: str, schema: Any, value: Any, place: str, known: Container[Item]) -> Iterator[Item]:
    for where, part in parts(uri, schema):
        yield from _own_seen(where, part, value, place, known)
        if isinstance(value, dict):
            for name, member in part.get("properties", {}).items():
                if name in value:
                    yield ("property", f"{place}.{name}", "")
                    yield from _seen(where, member, value[name], f"{place}.{name}", known)
        if isinstance(value, list) and isinstance(part.get("items"), dict):
            for item in value:
                yield from _seen(where, part["items"], item, f"{place}[]", known)


def _own_seen(
    uri: str, part: Json, value: Any, place: str, known: Container[Item]
) -> Iterator[Item]:
    if value in part.get("enum", []):
        yield ("enum", place, repr(value))
    for keyword in ("minimum", "maximum"):
        if keyword in part and value == part[keyword]:
            yield ("bound", place, f"{keyword} {part[keyword]}")
    for at, branch in enumerate(part.get("anyOf", [])):
        item = ("branch", place, _title(uri, branch, at))
        if item not in known and _fits(uri, branch, value):
            yield item


def _fits(uri: str, branch: Json, value: Any) -> bool:
    return bool(_validator(uri, id(branch), _Held(branch)).is_valid(value))


class _Held(dict[str, Any]):
    """A schema as a cached argument that does not count in the cache key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __eq__(self, other: object) -> bool:
        return True


@cache
def _validator(uri: str, _identity: int, branch: _Held) -> Any:
    validator: Any = Draft202012Validator
    resolver = registry().resolver(uri)
    return validator(dict(branch), registry=registry(), _resolver=resolver)


def measured(sent: Iterable[tuple[str, Json, bool]], known: Iterable[str]) -> Coverage:
    """The coverage of requests as (operation, body, valid), and of boundary cases by name."""
    found = Coverage()
    for operation, body, valid in sent:
        if valid and operation in PATHS:
            found.add(operation, body)
    names = set(known)
    for case in cases():
        if case.name in names:
            found.add_case(case)
    return found
