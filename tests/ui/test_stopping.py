"""Stop is a flag: who reads it ends by itself, keeps what it wrote, and stands in nobody's way."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from phoque.config import AppSettings
from phoque.conversation import Condition, Sampling
from phoque.models.engine import Row
from phoque.serving.batch import Batch
from phoque.ui.handlers import Handlers
from phoque.ui.pressure import playing
from phoque.ui.pressure.playing import played
from phoque.ui.sae.trying import tried
from phoque.ui.services import Services
from phoque.ui.state import ChatState
from phoque.ui.stopping import Runs, stoppable
from tests.conftest import conversation
from tests.serving import wait_until
from tests.ui.fakes import FakeServices, alone

CHOSEN = (1.0, 18, 42, 0.0, 48, False)
NEUTRAL = Condition.NEUTRAL


@dataclass
class Blocking(FakeServices):
    """Says one word a column and then nothing more, until it is told to stop."""

    waits: threading.Event = field(default_factory=threading.Event)

    def _words(self, ask, stopped):
        words = super()._words(ask, stopped)
        for _ in ask.conditions:
            yield next(words)
        self.waits.set()
        wait_until(stopped)


class Reading(FakeServices):
    """Moderators who never finish."""

    def __init__(self):
        super().__init__()
        self.waits, self.never = threading.Event(), threading.Event()

    def check(self, answered, *, judged, stopped):
        self.waits.set()
        self.never.wait(30)
        return super().check(answered, judged=judged, stopped=stopped)


def ended(updates, waits, press):
    """All updates of a run during which somebody pressed a button, once it was waiting."""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(list, updates)
        assert waits.wait(20)
        press()
        return run.result(20)


def test_a_run_is_begun_by_its_number_and_stopped_by_a_larger_one():
    runs = Runs()
    first = runs.begin(1)
    assert runs.begin(2) is None, "the first still writes"
    assert not first.stopped()
    assert runs.stop(3)
    assert first.stopped()
    third = runs.begin(4)
    first.end()
    assert (third.current, third.stopped()) == (True, False)
    third.end()
    assert not runs.stop(5)


def test_a_run_that_arrives_after_its_stop_does_not_begin():
    runs = Runs()
    runs.stop(2)
    assert runs.begin(1) is None
    assert runs.begin(3)


def test_a_run_brings_the_stop_that_is_late():
    runs = Runs()
    first = runs.begin(1)
    assert runs.begin(3, stopped=2)
    assert first.stopped()


def test_what_is_only_read_makes_room_for_the_next_run():
    runs = Runs()
    first = runs.begin(1)
    first.written()
    assert runs.begin(2)
    assert first.stopped()
    assert not first.current


def test_an_event_that_is_not_to_begin_changes_nothing():
    asked = []
    event = stoppable(lambda run, text: iter([asked.append(text)]))
    runs = Runs(stopped=2)
    assert list(event(runs, "1 0", "a")) == []
    assert len(list(event(runs, "3 2", "b"))) == 1
    assert asked == ["b"]
    assert not runs.newest


def test_stop_ends_a_run_that_waits_for_its_next_piece_and_keeps_the_start():
    services, runs = Blocking(), Runs()
    handlers = Handlers(services)
    ask = stoppable(handlers.run)
    updates = ended(
        ask(runs, "1 0", "Hi", ChatState(), *CHOSEN),
        services.waits,
        lambda: handlers.stop(runs, "2", ChatState()),
    )
    _, state, status, *_ = updates[-1]
    turn = state.of(Condition.TOXIC)[-1]
    assert (turn.reply, turn.finish, turn.settled) == ("You ", "stopped", True)
    assert "Stopped." in status
    *_, (_, state, *_) = Handlers(FakeServices()).run(runs.begin(3, 2), "Hi", state, *CHOSEN)
    assert [turn.finish for turn in state.of(Condition.TOXIC)] == ["stopped", "stop"]


def test_a_run_that_the_next_one_followed_says_nothing_more():
    services, runs = Blocking(), Runs()
    run = runs.begin(1)
    updates = ended(
        Handlers(services).run(run, "Hi", ChatState(), *CHOSEN),
        services.waits,
        lambda: runs.begin(3, 2),
    )
    assert updates[-1][1].of(Condition.TOXIC)[-1].finish == ""


def test_clear_ends_a_run_and_leaves_nothing_of_it():
    services, runs = Blocking(), Runs()
    handlers, visitor = Handlers(services), ChatState(visitor="me")
    updates = ended(
        handlers.run(runs.begin(1), "Hi", visitor, *CHOSEN),
        services.waits,
        lambda: handlers.clear(runs, "2", visitor),
    )
    assert updates[-1][1] == visitor
    assert "Cleared." in updates[-1][2]
    assert services.forgotten == ["me", "me"], "at once, and what the run kept since"


def test_stop_during_the_warm_up_asks_the_model_nothing():
    services, runs = FakeServices(settled=threading.Event()), Runs()
    updates = Handlers(services).run(runs.begin(1), "Hi", ChatState(), *CHOSEN)
    next(updates)
    assert "waits for the model" in next(updates)[2]
    runs.stop(2)
    [(prompt, state, status, *_)] = updates
    assert not isinstance(prompt, str), "what was typed stays"
    assert state == ChatState()
    assert "Stopped." in status
    assert services.asked == []


def test_stop_ends_the_moderators_reading_and_keeps_the_replies():
    services, runs = Reading(), Runs()
    updates = ended(
        Handlers(services).run(runs.begin(1), "Hi", ChatState(), *CHOSEN),
        services.waits,
        lambda: runs.stop(2),
    )
    services.never.set()
    turn = updates[-1][1].of(NEUTRAL)[-1]
    assert (turn.finish, turn.settled) == ("stop", True)
    assert "Stopped." in updates[-1][2]


def test_stop_without_a_run_closes_what_is_open():
    lost = ChatState().with_prompt("Hi", alone_settings())
    _, state, *_ = Handlers(FakeServices()).stop(Runs(), "1", lost)
    assert state.of(NEUTRAL)[-1].finish == "stopped"


def alone_settings():
    *_, (_, state, *_) = Handlers(FakeServices()).run(alone(), "Hi", ChatState(), *CHOSEN)
    return state.settings[-1]


def test_a_latent_that_is_tried_can_be_stopped():
    services, runs = Blocking(), Runs()
    updates = ended(
        tried(runs.begin(1), services, "Hi", "7", 0.2), services.waits, lambda: runs.stop(2)
    )
    assert "Stopped." in updates[-1][0]
    assert "stopped by you" in updates[-1][1]


def test_a_channel_can_be_stopped_while_it_is_watched(monkeypatch):
    monkeypatch.setattr(playing, "PAUSE_SECONDS", 3600)
    services, runs = FakeServices(), Runs()
    updates = played(runs.begin(1), services, ["embedded.svm"], 0.5, 3, True)
    next(updates)
    threading.Timer(0.1, runs.stop, [2]).start()
    assert "Stopped." in next(updates)[0]
    assert list(updates) == []


@pytest.fixture
def lab_services(tiny_run, monkeypatch):
    """A real lab, whose replies end only when they are stopped."""
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    monkeypatch.setenv("PHOQUE_API_ROWS", "3")
    services = Services(
        AppSettings(run=str(tiny_run.path), model=None, host="127.0.0.1", port=0, zero_gpu=False)
    )
    services.start()
    assert services.wait(60).ready, services.status().text
    yield services
    services.worker.close()


def test_the_engine_is_free_once_stop_was_pressed_also_while_it_computes(lab_services, monkeypatch):
    computes, go_on, freed = threading.Event(), threading.Event(), threading.Event()
    step, clear = Batch.step, Batch.clear

    def slow(batch):
        step(batch)
        computes.set()
        assert go_on.wait(20)

    def cleared(batch):
        clear(batch)
        freed.set()

    monkeypatch.setattr(Batch, "step", slow)
    monkeypatch.setattr(Batch, "clear", cleared)
    handlers, runs = Handlers(lab_services), Runs()
    chosen = (1.0, 1, 42, 0.0, 200, False)
    updates = ended(
        handlers.run(runs.begin(1), "Hi", ChatState(), *chosen),
        computes,
        lambda: handlers.stop(runs, "2", ChatState()),
    )
    assert "Stopped." in updates[-1][2], "the run ended while a pass was being computed"
    assert not freed.is_set()
    go_on.set()  # the pass ends, and the next one is not computed
    assert freed.wait(20)
    assert lab_services.worker.num_rows == 0


def test_a_run_in_the_line_leaves_it_without_having_been_read(lab_services):
    worker, model = lab_services.worker, lab_services.lab.model
    rows = [Row(messages=conversation("hi"), seed=seed) for seed in range(3)]
    first = worker.decode(model, rows, Sampling(max_new_tokens=400, temperature=1.0))
    next(first)
    runs, waits = Runs(), threading.Event()
    threading.Thread(
        target=lambda: (wait_until(lambda: worker.num_waiting == 1), waits.set())
    ).start()
    updates = ended(
        Handlers(lab_services).run(
            runs.begin(1), "Hello", ChatState(), *CHOSEN[:1], 1, *CHOSEN[2:]
        ),
        waits,
        lambda: runs.stop(2),
    )
    assert updates[-1][1].of(NEUTRAL) == ()
    assert "Stopped." in updates[-1][2]
    assert worker.num_waiting == 0
    first.close()


def test_who_has_left_the_page_leaves_the_line(lab_services):
    worker, model = lab_services.worker, lab_services.lab.model
    rows = [Row(messages=conversation("hi"), seed=seed) for seed in range(3)]
    first = worker.decode(model, rows, Sampling(max_new_tokens=400, temperature=1.0))
    next(first)
    state = ChatState(visitor="gone")
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(
            list, Handlers(lab_services).run(alone(), "Hello", state, 1.0, 1, *CHOSEN[2:])
        )
        wait_until(lambda: worker.num_waiting == 1)
        lab_services.forget("gone")
        assert run.result(20)
    assert worker.num_waiting == 0
    first.close()
