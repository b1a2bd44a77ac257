"""Makes the output target: tool calls with arguments, JSON values, text about tool results.

Part of generation, which counts the tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from novita_mock._core.errors import Refused
from novita_mock._engine.plan import OutputTarget
from novita_mock._instances import NoInstance, Seeded
from novita_mock._stubs.model import ScriptedAnswer, ToolCall


def make(target: OutputTarget, entropy: bytes, text: Callable[[], str]) -> ScriptedAnswer:
    """The answer for `target`, determined by `entropy`. `text` generates sentences where they are
    needed. Refuses a schema for which no value can be made."""
    choices = Seeded(entropy)
    try:
        if target.tools:
            calls = (
                ToolCall(name, _json(schema.instance(choices))) for name, schema in target.tools
            )
            return ScriptedAnswer(tool_calls=tuple(calls))
        if target.value is not None:
            return ScriptedAnswer(say=_json(target.value.instance(choices)))
    except NoInstance as error:
        raise Refused("bad_body", problem=f"no value fits the schema: {error}") from None
    if target.any_object:
        return ScriptedAnswer(say=_json({"answer": text()}))
    return ScriptedAnswer(say=f"{target.report}\n\n{text()}")


def _json(value: object) -> str:
    # A caller's schema may require integers that orjson cannot serialize.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
