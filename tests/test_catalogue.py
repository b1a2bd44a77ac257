"""The catalogue of models: rows that can be sent, figures that agree, dialects that exist."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[1] / "schemas"
BASE_URI = "https://novita-mock.invalid/schemas/"
SEED = "meta-llama/llama-3.1-8b-instruct"
LEAST = 35


def read(path: str) -> Any:
    return json.loads((SCHEMAS / path).read_text(encoding="utf-8"))


MODEL = read("models/model.json")
LIST = read("models/list.response.json")
CATALOGUE = read("models.json")
ROWS = CATALOGUE["data"]
BY_ID = {row["id"]: row for row in ROWS}
LIMITS = CATALOGUE["limits"]
DIALECTS = CATALOGUE["dialects"]
WORDS = CATALOGUE["dialect_words"]
RESPONSES = {"models.list": LIST, "models.retrieve": MODEL}
EXAMPLES = [
    (operation, file)
    for operation in RESPONSES
    for file in sorted((SCHEMAS / "examples" / operation).glob("*.json"))
]

each_row = pytest.mark.parametrize("row", ROWS, ids=list(BY_ID))
each_dialect = pytest.mark.parametrize("name", list(DIALECTS))
each_schema = pytest.mark.parametrize("schema", [MODEL, LIST], ids=["model", "list"])
each_example = pytest.mark.parametrize(
    ("operation", "file"),
    EXAMPLES,
    ids=[f"{operation}/{file.stem}" for operation, file in EXAMPLES],
)


def referee(schema: Any) -> Any:
    registry: Any = Registry().with_resource(MODEL["$id"], Resource.from_contents(MODEL))
    return Draft202012Validator(schema, registry=registry)


def fast(schema: Any) -> Any:
    registry = jsonschema_rs.Registry([(MODEL["$id"], MODEL)])
    return jsonschema_rs.Draft202012Validator(schema, registry=registry)


each_validator = pytest.mark.parametrize(
    "validator", [fast, referee], ids=["jsonschema_rs", "jsonschema"]
)


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for member in value.values() for text in strings(member)]
    if isinstance(value, list):
        return [text for member in value for text in strings(member)]
    return [value] if isinstance(value, str) else []


@each_schema
@each_validator
def test_a_schema_accepts_its_own_examples(schema: Any, validator: Any) -> None:
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        validator(schema).validate(example)


@each_row
@each_validator
def test_a_row_is_a_valid_model(row: Any, validator: Any) -> None:
    validator(MODEL).validate(row)


@each_validator
def test_the_catalogue_is_a_valid_list(validator: Any) -> None:
    validator(LIST).validate({"data": ROWS})
    validator(LIST).validate({"data": ROWS, "object": "list"})


@each_validator
@pytest.mark.parametrize(
    "change",
    [
        {"input_token_price_per_m": -1},
        {"input_token_price_per_m": 0.5},
        {"context_size": 0, "max_output_tokens": 0},
        {"permission": None, "root": "", "parent": ""},
        {"status": 4},
        {"a field of next year": {"at": ["any", "depth"]}},
    ],
    ids=str,
)
def test_a_row_as_seen_live_is_valid(change: Any, validator: Any) -> None:
    assert validator(MODEL).is_valid(BY_ID[SEED] | change)


@each_validator
@pytest.mark.parametrize("field", MODEL["required"])
def test_a_row_without_a_documented_field_is_invalid(field: str, validator: Any) -> None:
    row = {key: value for key, value in BY_ID[SEED].items() if key != field}
    assert not validator(MODEL).is_valid(row)


@each_validator
@pytest.mark.parametrize(
    "change",
    [
        {"input_token_price_per_m": "200"},
        {"output_token_price_per_m": None},
        {"context_size": 16384.5},
        {"created": -1},
        {"object": "list"},
        {"id": ""},
        {"features": "serverless"},
        {"pricing": {"prompt": {"price_per_m": "200"}}},
    ],
    ids=str,
)
def test_a_row_of_another_shape_is_invalid(change: Any, validator: Any) -> None:
    assert not validator(MODEL).is_valid(BY_ID[SEED] | change)


def test_required_are_the_fields_of_the_reference_and_the_others_are_marked() -> None:
    properties = MODEL["properties"]
    undocumented = {name for name, field in properties.items() if field.get("x-undocumented")}
    assert set(MODEL["required"]) == set(properties) - undocumented


def test_ids_are_unique_and_the_model_of_the_seed_comes_first() -> None:
    assert len(BY_ID) == len(ROWS) >= LEAST
    assert ROWS[0]["id"] == SEED


def test_the_model_of_the_seed_has_the_figures_on_record() -> None:
    row = BY_ID[SEED]
    assert (row["input_token_price_per_m"], row["output_token_price_per_m"]) == (200, 500)
    assert (row["context_size"], row["max_output_tokens"]) == (16384, 16384)


@each_row
def test_the_prices_of_a_row_agree(row: Any) -> None:
    pricing = row["pricing"]
    assert row["input_token_price_per_m"] == pricing["prompt"]["price_per_m"]
    assert row["output_token_price_per_m"] == pricing["completion"]["price_per_m"]
    for price in pricing.values():
        assert isinstance(price["price_per_m"], int)
        assert Decimal(price["price_per_m_decimal"]) * 10_000 == price["price_per_m"]


@each_row
def test_an_answer_fits_into_the_context(row: Any) -> None:
    assert 0 < row.get("max_output_tokens", 1) <= row["context_size"]


@each_row
def test_a_row_is_served_where_its_type_is_called(row: Any) -> None:
    route = {"chat": "chat/completions", "embedding": "embeddings", "reranker": "rerank"}
    assert route[row["model_type"]] in row["endpoints"]


def test_notes_and_limits_speak_of_listed_models() -> None:
    named = [*CATALOGUE["notes"], *LIMITS["rpm_of"], *LIMITS["not_printed"]]
    assert set(named) <= set(BY_ID)


def test_every_limit_has_a_figure_for_every_tier() -> None:
    rows = [LIMITS["rpm"], LIMITS["tpm"], LIMITS["top_up_usd"], *LIMITS["rpm_of"].values()]
    assert {len(row) for row in rows} == {len(LIMITS["tiers"])}
    assert LIMITS["rpm"] not in LIMITS["rpm_of"].values()
    assert not set(LIMITS["rpm_of"]) & set(LIMITS["not_printed"])


def test_every_chat_model_has_a_dialect_that_exists() -> None:
    chat = [row["id"] for row in ROWS if row["model_type"] == "chat"]
    assert list(CATALOGUE["dialect_of"]) == chat
    assert set(CATALOGUE["dialect_of"].values()) <= set(DIALECTS)


@each_dialect
def test_a_dialect_uses_defined_words_only(name: str) -> None:
    dialect = DIALECTS[name]
    reasoning, calls = dialect.get("reasoning") or {}, dialect.get("tool_calls") or {}
    used = [
        *(("usage", word) for word in dialect.get("usage", {}).values()),
        *((key, dialect.get(key)) for key in ("first_chunk", "last_chunk", "usage_details")),
        *(("error_shape", own["shape"]) for own in dialect.get("error_overrides", {}).values()),
        ("error_shape", dialect.get("error_shape")),
        ("where", reasoning.get("where")),
        ("switch_effect", reasoning.get("switch_effect")),
        ("arguments_in_first", calls.get("arguments_in_first")),
    ]
    assert [(key, word) for key, word in used if word is not None and word not in WORDS[key]] == []
    placeholders = {p for text in strings(dialect) for p in re.findall(r"\{[^{}]*\}", text)}
    assert placeholders <= set(WORDS["placeholders"])


@each_dialect
def test_a_dialect_names_its_source(name: str) -> None:
    assert DIALECTS[name]["source"]
    assert all(re.match(r"(seed|docs|observed)\b", source) for source in DIALECTS[name]["source"])


@each_example
@each_validator
def test_an_example_is_a_valid_exchange(operation: str, file: Path, validator: Any) -> None:
    example = json.loads(file.read_text(encoding="utf-8"))
    assert set(example) == {"title", "source", "request", "response"}
    assert (example["request"]["method"], example["request"]["body"]) == ("GET", None)
    assert example["response"]["status"] == HTTPStatus.OK
    validator(RESPONSES[operation]).validate(example["response"]["body"])


@each_example
def test_the_rows_of_an_example_are_those_of_the_catalogue(operation: str, file: Path) -> None:
    body = json.loads(file.read_text(encoding="utf-8"))["response"]["body"]
    for row in body["data"] if operation == "models.list" else [body]:
        assert row == BY_ID[row["id"]]


def test_the_retrieve_example_asks_for_an_id_with_a_slash() -> None:
    request = read("examples/models.retrieve/llama.json")["request"]
    assert request["path"] == f"/v3/openai/models/{SEED}"
