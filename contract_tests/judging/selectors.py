"""The subjects of `each` checks: answers, streams, errors and so on."""

from __future__ import annotations

from collections.abc import Iterator

from ..wire.exchange import Exchange
from ..wire.views import CHAT, COMPLETING, Answer, Stream, answer_of, stream_of
from .probe import Api

# The operation of requests to unknown routes, whose replies no schema describes.
UNROUTED = ""


def exchanges(_api: Api, exchange: Exchange) -> Iterator[Exchange]:
    yield exchange


def documented(api: Api, exchange: Exchange) -> Iterator[Exchange]:
    """Exchanges whose request all pages allow."""
    if exchange.asked.valid and exchange.name not in api.catalogue.contested:
        yield exchange


def contested(api: Api, exchange: Exchange) -> Iterator[Exchange]:
    """Exchanges whose request one page allows and another does not."""
    odd = exchange.name.startswith("odd.") or exchange.asked.operation == UNROUTED
    if exchange.name in api.catalogue.contested and not odd:
        yield exchange


def json_replies(_api: Api, exchange: Exchange) -> Iterator[Exchange]:
    """Successful replies that are one JSON document."""
    if exchange.is_json and exchange.asked.operation != UNROUTED:
        yield exchange


def errors(_api: Api, exchange: Exchange) -> Iterator[Exchange]:
    """Refusals by an operation."""
    if exchange.came.status >= 400 and exchange.asked.operation != UNROUTED:
        yield exchange


def answers(_api: Api, exchange: Exchange) -> Iterator[Answer]:
    """Answers to valid chats and completions, streamed or not. No page says what an answer to an
    invalid request must look like."""
    found = answer_of(exchange) if exchange.asked.valid else None
    if found is not None:
        yield found


def chats(api: Api, exchange: Exchange) -> Iterator[Answer]:
    if exchange.asked.operation == CHAT:
        yield from answers(api, exchange)


def whole_answers(api: Api, exchange: Exchange) -> Iterator[Answer]:
    """Answers that were not streamed."""
    if exchange.is_json:
        yield from answers(api, exchange)


def streams(_api: Api, exchange: Exchange) -> Iterator[Stream]:
    if exchange.is_stream and exchange.asked.valid and exchange.asked.operation in COMPLETING:
        yield stream_of(exchange)


def chat_streams(api: Api, exchange: Exchange) -> Iterator[Stream]:
    if exchange.asked.operation == CHAT:
        yield from streams(api, exchange)
