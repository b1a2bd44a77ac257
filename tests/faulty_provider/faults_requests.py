"""Faults in judging requests: rules that are not kept, and rules that nobody wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .edits import should
from .probes import (
    ADD,
    CHAT_BODY,
    TEXT_BODY,
    TURN,
    changed,
    chat,
    post,
    text,
    tool,
    user,
)
from .rules import RULES, is_integer, is_number
from .rules_messages import functions_of, messages_of
from .values import Body, Fault, Hooks, Request, Rule

# Not in the reference table, or said otherwise by another page.
_ARGUABLE = (
    "messages-empty", "name-pattern", "parallel-tool-calls-type", "tool-choice", "best-of-small",
    "text-logprobs-low", "max-tokens-low",
)  # fmt: skip
# A neighbour refuses the same request anyway, so the fault would not be seen.
_MASKED = (
    "function-name-length", "model-type", "model-null", "messages-type", "messages-null",
)  # fmt: skip


def _accepting(name: str, rule: Rule) -> Fault:
    if "chat" in rule.operations:
        probe = post("/chat/completions", changed(CHAT_BODY, rule.bad))
    else:
        probe = post("/completions", changed(TEXT_BODY, rule.bad))
    hooks = Hooks(skip=frozenset({name}))
    fault = Fault("1.18", f"what breaks this is accepted: {rule.about}", (probe,), hooks)
    return should(fault) if name in _ARGUABLE else fault


ACCEPTED = {
    f"accepts-{name}": _accepting(name, rule) for name, rule in RULES.items() if name not in _MASKED
}
_BELOW = frozenset(name for name in RULES if name.endswith(("-low", "-high", "-range")))
ACCEPTED["accepts-any-number"] = Fault(
    "1.18", "no range is checked", (chat(temperature=9),), Hooks(skip=_BELOW)
)
ACCEPTED["accepts-anything"] = Fault(
    "1.18", "no field is checked", (chat(n="many"),), Hooks(skip=frozenset(RULES))
)


def _refusing(about: str, wrong: Callable[[Body], bool], *probe: Request) -> Fault:
    rule = Rule("invented", "body", about, lambda body: not wrong(body), {})
    return Fault("1.1", f"refused although valid: {about}", probe, Hooks(extra=(rule,)))


def _equal(key: str, *values: Any) -> Callable[[Body], bool]:
    return lambda body: is_number(body.get(key)) and body[key] in values


def _null(key: str) -> Callable[[Body], bool]:
    return lambda body: key in body and body[key] is None


def _contents(body: Body) -> list[Any]:
    return [m.get("content") for m in messages_of(body) if isinstance(m, dict)]


def _roles(body: Body) -> list[Any]:
    return [m.get("role") for m in messages_of(body) if isinstance(m, dict)]


def _unknown(body: Body) -> bool:
    return bool(set(body) - {rule.field for rule in RULES.values()})


def _names(body: Body) -> list[str]:
    return [str(function.get("name")) for function in functions_of(body)]


def _long_names(body: Body) -> bool:
    return any(len(name) > 63 for name in _names(body))


def _dashed_names(body: Body) -> bool:
    return any("-" in name for name in _names(body))


def _format(kind: str) -> Callable[[Body], bool]:
    def wanted(body: Body) -> bool:
        value = body.get("response_format")
        return isinstance(value, dict) and value.get("type") == kind

    return wanted


_ALL_ROLES = [
    {"role": "system", "content": "Be brief."}, *user("Hi"),
    {"role": "assistant", "content": "Hello."}, *user("Bye"),
]  # fmt: skip
_PARTS = user([{"type": "text", "text": "hi"}])
_PROMPTS = ("One", "Two")
REFUSED = {
    "refuses-temperature-zero": _refusing("temperature 0", _equal("temperature", 0), chat()),
    "refuses-temperature-two": _refusing("temperature 2", _equal("temperature", 2),
                                         chat(temperature=2)),
    "refuses-temperature-integer": _refusing(
        "temperature without a point", lambda body: isinstance(body.get("temperature"), int),
        chat()),
    "refuses-n-one": _refusing("n 1", _equal("n", 1), chat(n=1)),
    "refuses-n-128": _refusing("n 128", _equal("n", 128), chat(n=128, max_tokens=1)),
    "refuses-n-two": _refusing("n above 1", lambda body: is_number(body.get("n"))
                               and body["n"] > 1, chat(n=2)),
    "refuses-top-k-one": _refusing("top_k 1", _equal("top_k", 1), chat(top_k=1)),
    "refuses-top-k-128": _refusing("top_k 128", _equal("top_k", 128), chat(top_k=128)),
    "refuses-top-p-one": _refusing("top_p 1", _equal("top_p", 1), chat(top_p=1)),
    "refuses-min-p-zero": _refusing("min_p 0", _equal("min_p", 0), chat(min_p=0)),
    "refuses-min-p-one": _refusing("min_p 1", _equal("min_p", 1), chat(min_p=1)),
    "refuses-penalty-zero": _refusing("presence_penalty 0", _equal("presence_penalty", 0),
                                      chat(presence_penalty=0)),
    "refuses-penalty-negative": _refusing(
        "a negative penalty", lambda body: is_number(body.get("frequency_penalty"))
        and body["frequency_penalty"] < 0, chat(frequency_penalty=-1)),
    "refuses-repetition-penalty-one": _refusing(
        "repetition_penalty 1", _equal("repetition_penalty", 1), chat(repetition_penalty=1)),
    "refuses-top-logprobs-twenty": _refusing("top_logprobs 20", _equal("top_logprobs", 20),
                                             chat(logprobs=True, top_logprobs=20)),
    "refuses-top-logprobs-zero": _refusing("top_logprobs 0", _equal("top_logprobs", 0),
                                           chat(logprobs=True, top_logprobs=0)),
    "refuses-max-tokens-one": _refusing("max_tokens 1", _equal("max_tokens", 1),
                                        chat(max_tokens=1)),
    "refuses-seed-negative": _refusing(
        "a negative seed", lambda body: is_integer(body.get("seed")) and body["seed"] < 0,
        chat(seed=-1)),
    "refuses-logit-bias": _refusing("logit_bias", lambda body: bool(body.get("logit_bias")),
                                    chat(logit_bias={"15": -100})),
    "refuses-logit-bias-hundred": _refusing(
        "a bias of 100 or -100", lambda body: isinstance(body.get("logit_bias"), dict)
        and any(bias in (100, -100) for bias in body["logit_bias"].values()),
        chat(logit_bias={"15": 100})),
    "refuses-stop-text": _refusing("stop as text", lambda body: isinstance(body.get("stop"), str),
                                   chat(stop="a!")),
    "refuses-stop-array": _refusing("stop as array", lambda body: isinstance(
        body.get("stop"), list), chat(stop=["a!"])),
    "refuses-four-stops": _refusing(
        "four stop texts", lambda body: isinstance(body.get("stop"), list)
        and len(body["stop"]) == 4, chat(stop=["a!", "b!", "c!", "d!"])),
    "refuses-parts": _refusing("content in parts", lambda body: any(
        isinstance(one, list) for one in _contents(body)), chat(messages=_PARTS)),
    "refuses-non-latin": _refusing("content beyond ASCII", lambda body: any(
        isinstance(one, str) and not one.isascii() for one in _contents(body)),
        chat(messages=user("今日は 🙂"))),
    "refuses-empty-content": should(_refusing("empty content", lambda body: "" in _contents(body),
                                              chat(messages=user("")))),
    "refuses-system": _refusing("the role system", lambda body: "system" in _roles(body),
                                chat(messages=_ALL_ROLES)),
    "refuses-assistant": _refusing("the role assistant", lambda body: "assistant" in _roles(body),
                                   chat(messages=_ALL_ROLES)),
    "refuses-tool-role": _refusing("the role tool", lambda body: "tool" in _roles(body),
                                   chat(messages=TURN, tools=[ADD])),
    "refuses-content-null": _refusing("null content beside tool calls",
                                      lambda body: None in _contents(body),
                                      chat(messages=TURN, tools=[ADD])),
    "refuses-name": _refusing("a message with a name", lambda body: any(
        isinstance(m, dict) and "name" in m for m in messages_of(body)),
        chat(messages=user("hi", name="Ada_1"))),
    "refuses-unknown-field": _refusing("an unknown field", _unknown, chat(x_unknown=1)),
    "refuses-null": _refusing("null for a nullable field", lambda body: any(
        value is None for value in body.values()), chat(stop=None)),
    "refuses-null-temperature": _refusing("temperature null", _null("temperature"),
                                          chat(temperature=None)),
    "refuses-null-stop": _refusing("stop null", _null("stop"), chat(stop=None)),
    "refuses-null-tools": _refusing("tools null", _null("tools"), chat(tools=None)),
    "refuses-null-n": _refusing("n null", _null("n"), chat(n=None)),
    "refuses-tools": _refusing("tools", lambda body: bool(body.get("tools")), chat(tools=[ADD])),
    "refuses-long-function-name": _refusing("a function name of 64 characters", _long_names,
                                            chat(tools=[tool("a" * 64)])),
    "refuses-dashed-function-name": _refusing("a function name with -", _dashed_names,
                                              chat(tools=[tool("a-b")])),
    "refuses-json-object": _refusing(
        "response_format json_object",
        _format("json_object"),
        chat(response_format={"type": "json_object"})),
    "refuses-format-text": _refusing(
        "response_format text",
        _format("text"),
        chat(response_format={"type": "text"})),
    "refuses-stream-options": _refusing("stream_options",
                                        lambda body: bool(body.get("stream_options")),
                                        chat(stream=True, stream_options={"include_usage": True})),
    "refuses-usage-declined": _refusing(
        "include_usage false",
        lambda body: (body.get("stream_options") or {}).get("include_usage") is False,
        chat(stream=True, stream_options={"include_usage": False})),
    "refuses-prompt-list": _refusing(
        "a list of prompts", lambda body: isinstance(body.get("prompt"), list)
        and all(isinstance(one, str) for one in body["prompt"]), text(prompt=list(_PROMPTS))),
    "refuses-prompt-tokens": _refusing(
        "a prompt of tokens", lambda body: isinstance(body.get("prompt"), list)
        and all(is_integer(one) for one in body["prompt"]), text(prompt=[1, 2, 3])),
    "refuses-completion-logprobs": _refusing(
        "logprobs as a number", lambda body: "prompt" in body and is_number(body.get("logprobs")),
        text(logprobs=5)),
    "refuses-max-tokens-absent": _refusing(
        "completions without max_tokens",
        lambda body: "prompt" in body and "max_tokens" not in body, text(max_tokens=...)),
}  # fmt: skip

REQUEST_FAULTS = ACCEPTED | REFUSED
