"""The documented constraints on request bodies, written by hand from the API reference.

Printed ranges that exclude their own defaults are read as inclusive: n, temperature, penalties,
top_k, and repetition_penalty at its upper end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .rules_messages import MESSAGE_RULES, SHAPE_RULES
from .values import Body, Rule

_CHAT, _TEXT = frozenset({"chat"}), frozenset({"text"})


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_KINDS: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "number": (is_number, "1"),
    "integer": (is_integer, 1.5),
    "boolean": (_is(bool), "true"),
    "string": (_is(str), 5),
    "object": (_is(dict), [1]),
    "array": (_is(list), {"a": 1}),
}


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    null: bool = True
    low: float | None = None
    high: float | None = None
    above: float | None = None
    operations: frozenset[str] = frozenset({"chat", "text"})


FIELDS = (
    Field("model", "string", null=False),
    Field("messages", "array", null=False, operations=_CHAT),
    Field("max_tokens", "integer", null=False, low=0),
    Field("stream", "boolean"),
    Field("stream_options", "object"),
    Field("n", "integer", low=1, high=128),
    Field("seed", "integer"),
    Field("frequency_penalty", "number", low=-2, high=2),
    Field("presence_penalty", "number", low=-2, high=2),
    Field("repetition_penalty", "number", above=0, high=2),
    Field("temperature", "number", low=0, high=2),
    Field("top_p", "number", above=0, high=1),
    Field("top_k", "integer", low=1, high=128),
    Field("min_p", "number", low=0, high=1),
    Field("logit_bias", "object"),
    Field("logprobs", "boolean", operations=_CHAT),
    Field("top_logprobs", "integer", low=0, high=20, operations=_CHAT),
    Field("tools", "array", operations=_CHAT),
    Field("parallel_tool_calls", "boolean", operations=_CHAT),
    Field("response_format", "object", operations=_CHAT),
    Field("separate_reasoning", "boolean", operations=_CHAT),
    Field("enable_thinking", "boolean", operations=_CHAT),
    Field("logprobs", "integer", low=0, high=5, operations=_TEXT),
    Field("best_of", "integer", null=False, low=1, operations=_TEXT),
)


def _value_rule(row: Field, part: str, about: str, bad: Any, ok: Callable[[Any], bool]) -> Rule:
    prefix = "text-" if row.operations == _TEXT else ""
    with_logprobs = {"logprobs": True} if row.name == "top_logprobs" else {}
    return Rule(
        f"{prefix}{row.name}-{part}".replace("_", "-"), row.name, f"{row.name} must be {about}",
        lambda body: row.name not in body or ok(body[row.name]),
        {**with_logprobs, row.name: bad}, row.operations,
    )  # fmt: skip


def _field_rules(row: Field) -> Iterable[Rule]:
    right, wrong = _KINDS[row.kind]

    def number_or(test: Callable[[float], bool]) -> Callable[[Any], bool]:
        return lambda value: not is_number(value) or test(value)

    yield _value_rule(row, "type", f"of type {row.kind}", wrong, lambda v: v is None or right(v))
    if not row.null:
        yield _value_rule(row, "null", "not null", None, lambda value: value is not None)
    if (low := row.low) is not None:
        ok = number_or(lambda v: v >= low)
        yield _value_rule(row, "low", f"at least {low}", low - 1, ok)
    if (above := row.above) is not None:
        yield _value_rule(row, "low", f"above {above}", above, number_or(lambda v: v > above))
    if (high := row.high) is not None:
        ok = number_or(lambda v: v <= high)
        bad = high + (1 if row.kind == "integer" else 0.5)
        yield _value_rule(row, "high", f"at most {high}", bad, ok)


def _stop(body: Body) -> bool:
    stop = body.get("stop")
    return isinstance(stop, str | None) or (
        isinstance(stop, list) and all(isinstance(one, str) for one in stop)
    )


def _biases(body: Body) -> list[Any]:
    value = body.get("logit_bias")
    return list(value.values()) if isinstance(value, dict) else []


def _prompt(body: Body) -> bool:
    prompt = body.get("prompt", "")
    if not isinstance(prompt, list):
        return isinstance(prompt, str)
    lists = prompt if all(isinstance(one, list) for one in prompt) else [prompt]
    texts = all(isinstance(one, str) for one in prompt)
    return bool(prompt) and (texts or all(one and all(map(_token, one)) for one in lists))


def _token(value: Any) -> bool:
    return bool(is_integer(value) and value >= 0)


def _best_of(body: Body) -> bool:
    best: Any = body.get("best_of")
    count: Any = body.get("n")
    return not is_integer(best) or bool(best >= (count if is_integer(count) else 1))


def _options(body: Body) -> dict[str, Any]:
    value = body.get("stream_options")
    return value if isinstance(value, dict) else {}


_OTHER_RULES = (
    Rule("model-missing", "model", "model is required", lambda body: "model" in body,
         {"model": ...}),
    Rule("prompt-missing", "prompt", "prompt is required", lambda body: "prompt" in body,
         {"prompt": ...}, _TEXT),
    Rule("prompt-type", "prompt", "prompt must be text, texts, tokens or lists of tokens", _prompt,
         {"prompt": {"text": "hello"}}, _TEXT),
    Rule("stop-type", "stop", "stop must be text or texts", _stop, {"stop": [1]}),
    Rule("stop-many", "stop", "stop holds at most 4 texts",
         lambda body: not isinstance(body.get("stop"), list) or len(body["stop"]) <= 4,
         {"stop": ["one!", "two!", "three!", "four!", "five!"]}),
    Rule("logit-bias-integer", "logit_bias", "a bias must be an integer",
         lambda body: all(map(is_integer, _biases(body))), {"logit_bias": {"15": "much"}}),
    Rule("logit-bias-range", "logit_bias", "a bias must be between -100 and 100",
         lambda body: all(abs(one) <= 100 for one in _biases(body) if is_number(one)),
         {"logit_bias": {"15": 101}}),
    Rule("include-usage", "stream_options", "include_usage must be a boolean",
         lambda body: isinstance(_options(body).get("include_usage", True), bool),
         {"stream": True, "stream_options": {"include_usage": "yes"}}),
    Rule("stream-options-alone", "stream_options", "stream_options needs stream",
         lambda body: body.get("stream_options") is None or body.get("stream") is True,
         {"stream_options": {"include_usage": True}}),
    Rule("best-of-small", "best_of", "best_of must be at least n", _best_of,
         {"best_of": 2, "n": 3}, _TEXT),
    Rule("best-of-stream", "best_of", "best_of cannot be streamed",
         lambda body: not (body.get("stream") is True and is_integer(body.get("best_of"))
                           and body["best_of"] > 1),
         {"best_of": 2, "stream": True}, _TEXT),
)  # fmt: skip

_FROM_FIELDS = tuple(rule for row in FIELDS for rule in _field_rules(row))
RULES = {r.name: r for r in (*_FROM_FIELDS, *_OTHER_RULES, *MESSAGE_RULES, *SHAPE_RULES)}
