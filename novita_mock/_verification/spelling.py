"""Writes rules as the Python code that scripts them."""

from __future__ import annotations

from novita_mock._core.text import shorten
from novita_mock._stubs.model import Rule, ScriptedAnswer


def spell(rule: Rule, name: str = "novita") -> str:
    """The Python code that scripts `rule`."""
    criteria = {name: v for name, v in rule.when.asked().items() if not _is_implied(rule, name)}
    start = name
    if rule.fallback:
        start = f"{name}.default"
    elif criteria:
        start = f"{name}.on({', '.join(f'{field}={v!r}' for field, v in criteria.items())})"
    return start + "".join(map(_spelled, rule.answers))


def _is_implied(rule: Rule, field: str) -> bool:
    """Whether the recorded reply already implies the `field`."""
    return field == "operation" and rule.answer.recorded is not None


def _spelled(answer: ScriptedAnswer) -> str:
    template = ", template=True" if answer.template else ""
    if answer.recorded is not None:
        return f".recorded({shorten(answer.recorded.decode())})"
    if answer.refuse is not None:
        return f".refuse({answer.refuse!r}{template})"
    if answer.tool_calls:
        call = answer.tool_calls[0]
        return f".call_tool({call.name!r}, {call.arguments!r}{template})"
    return f".say({shorten(answer.say or '')!r}{template})"
