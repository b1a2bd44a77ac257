"""Checks that the model supports what a request needs, and that tool results match tool calls.

Part of planning. `operations.json` defines which field of a request needs which feature.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from novita_mock._api import problems
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json


def check_features(gates: Json, row: Json, body: Json) -> None:
    """Refuses a request that needs a feature which the model of `row` does not have."""
    features = row.get("features", ())
    for gate in gates["features"]:
        if gate["feature"] not in features and _needs(gate, body.get(gate["field"])):
            raise Refused(gate["situation"], model=row["id"])
    inputs = row.get("input_modalities", ())
    kinds = {part["type"] for part in _parts(body)}
    for gate in gates["parts"]:
        if gate["part"] in kinds and gate["modality"] not in inputs:
            raise Refused(gate["situation"], model=row["id"])


def _needs(gate: Json, value: Any) -> bool:
    if "kinds" in gate:
        return bool(value) and value["type"] in gate["kinds"]
    return bool(value)


def _parts(body: Json) -> Iterator[Json]:
    for message in body.get("messages") or ():
        if isinstance(message.get("content"), list):
            yield from message["content"]


def check_history(body: Json) -> None:
    """Refuses a tool result without an earlier tool call, and calls that share an id."""
    issued: set[str] = set()
    for index, message in enumerate(body.get("messages") or ()):
        if message["role"] == "tool":
            _check_result(["messages", index, "tool_call_id"], message["tool_call_id"], issued)
        calls = message.get("tool_calls")
        if not calls:
            continue
        ids = [call["id"] for call in calls]
        for number, id in enumerate(ids):
            if id in ids[:number]:
                place = problems.path(["messages", index, "tool_calls", number, "id"])
                expected = "an id that no other call of the message has"
                raise _bad(f"{place}: expected {expected}; got {problems.show(id)}")
        issued.update(ids)


def _check_result(place: list[str | int], id: str, issued: set[str]) -> None:
    if id not in issued:
        known = ", ".join(map(problems.show, sorted(issued))) or "there is none"
        expected = f"the id of an earlier tool call ({known})"
        raise _bad(f"{problems.path(place)}: expected {expected}; got {problems.show(id)}")


def _bad(problem: str) -> Refused:
    return Refused("bad_body", problem=problem)
