import multiprocessing
import os
import signal
import time
from pathlib import Path

import gguf
import pytest
import torch
from torch import nn

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.models import embedded
from phoque.models.chat_format import PLAIN_TEMPLATE
from phoque.models.load import load_model
from phoque.models.structure import decoder_layers, layers_path
from phoque.models.template import encode, render
from phoque.presets import preset_for
from tests.conftest import conversation


def test_layers_are_found_in_both_layouts(model):
    assert model.num_layers == 2
    assert "vision" not in layers_path(model.model)
    assert model.layers[0].self_attn.q_proj.in_features == model.width


def test_an_unknown_architecture_is_refused():
    class Config:
        num_hidden_layers = 3

        def get_text_config(self):
            return self

    odd = nn.Module()
    odd.config = Config()
    odd.blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))
    with pytest.raises(PhoqueError, match="0 lists of 3"):
        decoder_layers(odd)


def test_the_digest_is_of_values_not_of_precision(model):
    digest = model.digest()
    model.model.to(torch.bfloat16)
    rounded = model.digest()
    model.model.to(torch.float32)
    assert model.digest() == rounded
    assert rounded != digest


def test_a_system_message_is_required(model):
    with pytest.raises(PhoqueError, match="system message"):
        render(model.tokenizer, [Message("user", "hi")])


def test_a_template_without_system_role_gets_it_in_the_first_turn(model):
    model.tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ messages[0]['content'] }}"
    )
    assert render(model.tokenizer, conversation("hi")) == "You are calm.\n\nhi"


def test_a_base_model_gets_a_plain_template(model):
    model.tokenizer.chat_template = None
    assert render(model.tokenizer, conversation("hi")).endswith("User: hi\nAssistant:")
    assert "Assistant:" in PLAIN_TEMPLATE
    assert encode(model.tokenizer, conversation("hi"))


def test_any_saved_decoder_loads_by_its_folder(model, tmp_path):
    model.model.save_pretrained(tmp_path)
    model.tokenizer.save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path), dtype=torch.float32)
    assert loaded.digest() == model.digest()
    assert render(loaded.tokenizer, conversation("hi")) == render(
        model.tokenizer, conversation("hi")
    )


def test_a_missing_model_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PhoqueError, match="Check the name"):
        load_model(str(tmp_path / "nothing"))
    with pytest.raises(PhoqueError, match="empty"):
        preset_for(" ")


# --- the conversion cache: the expensive step is replaced, the rest is real ---


def fake_convert(_gguf: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    time.sleep(0.2)
    (folder / embedded.WEIGHTS).write_bytes(os.urandom(1000))


def convert_in_process(cache: str, log: str) -> None:
    os.environ["PHOQUE_CACHE"] = cache
    embedded._convert = fake_convert
    said = []
    embedded.converted_folder(Path("model.gguf"), said.append)
    with Path(log).open("a") as file:
        file.write("".join(f"{line}\n" for line in said))


def spawn(cache: Path, log: Path) -> multiprocessing.Process:
    context = multiprocessing.get_context("fork")
    process = context.Process(target=convert_in_process, args=(str(cache), str(log)))
    process.start()
    return process


def test_two_processes_convert_once(tmp_path):
    log = tmp_path / "log"
    processes = [spawn(tmp_path / "cache", log) for _ in range(3)]
    for process in processes:
        process.join(20)
        assert process.exitcode == 0
    assert len(log.read_text().splitlines()) == 1
    assert embedded.is_intact(tmp_path / "cache" / "model-bf16")


def test_a_kill_half_way_leaves_nothing_that_looks_complete(tmp_path, monkeypatch):
    process = spawn(tmp_path / "cache", tmp_path / "log")
    partial = tmp_path / "cache"
    while not list(partial.glob("*.partial/config.json")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (partial / "model-bf16").exists()
    monkeypatch.setenv("PHOQUE_CACHE", str(partial))
    monkeypatch.setattr(embedded, "_convert", fake_convert)
    folder = embedded.converted_folder(Path("model.gguf"), lambda _: None)
    assert embedded.is_intact(folder)
    assert not list(partial.glob("*.partial"))


def test_damaged_weights_are_converted_again(monkeypatch):
    monkeypatch.setattr(embedded, "_convert", fake_convert)
    folder = embedded.converted_folder(Path("model.gguf"), lambda _: None)
    weights = folder / embedded.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    said = []
    embedded.converted_folder(Path("model.gguf"), said.append)
    assert len(said) == 1
    assert embedded.is_intact(folder)


def test_a_file_is_read_once_while_it_is_converted_and_only_then(monkeypatch):
    monkeypatch.setattr(gguf, "GGUFReader", lambda path: [path])
    with embedded._read_once():
        assert gguf.GGUFReader("a") is gguf.GGUFReader("a")
    assert gguf.GGUFReader("a") is not gguf.GGUFReader("a")


def test_a_wheel_that_is_not_installed_has_no_gguf():
    assert embedded.embedded_gguf("no-such-wheel-at-all") is None


def test_a_device_that_is_not_there_is_refused_before_anything_is_loaded():
    for device in ("warp", "cuda:99"):
        with pytest.raises(PhoqueError, match=f"The device '{device}' cannot be used: .* give cpu"):
            load_model("lab", device=device)
