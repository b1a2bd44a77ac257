"""The description: every schema file, and the catalogues beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from novita_mock._api.description import BASE_URI, shipped
from tests.ask import DESCRIPTION, both_say, fast, referee

PATHS = [uri.removeprefix(BASE_URI) for uri in DESCRIPTION.documents]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANNOTATIONS = ("$schema", "$id", "title", "description", "examples", "x-source")
ONE_SCHEMA = ("items", "if", "then", "else", "not", "contains", "additionalProperties")
MANY_SCHEMAS = ("anyOf", "allOf", "oneOf", "prefixItems")
NAMED_SCHEMAS = ("properties", "$defs", "patternProperties", "dependentSchemas")
SOURCE = re.compile(r"(seed|docs|observed)(: .+)?|the kit")

each_file = pytest.mark.parametrize("path", PATHS)


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema within `schema`, itself included."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key, value in schema.items():
        if key in ONE_SCHEMA:
            yield from nodes(value)
        elif key in MANY_SCHEMAS:
            for member in value:
                yield from nodes(member)
        elif key in NAMED_SCHEMAS:
            for member in value.values():
                yield from nodes(member)


def listed_keywords() -> set[str]:
    """The closed list, as the README prints it."""
    readme = (shipped("schemas") / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Keywords")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@each_file
def test_a_file_is_valid_draft_2020_12(path: str) -> None:
    Draft202012Validator.check_schema(DESCRIPTION.schema(path))
    assert DESCRIPTION.schema(path)["$schema"] == DIALECT


@each_file
def test_a_file_says_what_and_whence_it_is(path: str) -> None:
    schema = DESCRIPTION.schema(path)
    assert [key for key in ANNOTATIONS if not schema.get(key)] == []
    assert schema["$id"] == BASE_URI + path


@each_file
def test_a_file_accepts_its_own_examples(path: str) -> None:
    for example in DESCRIPTION.schema(path)["examples"]:
        referee(path).validate(example)
        fast(path).validate(example)


@each_file
def test_every_example_and_default_inside_a_file_fits_its_place(path: str) -> None:
    for node in nodes({"properties": DESCRIPTION.schema(path).get("properties", {})}):
        values = [*node.get("examples", ()), *([node["default"]] if "default" in node else [])]
        # References resolve against the file, so the node is checked as a part of it.
        placed = {
            "$id": BASE_URI + path,
            **node,
            "$defs": DESCRIPTION.schema(path).get("$defs", {}),
        }
        for value in values:
            validator = referee(path).evolve(schema=placed)
            assert validator.is_valid(value), (node.get("title"), value)


def test_only_keywords_of_the_closed_list_are_used_and_all_of_them_are() -> None:
    used = {key for path in PATHS for node in nodes(DESCRIPTION.schema(path)) for key in node}
    assert used == listed_keywords()


@each_file
def test_a_name_tells_the_kind_of_a_file(path: str) -> None:
    name = path.rpartition("/")[2]
    assert re.fullmatch(r"[a-z_]+(\.(request|response|chunk))?\.json", name)
    used = {p for o in DESCRIPTION.operations.values() for p in (o.request, o.response, o.chunk)}
    if name.count(".") == 2:
        assert path in used


@each_file
def test_every_source_is_of_a_known_kind(path: str) -> None:
    for node in nodes(DESCRIPTION.schema(path)):
        sources = node.get("x-source", [])
        for source in [sources] if isinstance(sources, str) else sources:
            assert SOURCE.fullmatch(source), source


@each_file
def test_notes_have_the_form_that_the_readme_promises(path: str) -> None:
    for node in nodes(DESCRIPTION.schema(path)):
        assert node.get("x-undocumented", True) is True
        assert isinstance(node.get("x-printed-range", ""), str)
        for fields in node.get("x-not-below", {}).items():
            assert set(fields) <= set(node["properties"])
        for rule in node.get("allOf", []):
            assert rule["title"]


@each_file
def test_every_reference_leads_somewhere(path: str) -> None:
    references = [node["$ref"] for node in nodes(DESCRIPTION.schema(path)) if "$ref" in node]
    resolver = referee(path)._resolver.lookup(BASE_URI + path).resolver
    for reference in references:
        assert resolver.lookup(reference).contents


@each_file
def test_unknown_fields_pass_except_in_files_of_the_mock_itself(path: str) -> None:
    closed = [n for n in nodes(DESCRIPTION.schema(path)) if n.get("additionalProperties") is False]
    assert not closed or path.startswith("scenario/")


# --- operations.json -----------------------------------------------------------------------------

ROUTES = {
    "chat.completions": ("POST", "/chat/completions"),
    "completions": ("POST", "/completions"),
    "models.list": ("GET", "/models"),
    "models.retrieve": ("GET", "/models/{model}"),
}
each_operation = pytest.mark.parametrize("name", list(DESCRIPTION.operations))


@pytest.mark.parametrize("name", ROUTES)
def test_a_documented_route_is_an_operation(name: str) -> None:
    operation = DESCRIPTION.operations[name]
    assert (operation.method, operation.path) == ROUTES[name]


@each_operation
def test_an_operation_names_files_and_situations_that_exist(name: str) -> None:
    operation = DESCRIPTION.operations[name]
    files = [path for path in (operation.request, operation.response, operation.chunk) if path]
    assert set(files) <= set(PATHS)
    assert set(operation.errors) <= {row.situation for row in DESCRIPTION.errors.rows}
    assert set(operation.key) <= set(DESCRIPTION.errors.editions)


def test_the_four_bases_are_served() -> None:
    assert set(DESCRIPTION.bases) == {"/v3/openai", "/openai/v1", "/openai", "/v3/openai/v1"}


# --- errors.json ---------------------------------------------------------------------------------

DOCUMENTED = {
    "v3": {
        "INVALID_API_KEY": 401,
        "NOT_ENOUGH_BALANCE": 403,
        "MODEL_NOT_FOUND": 404,
        "RATE_LIMIT_EXCEEDED": 429,
        "MODEL_NOT_AVAILABLE": 500,
    },
    "2026": {
        "INVALID_API_KEY": 403,
        "MODEL_NOT_FOUND": 404,
        "FAILED_TO_AUTH": 401,
        "NOT_ENOUGH_BALANCE": 403,
        "INVALID_REQUEST_BODY": 400,
        "RATE_LIMIT_EXCEEDED": 429,
        "TOKEN_LIMIT_EXCEEDED": 429,
        "SERVICE_NOT_AVAILABLE": 503,
        "ACCESS_DENY": 403,
    },
}
OBSERVED = {
    "wrong_key": (401, "FAILED_TO_AUTH", "failed to authenticate API key"),
    "no_balance": (403, "NOT_ENOUGH_BALANCE", "not enough balance"),
    "model_not_found": (404, "MODEL_NOT_FOUND", "model not found"),
    "request_rate": (429, "RATE_LIMIT_EXCEEDED", None),
    "token_rate": (429, "TOKEN_LIMIT_EXCEEDED", None),
    "bad_body": (400, "INVALID_REQUEST_BODY", None),
    "model_down": (500, "MODEL_NOT_AVAILABLE", "model not available"),
    "endpoint_missing": (
        400,
        "INVALID_REQUEST_BODY",
        "model: {model} does not support endpoint: {endpoint}",
    ),
    "max_tokens_exceeded": (
        400,
        "INVALID_REQUEST_BODY",
        "max_tokens (current value: {max_tokens}) must be between 0 and {limit} ",
    ),
    "not_a_chat_model": (400, "INVALID_REQUEST_BODY", "model: {model} is not an chat model"),
    "tools_missing": (
        400,
        "INVALID_REQUEST_BODY",
        "model features function calling not support",
    ),
    "structured_outputs_missing": (
        400,
        "INVALID_REQUEST_BODY",
        "model: {model} does not support feature: structured-outputs",
    ),
    "vision_missing": (400, "INVALID_REQUEST_BODY", "model features vision not support"),
    "body_too_large": (413, "INVALID_REQUEST_BODY", None),
}
# The answer to a situation that an API version does not document: that of the next newer one.
FALLEN_BACK = [
    ("bad_body", "v3", 400, "INVALID_REQUEST_BODY"),
    ("TOKEN_LIMIT_EXCEEDED", "v3", 429, "TOKEN_LIMIT_EXCEEDED"),
    ("access_denied", "v3", 403, "ACCESS_DENY"),
    ("service_down", "v3", 503, "SERVICE_NOT_AVAILABLE"),
    ("missing_key", "live", 403, "INVALID_API_KEY"),
    ("access_denied", "live", 403, "ACCESS_DENY"),
    ("MODEL_NOT_AVAILABLE", "2026", 500, "MODEL_NOT_AVAILABLE"),
    ("FAILED_TO_AUTH", "v3", 401, "FAILED_TO_AUTH"),
    ("INVALID_API_KEY", "live", 403, "INVALID_API_KEY"),
]


@pytest.mark.parametrize("edition", DOCUMENTED)
def test_an_edition_has_the_errors_that_its_page_lists_and_no_others(edition: str) -> None:
    own = {(row.reason, row.status) for row in DESCRIPTION.errors.rows if row.edition == edition}
    assert own == set(DOCUMENTED[edition].items())


@pytest.mark.parametrize("situation", OBSERVED)
def test_the_live_edition_answers_as_was_observed(situation: str) -> None:
    row = DESCRIPTION.errors.row(situation, "live")
    status, reason, message = OBSERVED[situation]
    assert (row.edition, row.status, row.reason) == ("live", status, reason)
    assert message is None or row.message == message


def test_the_live_edition_claims_nothing_that_was_not_observed() -> None:
    own = {row.situation for row in DESCRIPTION.errors.rows if row.edition == "live"}
    assert own == {*OBSERVED, "unknown_route"}


@pytest.mark.parametrize(("name", "edition", "status", "reason"), FALLEN_BACK)
def test_an_undocumented_situation_takes_the_next_newer_answer(
    name: str, edition: str, status: int, reason: str
) -> None:
    row = DESCRIPTION.errors.row(name, edition)
    assert (row.status, row.reason) == (status, reason)


def test_only_live_bodies_carry_metadata() -> None:
    assert DESCRIPTION.errors.envelopes["live"] == {"metadata": {}}
    assert DESCRIPTION.errors.envelopes["v3"] == DESCRIPTION.errors.envelopes["2026"] == {}


def test_a_reason_has_one_status_within_an_edition() -> None:
    for edition in DESCRIPTION.errors.editions:
        own = [
            row for row in DESCRIPTION.errors.rows if row.edition == edition and row.status != 413
        ]
        statuses = {(row.reason, row.status) for row in own if row.reason}
        assert len(statuses) == len({reason for reason, _ in statuses})


def test_exactly_the_errors_that_pass_by_themselves_are_retryable() -> None:
    for row in DESCRIPTION.errors.rows:
        assert row.retryable is (row.status == 429 or row.status >= 500), row.situation
        assert row.description
        assert row.source


# --- documented ranges ---------------------------------------------------------------------------

SHARED = "common/sampling.json#/$defs/"
CHAT_FIELD = "chat/completion.request.json#/properties/"
TEXT_FIELD = "completions/completion.request.json#/properties/"
# reference, documented range (None: the page has none), values inside and outside.
RANGES: list[tuple[str, str | None, list[Any], list[Any]]] = [
    (SHARED + "n", "1 < x < 128", [1, 2, 127, 128], [0, -1, 129]),
    (SHARED + "frequency_penalty", "-2 < x < 2", [-2, 0, 2], [-2.01, 2.01]),
    (SHARED + "presence_penalty", "-2 < x < 2", [-2, 0, 2], [-2.01, 2.01]),
    (SHARED + "repetition_penalty", "0 < x < 2", [0.01, 1, 1.99], [0, 2.01]),
    (SHARED + "temperature", "0 < x < 2", [0, 1, 2], [-0.01, 2.01]),
    (SHARED + "top_p", "0 < x <= 1", [0.01, 1], [0, 1.01]),
    (SHARED + "top_k", "1 < x < 128", [1, 2, 127, 128], [0, 129]),
    (SHARED + "min_p", "0 <= x <= 1", [0, 1], [-0.01, 1.01]),
    (SHARED + "logit_bias", None, [{"1": -100}, {"1": 100}, {}], [{"1": -101}, {"1": 101}]),
    (SHARED + "max_tokens", None, [0, 1, 10**6], [-1]),
    (SHARED + "stop", None, ["a", ["a"] * 4, []], [["a"] * 5]),
    (CHAT_FIELD + "top_logprobs", "0 <= x <= 20", [0, 20], [-1, 21]),
    (TEXT_FIELD + "logprobs", None, [0, 5], [6]),
    (TEXT_FIELD + "best_of", "x > n", [1, 2], [0]),
]
DEFAULTS: list[tuple[str, Any]] = [
    (SHARED + "stream", False),
    (SHARED + "n", 1),
    (SHARED + "frequency_penalty", 0),
    (SHARED + "presence_penalty", 0),
    (SHARED + "temperature", 1),
    (CHAT_FIELD + "logprobs", False),
    (CHAT_FIELD + "separate_reasoning", False),
    (CHAT_FIELD + "enable_thinking", True),
    (TEXT_FIELD + "best_of", 1),
    ("common/response_format.json#/properties/type", "text"),
    ("common/response_format.json#/properties/json_schema/properties/strict", False),
    ("common/tool.json#/properties/function/properties/strict", False),
]


def node(reference: str) -> Any:
    path, _, pointer = reference.partition("#/")
    found: Any = DESCRIPTION.schema(path)
    for step in pointer.split("/"):
        found = found[step]
    return found


@pytest.mark.parametrize(("reference", "printed", "inside", "outside"), RANGES)
def test_a_range_accepts_what_the_page_means(
    reference: str, printed: str | None, inside: list[Any], outside: list[Any]
) -> None:
    assert [value for value in inside if not both_say(reference, value)] == []
    assert [value for value in outside if both_say(reference, value)] == []
    assert node(reference).get("x-printed-range") == printed


@pytest.mark.parametrize(("reference", "default"), DEFAULTS)
def test_a_documented_default_is_noted_and_valid(reference: str, default: Any) -> None:
    assert node(reference)["default"] == default
    assert type(node(reference)["default"]) is type(default)
    assert both_say(reference, default)


def test_stream_options_need_a_stream() -> None:
    for path in ("chat/completion.request.json", "completions/completion.request.json"):
        base = {
            **DESCRIPTION.schema(path)["examples"][0],
            "stream_options": {"include_usage": True},
        }
        assert both_say(path, base | {"stream": True})
        assert not both_say(path, base)
        assert both_say(path, base | {"stream_options": None})
