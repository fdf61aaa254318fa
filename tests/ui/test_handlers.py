"""The chat's handlers as plain functions."""

import threading

import gradio as gr
import pytest

from phoque.records import Condition
from phoque.ui.state import ChatState
from phoque.ui.tabs.chat import Handlers
from tests.ui.fakes import REPLIES, FakeServices

CHOSEN = (1.0, 18, 42, 0.0, 48, "none")


def last(updates):
    return list(updates)[-1]


def run(services, prompt="Hi", state=None, chosen=CHOSEN):
    prompt, state, status, *logs = last(Handlers(services).run(prompt, state or ChatState(), *chosen))
    return prompt, state, status, logs


def test_a_run_empties_the_box_and_fills_three_columns():
    prompt, state, status, _ = run(FakeServices())
    assert prompt == ""
    assert state.of(Condition.STEERED)[-1].reply == REPLIES[Condition.STEERED]
    assert state.of(Condition.BASE) == ()
    assert "3 columns" in status
    assert "seed 42" in status


def test_a_hidden_column_is_not_computed():
    services = FakeServices()
    run(services)
    run(services, chosen=(*CHOSEN[:-1], "control"))
    assert Condition.CONTROL not in services.asked[0].conditions
    assert Condition.CONTROL in services.asked[1].conditions


def test_the_next_prompt_carries_each_columns_history():
    services = FakeServices()
    _, state, *_ = run(services)
    run(services, "And now?", state)
    toxic = services.asked[1].histories[Condition.TOXIC]
    assert [message.content for message in toxic] == ["Hi", REPLIES[Condition.TOXIC]]


def test_retry_asks_the_same_prompt_once_more():
    services = FakeServices()
    _, state, *_ = run(services)
    typed, state, *_ = last(Handlers(services).retry("half typed", state, *CHOSEN))
    assert [ask.prompt for ask in services.asked] == ["Hi", "Hi"]
    assert len(state.of(Condition.NEUTRAL)) == 1
    assert typed == "half typed"


def test_an_error_is_shown_and_what_was_typed_stays():
    services = FakeServices(failure="The weights are missing. Run make lab.")
    prompt, state, status, _ = run(services, "My long message")
    assert prompt == "My long message"
    assert state == ChatState()
    assert "Run make lab" in status
    assert 'role="alert"' in status


def test_an_early_run_waits_for_the_model_and_says_so():
    services = FakeServices(settled=threading.Event())
    updates = Handlers(services).run("Hi", ChatState(), *CHOSEN)
    assert "waits for the model" in next(updates)[2]
    services.settled.set()
    assert last(updates)[1].of(Condition.NEUTRAL)[-1].finish == "stop"


def test_closing_a_run_closes_the_models_stream():
    services = FakeServices(pause_seconds=0.01)
    updates = Handlers(services).run("Hi", ChatState(), *CHOSEN)
    next(updates)
    updates.close()
    assert services.closed_early == 1


@pytest.mark.parametrize("bad", [None, float("nan")])
def test_an_emptied_number_box_does_not_break_a_run(bad):
    chosen = (1.0, 18, bad, 0.0, 48, "none")
    _, state, *_ = run(FakeServices(), chosen=chosen)
    assert state.settings[-1].seed == 42


def link(query):
    request = gr.Request(query_params=query)
    return Handlers(FakeServices()).from_link(request)


def test_a_link_fills_prompt_and_settings():
    assert link({"p": "Hi", "scale": "0.5", "layer": "3", "seed": "9"})[:4] == ("Hi", 0.5, 3, 9)


@pytest.mark.parametrize("scale", ["nan", "inf", "99", "one", ""])
def test_an_impossible_scale_in_a_link_is_ignored(scale):
    assert link({"scale": scale})[1] == 1.0
