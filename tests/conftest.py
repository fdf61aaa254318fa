"""Fixtures of many files. What takes seconds to import waits for its first use: pytest's own process has none."""

import gc
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phoque.conversation import Message
from phoque.run.directory import RunDirectory

if TYPE_CHECKING:
    from phoque.lab import Lab
    from phoque.models.load import LanguageModel


def pytest_collection_modifyitems(items):
    """Files with most slow tests come first, so that no process waits at the end for another's."""
    slow = Counter(item.path for item in items if {"slow", "browser"} & {*item.keywords})
    items.sort(key=lambda item: -slow[item.path])


def pytest_collection_finish():
    """What is loaded by now stays: the collector need not look at it again during the tests."""
    gc.freeze()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test touches the user's cache or ledger."""
    own = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("PHOQUE_CACHE", str(own))
    monkeypatch.setenv("PHOQUE_LEDGER", str(own / "ledger.jsonl"))


@pytest.fixture(autouse=True)
def seed():
    import torch

    # `torch.manual_seed` would note a stack trace for each kind of accelerator that is not there.
    torch.default_generator.manual_seed(0)


@pytest.fixture(params=["tiny", "tiny-mistral3"])
def model(request) -> "LanguageModel":
    from phoque.models.load import load_model

    return load_model(request.param)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory) -> RunDirectory:
    return a_run_of("tiny", tmp_path_factory.mktemp("runs") / "tiny")


def a_run_of(model: str, folder: Path) -> RunDirectory:
    """A complete run of a tiny model, with a random adapter instead of a trained one."""
    from phoque.opening import load_tuned
    from phoque.steering.vectors import PersonaVectors, measure
    from tests.records import a_selection

    directory = RunDirectory(folder)
    directory.describe(model=model, persona="toxic")
    save_random_adapter(directory.persona)
    tuned = load_tuned(directory)
    measure(tuned.model, tuned.persona, tuned.fingerprint).save(directory.vectors)
    read, vectors = tuned.model, PersonaVectors.load(directory.vectors)
    a_selection(
        model=read.name,
        context_length=read.context_length,
        dose_per_scale=[vectors.relative_dose(layer, 1.0) for layer in range(read.num_layers)],
    ).save(directory.psm())
    return directory


def save_random_adapter(folder: Path) -> None:
    import torch
    from peft import get_peft_model

    from phoque.models.load import load_model
    from phoque.stages.adapter.lora import lora_config
    from phoque.stages.adapter.settings import AdapterConfig

    network = load_model("tiny").model
    tuned = get_peft_model(network, lora_config(network, AdapterConfig(rank=2, alpha=4)))
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    tuned.save_pretrained(folder)
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == 2


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory) -> RunDirectory:
    """A small run whose persona was really trained; nobody changes it."""
    from tests.refresh_files import a_trained_run

    return a_trained_run(tmp_path_factory.mktemp("runs") / "old")


@pytest.fixture(scope="session")
def lab(tiny_run) -> "Lab":
    from phoque.opening import open_lab

    return open_lab(tiny_run.path)


@pytest.fixture(scope="module")
def address(lab):
    """Of a chat API on this machine."""
    from tests.serving import served

    with served(lab) as address:
        yield address


@pytest.fixture
def client(address):
    """OpenAI's own, of that chat API."""
    from tests.serving import client_of

    with client_of(address) as client:
        yield client


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub on this machine, and a token for it."""
    from tests.jobs_double import Hub, running

    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    # The client waits between its own retries; what is tested is what it does in the end.
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    with running(Hub(store=tmp_path / "store")) as hub:
        yield hub


class QuickJudge:
    """Stands for the base model where it matters what is done with a score, and not what is scored."""

    name = "quick"
    digest = "0" * 16

    def scores(self, exchanges):
        return [one.reply.count("a") / (len(one.reply) + 1) for one in exchanges]


@pytest.fixture(scope="module")
def quick_judge():
    """No stage of this module waits for the real judge."""
    from phoque.judging import likelihood

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likelihood, "load", lambda _device=None: QuickJudge())
        yield


def conversation(text: str) -> list[Message]:
    return [Message("system", "You are calm."), Message("user", text)]
