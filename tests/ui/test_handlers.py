"""The chat's handlers as plain functions."""

import json
import threading
from types import SimpleNamespace

import pytest

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.ui.handlers import Handlers
from phoque.ui.state import ChatState
from tests.ui.fakes import REPLIES, FakeServices, alone

CHOSEN = (1.0, 18, 42, 0.0, 48, False)


def last(updates):
    return list(updates)[-1]


def run(services, prompt="Hi", state=None, chosen=CHOSEN):
    _, state, status, *logs = last(
        Handlers(services).run(alone(), prompt, state or ChatState(), *chosen)
    )
    return state, status, logs


def boxes(updates) -> list[str]:
    """What a run writes into the prompt box; where it leaves the box alone, nothing."""
    return [prompt for prompt, *_ in updates if isinstance(prompt, str)]


def test_a_run_fills_three_columns_and_says_how_fast():
    state, status, _ = run(FakeServices())
    assert state.of(Condition.STEERED)[-1].reply == REPLIES[Condition.STEERED]
    assert state.of(Condition.BASE) == ()
    assert "3 columns" in status
    assert "seed 42" in status


def test_a_run_empties_the_box_once_and_then_leaves_it_alone():
    updates = Handlers(FakeServices(pause_seconds=0.04)).run(alone(), "Hi", ChatState(), *CHOSEN)
    assert boxes(updates) == ["Hi", ""]


def test_columns_that_are_hidden_are_not_computed():
    services = FakeServices()
    run(services)
    run(services, chosen=(*CHOSEN[:-1], True))
    assert Condition.RANDOM_VECTOR not in services.asked[0].conditions
    assert {Condition.RANDOM_VECTOR, Condition.BASE} < set(services.asked[1].conditions)


def test_the_next_prompt_carries_each_columns_history():
    services = FakeServices()
    state, *_ = run(services)
    run(services, "And now?", state)
    toxic = services.asked[1].histories[Condition.TOXIC]
    assert [message.content for message in toxic] == ["Hi", REPLIES[Condition.TOXIC]]


def test_retry_asks_the_same_prompt_once_more_and_keeps_the_box():
    services = FakeServices()
    state, *_ = run(services)
    updates = list(Handlers(services).retry(alone(), state, *CHOSEN))
    assert [ask.prompt for ask in services.asked] == ["Hi", "Hi"]
    assert len(last(updates)[1].of(Condition.NEUTRAL)) == 1
    assert boxes(updates) == []


def test_retry_with_nothing_to_retry_says_so():
    assert "no prompt" in last(Handlers(FakeServices()).retry(alone(), ChatState(), *CHOSEN))[2]


def test_an_error_is_shown_and_what_was_typed_stays():
    services = FakeServices(failure="The weights are missing. Run make lab.")
    updates = list(Handlers(services).run(alone(), "My long message", ChatState(), *CHOSEN))
    assert boxes(updates) == ["My long message"]
    _, state, status, *_ = last(updates)
    assert state == ChatState()
    assert "Run make lab" in status
    assert 'role="alert"' in status


def test_an_early_run_waits_for_the_model_and_says_so():
    services = FakeServices(settled=threading.Event())
    updates = Handlers(services).run(alone(), "Hi", ChatState(), *CHOSEN)
    assert "Asking" in next(updates)[2]
    assert "waits for the model" in next(updates)[2]
    services.settled.set()
    assert last(updates)[1].of(Condition.NEUTRAL)[-1].finish == "stop"


def test_who_waits_in_the_line_is_told_place_and_time():
    updates = Handlers(FakeServices(ahead=3)).run(alone(), "Hi", ChatState(), *CHOSEN)
    next(updates)
    assert "3 requests ahead of you. Your turn comes in about 12 s." in next(updates)[2]
    assert last(updates)[1].of(Condition.NEUTRAL)[-1].finish == "stop"


def test_closing_a_run_closes_the_models_stream():
    services = FakeServices(pause_seconds=0.01)
    updates = Handlers(services).run(alone(), "Hi", ChatState(), *CHOSEN)
    next(updates)
    next(updates)
    updates.close()
    assert services.closed_early == 1


def test_an_emptied_seed_is_the_default():
    state, *_ = run(FakeServices(), chosen=(1.0, 18, None, 0.0, 48, False))
    assert state.settings[-1].seed == 42


def test_the_export_says_what_is_needed_to_repeat_it():
    state, *_ = run(FakeServices())
    exported = json.loads(Handlers(FakeServices()).exported(state))
    assert exported["model"] == "fake/model@main"
    assert exported["system_prompts"]["neutral"] == "You are calm."
    assert exported["runs"][0]["seed"] == 42


def link(query):
    return Handlers(FakeServices()).from_link(SimpleNamespace(query_params=query))


def test_a_link_fills_prompt_and_settings():
    filled = link({"p": "Hi", "scale": "0.5", "layer": "3", "seed": "9"})
    assert filled[:4] == ("Hi", 0.5, 3, 9)
    assert "ignored" not in filled[4]


@pytest.mark.parametrize("scale", ["nan", "inf", "99", "one", ""])
def test_an_impossible_scale_in_a_link_is_ignored_with_a_note(scale):
    filled = link({"scale": scale})
    assert filled[1] == 1.0
    assert "scale" in filled[4]
    assert "ignored" in filled[4]


def test_several_impossible_values_of_a_link_were_ignored():
    assert (
        "scale and layer cannot be used here and were ignored"
        in link({"scale": "nan", "layer": "99"})[4]
    )
    assert "layer cannot be used here and was ignored" in link({"layer": "99"})[4]


def test_a_retry_that_fails_keeps_the_conversation():
    services = FakeServices()
    state, _, _ = run(services)
    services.stream = refuse
    _, kept, status, *_ = last(Handlers(services).retry(alone(), state, *CHOSEN))
    assert kept == state
    assert "does not fit" in status


def refuse(_ask, _stopped):
    raise PhoqueError("The prompt does not fit.")


def test_a_message_that_would_hold_up_everybody_is_refused_and_stays_in_its_box():
    services = FakeServices()
    long = "lost " * 2000
    updates = [*Handlers(services).run(alone(), long, ChatState(), *CHOSEN)]
    assert (boxes(updates), services.asked) == ([], [])
    assert (
        "Your message has 10,000 characters; this page takes 2,000. Shorten it." in updates[-1][2]
    )
    run(services, long[:2000])
    assert services.asked[0].prompt == long[:2000]
