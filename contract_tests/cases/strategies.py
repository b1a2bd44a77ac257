"""Hypothesis strategies for valid requests, from the request schemas."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from hypothesis import strategies as st

from novita_mock._api.description import BASE_URI, load_description
from novita_mock._instances import Prepared, prepare
from novita_mock._instances.hypothesis_source import instances

from ..judging.referee import request_schema
from ..wire.exchange import Json


@cache
def _prepared(operation: str) -> Prepared:
    schema = {"$ref": BASE_URI + request_schema(operation)}
    return prepare(schema, load_description().documents)


def bodies(operation: str) -> st.SearchStrategy[Json]:
    """Bodies that the request schema of an operation and its rule `x-not-below` allow."""
    return instances(_prepared(operation)).map(copy.deepcopy).map(_not_below(operation))


def _not_below(operation: str) -> Any:
    rules = load_description().schema(request_schema(operation)).get("x-not-below", {})

    def kept(body: Any) -> Json:
        for high, low in rules.items():
            if body.get(high) is not None and body.get(low) is not None and body[high] < body[low]:
                body[high] = body[low]
                if body[high] > 1:
                    body.pop("stream_options", None)
                    body["stream"] = False
        return dict(body)

    return kept


def requests(operation: str) -> st.SearchStrategy[tuple[Json, bool]]:
    """A body, and whether to send it with escapes instead of raw UTF-8."""
    return st.tuples(bodies(operation), st.booleans())
