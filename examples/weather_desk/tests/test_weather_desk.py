"""Tests of the weather desk. They use the public names of novita-mock and nothing else."""

from __future__ import annotations

import json

import pytest
import weather_desk

pytestmark = pytest.mark.usefixtures("novita_env")


def test_an_answer_is_what_the_model_says(novita):
    novita.say("Sunny.")
    assert weather_desk.ask("Paris?") == "Sunny."
    assert novita.last.request["messages"] == [{"role": "user", "content": "Paris?"}]


def test_without_a_script_the_mock_makes_an_answer_up(novita):
    assert "Paris" in weather_desk.ask("Tell me about Paris")


def test_two_rate_limits_are_survived(novita, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    novita.refuse("RATE_LIMIT_EXCEEDED", times=2).say("At last.")
    assert weather_desk.ask("Paris?") == "At last."
    novita.assert_called(3)


def test_an_empty_wallet_is_not_tried_again(novita):
    novita.refuse("NOT_ENOUGH_BALANCE")
    assert weather_desk.ask_politely("Paris?") == weather_desk.SORRY
    novita.assert_called(1)


def test_a_stream_arrives_piece_by_piece(novita):
    novita.say("Sunny, 21 degrees.")
    pieces = list(weather_desk.stream("Paris?"))
    assert "".join(pieces) == "Sunny, 21 degrees."
    assert len(pieces) > 1
    assert novita.last.stream


def test_the_tool_loop_brings_the_temperature_back(novita):
    novita.on(tool_result=False).call_tool("get_temperature", {"city": "Oslo"})
    novita.on(tool_result="9").say("Nine degrees.")
    assert weather_desk.report("How warm is it in Oslo?") == "Nine degrees."
    assert json.loads(novita.last.request["messages"][-1]["content"])["celsius"] == 9


def test_the_tool_loop_ends_without_any_script(novita):
    assert weather_desk.report("What is the temperature in Paris?")
    novita.assert_called(2)


def test_the_desk_works_with_a_real_server(novita_server):
    novita_server.say("Foggy.")
    assert weather_desk.ask("Paris?") == "Foggy."
