"""Turns that were read are not read again, and that changes no text."""

import pytest
import torch

from phoque.conversation import Message, Sampling
from phoque.models.engine import Row, decode
from phoque.models.hooks import Injection
from phoque.models.load import load_model
from phoque.models.packed.decoder import PackedDecoder
from phoque.models.packed.reading import BLOCK, Memory, block_keys
from tests.conftest import conversation

LONG = "the plan was long and it went on for many words, again and again. " * 2


@pytest.fixture
def tiny():
    return load_model("tiny")


@pytest.fixture
def read(monkeypatch):
    """How many positions each forward pass over a prompt reads, in order."""
    sizes = []
    prefill = PackedDecoder.prefill

    def counted(self, ids, mask, keep=1):
        sizes.append(ids.shape[1])
        return prefill(self, ids, mask, keep)

    monkeypatch.setattr(PackedDecoder, "prefill", counted)
    return sizes


def turns(count):
    said = [Message("user", "and what about this?"), Message("assistant", "no, it was short.")]
    return [*conversation(LONG), said[1], *(said * count), Message("user", "why?")]


def texts(model, rows, owner):
    sampling = Sampling(max_new_tokens=12)
    written = [""] * len(rows)
    for pieces in decode(model, rows, sampling, owner=owner):
        for piece in pieces:
            written[piece.row] += piece.text
    return written


def rows_of(model, count):
    steered = (Injection(1, torch.linspace(-1, 1, model.width)),)
    return [
        Row(messages=turns(count)),
        Row(messages=turns(count), interventions=steered),
        Row(messages=conversation("a short one")),
    ]


def test_a_second_turn_reads_little_and_writes_the_same(tiny, read):
    texts(tiny, rows_of(tiny, 0), "visitor")
    first = sum(read)
    read.clear()
    again = texts(tiny, rows_of(tiny, 0), "visitor")
    assert sum(read) < BLOCK < first
    read.clear()
    second = texts(tiny, rows_of(tiny, 1), "visitor")
    continued = sum(read)
    read.clear()
    fresh = load_model("tiny")
    assert texts(fresh, rows_of(fresh, 1), None) == second
    assert continued < sum(read)
    assert texts(fresh, rows_of(fresh, 0), "somebody") == again


def test_the_logits_are_the_same_to_the_bit(tiny):
    from phoque.models.decoders import begun
    from phoque.models.template import encode

    prompts = [encode(tiny.tokenizer, row.messages) for row in rows_of(tiny, 1)]
    treated = [row.interventions for row in rows_of(tiny, 1)]
    with torch.inference_mode():
        _, cold = begun(tiny, treated, prompts, owner="a")
        _, warm = begun(tiny, treated, prompts, owner="a")
        _, none = begun(tiny, treated, prompts)
    assert torch.equal(cold, warm)
    assert torch.equal(cold, none)


def test_a_new_dose_drops_what_the_old_one_computed(tiny):
    texts(tiny, rows_of(tiny, 0), "visitor")
    before = tiny.memory.num_bytes
    weak = (Injection(1, 0.5 * torch.linspace(-1, 1, tiny.width)),)
    rows = rows_of(tiny, 0)
    texts(tiny, [rows[0], Row(messages=turns(0), interventions=weak)], "visitor")
    assert tiny.memory.num_bytes == before


def test_edited_weights_make_what_was_read_worthless(tiny, read):
    texts(tiny, rows_of(tiny, 0), "visitor")
    first = sum(read)
    read.clear()
    tiny.model.model.layers[0].mlp.up_proj.weight.data.mul_(2)
    texts(tiny, rows_of(tiny, 0), "visitor")
    assert sum(read) == first


def test_nothing_is_kept_of_who_left_or_did_not_want_it(tiny):
    texts(tiny, rows_of(tiny, 0), None)
    assert not tiny.memory.num_bytes
    texts(tiny, rows_of(tiny, 0), "visitor")
    assert tiny.memory.num_bytes
    tiny.memory.forget("visitor")
    assert not tiny.memory.num_bytes


def test_a_short_conversation_drops_the_long_one(tiny):
    texts(tiny, rows_of(tiny, 0), "visitor")
    texts(tiny, [Row(messages=conversation("hi"))], "visitor")
    assert not tiny.memory.num_bytes


def test_the_owner_who_was_silent_for_longest_goes_first():
    memory = Memory(most_bytes=100)
    for name in ("a", "b", "a", "c"):
        memory.remember(name, {b"key": torch.zeros(10)})
    assert [bool(memory.recall(name)) for name in "abc"] == [True, False, True]


def test_names_of_blocks_depend_on_all_before_them():
    text = list(range(3 * BLOCK))
    keys = block_keys(text, b"root")
    assert len(keys) == 2  # the last token must be read, or nothing follows from it
    assert block_keys([*text, 1], b"root")[:2] == keys
    assert block_keys([9, *text[1:]], b"root")[1] != keys[1]
    assert block_keys(text, b"other")[0] != keys[0]
    assert block_keys(text[:BLOCK], b"root") == []
