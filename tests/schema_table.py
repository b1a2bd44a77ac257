"""Schemas that callers send, and the validators of the instances generated for them.

`data/json_schema_suite.json` has the schemas of the official suite, `data/caller_schemas.json`
those that callers send: one per keyword, and the styles of OpenAI's documentation, zod, pydantic
and real applications.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs

from novita_mock._instances import Json

DATA = Path(__file__).parent / "data"
SUITE: dict[str, Json] = {
    entry["name"]: entry["schema"]
    for entry in json.loads((DATA / "json_schema_suite.json").read_text())["schemas"]
}
CALLERS: dict[str, Json] = json.loads((DATA / "caller_schemas.json").read_text())
FOUR = ("draft 4",)
SEVEN = ("draft 7", "draft7")


def referee(name: str, schema: Json) -> Any:
    """The slow validator, for the draft that the schema's name gives."""
    if any(word in name for word in FOUR):
        return jsonschema.Draft4Validator(schema)
    if any(word in name for word in SEVEN):
        return jsonschema.Draft7Validator(schema)
    default = jsonschema.Draft202012Validator
    if isinstance(schema, bool):
        return default(schema)
    return jsonschema.validators.validator_for(schema, default=default)(schema)


def assert_valid(name: str, schema: Json, value: Json) -> None:
    if r"\\p{" not in json.dumps(schema):  # Python's `re` does not know it.
        referee(name, schema).validate(value)
    if not any(word in name for word in (*FOUR, *SEVEN)):
        jsonschema_rs.validator_for(schema).validate(value)
    assert json.loads(json.dumps(value)) == value
