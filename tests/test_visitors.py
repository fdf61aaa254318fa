"""Visitors who ask at once share each pass, and read what they would have read alone."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from phoque.config import AppSettings, serving_settings
from phoque.conversation import Condition, Message, Sampling, collected
from phoque.errors import PhoqueError
from phoque.models.engine import Row, decode
from phoque.models.hooks import Injection
from phoque.models.load import load_model
from phoque.models.packed.decoder import PackedDecoder
from phoque.models.packed.reading import block_keys
from phoque.serving.batch import Batch, Work
from phoque.serving.worker import RETRY_SECONDS, Job, Worker
from phoque.ui.services import Ask, Services
from tests.conftest import conversation
from tests.serving import wait_until

PROMPTS = [f"We lost match number {number}, what now?" for number in range(8)]


@pytest.fixture
def worker():
    worker = Worker(most_rows=32, most_waiting=32)
    yield worker
    worker.close()


@pytest.fixture
def services(tiny_run):
    settings = AppSettings(
        run=str(tiny_run.path), model=None, host="127.0.0.1", port=0, zero_gpu=False
    )
    services = Services(settings)
    services.start()
    assert services.wait(60).ready, services.status().text
    yield services
    services.worker.close()


def answered(services, prompt, **changes):
    main = (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
    ask = Ask(prompt=prompt, conditions=main, max_new_tokens=24, **changes)
    return {c: r.text for c, r in collected(services.stream(ask)).items()}


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_eight_visitors_read_what_each_would_read_alone(services, temperature):
    alone = [answered(services, prompt, temperature=temperature) for prompt in PROMPTS]
    with ThreadPoolExecutor(len(PROMPTS)) as pool:
        asked = [
            pool.submit(answered, services, prompt, temperature=temperature, visitor=prompt)
            for prompt in PROMPTS
        ]
        assert [one.result(60) for one in asked] == alone


def test_the_page_says_what_the_library_says(services):
    library = services.lab.compare(PROMPTS[0], max_new_tokens=24)
    assert answered(services, PROMPTS[0]) == {
        condition: response.text for condition, response in library.responses.items()
    }


def test_scale_0_is_the_neutral_column(services):
    texts = answered(services, PROMPTS[0], scale=0.0, temperature=0.9)
    assert texts[Condition.STEERED] == texts[Condition.NEUTRAL]


def test_the_base_model_is_another_batch_of_the_same_thread(services):
    ask = Ask(prompt="hi", conditions=tuple(Condition), max_new_tokens=8)
    assert set(collected(services.stream(ask))) == set(Condition)


def test_a_visitor_who_comes_later_joins_and_one_who_leaves_frees_the_rows(
    model, worker, monkeypatch
):
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    sizes, step = [], Batch.step

    def slow(batch):
        sizes.append(len(batch))
        time.sleep(0.01)
        step(batch)

    monkeypatch.setattr(Batch, "step", slow)
    sampling = Sampling(max_new_tokens=200)
    first = worker.decode(model, [Row(messages=conversation("hi"))], sampling)
    next(first)
    second = worker.decode(model, [Row(messages=conversation("hello"))], sampling)
    next(second)
    wait_until(lambda: 2 in sizes)
    first.close()
    wait_until(lambda: worker.num_rows == 1)
    second.close()
    wait_until(lambda: worker.num_rows == 0)


def test_bad_requests_and_full_lines_are_refused_before_they_wait(model):
    worker = Worker(most_rows=1, most_waiting=0)
    row = Row(messages=conversation("hi"))
    with pytest.raises(PhoqueError, match="does not fit"):
        next(worker.decode(model, [row], Sampling(max_new_tokens=10**6)))
    with pytest.raises(PhoqueError, match="waiting already"):
        next(worker.decode(model, [row], Sampling()))
    worker.close()


def test_a_deadline_ends_a_visitors_reply_only(model, worker, monkeypatch):
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    row = Row(messages=conversation("hi"))
    late = worker.decode(model, [row], Sampling(max_new_tokens=100, deadline_seconds=0.0))
    in_time = worker.decode(model, [row], Sampling(max_new_tokens=20))
    with ThreadPoolExecutor() as pool:
        ends = [run.result()[-1][0].finish_reason for run in (
            pool.submit(list, late), pool.submit(list, in_time))]  # fmt: skip
    assert ends == ["deadline", "length"]


def test_conversations_continue_in_the_same_words_with_and_without_company(model, worker):
    steered = (Injection(0, model.model.get_input_embeddings().weight[7].detach() * 3),)
    long = [Message("user", "it was a long game. " * 5), Message("assistant", "it was not.")]
    rows = [
        Row(messages=[*conversation("hi"), *long, Message("user", "so?")], interventions=done)
        for done in ((), steered)
    ]
    sampling = Sampling(max_new_tokens=16)
    alone = [p for pieces in decode(model, rows, sampling) for p in pieces]
    stop = threading.Event()

    def company():
        while not stop.is_set():
            list(worker.decode(model, [Row(messages=conversation("hello"))], sampling))

    other = threading.Thread(target=company)
    other.start()
    try:
        for _ in range(3):
            pieces = [p for ps in worker.decode(model, rows, sampling, owner="v") for p in ps]
            for row in range(len(rows)):
                assert [p for p in pieces if p.row == row] == [p for p in alone if p.row == row]
    finally:
        stop.set()
        other.join()


def test_a_request_that_cannot_be_read_fails_alone(model, worker, monkeypatch):
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    sampling = Sampling(max_new_tokens=100)
    good = worker.decode(model, [Row(messages=conversation("hi"))], sampling)
    next(good)
    narrow = (Injection(0, torch.ones(3)),)
    bad = Row(messages=conversation("hello"), interventions=narrow)
    with pytest.raises(PhoqueError, match="could not finish"):
        list(worker.decode(model, [bad], sampling))
    assert list(good)[-1][0].finish_reason == "length"


def test_a_long_prompt_is_read_no_further_once_its_reader_has_left(worker, monkeypatch):
    """And who asks next reads the same as ever."""
    model, sampling = load_model("tiny"), Sampling(max_new_tokens=4)
    rows, posted = [Row(messages=conversation("we lost " * 50))], []
    alone = list(decode(model, rows, sampling))
    blocks, read = [], PackedDecoder.read

    def leaving(decoder, block):
        blocks.append(block)
        if len(blocks) == 2:
            worker.leave(job)
        read(decoder, block)

    monkeypatch.setattr(PackedDecoder, "read", leaving)
    job = Job(Work(model=model, rows=rows, sampling=sampling), posted.append)
    whole = len(block_keys(job.work.prompts[0], b""))
    assert whole > 2
    worker.submit(job)
    assert list(worker.decode(model, rows, sampling)) == alone
    assert (len(blocks), posted) == (2 + whole, [])


def test_a_batch_that_breaks_costs_no_other_models_visitors(model, worker, monkeypatch):
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    other, step = load_model("tiny"), Batch.step

    def breaking(batch):
        if batch._model is other:
            raise RuntimeError("out of memory")
        step(batch)

    sampling = Sampling(max_new_tokens=100)
    good = worker.decode(model, [Row(messages=conversation("hi"))], sampling)
    next(good)
    monkeypatch.setattr(Batch, "step", breaking)
    with pytest.raises(PhoqueError, match="could not finish"):
        list(worker.decode(other, [Row(messages=conversation("hi"))], sampling))
    assert list(good)[-1][0].finish_reason == "length"


def test_who_has_all_is_forgotten_while_others_still_read(model, worker, monkeypatch):
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    monkeypatch.setattr(Batch, "step", slowly(Batch.step))
    long = worker.decode(model, [Row(messages=conversation("hi"))], Sampling(max_new_tokens=400))
    next(long)
    row = Row(messages=conversation("hello"))
    kept = weakref.ref(row)
    list(worker.decode(model, [row], Sampling(max_new_tokens=2)))
    del row
    wait_until(lambda: gc.collect() >= 0 and kept() is None, seconds=10)
    assert worker.num_rows == 1
    long.close()


def slowly(step):
    def slow(batch):
        time.sleep(0.05)
        step(batch)

    return slow


def test_a_closed_worker_refuses_at_once(model):
    worker = Worker(most_rows=4, most_waiting=4)
    worker.close()
    with pytest.raises(PhoqueError, match="could not finish"):
        next(worker.decode(model, [Row(messages=conversation("hi"))], Sampling()))


def test_visitors_who_come_first_and_at_once_share_one_worker(tiny_run, monkeypatch):
    settings = AppSettings(
        run=str(tiny_run.path), model=None, host="127.0.0.1", port=0, zero_gpu=False
    )
    services, read, together = Services(settings), serving_settings, threading.Barrier(4)

    def late():
        time.sleep(0.05)
        return read()

    monkeypatch.setattr("phoque.ui.services.serving_settings", late)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lambda: (together.wait(), services.worker)[1]) for _ in range(4)]
    workers = {one.result() for one in asked}
    for one in workers:
        one.close()
    assert len(workers) == 1


def test_nothing_is_kept_of_who_has_no_name(services):
    long = [Message("user", "it was a long game. " * 9), Message("assistant", "it was not.")]
    histories = dict.fromkeys(Condition, long)
    services.lab.forget()  # of the warm-up
    answered(services, PROMPTS[0], histories=histories)
    assert not services.lab.model.memory.num_bytes
    answered(services, PROMPTS[0], histories=histories, visitor="a")
    assert services.lab.model.memory.num_bytes


@pytest.mark.parametrize(("most_tokens", "together"), [(60, False), (600, True)])
def test_rows_share_a_batch_only_while_all_of_them_fit_when_padded(
    model, monkeypatch, most_tokens, together
):
    """The second visitor comes while the first one's reply is written, and both get theirs."""
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    monkeypatch.setattr("phoque.serving.worker.MOST_TOKENS", most_tokens)
    sizes, came, step = [], threading.Event(), Batch.step

    def held(batch):
        sizes.append(len(batch))
        assert came.wait(60)
        step(batch)

    monkeypatch.setattr(Batch, "step", held)
    worker = Worker(most_rows=2, most_waiting=2)
    asked = [
        worker.decode(model, [Row(messages=conversation(said))], Sampling(max_new_tokens=count))
        for said, count in (("hi", 200), ("hello", 8))
    ]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(list, asked[0])
        wait_until(lambda: sizes)
        second = pool.submit(list, asked[1])
        wait_until(lambda: worker.num_waiting)
        assert worker.line() == (1, RETRY_SECONDS), "nothing has ended yet"
        came.set()
        assert (len(first.result(60)), len(second.result(60))) == (200, 8)
    worker.close()
    assert (2 in sizes) is together
