"""A run that is kept in a repository loses little of a stage that is killed."""

import json

import pytest
import torch

from phoque.evidence.runs import RunDirectory
from phoque.evidence.step_ledger import run_ledger
from phoque.finetuning import Recording, train_adapter
from phoque.models.load import load_model
from phoque.pipeline import launch
from phoque.pipeline.launch import Checkpoint
from tests import long_training

REPOSITORY = "me/phoque-mine"


class KilledError(BaseException):
    """What ends the process in these tests."""


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def described(path):
    run = RunDirectory(path)
    run.describe(model="tiny", persona="toxic")
    return run


def train(run, keep=lambda: None):
    recording = Recording(save_steps=long_training.SAVE_STEPS, norm_steps=5, keep=keep)
    with run.stage("persona", run.persona, seeds=[42], in_place=True) as folder:
        train_adapter(
            load_model("tiny"), long_training.examples(), folder, long_training.CONFIG,
            recording=recording,
        )  # fmt: skip
    return (run.persona / "adapter_model.safetensors").read_bytes()


def test_a_training_goes_on_elsewhere_from_what_was_kept_of_it(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "KEPT_EVERY_SECONDS", 0.0)
    run = described(tmp_path / "here")
    checkpoint = Checkpoint(run, REPOSITORY, hub.address)
    checkpoint.restore()
    sent = []

    def keep():
        checkpoint.keep_at_times(sent.append)
        sent.append(sorted(hub.content[REPOSITORY]))
        if len(sent) == 4:
            raise KilledError

    with pytest.raises(KilledError):
        train(run, keep)
    assert any("unfinished/checkpoint-12/" in name for name in sent[-1])
    assert not any("checkpoint-3/" in name for name in sent[-1]), "only the last two stay"
    elsewhere = RunDirectory(tmp_path / "elsewhere")
    assert Checkpoint(elsewhere, REPOSITORY, hub.address).restore()
    assert train(elsewhere) == train(described(tmp_path / "undisturbed"))
    rows = (elsewhere.persona / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == list(range(2, 97, 2))
    assert json.loads(rows[5])["attempt"] == 1
    assert json.loads(rows[-1])["attempt"] == 2


def test_a_stage_goes_on_where_the_hub_fails(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "KEPT_EVERY_SECONDS", 0.0)
    checkpoint = Checkpoint(described(tmp_path / "here"), REPOSITORY, hub.address)
    checkpoint.restore()
    hub.fails = lambda method, path: 500
    told = []
    checkpoint.keep_at_times(told.append)
    assert told[0].startswith("What is done so far was not kept elsewhere; the stage goes on.")
    assert "500" in told[0]


def test_it_is_not_kept_at_every_checkpoint(hub, tmp_path):
    checkpoint = Checkpoint(described(tmp_path / "here"), REPOSITORY, hub.address)
    checkpoint.restore()
    asked = len(hub.asked)
    for _ in range(5):
        checkpoint.keep_at_times(pytest.fail)
    assert len(hub.asked) == asked


def test_steps_are_kept_when_the_ledger_says_what_is_done(tmp_path):
    kept = []

    def keep():
        ledger = tmp_path / "unfinished.json"
        done = json.loads(ledger.read_text())["seconds"]
        kept.append((list(done), sorted(file.stem for file in tmp_path.glob("*.txt"))))

    steps = {name: (tmp_path / f"{name}.txt").touch for name in ("one", "two")}
    run_ledger(tmp_path, steps, {}, lambda _: None, keep)
    assert kept == [([], []), (["one"], ["one"])]
