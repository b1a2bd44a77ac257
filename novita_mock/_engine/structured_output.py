"""Makes what a task asks for: tool calls with arguments, JSON values, a text about tool results.

Part of compose, which keeps the tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from novita_mock._core.errors import Refused
from novita_mock._engine.plan import Task
from novita_mock._instances import NoInstance, Seeded
from novita_mock._stubs.model import Answer, ToolCall


def make(task: Task, material: bytes, text: Callable[[], str]) -> Answer:
    """The answer that `task` asks for, chosen by `material`; `text` gives sentences if they are
    needed. Refuses a schema that no value can be made for."""
    choices = Seeded(material)
    try:
        if task.tools:
            calls = (ToolCall(name, _json(schema.instance(choices))) for name, schema in task.tools)
            return Answer(tool_calls=tuple(calls))
        if task.value is not None:
            return Answer(say=_json(task.value.instance(choices)))
    except NoInstance as error:
        raise Refused("bad_body", problem=f"no value fits the schema: {error}") from None
    if task.any_object:
        return Answer(say=_json({"answer": text()}))
    return Answer(say=f"{task.report}\n\n{text()}")


def _json(value: object) -> str:
    # A caller's schema may ask for integers that orjson does not write.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
