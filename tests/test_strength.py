"""How far each token of a reply lies along the persona vector, to one and the same reader."""

import threading
from functools import partial

import pytest
import torch

from phoque.conversation import Condition, Message, Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row
from phoque.models.template import encode
from phoque.serving.batch import Batch
from phoque.serving.worker import Worker
from phoque.steering.capture import token_streams
from phoque.steering.vectors import SteeringVector, strengths
from tests.conftest import conversation
from tests.serving import wait_until

MESSAGES = [Message("system", "be calm."), Message("user", "hello there")]
REPLY = "it was a long game, and héllo 🦭 to you"


def along(model, vector, reply=REPLY):
    return torch.tensor([one.along for one in strengths(model, MESSAGES, reply, vector)])


def vector_of(model, layer=1):
    width = model.model.get_input_embeddings().weight.shape[1]
    return SteeringVector(layer, torch.randn(width, generator=torch.Generator().manual_seed(0)))


def test_the_tokens_are_the_text(model):
    found = strengths(model, MESSAGES, REPLY, vector_of(model))
    assert "".join(one.text for one in found) == REPLY
    assert len(found) == len(model.tokenizer(REPLY, add_special_tokens=False).input_ids)
    assert strengths(model, MESSAGES, "", vector_of(model)) == []


def test_a_reply_longer_than_the_context_is_refused(model):
    with pytest.raises(PhoqueError, match=f"can read {model.context_length}. Shorten them"):
        strengths(model, MESSAGES, "you " * model.context_length, vector_of(model))


def test_half_a_character_is_refused(model):
    with pytest.raises(PhoqueError, match="half a character"):
        strengths(model, MESSAGES, "well \ud83d", vector_of(model))


def test_the_unit_is_the_vector_that_is_added_at_its_layer(model):
    vector = vector_of(model)
    plain = along(model, vector)
    with vector.applied_to(model.model, scale=2.5):
        injected = along(model, vector)
    torch.testing.assert_close(injected - plain, torch.full_like(plain, 2.5), atol=1e-3, rtol=0)


def test_a_direction_that_is_added_earlier_is_seen_and_the_reversed_vector_turns_the_sign(model):
    vector = vector_of(model)
    earlier = SteeringVector(0, vector.direction_D)
    with earlier.applied_to(model.model, scale=3.0):
        assert along(model, vector).mean() > 0.5
        torch.testing.assert_close(along(model, -vector), -along(model, vector))


def test_the_number_is_the_projection_of_the_state_that_read_the_token(model):
    vector = vector_of(model)
    reply = model.tokenizer(REPLY, add_special_tokens=False).input_ids
    prompt = encode(model.tokenizer, MESSAGES)
    cut = len(reply) // 2
    [stream_LSD] = token_streams(model, [[*prompt, *reply[:cut]]], positions=1)
    expected = stream_LSD[1, 0] @ vector.direction_D / vector.norm**2
    torch.testing.assert_close(along(model, vector)[cut - 1], expected, atol=1e-4, rtol=1e-4)


def test_all_columns_have_one_reader_and_the_line_gives_the_same_numbers(lab):
    replies = ["hello to you", REPLY]
    found = lab.strengths("hello", replies)
    worker = Worker(most_rows=4, most_waiting=4)
    assert lab.strengths("hello", replies, running=worker.run) == found
    worker.close()
    own = strengths(
        lab.base,
        lab._messages(Condition.BASE, "hello", {}),
        REPLY,
        lab.vectors[lab.selection.layer],
    )
    assert found[1] == own
    assert lab.strengths("hello", [REPLY], layer=0) != [own]
    with pytest.raises(PhoqueError, match="Layer 99"):
        lab.strengths("hello", replies, layer=99)


@pytest.fixture
def worker():
    worker = Worker(most_rows=1, most_waiting=4)
    yield worker
    worker.close()


def test_other_work_is_done_between_two_tokens_and_changes_no_text(model, worker, monkeypatch):
    monkeypatch.setattr("phoque.models.engine.end_tokens", lambda _: frozenset())
    row, sampling = Row(messages=conversation("hi")), Sampling(max_new_tokens=40)
    alone = [piece.text for [piece] in worker.decode(model, [row], sampling)]
    read = partial(strengths, model, MESSAGES, REPLY, vector_of(model))
    stream = worker.decode(model, [row], sampling)
    texts = [next(stream)[0].text]
    assert worker.run(read) == read()
    texts += [piece.text for [piece] in stream]
    assert texts == alone


def test_work_that_fails_tells_who_asked_and_nobody_else(worker):
    def broken():
        raise PhoqueError("too long")

    with pytest.raises(PhoqueError, match="too long"):
        worker.run(broken)
    assert worker.run(lambda: 7) == 7


def test_work_in_the_line_that_is_no_longer_wanted_is_not_done(model, worker, monkeypatch):
    go_on, computes, done = threading.Event(), threading.Event(), []
    step = Batch.step

    def slow(batch):
        computes.set()
        assert go_on.wait(20)
        step(batch)

    monkeypatch.setattr(Batch, "step", slow)
    stream = worker.decode(model, [Row(messages=conversation("hi"))], Sampling(max_new_tokens=2))
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    assert computes.wait(20)
    assert worker.run(lambda: done.append(1), lambda: worker.num_waiting == 1) is None
    go_on.set()
    reader.join(20)
    wait_until(lambda: worker.num_rows == 0)
    assert (worker.num_waiting, done) == (0, [])
