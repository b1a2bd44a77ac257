"""How a model answers in an edition: where it puts its reasoning, and its wire profile.

Read from the dialects of `schemas/models.json`. Editions `v3` and `2026` only know what their docs
pages say: where some models put their reasoning. Edition `live` follows the observed wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from novita_mock._api.description import Description
from novita_mock._core.http import Json

LIVE = "live"
_DOCUMENTED = "docs"


@dataclass(frozen=True, slots=True)
class WireProfile:
    """What differs on the wire between models; `dialect_words` in models.json explains values."""

    usage: str = "U0"
    first_chunk: str = "role"
    empty_deltas: int = 0
    last_chunk: str = "empty_delta"
    arguments_in_first: str = "empty"
    type_on_later: bool = False
    call_id: str = "call_{index:02}_{alnum:22}"
    completion_id: str = ""
    body_keys: Json = field(default_factory=dict)
    choice_keys: Json = field(default_factory=dict)
    message_keys: Json = field(default_factory=dict)
    completion_model: str = ""
    chunk_model: str = ""
    usage_details: str = ""


PLAIN = WireProfile()


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Where the reasoning of one answer goes, and its length in sentences.

    `details` is the item of `reasoning_details` that repeats the reasoning, if there is one.
    """

    where: str
    sentences: int
    details: Json | None = None


SILENT = Reasoning("none", 0)
_USUAL = 2
_EFFORTS = {"low": 1, "high": 3, "max": 5}


class Dialect:
    """What is known about one model in one edition."""

    def __init__(self, record: Json, edition: str) -> None:
        self._record = record
        self._live = edition == LIVE
        documented = any(source.startswith(_DOCUMENTED) for source in record["source"])
        self._reasoning: Json = record["reasoning"] if self._live or documented else {}

    @cached_property
    def profile(self) -> WireProfile:
        """How the model's answers differ on the wire."""
        if not self._live:
            return PLAIN
        record, calls = self._record, self._record.get("tool_calls") or {}
        keys, names = record.get("extra_keys") or {}, record.get("answers_as") or {}
        known = {
            "usage": record["usage"].get("asked"),
            "first_chunk": record.get("first_chunk"),
            "empty_deltas": record.get("empty_deltas_after_role"),
            "last_chunk": record.get("last_chunk"),
            "arguments_in_first": calls.get("arguments_in_first"),
            "type_on_later": calls.get("type_on_later"),
            "call_id": calls.get("id_form"),
            "completion_id": record.get("completion_id"),
            "body_keys": keys.get("body"),
            "choice_keys": keys.get("choice"),
            "message_keys": keys.get("message"),
            "completion_model": names.get("completion"),
            "chunk_model": names.get("chunk"),
            "usage_details": record.get("usage_details"),
        }
        return WireProfile(**{name: value for name, value in known.items() if value is not None})

    @cached_property
    def overrides(self) -> Mapping[str, Json]:
        """Situations that the model answers in its own way."""
        return self._record.get("error_overrides") or {} if self._live else {}

    def most_tokens(self, listed: int | None) -> int | None:
        """The most tokens that the model writes: the number in its refusal, else `listed`."""
        most: int | None = self.overrides.get("max_tokens_exceeded", {}).get("maximum", listed)
        return most

    def reasoning(self, body: Json, *, answered: bool) -> Reasoning:
        """The reasoning in the answer to `body`; `answered`: `body` ends with a tool result."""
        known = self._reasoning
        where, on = known.get("where") or SILENT.where, known.get("default")
        switch = _first_value(body, known.get("switch"), *known.get("switch_aliases", ()))
        details = known.get("details")
        match known.get("switch_effect"):
            case "off_if_false":
                on = switch is not False
            case "moves_if_true" if switch is True:
                where = "reasoning_content"
            case None if details:
                on = switch is True
        if where == SILENT.where or not on or (answered and known.get("may_be_missing")):
            return SILENT
        return Reasoning(where, self._sentences(switch), details)

    def _sentences(self, switch: object) -> int:
        efforts: Json = self._reasoning.get("efforts") or {}
        effort = efforts.get(str(switch), efforts.get("*")) if switch is not None else None
        return _EFFORTS.get(str(effort), _USUAL)


def _first_value(body: Json, *paths: str | None) -> object:
    """The value of the first field that `body` has; `paths` are field names with dots."""
    for path in paths:
        value: object = body
        for name in (path or "").split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


class Dialects:
    """The dialect of each model in one edition."""

    def __init__(self, description: Description, edition: str) -> None:
        records: Json = description.catalogue["dialects"]
        self._of: Mapping[str, str] = description.catalogue["dialect_of"]
        default = records["default"]
        self._known = {name: Dialect(_merged(default, r), edition) for name, r in records.items()}

    def of(self, model: str) -> Dialect:
        """The dialect of `model`."""
        return self._known[self._of.get(model, "default")]


def _merged(default: Json, record: Json) -> Json:
    """`record`, with missing values taken from `default`, one level deep."""
    merged = {**default, **record}
    for name in ("usage", "reasoning"):
        merged[name] = {**default[name], **record.get(name, {})}
    return merged
