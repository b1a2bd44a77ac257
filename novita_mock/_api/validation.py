"""Third stage: bytes become a request that fits its schema, or are refused with the place.

Knows no field by name: the operation's request schema has all requirements on the body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from novita_mock._api import problems
from novita_mock._api.description import Description, Operation
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json

RULES = "allOf"
_DEEP = 250


class Reader:
    """Reads the bodies of one operation. Prepares everything that does not depend on a body."""

    def __init__(self, description: Description, operation: Operation) -> None:
        if operation.request is None:
            raise ValueError(f"{operation.name} takes no body")
        self.operation = operation
        self._limit = description.limits["body"]
        self._validator = description.validator(operation.request)
        schema = description.schema(operation.request)
        self._rules: list[Json] = schema.get(RULES, [])
        self._not_below = list(schema.get("x-not-below", {}).items())
        self.known = frozenset(schema["properties"])
        # A field that only other operations have was not checked here, whatever it holds.
        self._foreign = _fields(description) - self.known

    def read(self, body: bytes) -> Json:
        """The request in `body`, without fields that only other operations have.

        Raises Refused if `body` is too large, is not JSON, or violates the schema.
        """
        if len(body) > self._limit:
            raise Refused("body_too_large", limit=self._limit)
        try:
            request: Json = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Refused("bad_body", problem=_unreadable(body, error)) from None
        _check_depth(body, request)
        if not self._validator.is_valid(request):
            raise Refused("bad_body", problem=self._problem(request))
        for upper, lower in self._not_below:
            _check_not_below(request, upper, lower)
        if not self._foreign.isdisjoint(request):
            return {name: request[name] for name in request if name not in self._foreign}
        return request

    def _problem(self, request: object) -> str:
        first, *others = problems.found(self._validator, request)
        more = f" (and {len(others)} more)" if others else ""
        rule = self._rule(first.schema_path)
        return problems.explain(first, request) + (f" ({rule})" if rule else "") + more

    def _rule(self, schema_path: Sequence[str | int]) -> str:
        """Title of the cross-field rule that a problem comes from; empty if there is none."""
        match schema_path:
            case [keyword, int(index), *_] if keyword == RULES:
                return str(self._rules[index].get("title", ""))
        return ""


def _fields(description: Description) -> frozenset[str]:
    """The request fields of all operations together."""
    paths = (operation.request for operation in description.operations.values())
    return frozenset(
        name for path in paths if path for name in description.schema(path)["properties"]
    )


def _unreadable(body: bytes, error: orjson.JSONDecodeError) -> str:
    if not body.strip():
        return "$: the body is empty; expected a JSON object"
    return f"$: the body is not valid JSON ({error}); expected a JSON object"


def _check_depth(body: bytes, request: Json) -> None:
    """Refuses a body nested deeper than the validator and the encoder can follow."""
    if body.count(b"{") + body.count(b"[") < _DEEP:
        return
    try:
        orjson.dumps(request)
    except TypeError:
        raise Refused("bad_body", problem=f"$: nested more than {_DEEP} levels deep") from None


def _check_not_below(request: Json, upper: str, lower: str) -> None:
    high: Any = request.get(upper)
    low: Any = request.get(lower)
    if high is not None and low is not None and high < low:
        expected = f"at least the value of {lower}, {low}"
        raise Refused("bad_body", problem=f"$.{upper}: expected {expected}; got {high}")
