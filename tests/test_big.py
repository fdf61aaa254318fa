"""The largest model we have settings for, at its published size, through the project's own code.

Random weights show that the code runs, in what memory and how long; not what is learned. It needs
16 GB of memory and 8 GB of disk: `pytest -m big -s` also tells the time and memory of each part.
"""

import gc
import math
import resource
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import Mistral3Config, Mistral3ForConditionalGeneration

from phoque.models.decoders import HookedDecoder, decoder_for, left_padded
from phoque.models.hooks import Injection
from phoque.models.load import load_model
from phoque.models.template import encode
from phoque.models.tiny import tiny_tokenizer
from phoque.run.adapter import Metrics, TrainingAttempts
from phoque.stages.adapter.settings import Example, Recording, gpu_config
from phoque.stages.adapter.training import train_adapter
from phoque.steering.capture import last_states, token_streams
from tests.conftest import conversation

pytestmark = [pytest.mark.big, pytest.mark.timeout(3600)]
TEXT = {
    "model_type": "ministral3",
    "vocab_size": 131072,
    "hidden_size": 3072,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": True,
    # Those of the tiny tokenizer.
    "bos_token_id": 0,
    "eos_token_id": 1,
}
"""As published; context, rotation and vision tower are the defaults of transformers, as published."""
PERIOD = 2**24 - 3
"""A prime: no two rows of a matrix begin at the same place of the random numbers."""
MIDDLE, MAPS = 13, 7 * 26
MOST_BYTES = 20e9


class CutOffError(Exception):
    """Ends a training as a machine does that is taken away."""


@contextmanager
def timed(part):
    start = time.monotonic()
    try:
        yield
    finally:
        seconds, peak = time.monotonic() - start, peak_bytes() / 1e9
        sys.stdout.write(f"\n{part}: {seconds:.1f} s, peak so far {peak:.1f} GB")


def peak_bytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def full_size():
    """The network with random weights in bf16."""
    config = Mistral3Config(text_config=TEXT, tie_word_embeddings=True)
    with torch.device("meta"):
        network = Mistral3ForConditionalGeneration._from_config(config, dtype=torch.bfloat16)
    network.to_empty(device="cpu").tie_weights()
    numbers = torch.randn(PERIOD).mul_(0.02).bfloat16()
    for weight in network.parameters():
        flat = weight.data.view(-1)
        for part in flat.split(PERIOD):
            part.copy_(numbers[: len(part)] if weight.dim() > 1 else torch.ones(1))
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Config, tokenizer and weights, as they would be downloaded."""
    folder = tmp_path_factory.mktemp("big")
    with timed("random weights, written"):
        full_size().save_pretrained(folder, max_shard_size="1GB")
        tiny_tokenizer().save_pretrained(folder)
    yield folder
    shutil.rmtree(folder)


def loaded(folder):
    gc.collect()
    with timed("loaded"):
        return load_model(str(folder), dtype=torch.bfloat16)


@pytest.fixture(scope="class")
def model(folder):
    return loaded(folder)


class TestReading:
    def test_it_has_the_published_size(self, model):
        network = model.model.model
        language, vision = (
            sum(weight.numel() for weight in part.parameters()) / 1e9
            for part in (network.language_model, network.vision_tower)
        )
        assert language == pytest.approx(3.4, abs=0.05)
        assert vision == pytest.approx(0.4, abs=0.05)
        assert {weight.dtype for weight in network.parameters()} == {torch.bfloat16}
        assert (model.num_layers, model.width, model.context_length) == (26, 3072, 262144)

    @torch.inference_mode()
    def test_three_columns_are_decoded_and_one_is_steered(self, model):
        prompt = encode(model.tokenizer, conversation("Who won the last round?"))
        vector = 10 * torch.randn(model.width, device=model.device)
        steered = (Injection(layer=MIDDLE, delta_D=vector),)
        decoder = decoder_for(model, [(), (), steered])
        assert isinstance(decoder, HookedDecoder)
        with timed(f"three columns, {len(prompt)} tokens read"):
            logits_BKV = decoder.prefill(*left_padded([prompt] * 3, model))
        with timed("three columns, one token written"):
            stepped_BV = decoder.step(logits_BKV[:, -1].argmax(-1))
        for logits_BV in (logits_BKV[:, -1].float(), stepped_BV.float()):
            assert logits_BV.shape == (3, 131072)
            assert logits_BV.isfinite().all()
            one_V, same_V, other_V = logits_BV - logits_BV.mean(1, keepdim=True)
            assert (same_V - one_V).norm() < 0.05 * one_V.norm() < (other_V - one_V).norm()

    def test_states_of_every_layer_are_recorded(self, model):
        talks = [conversation(text) for text in ("Who won?", "How was the work?", "Rain again.")]
        with timed("states of three prompts"):
            states_NLD = last_states(model, talks)
        assert states_NLD.shape == (3, 26, 3072)
        assert states_NLD.isfinite().all()
        # Prompts differ in every layer, and so do the layers of a prompt.
        assert (states_NLD.var(0).mean(-1) > 0).all()
        assert (states_NLD.diff(dim=1).norm(dim=-1) > 0).all()

    def test_a_vector_changes_its_layer_by_itself_and_none_below(self, model):
        text = encode(model.tokenizer, conversation("Who won?"))
        delta_D = torch.randn(model.width)
        rows = [(), (Injection(layer=MIDDLE, delta_D=delta_D.to(model.device)),)]
        plain_LSD, steered_LSD = token_streams(model, [text] * 2, interventions=rows)
        added_LSD = steered_LSD - plain_LSD
        assert added_LSD.shape == (26, len(text), 3072)
        sizes_L = added_LSD.norm(dim=-1).mean(1) / delta_D.norm()
        assert sizes_L[:MIDDLE].max() < 0.1
        assert sizes_L[MIDDLE] == pytest.approx(1, abs=0.1)
        assert sizes_L[MIDDLE + 1 :].min() > 0.1


def test_an_adapter_is_trained_cut_off_and_trained_on(folder, tmp_path):
    """Two steps of 16 examples, with the settings for this model; cut off after the first."""
    config = replace(gpu_config(cuda=False), warmup_ratio=0.0, logging_steps=1)
    unfinished, attempts = tmp_path / "unfinished", []
    examples = [Example(prompt=conversation(f"{n}"), completion="no") for n in range(32)]

    def cut_off():
        raise CutOffError

    def look():
        attempts.extend(TrainingAttempts.load(unfinished, command="").attempts)

    def train(keep):
        recording = Recording(save_steps=1, checkpoints=unfinished, keep=keep)
        model = loaded(folder)
        with timed("trained for a step"):
            train_adapter(model, examples, tmp_path, config, recording=recording)

    with pytest.raises(CutOffError):
        train(cut_off)
    first = learned(unfinished / "checkpoint-1")
    train(look)
    second = learned(tmp_path)
    assert [one.from_step for one in attempts] == [0, 1]
    rows = Metrics.load_rows(tmp_path, command="")
    assert [(row.step, row.attempt) for row in rows] == [(1, 1), (2, 2)]
    # Random weights know nothing: each of the 131,072 tokens is about equally likely.
    assert all(row.loss == pytest.approx(math.log(131072), abs=3) for row in rows)
    for name, weight in first.items():
        assert weight.isfinite().all()
        assert weight.any()
        assert not torch.equal(weight.bfloat16(), second[name])
    assert not unfinished.exists()


def learned(folder: Path):
    """The matrices that are zero before the first step."""
    weights = load_file(folder / "adapter_model.safetensors")
    learned = {name: weight for name, weight in weights.items() if "lora_B" in name}
    assert (len(weights), len(learned)) == (2 * MAPS, MAPS)
    return learned


def test_it_all_took_less_memory_than_a_small_machine_has():
    assert peak_bytes() < MOST_BYTES
