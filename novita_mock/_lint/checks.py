"""Checks of rules that can be read: one function for each check, all of them in `CHECKS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import orjson

from novita_mock._api import problems
from novita_mock._api.description import Description
from novita_mock._core.http import Json, Request
from novita_mock._core.sse import DATA, LAST, data_of
from novita_mock._faults.catalogue import Faults
from novita_mock._lint.unreachable import shadowed
from novita_mock._mock import Mock
from novita_mock._stubs.conditions import is_literal
from novita_mock._stubs.model import Rule, ScriptedAnswer
from novita_mock._stubs.scenario_rows import Steps

_TEMPLATE = re.compile(r"\{\{.*\}\}|\{%.*%\}", re.DOTALL)

PlacedRules = Sequence[tuple[Steps, Rule]]


@dataclass(frozen=True, slots=True)
class Found:
    """A mistake at `steps`. `may_be_meant`: somebody may intend it, so it is only a warning."""

    steps: Steps
    text: str
    may_be_meant: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What the checks need to know besides the rules."""

    description: Description
    any_model: bool


def _answers(rules: PlacedRules) -> Iterator[tuple[Steps, Rule, ScriptedAnswer]]:
    """Each answer of the rules and its place."""
    for steps, rule in rules:
        for index, answer in enumerate(rule.answers):
            yield ((*steps, "answers", index) if rule.later else steps), rule, answer


def _unreachable(_: Context, rules: PlacedRules) -> Iterator[Found]:
    for index, other in shadowed([rule for _, rule in rules]):
        (steps, rule), (other_steps, other_rule) = rules[index], rules[other]
        by = problems.path(other_steps)
        if rule.when == other_rule.when and not rule.fallback:
            text = f"is shadowed: {by} asks the same and always answers"
        else:
            text = f"is never reached: {by} answers every request that fits"
        yield Found(steps, text)


def _models(context: Context, rules: PlacedRules) -> Iterator[Found]:
    known = context.description.models
    for steps, rule in rules:
        model = rule.when.model
        if context.any_model or not isinstance(model, str):
            continue
        place = (*steps, "when", "model")
        if is_literal(model) and model not in known:
            yield Found(place, f"no model is called {model!r}, so none is ever asked for")
        elif not any(fnmatchcase(id, model) for id in known):
            yield Found(place, f"{model!r} fits no model of the catalogue")


def _templates(_: Context, rules: PlacedRules) -> Iterator[Found]:
    for steps, _rule, answer in _answers(rules):
        if answer.recorded is not None:
            continue
        parts = (answer.say, answer.think, answer.message, *map(_arguments, answer.tool_calls))
        filled = any(_TEMPLATE.search(part) for part in parts if part)
        if answer.template and not filled:
            yield Found((*steps, "template"), "there is nothing to fill in it", True)
        if filled and not answer.template:
            yield Found(steps, "looks like a template, and does not say template: true", True)


def _arguments(call: object) -> str:
    arguments = getattr(call, "arguments", "")
    return arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()


def _calls(context: Context, rules: PlacedRules) -> Iterator[Found]:
    for steps, rule, answer in _answers(rules):
        operation = rule.when.operation
        if answer.tool_calls and operation and not context.description.operations[operation].tools:
            yield Found(steps, f"{operation} has no tool calls")
        for call in answer.tool_calls:
            if isinstance(call.arguments, str) and not answer.template:
                try:
                    orjson.loads(call.arguments)
                except orjson.JSONDecodeError:
                    yield Found(steps, f"the arguments of {call.name} are not JSON", True)


def _faults(context: Context, rules: PlacedRules) -> Iterator[Found]:
    catalogue = Faults(context.description).rows
    for steps, rule, answer in _answers(rules):
        on = catalogue[answer.fault.name].on if answer.fault else "any"
        if on == "stream" and (answer.refuse or rule.when.stream is False):
            yield Found(steps, f"{answer.fault} happens to streams only, and this is none")
        if on == "body" and rule.when.stream and not answer.refuse:
            yield Found(steps, f"{answer.fault} does not happen to streams, and this is one")


def _replies(context: Context, rules: PlacedRules) -> Iterator[Found]:
    """Plays each answer, and validates the reply against the schema of its operation."""
    mock = Mock(any_model=True)
    for steps, rule, answer in _answers(rules):
        every = context.description.scripted
        operations = (rule.when.operation,) if rule.when.operation else every
        for operation in operations:
            problem = _broken(context.description, mock, answer, operation)
            if problem is not None:
                yield Found(steps, f"breaks the schema of {operation}: {problem}")
                break


def _broken(
    description: Description, mock: Mock, answer: ScriptedAnswer, operation: str
) -> str | None:
    row = description.operations[operation]
    for stream, schema in ((False, row.response), *([(True, row.chunk)] if row.chunk else [])):
        mock.reset()
        # Pace and fault are intended, so they must not change the reply.
        mock.add(Rule(replace(answer, pace=None, fault=None)))
        reply = mock.answer(_request(description, operation, stream))
        for document in _documents(reply.body) if reply.status == 200 else ():
            if problem := problems.complaint(description.validator(schema), document):
                return problem
    return None


def _request(description: Description, operation: str, stream: bool) -> Request:
    """The shortest request that the first example of its schema shows."""
    row = description.operations[operation]
    schema = description.schema(str(row.request)) if row.request else {}
    example: Json = next(iter(schema.get("examples", ())), {})
    body = {name: example[name] for name in schema.get("required", ()) if name in example}
    models = (id for id, model in description.models.items() if row.endpoint in model["endpoints"])
    body |= {"model": next(models, None)} if "model" in body else {}
    body |= {"stream": True} if stream else {}
    path = row.bases[0] + row.path
    return Request(row.method, path, {b"authorization": b"Bearer lint"}, orjson.dumps(body))


def _documents(body: bytes) -> list[Json]:
    """The JSON documents of a reply: one, or one for each event of a stream."""
    if not body.startswith(DATA):
        return [orjson.loads(body)]
    return [orjson.loads(data) for data in data_of(body) if data != LAST]


CHECKS: tuple[Callable[[Context, PlacedRules], Iterator[Found]], ...] = (
    _unreachable,
    _models,
    _templates,
    _calls,
    _faults,
    _replies,
)
