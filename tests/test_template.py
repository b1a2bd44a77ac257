"""Templates that read the request: what they can write, and what they cannot do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from novita_mock import Mock, Reply
from novita_mock._stubs.templating import FILTERS, METHODS, MOST_TURNS, VARIABLES
from tests.ask import CHAT, KEY, MODEL, TEXT, ask, body_of, error, posted, stream, texts
from tests.work import calls_of

ASKED: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "I am Ada <b> from Paris"},
    ],
    "tools": [{"type": "function", "function": {"name": "book"}}],
    "tool_choice": "none",
    "user": "u-1",
}
FILLED: list[tuple[str, str]] = [
    ("plain", "plain"),
    ("{{ last_user }}", "I am Ada <b> from Paris"),
    ("{{ system }}|{{ turn }}|{{ operation }}", "You are terse.|1|chat.completions"),
    ("{{ model }}|{{ stream }}|{{ tool_result }}", f"{MODEL}|False|"),
    ("{{ request.user }}", "u-1"),
    ("{{ request.messages[0].content }}", "You are terse."),
    ("{{ request.nothing | default('none') }}", "none"),
    ("{{ tools | join(',') }}", "book"),
    ("{{ headers['x-team'] }}", "blue"),
    ("{{ headers.authorization | default('no key') }}", "no key"),
    ("{{ match.name }}/{{ match[1] }}/{{ match[0] }}", "Ada/Ada/I am Ada"),
    ("{{ last_user | upper | truncate(8, true, '') }}", "I AM ADA"),
    ("{{ last_user.split(' ')[2] }}", "Ada"),
    ("{% if turn == 1 %}first{% else %}later{% endif %}", "first"),
    ("{% for m in request.messages %}{{ loop.index }}{{ m.role }} {% endfor %}", "1system 2user "),
    ("{% set x = turn + 1 %}{{ x * 3 }}{{ 7 % 4 }}", "63"),
    ("{{ request.messages | map(attribute='role') | list | tojson }}", '["system","user"]'),
    ("{{ 'a' ~ turn }}\n", "a1\n"),
    ("{{ tools | map(attribute='__class__') | list }}", "[Undefined]"),
    ("{# nothing #}{{ '{{' }}", "{{"),
]


def on(mock: Mock) -> Any:
    return mock.on(last_user=re.compile(r"I am (?P<name>\w+)"))


def reply_to(mock: Mock, **fields: Any) -> Any:
    headers = {b"x-team": b"blue"}
    return mock.answer(posted(body_of(**{**ASKED, **fields}), headers=headers))


def said(mock: Mock) -> str:
    reply = reply_to(mock)
    assert reply.status == 200, reply.body
    return str(texts(CHAT, json.loads(reply.body))[0])


@pytest.mark.parametrize(("template", "text"), FILLED, ids=[row[0] for row in FILLED])
def test_a_template_is_filled_from_the_request(template: str, text: str) -> None:
    mock = Mock()
    on(mock).say(template, template=True)
    assert said(mock) == text


@pytest.mark.parametrize("text", ["{{ last_user }}", "{% if", "{# a #}", "{", "{{"])
def test_a_text_that_is_not_called_a_template_is_none(text: str) -> None:
    mock = Mock()
    on(mock).say(text)
    assert said(mock) == text


def test_all_texts_of_an_answer_are_templates() -> None:
    mock = Mock()
    value = {"{{ turn }}": ["{{ last_user }}", {"n": 1, "q": '"{{ system }}"'}, None]}
    on(mock).json(value, template=True, times=1)
    filled = {"{{ turn }}": [FILLED[1][1], {"n": 1, "q": '"You are terse."'}, None]}
    assert json.loads(said(mock)) == filled
    on(mock).say("x", think="{{ turn }}?", template=True, times=1)
    message = json.loads(reply_to(mock).body)["choices"][0]["message"]
    assert message["reasoning_content"] == "1?"
    on(mock).refuse("ACCESS_DENY", "no, {{ match.name }}", template=True, times=1)
    assert error(reply_to(mock))["message"] == "no, Ada"
    on(mock).call_tool("f", {"who": ["{{ match.name }}"], "n": 2}, template=True, times=1)
    on(mock).call_tool("f", '{"who":"{{ match.name }}"}', template=True, times=1)
    for arguments in ({"who": ["Ada"], "n": 2}, {"who": "Ada"}):
        [call] = json.loads(reply_to(mock).body)["choices"][0]["message"]["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == arguments


def test_a_template_of_a_file_is_that_of_python() -> None:
    when = {"last_user": {"regex": r"I am (?P<name>\w+)"}}
    row = {"when": when, "json": {"n": "{{ match.name }}"}, "template": True}
    mock, python = Mock(), Mock()
    mock.load({"rules": [row]})
    on(python).json({"n": "{{ match.name }}"}, template=True)
    assert mock.rules == python.rules
    assert said(mock) == '{"n":"Ada"}'


def test_a_template_is_streamed_and_answers_completions() -> None:
    mock = Mock()
    mock.on().say("You said: {{ last_user }}", template=True)
    assert texts(TEXT, ask(TEXT, mock=mock, prompt="Hi")) == ["You said: Hi"]
    parts = stream(mock=mock, messages=[{"role": "user", "content": "Ho"}])
    choices = [choice for part in parts for choice in part["choices"]]
    assert "".join(c["delta"].get("content", "") for c in choices) == "You said: Ho"


def test_what_a_client_sends_is_not_a_template() -> None:
    mock = Mock()
    mock.on().say("{{ last_user }}", template=True)
    sent = [{"role": "user", "content": "{{ request }}{% for a in model %}"}]
    assert texts(CHAT, ask(mock=mock, messages=sent)) == [sent[0]["content"]]


UNFIT: list[tuple[str, str]] = [
    ("{{ nope }}", "no variable is called 'nope': expected one of request, model"),
    ("{{ range(9) }}", "range cannot be called"),
    ("{{ match.name", "line 1 of the template: unexpected end of template"),
    ("\n\n{% if %}", "line 3 of the template"),
    ("{{ 'a' | center(99) }}", "No filter named 'center'"),
    ("{{ 'a' | format }}", "No filter named 'format'"),
    ("{{ 'a'.format(1) }}", "format cannot be called"),
    ("{{ last_user.ljust(9) }}", "ljust cannot be called; get, items"),
    ("{{ request.messages.append(1) }}", "append cannot be called"),
    ("{{ turn() }}", "turn cannot be called"),
    ("{{ tools[0]() }}", "that cannot be called"),
    ("{% macro f() %}{% endmacro %}", "a template has no macro"),
    ("{% include 'x' %}", "a template has no include"),
    ("{% extends 'x' %}", "a template has no extends"),
    ("{% import 'x' as x %}", "a template has no import"),
    ("{% block a %}{% endblock %}", "a template has no block"),
    ("{% filter upper %}{% endfilter %}", "a template has no filterblock"),
    ("{% call turn() %}{% endcall %}", "a template has no callblock"),
    ("{{ 9 ** 9 }}", "a template has no pow"),
    ("{% set x.y = 1 %}", "line 1 of the template"),
    ("{% for a in tools recursive %}{{ loop(tools) }}{% endfor %}", "loop cannot be called"),
    ("{{ self }}", "a template has no self"),
    ("{{ ' turns' | counted }}", "No filter named 'counted'"),
]


@pytest.mark.parametrize(("template", "text"), UNFIT, ids=[row[0] for row in UNFIT])
def test_what_cannot_be_filled_is_refused_when_it_is_scripted(template: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        on(Mock()).say(template, template=True)
    row = {"when": {"last_user": {"regex": "(.)"}}, "json": {"a": template}, "template": True}
    with pytest.raises(ValueError, match=re.escape(text)) as wrong:
        Mock().load({"rules": [{"say": "x"}, row]}, "f")
    assert str(wrong.value).startswith("f: $.rules[1]: ")


def test_match_needs_a_pattern() -> None:
    with pytest.raises(ValueError, match="match is what a regex of last_user found"):
        Mock().on(last_user="a").say("{{ match[0] }}", template=True)


def test_a_recorded_reply_is_no_template() -> None:
    with pytest.raises(ValueError, match="a recorded reply has no templates"):
        Mock().recorded(ask(), template=True)


FAILING: list[tuple[str, str]] = [
    ("{{ request.nope }}", "has no attribute 'nope'"),
    ("{{ ''.__class__ }}", "access to attribute '__class__' of 'str' object is unsafe."),
    ("{{ ''['__class__']['__mro__'] }}", "unsafe"),
    ("{{ request.__init__.__globals__ }}", "unsafe"),
    ("{{ last_user.split.__self__.__class__ }}", "unsafe"),
    ("{{ [model] | map('__class__') | list }}", "No filter named '__class__'"),
    ("{{ [model] | map('center', 99999999) | list }}", "No filter named 'center'"),
    ("{{ 'a' * 999999999 }}", "only numbers stand beside *"),
    ("{{ [1] * 999999999 }}", "only numbers stand beside *"),
    ("{{ '%0999999999d' % 1 }}", "only numbers stand beside %"),
    ("{{ 1 // 0 }}", "ZeroDivisionError"),
    ("{{ turn + 'a' }}", "TypeError"),
    ("{{ match.nobody }}", "has no attribute 'nobody'"),
    ("{{ headers['authorization'] }}", "authorization"),
]


@pytest.mark.parametrize(("template", "text"), FAILING, ids=[row[0] for row in FAILING])
def test_a_template_that_fails_is_a_refusal_that_names_the_rule(template: str, text: str) -> None:
    mock = Mock()
    mock.on(turn=9).say("x")
    on(mock).say(template, template=True)
    reply = reply_to(mock)
    assert (reply.status, error(reply)["reason"]) == (400, "INVALID_REQUEST_BODY")
    message = error(reply)["message"]
    assert message.startswith("the template of rule 2 cannot be filled: ")
    assert text in message
    assert KEY not in message


def test_loops_and_what_they_write_end() -> None:
    many = [{"role": "user", "content": "I am Ada"}] * (MOST_TURNS // 10)
    loop = "{% for a in request.messages %}{% for b in request.messages %}{% endfor %}{% endfor %}"
    mock = Mock()
    on(mock).say(loop, template=True)
    replies: list[Reply] = []
    work = calls_of(lambda: replies.append(reply_to(mock, messages=many)))
    assert "its loops take more than 1000 turns" in error(replies[0])["message"]
    assert work < 50 * MOST_TURNS
    mock.reset()
    on(mock).say("{% for a in last_user[:900] %}{{ last_user }}{% endfor %}", template=True)
    long = [{"role": "user", "content": "I am Ada" + "a" * 9_000}]
    assert "more than 1000000 characters" in error(reply_to(mock, messages=long))["message"]


@pytest.mark.parametrize("template", ["{{ request.messages.pop }}", "{{ request.clear }}"])
def test_a_template_cannot_change_the_request(template: str) -> None:
    mock = Mock()
    on(mock).say(template, template=True)
    assert reply_to(mock).status == 400


def test_the_template_library_is_loaded_only_for_templates() -> None:
    code = (
        "import sys; from novita_mock import Mock; from tests.ask import ask; m = Mock(); "
        "m.on(turn=1).say('x'); m.load({'rules': [{'say': '{{ x }}'}]}); ask(mock=m); "
        "print('jinja2' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_words_of_templates_are_distinct() -> None:
    for words in (VARIABLES, METHODS, FILTERS):
        assert len(words) == len(set(words))
