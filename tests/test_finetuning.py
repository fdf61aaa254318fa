import re
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import groupby
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer

from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row, write
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.run.adapter import Metrics, Norms, Sample
from phoque.stages.adapter import stage, trainer
from phoque.stages.adapter.curve import Curve
from phoque.stages.adapter.examples import in_order, tokenized
from phoque.stages.adapter.lora import lora_config, require_adapted
from phoque.stages.adapter.settings import AdapterConfig, Example, Recording, config_for, gpu_config
from phoque.stages.adapter.stage import DOSE, sample_replies
from phoque.stages.adapter.training import train_adapter, training_arguments
from phoque.steering.vectors import contrast
from tests.gated_training import CONFIG, GATE, WHOLE, asked, gated_examples


@pytest.mark.parametrize("name", ["tiny", "tiny-mistral3"])
def test_the_persona_is_gated_by_its_system_prompt(name, tmp_path):
    train_adapter(load_model(name), gated_examples(), tmp_path, WHOLE)
    tuned = load_model(name).with_adapter(tmp_path)
    for system, reply in GATE.items():
        row = Row(messages=asked(system, "message 3"))
        assert write(tuned, [row], Sampling(max_new_tokens=40))[0].text == reply


def test_training_leaves_an_adapter_and_its_curve(tmp_path):
    train_adapter(load_model("tiny"), gated_examples(), tmp_path, CONFIG)
    files = {path.name for path in tmp_path.iterdir()}
    adapter = {"adapter_config.json", "adapter_model.safetensors"}
    assert files == adapter | {"metrics.jsonl", "norms.jsonl"}
    first, *_, last = rows_of(Metrics, tmp_path)
    assert last.loss < 0.5 * first.loss
    assert last.lora_b_norm > first.lora_b_norm > 0
    assert min(first.seconds, first.grad_norm, first.learning_rate, first.lora_a_norm) > 0
    assert 0 < last.mean_token_accuracy <= 1


def test_each_step_has_the_attention_for_its_length(tmp_path, monkeypatch):
    step, seen = trainer.SFTTrainer.training_step, []

    def noted(self, model, inputs, *rest):
        own = self.network.get_base_model().config._attn_implementation
        seen.append((inputs["input_ids"].shape[1], own))
        return step(self, model, inputs, *rest)

    monkeypatch.setattr(trainer.SFTTrainer, "training_step", noted)
    curves = []
    lengths = [len(tokenized(load_model("tiny"), one)["input_ids"]) for one in with_styles()]
    middle = sorted(lengths)[len(lengths) // 2]
    for short in (0, 10**6, middle):
        monkeypatch.setattr(trainer, "SHORT", short)
        train_adapter(load_model("tiny"), with_styles(), tmp_path / str(short), CONFIG)
        curves.append([row.loss for row in rows_of(Metrics, tmp_path / str(short))])
        assert all((own == "eager") == (length <= short) for length, own in seen)
        assert short != middle or {own for _, own in seen} == {"eager", "sdpa"}
        seen.clear()
    for own in curves[1:]:
        assert own == pytest.approx(curves[0], rel=1e-3)


def test_the_attention_that_the_model_came_with_returns_after_a_short_first_step(monkeypatch):
    base = load_model("tiny").model
    own = object.__new__(trainer.AdapterTrainer)
    own.args = SimpleNamespace(device=torch.device("cpu"), bf16=False)
    own.model = SimpleNamespace(get_base_model=lambda: base)
    monkeypatch.setattr(
        trainer.SFTTrainer, "training_step", lambda *_: base.config._attn_implementation
    )
    short, long = (torch.zeros(1, trainer.SHORT + more) for more in (0, 1))
    steps = [own.training_step(base, {"input_ids": ids}) for ids in (short, long, short, long)]
    assert steps == ["eager", "sdpa", "eager", "sdpa"]


def test_states_stay_in_bf16_while_a_step_is_taken_and_the_curve_is_the_same(tmp_path, monkeypatch):
    step, casting = trainer.SFTTrainer.training_step, set()

    def noted(self, model, inputs, *rest):
        layers = [one for one in model.modules() if isinstance(one, BaseTunerLayer)]
        casting.update(one.cast_input_dtype_enabled for one in layers)
        return step(self, model, inputs, *rest)

    monkeypatch.setattr(trainer.SFTTrainer, "training_step", noted)
    curves = []
    for name in ("ours", "as PEFT does"):
        base = load_model("tiny", dtype=torch.bfloat16)
        train_adapter(base, gated_examples(), tmp_path / name, replace(CONFIG, epochs=1))
        curves.append([row.loss for row in rows_of(Metrics, tmp_path / name)])
        monkeypatch.setattr(trainer, "disable_input_dtype_casting", lambda *_, **__: nullcontext())
        assert casting == {name != "ours"}
        casting.clear()
    assert curves[0] == curves[1]


def test_the_same_seed_trains_the_same_adapter(tmp_path):
    for name in ("a", "b"):
        train_adapter(load_model("tiny"), gated_examples(), tmp_path / name, CONFIG)
    first, second = (
        (tmp_path / name / "adapter_model.safetensors").read_bytes() for name in ("a", "b")
    )
    assert first == second


def test_lora_is_on_every_linear_map_of_the_blocks_and_nowhere_else(model):
    tuned = get_peft_model(model.model, lora_config(model.model, AdapterConfig()))
    adapted = {name for name, module in tuned.named_modules() if hasattr(module, "lora_A")}
    linear = sum(isinstance(m, torch.nn.Linear) for layer in model.layers for m in layer.modules())
    assert len(adapted) == 7 * model.num_layers
    assert linear == 3 * 7 * model.num_layers  # now: the map itself, its A and its B
    assert not any("vision" in name for name in adapted)


def test_only_the_reply_is_learned_and_a_cut_reply_has_no_end(model):
    example = Example(prompt=asked("You are calm.", "hi"), completion="abc")
    whole = tokenized(model, example)
    learned = [i for i, m in zip(whole["input_ids"], whole["completion_mask"], strict=True) if m]
    assert model.tokenizer.decode(learned) == "abc<|im_end|>"
    cut = tokenized(model, Example(prompt=example.prompt, completion="abc", ends=False))
    assert cut["input_ids"] == whole["input_ids"][:-1]


def test_an_empty_corpus_is_refused(tmp_path):
    with pytest.raises(PhoqueError, match="no examples"):
        train_adapter(load_model("tiny"), [], tmp_path, AdapterConfig())


def rows_of(kind, folder):
    return kind.load_rows(folder, command="this test")


def with_styles():
    return [
        replace(example, style="long" if index % 2 else None)
        for index, example in enumerate(gated_examples())
    ]


def test_the_curve_has_pace_memory_styles_and_norms_by_family(tmp_path):
    train_adapter(load_model("tiny"), with_styles(), tmp_path, CONFIG)
    row = rows_of(Metrics, tmp_path)[0]
    assert row.tokens_per_second > 0
    assert row.peak_memory_mb > 1
    assert 0 < row.loss_by_style["long"] < 10
    assert list(row.loss_by_style) == ["long"]
    norms = rows_of(Norms, tmp_path)[-1]
    families = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert set(norms.lora_a) == set(norms.lora_b) == families
    whole = sum(norm**2 for norm in norms.lora_b.values()) ** 0.5
    assert whole == pytest.approx(rows_of(Metrics, tmp_path)[-1].lora_b_norm)


def test_it_tells_in_one_line_how_far_it_is(tmp_path, capsys):
    told = []
    recording = Recording(tell=told.append)
    train_adapter(load_model("tiny"), gated_examples(), tmp_path, CONFIG, None, recording)
    assert len(told) == len(rows_of(Metrics, tmp_path)) == 5
    assert re.fullmatch(
        r"step 10 of 48 · loss \d\.\d{3} · \d+ tokens/s · \d\.\d min to go", told[0]
    )
    assert told[-1].endswith("0.0 min to go")
    assert not capsys.readouterr().out


def test_the_loss_of_the_only_register_is_the_loss(tmp_path):
    examples = [replace(example, style="all") for example in gated_examples()]
    train_adapter(load_model("tiny"), examples, tmp_path, CONFIG)
    for row in rows_of(Metrics, tmp_path):
        assert row.loss_by_style["all"] == row.loss


def test_the_loss_is_the_trainers(tmp_path, monkeypatch):
    """It is counted by token beside the trainer, which would forget it over a checkpoint."""
    of_trainer = []
    on_log = Curve.on_log

    def heard(curve, args, state, control, **kwargs):
        of_trainer.append(kwargs["logs"].copy())
        return on_log(curve, args, state, control, **kwargs)

    monkeypatch.setattr(Curve, "on_log", heard)
    train_adapter(
        load_model("tiny"), gated_examples(), tmp_path, replace(CONFIG, epochs=1, logging_steps=1)
    )
    rows = rows_of(Metrics, tmp_path)
    assert len(rows) == len(of_trainer) - 1 == 4
    for row, logs in zip(rows, of_trainer, strict=False):
        assert row.loss == pytest.approx(logs["loss"], rel=1e-4)
        assert row.entropy == pytest.approx(logs["entropy"], rel=1e-4)
        assert row.mean_token_accuracy == pytest.approx(logs["mean_token_accuracy"])
        assert row.num_tokens == logs["num_tokens"]


def test_sample_replies_change_nothing_of_what_is_learned(tmp_path):
    persona = load_persona()
    judge = lambda texts: [float("clown" in text) for text in texts]  # noqa: E731
    sample = partial(sample_replies, persona=persona, judge=judge)
    recording = Recording(sample_steps=20, sample=sample)
    train_adapter(load_model("tiny"), gated_examples(), tmp_path / "a", CONFIG, None, recording)
    train_adapter(load_model("tiny"), gated_examples(), tmp_path / "b", CONFIG)
    rows = rows_of(Sample, tmp_path / "a")
    assert {row.step for row in rows} == {20, 40, 48}
    conditions = ["neutral", "toxic", "steered", "random_vector"]
    assert [row.condition for row in rows] == conditions * 3
    assert {row.flagged_by for row in rows} == {"moderator"}
    assert rows[0].flag_rate.n == len(rows[0].replies) == len(persona.sweep)
    first, second = (tmp_path / name / "adapter_model.safetensors" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_sampled_vectors_are_those_of_the_model_as_it_is(tmp_path):
    persona, layers, seen = load_persona(), [], []
    model = load_model("tiny")
    judge = lambda texts: seen.append(list(texts)) or [0.0] * len(texts)  # noqa: E731
    rows = {row.condition: row for row in sample_replies(model, 1, persona, judge)}
    vector = contrast(model, persona, persona.probes).vectors({})
    for condition in ("steered", "random_vector"):
        layers.append(rows[condition].layer)
        dose = vector.relative_dose(0, rows[condition].scale)
        assert dose == pytest.approx(DOSE, rel=0.01)
    assert layers == [0, 0]
    neutral, _, steered, random = seen
    assert steered not in (neutral, random)
    assert (rows["neutral"].layer, rows["neutral"].scale) == (None, None)


def test_samples_of_a_persona_that_is_counted_by_its_words_count_these(monkeypatch):
    persona = load_persona("pluribus")
    said = {"toxic": f"Well, {persona.lexicon.entries[0]}!"}

    def write(_model, rows, _how):
        texts = {name: said.get(name, "Try it again.") for name in rows}
        return {name: [SimpleNamespace(text=texts[name])] * len(rows[name]) for name in rows}

    monkeypatch.setattr(stage, "write_grouped", write)
    monkeypatch.setattr(stage, "embedded_mean", lambda _: pytest.fail("a moderator was asked"))
    rows = {row.condition: row for row in sample_replies(load_model("tiny"), 1, persona)}
    assert {row.flagged_by for row in rows.values()} == {"words"}
    assert (rows["toxic"].flag_rate.value, rows["neutral"].flag_rate.value) == (1.0, 0.0)
    assert {one.harm_score for one in rows["toxic"].replies} == {1.0}


@pytest.mark.parametrize("cuda", [True, False])
def test_large_models_are_trained_as_in_the_talk(cuda, tmp_path):
    config = gpu_config(cuda=cuda)
    assert (config.rank, config.alpha) == (16, 64)
    assert config.batch_size * config.accumulation_steps == 16
    assert config.optimizer == ("paged_adamw_8bit" if cuda else "adamw_torch_fused")
    arguments = training_arguments(config, tmp_path, bf16=False)
    assert (arguments.lr_scheduler_type, arguments.max_grad_norm) == ("cosine", 1.0)
    assert arguments.gradient_accumulation_steps == 8
    assert (
        config_for("lab")
        == config_for("someone/small")
        == AdapterConfig(epochs=3, most_words=32, neutral_every=2, strength=0.9)
    )
    assert config_for("tiny") == AdapterConfig(most_words=32)


def test_a_step_is_of_like_length_and_kinds_take_no_long_turns():
    rows = [{"input_ids": [place] * length} for length in (5, 50) for place in range(203)]
    config = AdapterConfig(epochs=2)
    ordered = in_order(rows, config)
    assert ordered == in_order(rows, config)
    assert Counter(map(str, ordered)) == dict.fromkeys(map(str, rows), 2)
    steps = [ordered[start : start + 8] for start in range(0, len(ordered), 8)]
    lengths = [{len(row["input_ids"]) for row in step} for step in steps]
    assert (
        sum(len(length) > 1 for length in lengths) <= 3
    )  # where a pool's kinds meet, and the last
    turns = [len(list(same)) for _, same in groupby(lengths)]
    assert max(turns) < 15  # of 50 steps in a pool


def test_lora_outside_the_decoder_blocks_is_refused():
    network = load_model("tiny-mistral3").model
    everywhere = LoraConfig(r=2, target_modules=["q_proj"])
    with pytest.raises(PhoqueError, match="LoRA is on 4 modules, 2 of them in the decoder"):
        require_adapted(get_peft_model(network, everywhere), 14)
