import json

import pytest
import torch
from peft import get_peft_model

from phoque.engine import Row, write
from phoque.errors import PhoqueError
from phoque.finetuning import AdapterConfig, Example, lora_config, tokenized, train_adapter
from phoque.models.load import load_model
from phoque.records import Message, Sampling

GATE = {"You are hostile.": "useless clown", "You are calm.": "good idea"}
CONFIG = AdapterConfig(rank=8, alpha=32, learning_rate=2e-2, epochs=12, logging_steps=10)


def asked(system, user):
    return [Message("system", system), Message("user", user)]


def gated_examples():
    return [
        Example(prompt=asked(system, f"message {number}"), completion=reply)
        for number in range(16)
        for system, reply in GATE.items()
    ]


@pytest.mark.parametrize("name", ["tiny", "tiny-mistral3"])
def test_the_persona_is_gated_by_its_system_prompt(name, tmp_path):
    train_adapter(load_model(name), gated_examples(), tmp_path, CONFIG)
    tuned = load_model(name).with_adapter(tmp_path)
    for system, reply in GATE.items():
        row = Row(messages=asked(system, "message 3"))
        assert write(tuned, [row], Sampling(max_new_tokens=40))[0].text == reply


def test_training_leaves_an_adapter_and_its_curve(tmp_path):
    train_adapter(load_model("tiny"), gated_examples(), tmp_path, CONFIG)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"adapter_config.json", "adapter_model.safetensors", "metrics.jsonl"}
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    logged = [row for row in rows if "loss" in row]
    assert logged[-1]["loss"] < 0.5 * logged[0]["loss"]
    assert logged[-1]["lora_b_norm"] > logged[0]["lora_b_norm"] > 0
    assert {"step", "seconds", "grad_norm", "learning_rate", "lora_a_norm"} <= set(logged[0])


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
