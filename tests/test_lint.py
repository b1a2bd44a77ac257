"""`novita-mock lint`: the faults of a scenario file, and their lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from novita_mock import Mock
from novita_mock._lint import LintMessage, checks, lint
from novita_mock._lint.unreachable import covers
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import ScriptedAnswer, ToolCall
from novita_mock.cli import main
from tests.ask import CHAT, DESCRIPTION, MODEL, WRITTEN, ask
from tests.readme import examples

KEY = "sk_Zx81kQ0aVb3LmN7pRt5w"


@pytest.fixture(name="check")
def _check(tmp_path: Path) -> Any:
    def run(text: str, **options: Any) -> list[LintMessage]:
        (tmp_path / "s.yaml").write_text(text)
        return lint(DESCRIPTION, tmp_path / "s.yaml", **options)

    return run


CLEAN: dict[str, str] = {
    "no rules": "rules: []",
    "the words": """
rules:
  - {refuse: RATE_LIMIT_EXCEEDED, times: 2}
  - {when: {last_user: weather}, say: Sunny., ttft: 0.2, cut_after: 1}
  - {when: {model: "deepseek/*"}, call_tool: {name: f, arguments: {a: 1}}}
  - {when: {last_user: {regex: "a(.)"}}, say: "{{ match[1] }}", template: true}
  - {when: {last_user: hi}, answers: [{say: a}, {refuse: ACCESS_DENY}]}
  - {when: {stream: true}, say: x, fault: "missing_done"}
default: {say: I do not know.}
""",
    "a specific rule after a general one": """
rules:
  - {when: {last_user: sun}, say: a}
  - {when: {last_user: {exact: sun}}, say: b}
  - {when: {last_user: sun, turn: 1}, say: c}
""",
    "the same twice, the first for a while": "rules: [{say: a, times: 1}, {say: b}]",
    "a word that is no key": 'rules: [{say: "sk-learn, bearer of bad news"}]',
    "braces": 'rules: [{json: {a: "{}"}}, {when: {turn: 1}, say: "{x} }}"}]',
}
FINDINGS: dict[str, tuple[str, list[tuple[int, str, str]]]] = {
    "not YAML": ("rules:\n  - [", [(2, "error", "while parsing")]),
    "not UTF-8 or a tab": ("rules:\n\t- a", [(2, "error", "found character '\\t'")]),
    "no scenario": (
        "a: 1\nrule: []",
        [(1, "error", "$: expected no member"), (1, "error", "$.rules: is missing")],
    ),
    "all that the schema forbids": (
        "rules:\n- say: 1\n- say: x\n  times: 0\n",
        [(2, "error", "$.rules[0].say: expected string; got 1"),
         (4, "error", "$.rules[1].times: expected at least 1; got 0")],
    ),
    "all that cannot be": (
        "rules:\n- refuse: NOPE\n- say: x\n  when:\n    turn: 1\n    last_user: {regex: '('}\n"
        "- say: x\n  fault: nope\n",
        [(2, "error", "$.rules[0].refuse: expected one of"),
         (6, "error", "$.rules[1].when.last_user.regex: missing )"),
         (7, "error", "$.rules[2]: no fault is spelt 'nope'")],
    ),
    "a date": ("rules:\n- json: {1: 2}", [(1, "error", "not JSON: ")]),
    "only and a default": (
        "rules: []\nonly: true\ndefault: {say: x}", [(3, "error", "the file says only")]),
    "no recording": ("rules:\n- say: x\n- recorded: none.json\n",
                     [(3, "error", "$.rules[1].recorded: ")]),
    "shadowed": (
        "rules:\n- when: {turn: 1}\n  say: a\n- when: {turn: 1}\n  say: b\n",
        [(4, "error", "$.rules[1]: is shadowed: $.rules[0] asks the same and always answers")],
    ),
    "unreachable": (
        "rules:\n- when: {last_user: sun}\n  say: a\n- when: {last_user: Sunny}\n  say: b\n",
        [(4, "error", "$.rules[1]: is never reached: $.rules[0] answers every request that fits")],
    ),
    "a default without use": ("rules:\n- say: a\ndefault: {say: b}",
                              [(3, "error", "$.default: is never reached: $.rules[0] answers")]),
    "an unknown model": (
        "rules:\n- say: a\n  when:\n    model: deepseek/none\n",
        [(4, "error", "$.rules[0].when.model: no model is called 'deepseek/none'")],
    ),
    "a glob of no model": ("rules:\n- {when: {model: 'x/*'}, say: a}\n",
                           [(2, "error", "'x/*' fits no model of the catalogue")]),
    "an unknown variable": (
        "rules:\n- {say: '{{ nope }}', template: true}\n",
        [(2, "error", "$.rules[0]: no variable is called 'nope'")],
    ),
    "a template of nothing": ("rules:\n- say: x\n  template: true\n",
                              [(3, "warning", "$.rules[0].template: there is nothing to fill")]),
    "a template by accident": ("rules:\n- say: 'Hi {{ model }}'\n",
                               [(2, "warning", "looks like a template, and does not say")]),
    "a template in arguments": (
        "rules:\n- call_tool: {name: f, arguments: {a: '{{ model }}'}}\n",
        [(2, "warning", "looks like a template, and does not say")]),
    "arguments that are not JSON": ("rules:\n- call_tool: {name: f, arguments: 'a: b'}\n",
                                    [(2, "warning", "the arguments of f are not JSON")]),
    "tool calls of a completion": (
        "rules:\n- {when: {operation: completions}, call_tool: {name: f}}\n",
        [(2, "error", "completions has no tool calls")]),
    "a cut refusal": ("rules:\n- {refuse: ACCESS_DENY, cut_after: 2}\n",
                      [(2, "error", "happens to streams only, and this is none")]),
    "a cut in what is not streamed": (
        "rules:\n- answers:\n  - say: x\n  - say: x\n    cut_after: 2\n  when: {stream: false}\n",
        [(4, "error", "$.rules[0].answers[1]: cut_after(chunks=2) happens to streams only")]),
    "a body's fault in a stream": (
        "rules:\n- {when: {stream: true}, say: x, fault: truncated_json}\n",
        [(2, "error", "does not happen to streams, and this is one")]),
    "a key": (f"rules:\n- say: x\n- when: {{turn: 1}}\n  say: 'Use {KEY}'\n",
              [(4, "error", "this looks like a key; a scenario file needs none")]),
    "a bearer": (f"rules:\n- {{when: {{last_user: 'Bearer {KEY}'}}, say: x}}\n",
                 [(2, "error", "this looks like a bearer token")]),
    "a name twice": ("rules:\n- say: x\n  say: y\n", [(3, "error", "say stands here twice")]),
}  # fmt: skip


@pytest.mark.parametrize("text", CLEAN.values(), ids=list(CLEAN))
def test_nothing_is_wrong_with_what_can_be_meant(check: Any, text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize(("text", "expected"), FINDINGS.values(), ids=list(FINDINGS))
def test_what_is_wrong_is_reported_with_its_line(
    check: Any, text: str, expected: list[tuple[int, str, str]]
) -> None:
    found = check(text)
    assert [(f.line, f.severity) for f in found] == [row[:2] for row in expected], found
    for finding, (_, _, part) in zip(found, expected, strict=True):
        assert part in finding.text
        assert KEY not in finding.text
        assert "\n" not in finding.text


def test_a_reply_that_breaks_the_schema_of_answers_is_reported(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taped = ask()
    text = f"rules:\n- say: x\n- when: {{turn: 1}}\n  recorded: {json.dumps(taped)}\n"
    assert check(text) == []
    wrong = json.dumps({**taped, "choices": []})
    [found] = check(text.replace(json.dumps(taped), wrong))
    assert (found.line, found.severity) == (4, "error")
    assert "$.choices: expected at least 1 item; got []" in found.text


def test_every_answer_is_checked_against_the_schema_of_answers() -> None:
    mock, wrong = Mock(any_model=True), ScriptedAnswer(tool_calls=(ToolCall(""),))
    said = checks._broken(DESCRIPTION, mock, wrong, CHAT)
    assert said is not None
    assert "tool_calls[0].function.name: expected at least 1 character" in said
    for right in (
        ScriptedAnswer(tool_calls=(ToolCall("f"),)),
        ScriptedAnswer(say=""),
        ScriptedAnswer(refuse="ACCESS_DENY"),
    ):
        for operation in WRITTEN:
            assert checks._broken(DESCRIPTION, mock, right, operation) is None


@pytest.mark.parametrize(
    "text", ["&a {rules: [*a]}", "rules: [&a {answers: [*a]}]", "rules: [{json: &a [*a]}]"]
)
def test_a_file_that_contains_itself_is_reported(check: Any, text: str) -> None:
    [found] = check(text)
    assert found.text.startswith("not JSON: ")


def test_any_model_allows_for_any_model(check: Any) -> None:
    assert check("rules: [{when: {model: my/own}, say: x}]", any_model=True) == []


@pytest.mark.parametrize(
    "example", [e for e in examples() if e.kind == "scenario"], ids=lambda e: e.place
)
def test_the_scenarios_of_the_docs_are_clean(check: Any, example: Any) -> None:
    assert check(example.text) == []


COVERS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {"turn": 1}, True),
    ({"turn": 1}, {}, False),
    ({"turn": {"min": 2}}, {"turn": 3}, True),
    ({"turn": {"min": 2}}, {"turn": 1}, False),
    ({"turn": {"min": 2}}, {"turn": {"min": 3, "max": 4}}, True),
    ({"turn": {"max": 3}}, {"turn": {"min": 3}}, False),
    ({"turn": 1}, {"turn": {"max": 1}}, False),
    ({"model": "*"}, {}, True),
    ({"model": "a/*"}, {"model": "a/b"}, True),
    ({"model": "a/*"}, {"model": "a/b*"}, False),
    ({"model": "a/b"}, {"model": "a/*"}, False),
    ({"last_user": ""}, {}, True),
    ({"tool_result": ""}, {}, False),
    ({"last_user": "a"}, {"last_user": {"exact": "A b"}}, True),
    ({"last_user": "a"}, {"last_user": {"regex": "a"}}, False),
    ({"last_user": {"regex": "^a"}}, {"last_user": {"exact": "ab"}}, True),
    ({"last_user": {"regex": "^a"}}, {"last_user": "ab"}, False),
    ({"last_user": {"exact": "a"}}, {"last_user": "a"}, False),
    ({"tool_result": True}, {"tool_result": "a"}, True),
    ({"tool_result": "a"}, {"tool_result": True}, False),
    ({"tool_result": False}, {"tool_result": "a"}, False),
    ({"tools": True}, {"tools": "a"}, True),
    ({"tools": True}, {"tools": False}, False),
    ({"tools": "get_*"}, {"tools": ["a", "get_b"]}, True),
    ({"tools": ["a", "b"]}, {"tools": "a"}, False),
    ({"header": {"a": True}}, {"header": {"a": "x", "b": "y"}}, True),
    ({"header": {"a": "x"}}, {"header": {"a": True}}, False),
    ({"header": {"a": "x", "b": "y"}}, {"header": {"a": "x"}}, False),
    ({"stream": True}, {"stream": False}, False),
]


@pytest.mark.parametrize(("wide", "narrow", "verdict"), COVERS, ids=[str(c[:2]) for c in COVERS])
def test_what_follows_from_what(
    wide: dict[str, Any], narrow: dict[str, Any], verdict: bool
) -> None:
    assert covers(When(**wide), When(**narrow)) is verdict


def test_what_is_said_to_be_unreachable_never_answers() -> None:
    mock = Mock()
    mock.on(last_user="rain").say("a")
    mock.on(last_user="rainbow").say("b")
    for _ in range(3):
        ask(mock=mock)
    assert [rule.answer.say for rule in mock.unused] == ["b"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["lint", *arguments], standalone_mode=False)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_command_prints_a_line_a_finding_and_fails_for_errors(tmp_path: Path) -> None:
    wrong, fair, good = (tmp_path / f"{name}.yaml" for name in ("wrong", "fair", "good"))
    wrong.write_text("rules:\n- say: x\n- say: y\n")
    fair.write_text("rules:\n- say: '{{ model }}'\n")
    good.write_text(f"rules: [{{when: {{model: {MODEL}}}, say: x}}]")
    assert run(str(good)) == (0, "")
    code, output = run(str(fair))
    assert (code, output.startswith(f"{fair}:2: warning: $.rules[0]: looks like")) == (0, True)
    code, output = run(str(good), str(wrong), str(fair))
    assert (code, len(output.splitlines())) == (1, 2)
    assert output.startswith(f"{wrong}:3: error: $.rules[1]: is shadowed: ")
    code, output = run("--json", str(wrong), str(tmp_path / "none.yaml"))
    rows = json.loads(output)
    assert (code, rows[0]["line"], rows[1]["text"]) == (1, 3, "No such file or directory")
    assert (run("--json", str(good))) == (0, "[]\n")
