"""The model list and its rows."""

from __future__ import annotations

from novita_mock._api.description import Operation
from novita_mock._engine.operations.implementation import Answer, Implementation, Setup


def _list(setup: Setup, _: Operation) -> Answer:
    reply = setup.models.list
    return lambda _: reply


def _retrieve(setup: Setup, _: Operation) -> Answer:
    models = setup.models
    return lambda context: models.row(context.model)


LIST = Implementation("models.list", _list)
RETRIEVE = Implementation("models.retrieve", _retrieve)
