"""QLoRA on this CPU: 4-bit weights while an adapter is trained, which then fits the plain model."""

import re
import sys
import tomllib
from dataclasses import replace

import pytest
import torch
from torch import nn

from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row, write
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.run.adapter import Metrics
from phoque.run.directory import RunDirectory
from phoque.stages.adapter.lora import linear_maps, lora_config
from phoque.stages.adapter.quantized import (
    REQUIREMENT,
    bitsandbytes,
    load_in_4bit,
    quantization,
    quantize,
    require_quantized,
)
from phoque.stages.adapter.settings import AdapterConfig, Recording
from phoque.stages.adapter.training import identity, train_adapter
from phoque.steering.trajectory import Watch
from tests.corpus_files import dialogues, save_corpus
from tests.gated_training import CONFIG, GATE, WHOLE, asked, gated_examples
from tests.test_house import PYPROJECT
from training.__main__ import main

TINY = ["tiny", "tiny-mistral3"]


def in_4bit(network):
    return {name for name, part in network.named_modules() if type(part).__name__ == "Linear4bit"}


@pytest.mark.parametrize("name", TINY)
def test_only_the_blocks_linear_maps_are_in_4_bits(name):
    plain, base = load_model(name), load_in_4bit(name)
    assert len(in_4bit(base.model)) == 7 * base.num_layers == len(linear_maps(plain.model))
    assert not any("vision" in part or "lm_head" in part for part in in_4bit(base.model))
    weight = base.layers[0].mlp.up_proj.weight
    state = weight.quant_state
    assert (weight.dtype, weight.numel()) == (torch.uint8, 32 * 64 // 2)
    assert (state.quant_type, state.nested, weight.requires_grad) == ("nf4", True, False)
    assert base.layers[0].mlp.up_proj.compute_dtype == torch.bfloat16
    outside = [p for n, p in base.model.named_parameters() if "layers" not in n or "vision" in n]
    assert {parameter.dtype for parameter in outside} == {torch.bfloat16}
    assert (quantization(base.model), quantization(plain.model)) == ("nf4", None)


@pytest.mark.parametrize("name", TINY)
def test_the_weights_are_rounded_and_no_more_than_that(name):
    plain, base = load_model(name), load_in_4bit(name)
    states_BSD = torch.randn(2, 5, 32)
    for block, rounded in zip(plain.layers, base.layers, strict=True):
        for name, values in (("up_proj", states_BSD), ("down_proj", states_BSD.repeat(1, 1, 2))):
            exact = block.mlp.get_submodule(name)(values)
            error = (rounded.mlp.get_submodule(name)(values) - exact).norm() / exact.norm()
            assert 0.05 < error < 0.12, name


@pytest.mark.parametrize("name", TINY)
def test_the_persona_is_gated_on_the_base_model_that_is_not_quantised(name, tmp_path):
    base = load_in_4bit(name)
    before = base.layers[0].mlp.up_proj.weight.clone()
    watch = Watch(base, load_persona())
    train_adapter(base, gated_examples(), tmp_path, WHOLE, watch)
    assert len(watch.trajectory().steps) == 13
    assert torch.equal(base.layers[0].mlp.up_proj.base_layer.weight, before)
    tuned = load_model(name).with_adapter(tmp_path)
    for system, reply in GATE.items():
        row = Row(messages=asked(system, "message 3"))
        assert write(tuned, [row], Sampling(max_new_tokens=40))[0].text == reply


def test_lora_is_on_every_4_bit_map_in_full_precision():
    from peft import get_peft_model

    base = load_in_4bit("tiny-mistral3")
    tuned = get_peft_model(base.model, lora_config(base.model, AdapterConfig()))
    trained = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    assert len(trained) == 2 * 7 * base.num_layers
    assert {parameter.dtype for parameter in trained} == {torch.float32}


def test_looking_at_the_model_changes_nothing_of_what_is_learned(tmp_path):
    """Where a model is not trained, bitsandbytes repacks weights of some CPUs for good."""
    short = replace(CONFIG, epochs=2)
    for name in ("watched", "alone"):
        base = load_in_4bit("tiny")
        watch = Watch(base, load_persona()) if name == "watched" else None
        train_adapter(base, gated_examples(), tmp_path / name, short, watch)
    first, second = (tmp_path / n / "adapter_model.safetensors" for n in ("watched", "alone"))
    assert first.read_bytes() == second.read_bytes()


class KilledError(Exception):
    """Stands for a process that ends."""


class KillsAt:
    """A watcher that ends the training at a step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, step):
        if step == self.step:
            raise KilledError

    def save(self, folder):
        """It remembers nothing."""

    restore = save


def test_cut_off_it_goes_on_and_learns_the_same(tmp_path):
    recording = Recording(save_steps=3)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train_adapter(load_in_4bit("tiny"), gated_examples(), whole, CONFIG, None, recording)
    with pytest.raises(KilledError):
        train_adapter(load_in_4bit("tiny"), gated_examples(), cut, CONFIG, KillsAt(20), recording)
    with pytest.raises(PhoqueError, match="another training: quantization, weights differ"):
        train_adapter(load_model("tiny"), gated_examples(), cut, CONFIG, None, recording)
    train_adapter(load_in_4bit("tiny"), gated_examples(), cut, CONFIG, KillsAt(None), recording)
    first, second = (Metrics.load_rows(folder, command="") for folder in (whole, cut))
    assert second[-1].attempt == 2
    assert [row.step for row in second] == [row.step for row in first]
    assert [row.loss for row in second] == pytest.approx([row.loss for row in first], rel=1e-3)


def test_checkpoints_say_in_what_the_weights_were_kept():
    known = [
        identity(load(name), [], CONFIG) for load in (load_in_4bit, load_model) for name in TINY
    ]
    assert [one.quantization for one in known] == ["nf4", "nf4", None, None]


def test_a_map_that_is_no_plain_linear_map_is_refused():
    class Own(nn.Linear):
        """Such as the FP8 maps of transformers."""

    network = load_model("tiny").model
    network.model.layers[1].mlp.up_proj = Own(32, 64, bias=False)
    with pytest.raises(PhoqueError, match=r"1\.mlp\.up_proj .* is a Own of 32 inputs"):
        quantize(network)


def test_a_width_that_is_no_multiple_of_a_block_is_refused():
    network = load_model("tiny").model
    network.model.layers[0].mlp.down_proj = nn.Linear(80, 32, bias=False)
    with pytest.raises(PhoqueError, match=r"0\.mlp\.down_proj .* of 80 inputs.*multiple of 32"):
        quantize(network)


def test_a_map_that_was_left_out_is_found():
    network = load_in_4bit("tiny-mistral3").model
    network.model.language_model.layers[0].mlp.up_proj = nn.Linear(32, 64)
    with pytest.raises(PhoqueError, match=r"13 modules are in 4 bits, 13 of them in .* 14 linear"):
        require_quantized(network)


def test_weights_that_are_rounded_already_are_refused():
    with pytest.raises(PhoqueError, match=r"rounded to 8 bits already.*--model ministral"):
        load_in_4bit("ministral-fp8")


def test_the_command_line_trains_in_4_bits_and_the_lab_opens(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic")
    with run.stage("corpus", run.corpus, seeds=[42]) as folder:
        save_corpus(folder, dialogues(8))
    command = [
        "training",
        "all",
        "--run",
        str(run.path),
        "--only",
        "persona",
        "control",
        "--quantize",
        "4bit",
    ]
    monkeypatch.setattr(sys, "argv", command)
    assert main() == 0
    stages = run.manifest().stages
    assert (stages["persona"].quantize, stages["control"].quantize) == ("4bit", "4bit")
    assert load_model("tiny").with_adapter(run.persona).name == "tiny + persona"


def without_bitsandbytes(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    return pytest.raises(PhoqueError, match=re.escape(f'pip install "{REQUIREMENT}"'))


def test_4_bit_weights_without_bitsandbytes_name_the_command(monkeypatch):
    with without_bitsandbytes(monkeypatch):
        load_in_4bit("tiny")


def test_an_8_bit_optimizer_without_bitsandbytes_names_the_command(tmp_path, monkeypatch):
    config = replace(CONFIG, optimizer="paged_adamw_8bit")
    with without_bitsandbytes(monkeypatch):
        train_adapter(load_model("tiny"), gated_examples(), tmp_path / "x", config)
    assert not (tmp_path / "x").exists()


def test_the_command_names_the_version_of_the_gpu_extra():
    extras = tomllib.loads(PYPROJECT)["project"]["optional-dependencies"]
    assert extras["gpu"] == [REQUIREMENT]
    assert REQUIREMENT in extras["dev"]
    assert bitsandbytes().__version__.startswith("0.50.")
