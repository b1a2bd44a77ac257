"""`novita-mock explain`: which rule answers a request, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from novita_mock import Mock
from novita_mock.cli import main
from tests.ask import CHAT, MODEL, ask, body_of, texts

RULES: list[dict[str, Any]] = [
    {"when": {"last_user": "rain"}, "say": "a"},
    {"when": {"model": "deepseek/*", "last_user": "rain", "turn": {"min": 2}}, "say": "b"},
    {"when": {"last_user": {"exact": "Tell me about rainbows"}}, "say": "c"},
    {"when": {"header": {"x-team": "blue"}, "last_user": "rain"}, "say": "d"},
    {"when": {"model": MODEL, "stream": True}, "say": "e"},
]


@pytest.fixture(name="explain")
def _explain(tmp_path: Path) -> Any:
    def run(rules: Any, body: Any, *options: str, **more: Any) -> Result:
        scenario, request = tmp_path / "s.yaml", tmp_path / "r.json"
        scenario.write_text(yaml.safe_dump({"rules": rules, **more}))
        request.write_text(body if isinstance(body, str) else json.dumps(body))
        command = ["explain", str(scenario), str(request), *options]
        return CliRunner().invoke(main, command, standalone_mode=False)

    return run


def code(result: Result) -> int:
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code


WINNERS: list[tuple[list[int], list[str], str, str]] = [
    ([0], [], "rule 1", "rule 1 answers: no other fits."),
    ([0, 2], [], "rule 2", "rule 2 answers: of those that fit with as many conditions it has the"),
    ([0, 0], [], "rule 1", "rule 1 answers: of equals it is the first."),
    ([0, 3], ["--header", "X-Team: blue"], "rule 2", "of those that fit it has the most cond"),
    ([0, 3], ["--header", "X-Team: red"], "rule 1", "rule 1 answers: no other fits."),
]


@pytest.mark.parametrize(("rows", "options", "winner", "why"), WINNERS, ids=[r[3] for r in WINNERS])
def test_the_winner_and_why(
    explain: Any, rows: list[int], options: list[str], winner: str, why: str
) -> None:
    result = explain([RULES[row] for row in rows], body_of(), *options)
    assert code(result) == 0
    assert why in result.output.splitlines()[-1]
    output = json.loads(explain([RULES[row] for row in rows], body_of(), *options, "--json").output)
    assert output["winner"] == winner


def test_each_rule_has_its_weight_and_all_differences(explain: Any) -> None:
    lines = explain(RULES, body_of()).output.splitlines()
    assert lines[:7] == [
        "rule 1 (1 conditions, 0 exact): fits",
        "rule 2 (3 conditions, 0 exact): differs",
        f"  wants model='deepseek/*'; got '{MODEL}'",
        "  wants turn={'min': 2}; got 1",
        "rule 3 (1 conditions, 1 exact): fits",
        "rule 4 (2 conditions, 0 exact): differs",
        "  wants header x-team='blue'; got None",
    ]
    output = json.loads(explain(RULES, body_of(), "--json").output)
    assert output["rules"][3] == {
        "rule": "rule 4",
        "weight": [2, 0],
        "fits": False,
        "differs": [{"condition": "header x-team", "wanted": "'blue'", "got": "None"}],
    }


def test_the_default_answers_if_no_rule_fits(explain: Any) -> None:
    result = explain(RULES[1:2], body_of(), default={"say": "x"})
    assert code(result) == 0
    assert result.output.endswith("default answers: no rule fits.\n")


def test_without_a_winner_the_nearest_rule_and_a_rule_to_paste_are_shown(explain: Any) -> None:
    result = explain([RULES[3], RULES[1], RULES[4]], body_of(), only=True)
    assert code(result) == 1
    assert "No rule answers: rule 1 wants header x-team='blue'; got None." in result.output
    rows = yaml.safe_load(result.output.partition("A rule that does:\n")[2])
    mock = Mock(scenario={"rules": rows, "only": True})
    assert texts(CHAT, ask(mock=mock)) == ["..."]
    assert "No rule answers: there are no rules." in explain([], body_of()).output


def test_a_completion_is_recognised_by_its_prompt(explain: Any) -> None:
    rules = [{"when": {"operation": "completions", "last_user": "sun"}, "say": "x"}]
    assert code(explain(rules, {"model": MODEL, "prompt": "the sun"})) == 0
    assert code(explain(rules, {"model": MODEL, "messages": [
        {"role": "user", "content": "sun"}]})) == 1  # fmt: skip


def test_a_credential_is_never_shown(explain: Any) -> None:
    rules = [{"when": {"header": {"x-a": "b"}}, "say": "x"}]
    result = explain(rules, body_of(), "--header", "Authorization: Bearer sk-secret-1")
    assert "secret" not in result.output


UNREADABLE: list[tuple[Any, Any, list[str], str]] = [
    (RULES, "{", [], "r.json: not JSON: "),
    (RULES, "[]", [], "r.json: neither messages nor prompt is in the body: give its --operation"),
    (RULES, {"model": MODEL, "prompt": 5}, [], "r.json: $.prompt: expected"),
    (RULES, body_of(), ["--operation", "completions"], "r.json: $.prompt: is missing"),
    (RULES, body_of(), ["--header", "nope"], "--header: expected 'Name: value'; got 'nope'"),
    ([{"say": 5}], body_of(), [], "s.yaml: $.rules[0].say: expected string; got 5"),
]


@pytest.mark.parametrize(
    ("rules", "body", "options", "text"), UNREADABLE, ids=[row[3] for row in UNREADABLE]
)
def test_what_cannot_be_read_is_a_wrong_call(
    explain: Any, rules: Any, body: Any, options: list[str], text: str
) -> None:
    result = explain(rules, body, *options)
    assert text in str(result.exception)
    assert type(result.exception).__name__ == "UsageError"


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("rules: []")
    for names in (("none.yaml", "r.json"), ("s.yaml", "r.json")):
        command = ["explain", *(str(tmp_path / name) for name in names)]
        result = CliRunner().invoke(main, command, standalone_mode=False)
        assert "No such file or directory" in str(result.exception)
