"""The promises of the instance generator: valid or refused, stable, plausible, bounded work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import count
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from novita_mock._instances import Json, NoInstance, Seeded, instance, prepare
from novita_mock._instances.hypothesis_source import instances
from tests.schema_table import CALLERS, DATA, SUITE, assert_valid

SEEDS = range(20)
QUIET = settings(database=None)


def refusal(schema: Json, **options: Any) -> NoInstance:
    with pytest.raises(NoInstance) as caught:
        instance(schema, Seeded(0), **options)
    return caught.value


@pytest.mark.parametrize("name", [n for n in SUITE if "$dynamicRef" not in json.dumps(SUITE[n])])
def test_a_schema_of_the_official_suite_gets_valid_instances(name: str) -> None:
    ready = prepare(SUITE[name])
    for seed in SEEDS:
        assert_valid(name, SUITE[name], ready.instance(Seeded(seed)))


def test_less_than_three_in_a_hundred_schemas_are_refused_and_then_for_dynamic_references() -> None:
    refused = []
    for name, schema in (SUITE | CALLERS).items():
        try:
            assert_valid(name, schema, instance(schema, Seeded(1)))
        except NoInstance as error:
            refused.append((name, error))
    assert len(refused) < 0.03 * len(SUITE | CALLERS)
    assert all("dynamicRef" in name for name, _ in refused)


@pytest.mark.parametrize("name", CALLERS)
def test_a_schema_that_callers_send_gets_valid_instances(name: str) -> None:
    ready = prepare(CALLERS[name])
    for seed in SEEDS:
        assert_valid(name, CALLERS[name], ready.instance(Seeded(seed)))


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    color: Color


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    zip_code: str = Field(pattern=r"^\d{5}$")


class Tree(BaseModel):
    left: Tree | None
    right: Tree | None = None
    label: str = Field(min_length=2, max_length=12)


class Event(BaseModel):
    title: str
    day: date
    at: datetime
    lasts: timedelta
    id: UUID
    people: list[str] = Field(min_length=1, max_length=3)


class Invoice(BaseModel):
    total: Decimal = Field(gt=0, lt=1000)
    lines: list[tuple[str, int, float]] = Field(min_length=1)
    tags: set[str] = set()
    meta: dict[str, int | str | None] = {}


MODELS: list[type[BaseModel]] = [Cat, Dog, Owner, Tree, Event, Invoice]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_pydantic_reads_the_instances_of_its_own_schemas(model: type[BaseModel]) -> None:
    ready = prepare(model.model_json_schema())
    for seed in range(50):
        model.model_validate_json(json.dumps(ready.instance(Seeded(seed))))


UNSATISFIABLE: dict[str, tuple[Json, str]] = {
    "nothing": (False, ""),
    "two types": ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "type"),
    "lengths crossed": ({"type": "string", "minLength": 5, "maxLength": 2}, "minLength"),
    "bounds crossed": ({"type": "integer", "minimum": 5, "maximum": 2}, "minimum"),
    "no integer between": (
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        "exclusiveMinimum",
    ),
    "no multiple between": (
        {"type": "number", "multipleOf": 7, "minimum": 8, "maximum": 9},
        "multipleOf",
    ),
    "enum of another type": ({"type": "integer", "enum": ["a", "b"]}, "enum"),
    "not anything": ({"not": {}}, "not"),
    "not its own type": ({"type": "null", "not": {"type": "null"}}, "not"),
    "items crossed": ({"type": "array", "minItems": 3, "maxItems": 1}, "minItems"),
    "a closed prefix": (
        {"type": "array", "prefixItems": [{}], "items": False, "minItems": 2},
        "minItems",
    ),
    "too few different items": (
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
        "uniqueItems",
    ),
    "contains nothing": ({"type": "array", "contains": False}, "contains"),
    "a required property that cannot be": (
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
        "required",
    ),
    "required but closed": (
        {"type": "object", "required": ["a"], "additionalProperties": False},
        "required",
    ),
    "more required than allowed": (
        {"type": "object", "required": ["a", "b"], "maxProperties": 1},
        "maxProperties",
    ),
    "closed and too few": (
        {
            "type": "object",
            "properties": {"a": {}},
            "additionalProperties": False,
            "minProperties": 2,
        },
        "minProperties",
    ),
    "no branch of anyOf": (
        {"type": "null", "anyOf": [{"type": "string"}, {"minLength": 1, "type": "string"}]},
        "anyOf",
    ),
    "all branches of oneOf alike": ({"oneOf": [{}, {}]}, "oneOf"),
    "a pattern against a length": (
        {"type": "string", "pattern": "^a{5}$", "maxLength": 4},
        "pattern",
    ),
    "endless": ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "$ref"),
    "a reference to itself": ({"$ref": "#"}, "$ref"),
    "a loop through anyOf": ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "$ref"),
    "dynamic references": (
        {"items": {"$dynamicRef": "#node"}, "$dynamicAnchor": "node"},
        "$dynamicRef",
    ),
    "too many items": ({"type": "array", "items": {}, "minItems": 10**9}, "minItems"),
    "too long a text": ({"type": "string", "minLength": 10**9}, "minLength"),
}


@pytest.mark.parametrize("name", UNSATISFIABLE)
def test_what_cannot_be_made_is_refused_with_the_keyword_named(name: str) -> None:
    schema, keyword = UNSATISFIABLE[name]
    found = refusal(schema)
    assert found.keyword == keyword
    assert found.pointer.startswith("#")
    assert str(found).startswith(found.pointer)


INVALID: dict[str, tuple[Json, str, str]] = {
    "an unknown type": ({"properties": {"a": {"type": "text"}}}, "#/properties/a", "type"),
    "a length that is a text": ({"items": {"minLength": "1"}}, "#/items", "minLength"),
    "a broken pattern": ({"properties": {"a": {"pattern": "(("}}}, "#/properties/a", "pattern"),
    "properties that are a list": ({"properties": []}, "#", "properties"),
    "a reference to nowhere": ({"$ref": "#/$defs/none"}, "#", "$ref"),
    "a reference to the network": ({"$ref": "https://example.com/x.json"}, "#", "$ref"),
    "a list": ([], "#", ""),
    "nothing": (None, "#", ""),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_schema_is_refused_with_its_place(name: str) -> None:
    schema, pointer, keyword = INVALID[name]
    found = refusal(schema)
    assert (found.pointer, found.keyword) == (pointer, keyword)


def test_a_schema_nested_beyond_the_stack_is_refused() -> None:
    schema: Json = {"type": "string"}
    for _ in range(3000):
        schema = {"not": {"not": schema}}
    assert refusal(schema).pointer == "#"


def test_the_same_seed_gives_the_same_value_in_every_process() -> None:
    program = (
        "import json; from novita_mock._instances import *; from pathlib import Path;"
        f"schemas = json.loads(Path({str(DATA / 'caller_schemas.json')!r}).read_text());"
        "print(json.dumps([instance(s, Seeded(7)) for s in schemas.values()]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(DATA.parent.parent)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_the_values_of_a_seed_do_not_drift_between_platforms_and_versions() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "price": {"type": "number"},
            "code": {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
            "day": {"type": "string", "format": "date"},
            "rest": {"type": "string", "pattern": "^[^\\W\\d]{3}.\\S$"},
            "size": {"type": "integer", "minimum": 0, "maximum": 10**20},
            "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True},
        },
        "required": ["name", "price", "code", "day", "rest", "size", "tags"],
    }
    assert instance(schema, Seeded(2)) == {
        "name": "Margaret Hamilton",
        "price": 153.46,
        "code": "LKS-9542",
        "day": "2014-04-11",
        "rest": "MBQ8V",
        "size": 91623987872760349559,
        "tags": ["c", "b", "a"],
    }


TEXTS = {
    "date-time": "2025-09-19T07:36:36+02:00",
    "email": "morning.coffee@example.net",
    "uri": "https://example.com/copper/26",
    "password": "copper-3866",
    "birth_date": "2024-07-07",
    "created_timestamp": "2021-07-28T16:10:53Z",
    "opening_time": "21:45:47",
    "mail": "ken.winter@example.com",
    "website": "https://example.com/copper/53",
    "order_id": "window-8483",
}
OF_FORMATS = ("date-time", "email", "uri", "password")


def test_the_texts_of_formats_and_names_keep_the_values_of_their_seed() -> None:
    rows = {name: {"type": "string"} for name in TEXTS}
    rows |= {name: {"type": "string", "format": name} for name in OF_FORMATS}
    assert instance({"properties": rows, "required": list(rows)}, Seeded(2)) == TEXTS


def test_an_enum_and_a_union_vary_with_the_seed() -> None:
    ready = prepare({"enum": ["a", "b", "c"]})
    assert {ready.instance(Seeded(seed)) for seed in range(40)} == {"a", "b", "c"}
    union = prepare({"anyOf": [{"type": "integer"}, {"type": "string"}]})
    assert {type(union.instance(Seeded(seed))) for seed in range(40)} == {int, str}


def test_most_optional_properties_are_there_and_none_is_invented() -> None:
    ready = prepare({"type": "object", "properties": {name: {"type": "null"} for name in "abcd"}})
    found = Counter(name for seed in range(100) for name in ready.instance(Seeded(seed)))
    assert set(found) == set("abcd")
    assert all(65 < times < 100 for times in found.values())


PLAUSIBLE = {
    "email": r"[a-z.]+@example\.com",
    "userEmail": r"[a-z.]+@example\.com",
    "website_url": r"https://example\.com/\S+",
    "phone": r"\+1-555-\d{4}",
    "birth_date": r"20\d\d-\d\d-\d\d",
    "created_timestamp": r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "city": r"[A-Z][a-z]+( [A-Z][a-z]+)?",
    "country": r"[A-Z][a-z]+",
    "currency": r"[A-Z]{3}",
    "customerName": r"[A-Z][a-z]+ [A-Z][a-z]+",
    "order_id": r"[a-z]+-\d{4}",
    "description": r"[A-Z].*\.",
    "whatever": r"[a-z]+( [a-z]+){0,2}",
}


@pytest.mark.parametrize("name", PLAUSIBLE)
def test_a_text_looks_like_what_its_name_says(name: str) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    for seed in SEEDS:
        assert re.fullmatch(PLAUSIBLE[name], instance(schema, Seeded(seed))[name])


def test_a_number_looks_like_what_its_name_says() -> None:
    names = {"price": "number", "age": "integer", "quantity": "integer", "latitude": "number"}
    schema = {"properties": {n: {"type": t} for n, t in names.items()}, "required": list(names)}
    for seed in SEEDS:
        value = instance(schema, Seeded(seed))
        assert 5 <= value["price"] <= 250
        assert round(value["price"], 2) == value["price"]
        assert 18 <= value["age"] <= 80
        assert 1 <= value["quantity"] <= 12
        assert -60 <= value["latitude"] <= 60


def test_a_description_speaks_where_the_name_does_not() -> None:
    schema = {"type": "object", "properties": {"to": {"type": "string", "description": "An email"}}}
    assert "@" in instance(schema | {"required": ["to"]}, Seeded(0))["to"]


def test_properties_come_in_the_order_of_the_schema() -> None:
    inner = {"properties": {"z": {}, "a": {}}, "required": ["a", "z"], "type": "object"}
    schema = {"$ref": "#/$defs/inner", "$defs": {"inner": inner}}
    assert list(instance(schema, Seeded(0))) == ["z", "a"]


def test_references_lead_into_the_given_documents() -> None:
    documents = {
        "https://example.com/s/money.json": {
            "$id": "https://example.com/s/money.json",
            "$defs": {"cents": {"type": "integer", "minimum": 3, "maximum": 4}},
        }
    }
    schema = {"$id": "https://example.com/s/chat/x.json", "$ref": "../money.json#/$defs/cents"}
    assert instance(schema, Seeded(0), documents=documents) in (3, 4)
    assert refusal(schema).keyword == "$ref"


def test_a_spent_budget_or_time_is_a_refusal() -> None:
    schema: Json = {"type": "array", "minItems": 30}
    schema["items"] = {"type": "array", "items": {}, "minItems": 30}
    assert "gave up" in refusal(schema, budget=100).problem
    ticks = count()
    assert "gave up" in refusal(schema, expired=lambda: next(ticks) > 50).problem


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(CALLERS)), st.data())
def test_the_hypothesis_source_gives_valid_instances(name: str, data: st.DataObject) -> None:
    assert_valid(name, CALLERS[name], data.draw(instances(CALLERS[name])))


def test_hard_values_come_often_from_the_hypothesis_source() -> None:
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "maximum": 128},
            "s": {"type": "string"},
        },
        "required": ["n", "s"],
    }
    numbers: Counter[int] = Counter()
    texts: Counter[str] = Counter()

    @settings(max_examples=300, database=None, derandomize=True)
    @given(instances(schema))
    def collect(value: Json) -> None:
        numbers[value["n"]] += 1
        texts[value["s"]] += 1

    collect()
    assert all(numbers[edge] > 3 for edge in (1, 2, 127, 128))
    assert (
        sum(text in texts for text in ("Grüße", "漢字かな", "👩‍👩‍👧‍👦", "שלום", "\n", '"', "\\"))
        > 5
    )


def test_an_instance_of_the_hypothesis_source_shrinks_to_what_matters() -> None:
    strategy = instances(CALLERS["keyword/recursion: a list"])
    smallest = find(strategy, lambda value: value["next"] is not None, settings=QUIET)
    assert smallest == {"value": 0, "next": {"value": 0, "next": None}}


KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["string", "integer", "number", "object", "array", "null"]),
    "enum": st.lists(st.sampled_from([0, "a", None, [], {"a": 1}, 2.5]), min_size=1),
    "minimum": st.integers(-5, 5),
    "maximum": st.integers(-5, 9),
    "multipleOf": st.sampled_from([1, 2, 0.5, 0.01]),
    "minLength": st.integers(0, 5),
    "maxLength": st.integers(0, 8),
    "pattern": st.sampled_from(["^a", "[0-9]$", "^[A-Z]{2}-\\d$"]),
    "minItems": st.integers(0, 3),
    "maxItems": st.integers(0, 4),
    "uniqueItems": st.booleans(),
    "required": st.lists(st.sampled_from("abc"), unique=True),
    "minProperties": st.integers(0, 3),
    "maxProperties": st.integers(0, 3),
}
SOME_KEYWORDS = st.fixed_dictionaries({}, optional=KEYWORDS)


def _around(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    one = dict.fromkeys(("not", "if", "then", "else", "items", "contains", "propertyNames"), inner)
    closing = dict.fromkeys(
        ("additionalProperties", "unevaluatedProperties", "unevaluatedItems"),
        st.one_of(st.just(False), inner),
    )
    many = dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), several)
    names = dict.fromkeys(("properties", "dependentSchemas"), named)
    return st.tuples(
        SOME_KEYWORDS, st.fixed_dictionaries({}, optional={**one, **closing, **many, **names})
    ).map(lambda parts: parts[0] | parts[1])


@settings(max_examples=150, deadline=None)
@given(st.recursive(SOME_KEYWORDS, _around, max_leaves=6), st.integers(0, 9))
def test_any_schema_gets_a_valid_instance_or_a_refusal(schema: Json, seed: int) -> None:
    try:
        value = instance(schema, Seeded(seed))
    except NoInstance:
        return
    assert_valid("", schema, value)
