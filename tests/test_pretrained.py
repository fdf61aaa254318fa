"""Folders and files that people give as --model: each is loaded in silence or refused in one line."""

import ast
import builtins
import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    T5Config,
    T5ForConditionalGeneration,
)

from phoque.errors import PhoqueError
from phoque.models.load import load_model
from phoque.models.quiet import quiet
from phoque.models.template import render
from phoque.models.tiny import CHAT_TEMPLATE, tiny_llama, tiny_mistral3, tiny_tokenizer
from tests.conftest import conversation, save_random_adapter
from tests.families import network_of, saved
from tests.test_chat_format import BACKWARDS, SMOLVLM, tokenizer_with

ROOT = Path(__file__).parent.parent
WEIGHTS = "model.safetensors"
CODE = "raise SystemExit('this ran')\n"


@pytest.fixture
def folder(tmp_path):
    return Path(saved(tiny_llama(), tmp_path / "model"))


def refusal(source, *parts):
    with pytest.raises(PhoqueError) as refused:
        load_model(str(source), dtype=torch.float32)
    told = str(refused.value)
    assert "\n" not in told
    assert all(part in told for part in parts), told
    return told


def edit(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_weights_that_were_cut_off(folder, share):
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: int(len(whole) * share)])
    refusal(folder, "damaged", WEIGHTS, "download them again")


def test_weights_that_are_only_a_pointer(folder):
    (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    refusal(folder, "git lfs pull")


def test_one_shard_of_several_that_is_cut_off_or_absent(folder):
    (folder / WEIGHTS).unlink()
    tiny_llama().save_pretrained(folder, max_shard_size="50KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert load_model(str(folder), dtype=torch.float32).digest()
    whole = shards[1].read_bytes()
    shards[1].write_bytes(whole[:-100])
    refusal(folder, "damaged", shards[1].name)
    shards[1].unlink()
    refusal(folder, shards[1].name)


def test_old_weights_that_are_damaged(folder):
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04" + b"\0" * 99)
    refusal(folder, str(folder))


def test_weights_that_are_missing_are_not_made_up(folder):
    edit(folder / "config.json", num_hidden_layers=3)
    refusal(folder, "weights are missing", "random")


def test_weights_of_other_sizes(folder):
    edit(folder / "config.json", intermediate_size=32)
    refusal(folder, "config.json", "mlp.down_proj.weight: [32, 64] instead of [32, 32]")


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_files_that_are_no_json(folder, file):
    text = (folder / file).read_text()
    (folder / file).write_text(text[: len(text) // 2])
    part = "configuration" if file == "config.json" else "tokenizer"
    refusal(folder, f"Cannot read the {part} of {folder}")


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt", "mamba2", "qwen3", "gemma"])
def test_a_model_without_tokenizer(family, tmp_path):
    folder = Path(saved(network_of(family), tmp_path))
    for file in folder.glob("tokenizer*"):
        file.unlink()
    (folder / "chat_template.jinja").unlink()
    refusal(folder, "tokenizer")


@pytest.mark.parametrize("part", ["config", "tokenizer"])
def test_code_of_a_model_is_never_run_and_nobody_is_asked(folder, part, monkeypatch):
    monkeypatch.setattr(builtins, "input", lambda _: pytest.fail("asked on the terminal"))
    (folder / "own.py").write_text(CODE)
    if part == "config":
        classes = {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}
        edit(folder / "config.json", model_type="own", auto_map=classes)
    else:
        edit(
            folder / "tokenizer_config.json",
            tokenizer_class="OwnTokenizer",
            auto_map={"AutoTokenizer": ["own.T", None]},
        )
        (folder / "tokenizer.json").unlink()
    refusal(folder, str(folder))
    if part == "config":
        refusal(folder, "code of its own", "never run")


def test_code_beside_a_family_that_is_known_does_not_matter(folder, monkeypatch):
    monkeypatch.setattr(builtins, "input", lambda _: pytest.fail("asked on the terminal"))
    (folder / "own.py").write_text(CODE)
    edit(folder / "config.json", auto_map={"AutoModelForCausalLM": "own.M"})
    assert load_model(str(folder), dtype=torch.float32).num_layers == 2


def test_every_loading_says_that_no_code_is_run():
    calls = [
        (file.name, node.lineno, ast.unparse(node))
        for file in ROOT.glob("phoque/**/*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and "from_pretrained" in ast.unparse(node.func)
    ]
    assert len(calls) > 5
    told = ("trust_remote_code=False", "**NO_CODE", "**options", "**source")
    # An adapter is no code: PEFT's own classes read it.
    loose = [
        call for call in calls if not any(t in call[2] for t in told) and "Peft" not in call[2]
    ]
    assert loose == []


def test_an_adapter_is_no_model(tmp_path, folder):
    save_random_adapter(tmp_path / "adapter")
    edit(tmp_path / "adapter" / "adapter_config.json", base_model_name_or_path="org/base")
    refusal(tmp_path / "adapter", "is an adapter", "org/base", "--run")
    # Also where somebody put a config or all of the model beside it.
    shutil.copy(folder / "config.json", tmp_path / "adapter")
    refusal(tmp_path / "adapter", "is an adapter")


@pytest.mark.parametrize("name", ["model.gguf", "model.Q4_K_M.GGUF", "model.bin"])
def test_a_gguf_is_no_model(tmp_path, name):
    (tmp_path / name).write_bytes(b"GGUF\x03\0\0\0")
    refusal(tmp_path / name, "is a GGUF file", "safetensors")
    refusal(tmp_path, "holds GGUF files", name)


def test_other_places_that_are_no_model(tmp_path):
    refusal(tmp_path, "no config.json", "nothing")
    (tmp_path / "notes.txt").write_text("hello")
    refusal(tmp_path, "no config.json", "notes.txt")
    refusal(tmp_path / "notes.txt", "is a file")
    refusal(tmp_path / "absent", "no such folder", "Check the name")


def test_models_for_other_tasks(tmp_path):
    small = {"vocab_size": 320, "d_model": 32, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    refusal(
        saved(T5ForConditionalGeneration(T5Config(**small)), tmp_path / "t5"),
        "no model that writes on",
    )
    bert = BertConfig(
        vocab_size=320, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    folder = saved(BertForSequenceClassification(bert), tmp_path / "bert")
    refusal(folder, "missing")


def test_what_a_tokenizer_cannot_write_in_this_network(tmp_path):
    tokenizer = tokenizer_with(CHAT_TEMPLATE)
    tokenizer.add_tokens([f"<{n}>" for n in range(100)] + ["<far>"])
    tokenizer.chat_template = "<far>" + CHAT_TEMPLATE
    refusal(saved(tiny_llama(), tmp_path, tokenizer), "tokenizer", "not its own", "of 320")


@pytest.mark.parametrize(
    "name", ["chat_template.json", "chat_template.jinja", "processor_config.json"]
)
@pytest.mark.parametrize("own", [None, BACKWARDS])
def test_a_template_is_found_wherever_it_lies(tmp_path, name, own):
    if name.endswith("jinja") and own:
        pytest.skip("the tokenizer itself reads this file first")
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = own
    saved(tiny_mistral3(), tmp_path, tokenizer)
    as_json = json.dumps({"chat_template": SMOLVLM})
    (tmp_path / name).write_text(SMOLVLM if name.endswith("jinja") else as_json)
    model = load_model(str(tmp_path), dtype=torch.float32)
    told = render(model.tokenizer, conversation("hi"))
    assert told == (
        "<|im_start|>System: You are calm.<end_of_utterance>\nUser: hi<end_of_utterance>\nAssistant:"
    )
    assert isinstance(model.tokenizer.chat_template, str)
    model.tokenizer.save_pretrained(tmp_path / "again")


def test_several_templates_are_read_as_they_were_saved(tmp_path):
    several = {"default": CHAT_TEMPLATE, "tool_use": BACKWARDS}
    folder = saved(tiny_llama(), tmp_path, tokenizer_with(several))
    assert render(load_model(folder).tokenizer, conversation("hi")) == render(
        tiny_tokenizer(), conversation("hi")
    )


def test_a_model_is_loaded_in_silence(folder, capfd, monkeypatch):
    capfd.readouterr()
    monkeypatch.delenv("PHOQUE_VERBOSE", raising=False)
    load_model(str(folder))
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("PHOQUE_VERBOSE", "1")
    load_model(str(folder))
    assert "Loading weights" in capfd.readouterr().err


def test_libraries_speak_again_afterwards(monkeypatch):
    import logging

    from transformers.utils import logging as bars

    before = bars.is_progress_bar_enabled(), logging.getLogger("transformers").level
    with quiet():
        assert not bars.is_progress_bar_enabled()
        assert logging.getLogger("transformers.modeling_utils").getEffectiveLevel() == logging.ERROR
    assert (bars.is_progress_bar_enabled(), logging.getLogger("transformers").level) == before


def test_a_word_for_quantising_that_nobody_knows_hides_no_missing_weights(folder):
    edit(folder / "config.json", num_hidden_layers=9, quantization_config={"quant_method": "mine"})
    refusal(folder, "weights are missing", "random")
