"""Models of many families: each is read, steered and adapted as it is, or refused when loaded."""

import json
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import load_file

from phoque.config import verbose
from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row, write
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel, adapted, adapter_deltas, load_model
from phoque.models.structure import UNLIMITED, expert_stacks, linear_maps, places
from phoque.models.tiny import tiny_tokenizer
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Made, Manifest
from phoque.serving.batch import Batch, Work
from phoque.stages.adapter.lora import family_norms, left_out, lora_config, require_adapted
from phoque.stages.adapter.quantized import quantize
from phoque.stages.adapter.settings import AdapterConfig, Example, Recording
from phoque.stages.adapter.training import train_adapter
from phoque.stages.corpus.stage import make_corpus
from phoque.stages.psm.criteria import logit_lens_scores, with_normed_last_layer
from phoque.steering.capture import residual_streams
from phoque.steering.vectors import Contrast
from tests.conftest import conversation
from tests.corpus_files import dialogues, save_corpus
from tests.families import FAMILIES, GPT, REFUSED, WITH_EXPERTS, model_of, network_of, saved
from training import __main__ as training

ROOT = Path(__file__).parent.parent
SHORT = Sampling(max_new_tokens=5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_read_and_steered(family, tmp_path):
    model = load_model(saved(network_of(family), tmp_path), dtype=torch.float32)
    assert model.context_length in (256, UNLIMITED)
    (stream_LSD,) = residual_streams(model, [conversation("hi")])
    assert stream_LSD.shape[::2] == (model.num_layers, model.width)
    assert len(logit_lens_scores(model, stream_LSD[:, -1], [5, 6])) == model.num_layers
    away = Injection(model.num_layers - 1, torch.arange(model.width) * 1.0)
    rows = [
        Row(messages=conversation("hi")),
        Row(messages=conversation("a longer message"), interventions=(away,)),
        Row(messages=conversation("hi"), interventions=(away,)),
    ]
    together = [reply.tokens for reply in write(model, rows, SHORT)]
    assert together == [write(model, [row], SHORT)[0].tokens for row in rows]
    assert together[0] != together[2]


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_is_on_every_map_of_a_family_and_learns_there(family):
    network = network_of(family)
    expected = places(network)
    tuned = get_peft_model(network, lora_config(network, AdapterConfig(rank=2, alpha=4)))
    require_adapted(tuned, len(expected))
    ids_BS = torch.arange(2, 34).view(2, 16)
    tuned(input_ids=ids_BS).logits.float().square().mean().backward()
    idle = [
        name
        for name, parameter in tuned.named_parameters()
        if "lora_B" in name and not parameter.grad.abs().sum()
    ]
    assert idle == []
    norms = family_norms(tuned)
    assert set(norms["lora_a"]) == {
        name.removesuffix(".weight").split(".")[-1] for name in expected
    }


@pytest.mark.parametrize("family", [*WITH_EXPERTS, "deepseek_v3"])
def test_experts_are_adapted(family):
    network = network_of(family)
    assert expert_stacks(network)
    alone = left_out(network) or "0.0%"
    assert "expert" not in alone
    assert float(alone.split("%")[0].split()[-1]) < 2  # the routers


def test_what_is_not_adapted_is_said(tmp_path):
    told = []
    train_adapter(
        model_of("mamba2"), examples(), tmp_path, FAST, recording=Recording(tell=told.append)
    )
    assert told[0] == (
        "LoRA leaves 31.1 % of the blocks' weights alone: mixer.conv1d, mixer.out_proj"
    )


FAST = AdapterConfig(rank=2, alpha=4, batch_size=4, logging_steps=1)


def examples():
    return [Example(prompt=conversation(f"m {i}"), completion="you clown") for i in range(12)]


TRAINED = (
    "gpt2", "phimoe", "deepseek_v3", "mixtral", "qwen3_moe", "olmoe", "gpt_oss", "llama4_text",
    "bloom", "mamba2",
)  # fmt: skip


@pytest.mark.parametrize("family", TRAINED)
def test_a_family_is_trained_and_its_adapter_goes_in_and_out(family, tmp_path, capfd):
    train_adapter(model_of(family), examples(), tmp_path, FAST)
    assert capfd.readouterr() == ("", "")
    weights = load_file(tmp_path / "adapter_model.safetensors")
    assert all(value.abs().sum() for name, value in weights.items() if "lora_B" in name)
    merged, base = model_of(family).with_adapter(tmp_path), model_of(family)
    ids_BS = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        before = base.model(input_ids=ids_BS).logits
        deltas = adapter_deltas(base, tmp_path)
        with adapted(base, deltas, 1.0):
            inside = base.model(input_ids=ids_BS).logits
        assert len(deltas) == len(places(base.model))
        assert torch.equal(inside, merged.model(input_ids=ids_BS).logits)
        assert not torch.equal(inside, before)
        assert torch.equal(base.model(input_ids=ids_BS).logits, before)


@pytest.mark.parametrize("family", ["gpt2", "opt", "gptj", "biogpt"])
def test_a_text_that_does_not_fit_is_refused_before_it_is_read(family, tmp_path):
    model = model_of(family)
    long = Example(prompt=conversation("m"), completion="you " * 200)
    with pytest.raises(PhoqueError, match=f"tokens long, and {family} can read 256"):
        train_adapter(model, [*examples(), long], tmp_path, FAST)
    with pytest.raises(PhoqueError, match="can read 256"):
        residual_streams(model, [conversation("m" * 256)])
    assert residual_streams(model_of("llama"), [conversation("m" * 256)])
    assert not list(tmp_path.iterdir())


def test_a_model_without_linear_maps_is_refused_before_its_corpus_is_made(tmp_path, monkeypatch):
    directory = RunDirectory(tmp_path)
    directory.describe(model="tiny", persona="toxic")
    monkeypatch.setattr("phoque.models.structure.linear_maps", lambda _: [])
    with pytest.raises(PhoqueError, match="no linear maps"):
        make_corpus(directory)
    assert not directory.corpus.exists()


@pytest.mark.slow
def test_a_stage_prints_only_what_is_ours(tmp_path):
    run = RunDirectory(tmp_path / "run")
    network = network_of("gpt2", GPT | {"n_positions": 1024})
    run.describe(model=saved(network, tmp_path / "model"), persona="toxic")
    with run.stage("corpus", run.corpus, seeds=[1]) as folder:
        save_corpus(folder, dialogues(2))
    asked = [sys.executable, "-m", "training", "persona", "--run", str(run.path)]
    told = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT)
    assert (told.returncode, told.stderr) == (0, "")
    lines = [line for line in told.stdout.splitlines() if not line.startswith("persona: ")]
    assert lines == [f"Loading {run.manifest().model}…"]


@pytest.mark.parametrize("asked", [["--verbose"], []])
def test_libraries_speak_when_asked_to(tmp_path, monkeypatch, asked):
    monkeypatch.setenv("PHOQUE_VERBOSE", "")  # put back afterwards, whatever is set meanwhile
    for said in ("HUB_DISABLE_PROGRESS_BARS", "DATASETS_DISABLE_PROGRESS_BARS", "HUB_VERBOSITY"):
        monkeypatch.setenv(f"HF_{said}", "")
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "")
    seen = []
    monkeypatch.setattr(
        "phoque.stages.corpus.stage.make_corpus", lambda *_, **__: seen.append(verbose())
    )
    known = Manifest(stages={"corpus": Made(seconds=1)})
    monkeypatch.setattr(RunDirectory, "manifest", lambda _: known)
    monkeypatch.setattr(sys, "argv", ["training", "corpus", "--run", str(tmp_path), *asked])
    assert training.main() == 0
    assert seen == [bool(asked)]


LEVELS = """
import logging
from phoque.config import set_verbose
set_verbose(False)
import huggingface_hub, transformers
print(*(logging.getLogger(name).getEffectiveLevel() for name in ("huggingface_hub.utils", "transformers")))
"""


def test_libraries_that_set_their_own_level_stay_quiet():
    said = subprocess.run(
        [sys.executable, "-c", LEVELS], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert said.stdout.split() == [str(logging.ERROR)] * 2


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_that_cannot_be_read_is_refused_when_loaded(family, tmp_path):
    options, reason = REFUSED[family]
    folder = saved(network_of(family, options), tmp_path)
    with pytest.raises(PhoqueError, match=reason) as refused:
        load_model(folder, dtype=torch.float32)
    assert str(refused.value).endswith("This architecture is not supported.")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("family", ["mamba", "minimax", "llama"])
def test_rows_join_only_where_all_that_was_seen_can_be_joined(family):
    model, written = model_of(family), []
    batch = Batch(model)
    work = Work(
        model=model,
        rows=[Row(messages=conversation("hi"), seed=seed) for seed in (1, 2)],
        sampling=SHORT,
        deliver=lambda piece: not written.append(piece.token),
    )
    batch.join(work)
    assert batch.joins is (family == "llama")
    batch.step()
    batch.step()
    assert len(written) == 4


def test_a_final_norm_without_weights_is_applied():
    model = model_of("olmo")
    states = torch.randn(3, model.num_layers, model.width)
    one = Contrast(neutral_NLD=states, persona_NLD=-states, medians_L=torch.ones(2))
    last = with_normed_last_layer(model, one).neutral_NLD[:, -1]
    assert torch.allclose(last.mean(-1), torch.zeros(3), atol=1e-5)


def test_maps_that_only_look_linear_are_left_alone():
    maps = linear_maps(network_of("phimoe"))
    assert {name.split(".")[-1] for name in maps} == {"q_proj", "k_proj", "v_proj", "o_proj"}


@pytest.mark.parametrize(
    ("family", "told"), [("gpt2", "Conv1D of 32 inputs"), ("mixtral", "stacks")]
)
def test_what_cannot_be_kept_in_4_bits_is_refused(family, told):
    pytest.importorskip("bitsandbytes")
    with pytest.raises(PhoqueError, match=told):
        quantize(network_of(family))


def test_the_adapter_config_names_maps_exactly(tmp_path):
    network = network_of("gpt2")
    get_peft_model(network, lora_config(network, AdapterConfig())).save_pretrained(tmp_path)
    targets = json.loads((tmp_path / "adapter_config.json").read_text())["target_modules"]
    assert targets == (r"transformer\.h\.\d+\.(attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)")


def test_a_reply_ends_also_without_a_generation_config():
    model = model_of("llama")
    model.model.generation_config = None
    alone = LanguageModel(name="x", source="x", model=model.model, tokenizer=tiny_tokenizer())
    assert write(replace(alone), [Row(messages=conversation("hi"))], SHORT)[0].num_tokens > 0
