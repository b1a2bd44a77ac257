"""Tool calls. Models differ in ability, so a check judges only a target that showed a call."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from .cases.features import EDGE_NAME
from .judging.checks import check, each
from .judging.probe import Api
from .judging.selectors import answers, chats, whole_answers
from .judging.verdicts import MUST, NOTE, SHOULD, Skipped, expect
from .wire.exchange import Json
from .wire.strict_json import JsonFault, read_text
from .wire.views import Answer, Call, Unreadable

GUIDE = "docs: function calling guide"
SHOWING = ("tools.required", "tools.forced", "tools.required.stream")


def called(answer: Answer) -> list[Call]:
    """The calls of an answer; raises Unreadable if there is none."""
    found = [call for choice in answer.choices for call in choice.calls]
    if not found:
        raise Unreadable("no tool is called")
    return found


def shown(api: Api) -> None:
    """Raises Skipped unless some request that asks for a call gets one."""
    for name in SHOWING:
        try:
            called(api.answer(name))
        except (Skipped, Unreadable):
            continue
        return
    raise Skipped("no answer of this target shows a tool call")


def declared(answer: Answer) -> dict[str, Json]:
    tools = answer.body.get("tools") or []
    return {tool["function"]["name"]: tool["function"] for tool in tools}


@check(MUST, GUIDE + "; observed: llmgw (refused or ignored by some models)")
def test_a_call_that_is_required_is_made(api: Api) -> None:
    shown(api)
    for name in ("tools.required", "tools.required.stream"):
        answer = api.answer(name)
        calls = [call for choice in answer.choices for call in choice.calls]
        expect(calls, "no tool is called", answer.exchange)


@check(MUST, GUIDE + " (tool_choice)")
def test_no_call_is_made_where_none_is_wanted(api: Api) -> None:
    shown(api)
    answer = api.answer("tools.none")
    expect(not any(choice.calls for choice in answer.choices), "a tool is called", answer.exchange)


@check(MUST, GUIDE + " (tool_choice)")
def test_the_function_that_is_named_is_called(api: Api) -> None:
    shown(api)
    answer = api.answer("tools.forced")
    names = [call.name for choice in answer.choices for call in choice.calls]
    expect(names and set(names) == {EDGE_NAME}, f"called: {names}", answer.exchange)


@check(MUST, "docs: Create chat completion (function.name: 64 of [A-Za-z0-9_-])")
def test_a_name_at_the_edge_of_what_is_legal_is_called(api: Api) -> None:
    shown(api)
    exchange = api.ask("tools.forced")
    expect(exchange.ok, f"status {exchange.came.status}", exchange)


@each(chats, MUST, GUIDE)
def test_only_declared_functions_are_called(answer: Answer) -> None:
    known = declared(answer)
    for call in called(answer):
        expect(call.name in known, f"{call.name!r} is called, declared are {sorted(known)}")


@each(chats, MUST, GUIDE + " (arguments: JSON text)")
def test_the_arguments_of_a_call_are_the_text_of_an_object(answer: Answer) -> None:
    cut = any(choice.finish == "length" for choice in answer.choices)
    for call in called(answer):
        if cut:
            raise Unreadable("the answer was cut")
        try:
            value = read_text(call.arguments)
        except JsonFault as fault:
            value = fault
        expect(isinstance(value, dict), f"arguments {call.arguments!r}: {value!r:.120}")


@check(MUST, "docs: Create chat completion (function.parameters)")
def test_the_arguments_of_a_call_follow_their_schema(api: Api) -> None:
    shown(api)
    broken = []
    names = ("tools.required", "tools.required.stream", "tools.forced")
    for name in names:
        try:
            broken += [(name, fault) for fault in _misfits(api.answer(name))]
        except (Skipped, Unreadable):
            continue
    expect(not broken, "; ".join(fault for _, fault in broken),
           *(api.ask(name) for name, _ in broken))  # fmt: skip


def _misfits(answer: Answer) -> list[str]:
    known, found = declared(answer), []
    for call in called(answer):
        schema = (known.get(str(call.name)) or {}).get("parameters") or {}
        try:
            value = json.loads(call.arguments)
        except ValueError:
            continue
        errors = list(Draft202012Validator(schema).iter_errors(value))
        found += [f"{call.arguments!r}: {error.message[:120]}" for error in errors[:1]]
    return found


@each(chats, MUST, GUIDE + " (id)")
def test_every_call_has_an_id_of_its_own(answer: Answer) -> None:
    for choice in answer.choices:
        ids = [call.id for call in choice.calls]
        good = all(isinstance(id, str) and id for id in ids) and len(set(ids)) == len(ids)
        expect(good, f"the ids are {ids}")
    called(answer)


@each(chats, MUST, GUIDE + " (type)")
def test_every_call_is_a_function(answer: Answer) -> None:
    kinds = {call.type for call in called(answer)}
    expect(kinds == {"function"}, f"the types are {kinds}")


def is_forced(answer: Answer) -> bool:
    return isinstance(answer.body.get("tool_choice"), dict)


@each(chats, MUST, GUIDE + "; observed: kimi, dsv4 (finish_reason: tool_calls)")
def test_an_answer_that_calls_ends_for_its_calls(answer: Answer) -> None:
    called(answer)
    allowed: tuple[Any, ...] = ("tool_calls", "length", *(["stop"] if is_forced(answer) else []))
    for choice in answer.choices:
        expect(not choice.calls or choice.finish in allowed,
               f"it calls, and ends for {choice.finish!r}")  # fmt: skip


@each(chats, MUST, GUIDE + "; observed: kimi, dsv4 (finish_reason: tool_calls)")
def test_an_answer_that_ends_for_its_calls_has_some(answer: Answer) -> None:
    for choice in answer.choices:
        expect(choice.finish != "tool_calls" or choice.calls, "it ends for tool_calls without any")


@each(answers, MUST, GUIDE)
def test_nothing_is_called_that_was_not_offered(answer: Answer) -> None:
    offered = bool(answer.body.get("tools"))
    expect(offered or not any(choice.calls for choice in answer.choices), "a tool is called")


@each(whole_answers, NOTE, "docs: Create chat completion")
def test_an_answer_without_calls_has_no_list_of_them(answer: Answer) -> None:
    for piece in answer.exchange.value["choices"]:
        message = piece.get("message") or {}
        empty = "tool_calls" in message and not message["tool_calls"]
        expect(not empty, f"tool_calls is {message.get('tool_calls')!r}")


@each(chats, SHOULD, GUIDE)
def test_no_mark_of_a_call_leaks_into_the_content(answer: Answer) -> None:
    if not answer.body.get("tools"):
        raise Unreadable("no tools")
    marks = [m for m in ("<tool_call", "<|tool", "<function=", '"arguments":') if m in answer.text]
    expect(not marks, f"the content has {marks}")


@check(MUST, GUIDE + " (the result goes back with the id)")
def test_the_result_of_a_call_is_accepted(api: Api) -> None:
    shown(api)
    exchange = api.ask("tools.turn")
    expect(exchange.ok, f"status {exchange.came.status}", exchange)


@check(MUST, GUIDE)
def test_a_streamed_call_is_the_call_of_the_whole_answer(api: Api) -> None:
    shown(api)
    api.deterministic()
    one, two = api.answer("tools.required"), api.answer("tools.required.stream")
    found = [[(c.name, _parsed(c)) for ch in a.choices for c in ch.calls] for a in (one, two)]
    expect(found[0] == found[1], f"{found[0]} and {found[1]}", one.exchange, two.exchange)


def _parsed(call: Call) -> Any:
    try:
        return json.loads(call.arguments)
    except ValueError:
        return call.arguments


@check(SHOULD, "docs: Create chat completion (tools are part of the prompt)")
def test_tools_are_counted_with_the_prompt(api: Api) -> None:
    shown(api)
    answer = api.answer("tools.required")
    words = sum(len(str(message["content"])) for message in answer.body["messages"]) / 4
    expect(answer.count("prompt_tokens") > words + 5, "the tools cost nothing", answer.exchange)
