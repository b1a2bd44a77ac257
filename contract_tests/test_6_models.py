"""The model list and its rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from .judging.checks import check
from .judging.probe import Api
from .judging.verdicts import MUST, NOTE, SHOULD, Skipped, expect
from .test_1_admission import refusal, refused_as
from .wire.exchange import Asked, Exchange, Json

LIST_PAGE = "docs: List models"
ROW_PAGE = "docs: Retrieve model"
PRICES = ("input_token_price_per_m", "output_token_price_per_m")


def listed(api: Api) -> tuple[list[Json], Exchange]:
    """The rows that have an id, and the exchange that brought them."""
    exchange = api.ask("models.list")
    if not api.rows:
        raise Skipped("the list cannot be read")
    return api.rows, exchange


@check(MUST, "seed: List Models API; " + LIST_PAGE)
def test_the_list_has_models(api: Api) -> None:
    value, exchange = api.value("models.list"), api.ask("models.list")
    data = value.get("data") if isinstance(value, dict) else None
    expect(isinstance(data, list) and data, f"data is {data!r:.80}", exchange)


@check(MUST, "observed: catalog (ids are unique)")
def test_every_id_is_listed_once(api: Api) -> None:
    rows, exchange = listed(api)
    ids = [row["id"] for row in rows]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    expect(not twice, f"listed twice: {twice[:5]}", exchange)
    expect(all(id.strip() for id in ids), "an id is empty", exchange)


@check(SHOULD, "seed: the model of every example")
def test_the_model_that_is_asked_is_listed(api: Api) -> None:
    rows, exchange = listed(api)
    expect(api.model in [row["id"] for row in rows], f"{api.model} is missing", exchange)


@check(MUST, ROW_PAGE)
def test_a_model_is_retrieved_as_it_is_listed(api: Api) -> None:
    same_row(api, api.value("models.row"), api.ask("models.row"))


def same_row(api: Api, row: Any, exchange: Exchange) -> None:
    id = unquote(exchange.asked.path.removeprefix("/models/"))
    wanted = next((one for one in api.rows if one["id"] == id), None)
    if wanted is None:
        raise Skipped(f"{id} is not in the list")
    found = row if isinstance(row, dict) else {}
    differing = sorted(k for k in {**found, **wanted} if found.get(k) != wanted.get(k))
    expect(found == wanted, f"it differs from the list in {differing}", exchange)


@check(MUST, ROW_PAGE)
def test_every_listed_model_that_is_asked_for_can_be_retrieved(api: Api) -> None:
    exchange = api.ask("models.row")
    expect(exchange.ok, f"status {exchange.came.status}", exchange)


@check(SHOULD, ROW_PAGE + "; measured: clients send `/` or `%2F` by their version")
def test_a_slash_in_an_id_may_be_encoded(api: Api) -> None:
    exchange = api.ask("models.row.encoded")
    expect(exchange.ok, f"status {exchange.came.status}", exchange)
    same_row(api, api.value("models.row.encoded"), exchange)


@check(MUST, "seed: Error codes (404 MODEL_NOT_FOUND); " + ROW_PAGE)
def test_an_unknown_model_cannot_be_retrieved(api: Api) -> None:
    exchange = api.ask("models.row.unknown")
    if refusal(exchange) == (404, None):
        raise Skipped("the operation is not served: 404 without a reason")
    refused_as(exchange, api.errors("model_not_found"))


@check(MUST, ROW_PAGE)
def test_every_listed_model_can_be_retrieved(api: Api) -> None:
    rows, _ = listed(api)
    if not api.thorough:
        raise Skipped("asked of targets on a loopback address only, for it takes many requests")
    for row in rows:
        path = "/models/" + quote(row["id"], safe="/")
        exchange = api.send(f"row {row['id']}", Asked("models.retrieve", "GET", path, headers=()))
        expect(exchange.ok, f"status {exchange.came.status}", exchange)


@check(SHOULD, LIST_PAGE + " (integers); observed: -1 and fractions")
def test_a_price_is_a_whole_number_from_zero_up(api: Api) -> None:
    rows, exchange = listed(api)
    for row in rows:
        for price in PRICES:
            value = row.get(price)
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            expect(good, f"{price} of {row['id']} is {value!r}", exchange)


@check(MUST, LIST_PAGE + "; observed: pricing repeats the price")
def test_the_prices_of_a_row_agree(api: Api) -> None:
    rows, exchange = listed(api)
    for row in rows:
        pricing = row.get("pricing")
        if not isinstance(pricing, dict):
            continue
        for side, price in zip(("prompt", "completion"), PRICES, strict=True):
            other = (pricing.get(side) or {}).get("price_per_m")
            same = other is None or price not in row or other == row[price]
            expect(same, f"{row['id']}: {price} {row.get(price)}, pricing.{side} {other}", exchange)


@check(SHOULD, "observed: catalog (0 or missing happens)")
def test_an_answer_fits_into_the_context_of_its_model(api: Api) -> None:
    rows, exchange = listed(api)
    for row in rows:
        output, context = row.get("max_output_tokens"), row.get("context_size")
        fits = not isinstance(output, int) or not isinstance(context, int) or output <= context
        expect(fits, f"{row['id']} writes {output} of {context}", exchange)
        expect(context != 0, f"{row['id']} has no context", exchange)


@check(NOTE, LIST_PAGE + " (no member object)")
def test_the_list_is_an_object_with_data_alone(api: Api) -> None:
    value, exchange = api.value("models.list"), api.ask("models.list")
    members = sorted(value) if isinstance(value, dict) else []
    expect(members == ["data"], f"its members are {members}", exchange)


@check(NOTE, "observed: catalog (features of a row)")
def test_every_row_says_what_its_model_can_do(api: Api) -> None:
    rows, exchange = listed(api)
    silent = [row["id"] for row in rows if not isinstance(row.get("features"), list)]
    expect(not silent, f"{len(silent)} of {len(rows)} do not", exchange)
