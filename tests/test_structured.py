"""Structured outputs and tool arguments: valid for any schema of a caller."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import uuid
from typing import Annotated, Any, Literal

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field

from novita_mock import Mock, Request
from novita_mock.httpx import openai_client
from tests.schema_table import CALLERS, SUITE, assert_valid

MODEL = "meta-llama/llama-3.3-70b-instruct"
USER = {"role": "user", "content": "Tell me about the weather in Paris"}


def chat(mock: Mock, **body: Any) -> Any:
    request = {"model": MODEL, "messages": [USER], **body}
    reply = mock.answer(
        Request(
            "POST",
            "/v3/openai/chat/completions",
            {b"authorization": b"Bearer any-key"},
            json.dumps(request).encode(),
        )
    )
    return reply.status, orjson.loads(reply.body)


def wanted(schema: object) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Point(Strict):
    x: int = Field(ge=-5, le=5)
    y: float = Field(gt=0, lt=1)


class Person(Strict):
    name: str = Field(min_length=2, max_length=40)
    email: Annotated[str, Field(pattern=r"^[a-z]+@[a-z]+\.(com|org)$")]
    age: int | None


class Event(Strict):
    title: str
    day: datetime.date
    start: datetime.time
    created: datetime.datetime
    length: datetime.timedelta


class Tree(Strict):
    value: int
    children: list[Tree] = Field(max_length=3)


class Cat(Strict):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(Strict):
    kind: Literal["dog"]
    barks: bool


class Pets(Strict):
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = Field(min_length=1)


class Palette(Strict):
    main: Colour
    others: set[Colour] = Field(min_length=1)


class Invoice(Strict):
    id: uuid.UUID
    total: decimal.Decimal = Field(ge=0, max_digits=8, decimal_places=2)
    lines: list[tuple[str, int]] = Field(min_length=1, max_length=4)


class Node(Strict):
    name: str
    next: Node | None


class Lookup(Strict):
    by_name: dict[str, Point] = Field(min_length=1)


class Even(Strict):
    number: int = Field(multiple_of=2, gt=10, lt=100)
    share: float = Field(multiple_of=0.25, ge=0, le=2)


MODELS = [Point, Person, Event, Tree, Pets, Palette, Invoice, Node, Lookup, Even]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_pydantic_models_are_parsed_over_fifty_seeds(model: type[BaseModel]) -> None:
    form = wanted(model.model_json_schema())
    for seed in range(50):
        status, answer = chat(Mock(seed=seed), response_format=form)
        assert status == 200, answer
        assert model.model_validate_json(answer["choices"][0]["message"]["content"])


@pytest.mark.parametrize("model", [Point, Tree, Pets, Node], ids=lambda model: model.__name__)
def test_the_real_client_parses_them(model: type[BaseModel]) -> None:
    with openai_client(Mock()) as client:
        answer = client.chat.completions.parse(
            model=MODEL,
            messages=[{"role": "user", "content": "Hi"}],
            response_format=model,
        )
    assert isinstance(answer.choices[0].message.parsed, model)


def test_five_hundred_schemas_get_a_valid_answer_or_a_clear_refusal() -> None:
    # A request cannot carry a schema that is true or false.
    schemas = {name: s for name, s in (SUITE | CALLERS).items() if isinstance(s, dict)}
    refused = []
    for name, schema in schemas.items():
        status, answer = chat(Mock(), response_format=wanted(schema))
        if status == 200:
            assert_valid(name, schema, json.loads(answer["choices"][0]["message"]["content"]))
            continue
        assert (status, answer["reason"]) == (400, "INVALID_REQUEST_BODY")
        assert "schema" in answer["message"]
        refused.append(name)
    assert len(schemas) >= 500
    assert len(refused) < 0.03 * len(schemas), refused


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "integer", "minimum": 3, "maximum": 1}, "#/minimum"),
        ({"type": "strange"}, "#/type"),
        ({"type": "string", "pattern": "("}, "#/pattern"),
        ({"$ref": "#/$defs/nowhere"}, "#/$ref"),
        ({"$dynamicAnchor": "node", "items": {"$dynamicRef": "#node"}}, "$dynamicRef"),
        ({"type": "object", "required": ["a"], "properties": {"a": False}}, "#/properties/a"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_schema_without_values_is_refused_with_the_keyword(
    schema: dict[str, Any], keyword: str
) -> None:
    status, answer = chat(Mock(), response_format=wanted(schema))
    assert (status, answer["reason"]) == (400, "INVALID_REQUEST_BODY")
    assert keyword in answer["message"]


def test_json_that_does_not_fit_the_limit_is_cut() -> None:
    form = wanted(Person.model_json_schema())
    _, whole = chat(Mock(), response_format=form)
    _, cut = chat(Mock(), response_format=form, max_tokens=4)
    choice = cut["choices"][0]
    assert choice["finish_reason"] == "length"
    assert whole["choices"][0]["message"]["content"].startswith(choice["message"]["content"])
    assert cut["usage"]["completion_tokens"] == 4


def test_json_mode_gives_an_object() -> None:
    _, answer = chat(Mock(), response_format={"type": "json_object"})
    assert isinstance(json.loads(answer["choices"][0]["message"]["content"]), dict)
