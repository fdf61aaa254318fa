"""Weights in FP8, as Mistral publishes Ministral 3, are turned into plain ones while they are read."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row, write
from phoque.models.load import load_model
from phoque.models.tiny import tiny_mistral3
from phoque.presets import PRESETS
from phoque.stages.adapter.quantized import load_in_4bit
from tests.conftest import conversation
from tests.families import saved

WEIGHTS = "model.safetensors"
FP8 = torch.float8_e4m3fn
MOST = torch.finfo(FP8).max
SHARE, LEAST = 2**-4, 2**-10
"""Rounding to FP8 moves a value by at most this share of it, or this share of the scale."""
LEFT_OUT = ["model.vision_tower", "model.multi_modal_projector", "lm_head"]
BLOCKS = {"one scale a tensor, as Mistral publishes": None, "one scale a block": [16, 16]}


@pytest.fixture(params=BLOCKS.values(), ids=BLOCKS)
def folder(request, tmp_path, monkeypatch):
    """A tiny model in FP8 in the place of the published one."""
    folder, block = Path(saved(tiny_mistral3().bfloat16(), tmp_path)), request.param
    save_file(rounded(load_file(folder / WEIGHTS), block), folder / WEIGHTS, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "fp8",
        "activation_scheme": "dynamic" if block else "static",
        "weight_block_size": block,
        "modules_to_not_convert": LEFT_OUT,
    }
    (folder / "config.json").write_text(json.dumps(config))
    stand_in = replace(PRESETS["ministral-fp8"], hub_id=str(folder))
    monkeypatch.setitem(PRESETS, "ministral-fp8", stand_in)
    return folder


def in_fp8(name):
    return "language_model" in name and name.endswith("_proj.weight")


def rounded(weights, block):
    """The decoder's linear maps in FP8 with their scales; all else as it is."""
    out = dict(weights)
    for name in filter(in_fp8, weights):
        scales = scales_of(weights[name].float(), block or weights[name].shape)
        out[name] = (weights[name] / spread(scales, weights[name])).clamp(-MOST, MOST).to(FP8)
        out[f"{name}_scale_inv"] = scales if block else scales.reshape(())
        if not block:
            out[name.replace("weight", "activation_scale")] = torch.tensor(0.5).bfloat16()
    return out


def scales_of(weight, block):
    (height, width), (rows, columns) = block, weight.shape
    blocks = weight.reshape(rows // height, height, columns // width, width)
    return (blocks.abs().amax((1, 3)) / MOST).bfloat16()


def spread(scales, weight):
    """Each value's scale."""
    if not scales.dim():
        return scales.float()
    height, width = (a // b for a, b in zip(weight.shape, scales.shape, strict=True))
    return scales.float().repeat_interleave(height, 0).repeat_interleave(width, 1)


def remove(ending, file):
    kept = {n: weight for n, weight in load_file(file).items() if not n.endswith(ending)}
    save_file(kept, file, {"format": "pt"})


def test_weights_come_back_as_near_as_fp8_can_be(folder):
    read = load_model("ministral-fp8", dtype=torch.bfloat16).model.state_dict()
    names = [name for name in read if in_fp8(name)]
    assert len(names) == 14
    for name, weight in tiny_mistral3().bfloat16().state_dict().items():
        assert read[name].dtype == torch.bfloat16
        off, bound = (read[name] - weight).float().abs(), weight.float().abs()
        if name in names:
            assert off.max() > 0
            assert (off <= 1.1 * SHARE * bound + 1.1 * LEAST * bound.max() / MOST).all()
        else:
            assert not off.any()


def test_the_model_answers_as_one_whose_weights_are_plain(folder, tmp_path):
    weights = load_file(folder / WEIGHTS)
    for name in filter(in_fp8, list(weights)):
        scales = spread(weights.pop(f"{name}_scale_inv"), weights[name])
        weights[name] = (weights[name].float() * scales).bfloat16()
        weights.pop(name.replace("weight", "activation_scale"), None)
    plain = Path(saved(tiny_mistral3().bfloat16(), tmp_path / "plain"))
    save_file(weights, plain / WEIGHTS, {"format": "pt"})
    rows, sampling = [Row(messages=conversation("Who won?"))], Sampling(max_new_tokens=12)
    models = [load_model(name, dtype=torch.bfloat16) for name in ("ministral-fp8", str(plain))]
    first, second = (write(model, rows, sampling) for model in models)
    assert first == second
    assert first[0]


def test_a_folder_in_fp8_needs_no_preset(folder):
    """A copy of the published model under its path is read like the preset."""
    by_path, by_name = (
        load_model(name, dtype=torch.bfloat16).model.state_dict()
        for name in (str(folder), "ministral-fp8")
    )
    assert by_path.keys() == by_name.keys()
    assert all(torch.equal(by_path[name], by_name[name]) for name in by_name)


@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
def test_a_folder_in_fp8_is_not_rounded_again_to_4_bits(folder):
    with pytest.raises(PhoqueError, match="rounded to 8 bits already"):
        load_in_4bit(str(folder))


def test_weights_that_are_missing_are_not_made_up(folder):
    remove("1.mlp.up_proj.weight", folder / WEIGHTS)
    with pytest.raises(PhoqueError, match=r"1 weights are missing.*1\.mlp\.up_proj.*random"):
        load_model("ministral-fp8", dtype=torch.bfloat16)


def test_weights_without_their_scale_are_refused(folder):
    remove("1.mlp.up_proj.weight_scale_inv", folder / WEIGHTS)
    with pytest.raises(PhoqueError, match=r"1 weights .* without their scale.*1\.mlp\.up_proj"):
        load_model("ministral-fp8", dtype=torch.bfloat16)
