"""The model list and its rows as replies, rendered once."""

from __future__ import annotations

from novita_mock._api.description import Description
from novita_mock._core.http import Json, Reply
from novita_mock._render.errors import dumps, json_reply


class ModelReplies:
    """The model list and its rows, rendered once."""

    def __init__(self, description: Description) -> None:
        self.list = json_reply(200, dumps({"data": list(description.models.values())}))
        self._rows = {id: json_reply(200, dumps(row)) for id, row in description.models.items()}

    def row(self, row: Json) -> Reply:
        """The reply with one row."""
        return self._rows.get(row["id"]) or json_reply(200, dumps(row))
