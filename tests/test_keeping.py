"""A run that is kept in a repository loses little of a stage that is killed."""

import json
import shutil
import sys
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from phoque.models.load import load_model
from phoque.pipeline import launch
from phoque.pipeline.launch import Checkpoint
from phoque.run.adapter import Metrics
from phoque.run.directory import RunDirectory
from phoque.run.steps import run_ledger
from phoque.stages.adapter.settings import Recording
from phoque.stages.adapter.training import train_adapter
from tests import long_training
from tests.corpus_files import dialogues, save_corpus
from training.__main__ import main

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
    return weights(run)


def weights(run):
    return load_file(run.persona / "adapter_model.safetensors")


def alike(one, other):
    return one.keys() == other.keys() and all(
        torch.allclose(one[name], other[name], atol=1e-3) for name in one
    )


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
    assert alike(train(elsewhere), train(described(tmp_path / "undisturbed")))
    rows = Metrics.load_rows(elsewhere.persona, command="")
    assert [row.step for row in rows] == list(range(2, 97, 2))
    assert (rows[5].attempt, rows[-1].attempt) == (1, 2)


def test_a_stage_goes_on_where_the_hub_fails(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "KEPT_EVERY_SECONDS", 0.0)
    checkpoint = Checkpoint(described(tmp_path / "here"), REPOSITORY, hub.address)
    checkpoint.restore()
    hub.fails = lambda method, path: 500
    told = []
    checkpoint.keep_at_times(told.append)
    assert told[0].startswith("What is done so far was not kept elsewhere; the stage goes on.")
    assert "500" in told[0]


def test_it_is_kept_every_ten_minutes_at_most(hub, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(launch.time, "monotonic", lambda: now[0])
    checkpoint, sent = Checkpoint(described(tmp_path / "here"), REPOSITORY, hub.address), []
    monkeypatch.setattr(
        checkpoint, "_repository", SimpleNamespace(send=lambda *_, **__: sent.append(now[0]))
    )
    for now[0] in (1, 599, 601, 602, 1200, 1202):
        checkpoint.keep_at_times(pytest.fail)
    assert sent == [601, 1202]
    now[0] = 1300
    checkpoint.keep()
    for now[0] in (1803, 1901):
        checkpoint.keep_at_times(pytest.fail)
    assert sent == [601, 1202, 1300, 1901]


def test_what_is_too_large_stays_here(hub, tmp_path):
    run = described(tmp_path / "here")
    (run.path / "sae" / "unfinished").mkdir(parents=True)
    for name in ("unfinished/activations.f16", "unfinished.json", "features.csv"):
        (run.path / "sae" / name).write_text("0")
    checkpoint = Checkpoint(run, REPOSITORY, hub.address)
    checkpoint.restore()
    checkpoint.keep()
    kept = sorted(hub.content[REPOSITORY])
    assert kept == ["last-checkpoint/manifest.json", "last-checkpoint/sae/features.csv"]


def command(monkeypatch, path, *more):
    words = ["training", "all", "--run", str(path), "--only", "persona", "--save-steps", "2"]
    monkeypatch.setattr(sys, "argv", [*words, *more])
    return main()


def test_the_command_goes_on_elsewhere_from_a_kill_within_a_stage(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "KEPT_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(
        "phoque.pipeline.launch.Checkpoint", partial(Checkpoint, endpoint=hub.address)
    )
    prepared = described(tmp_path / "prepared")
    with prepared.stage("corpus", prepared.corpus, seeds=[42]) as folder:
        save_corpus(folder, dialogues(64))
    for name in ("here", "undisturbed"):
        shutil.copytree(prepared.path, tmp_path / name)
    keep, calls = Checkpoint.keep, []

    def killed_at_the_third(checkpoint):
        calls.append("kept")
        if len(calls) < 3:
            keep(checkpoint)
        if len(calls) == 2:
            raise KilledError

    monkeypatch.setattr(Checkpoint, "keep", killed_at_the_third)
    with pytest.raises(KilledError):
        command(monkeypatch, tmp_path / "here", "--checkpoint-repo", REPOSITORY)
    assert any("persona/unfinished/checkpoint-4/" in name for name in hub.content[REPOSITORY])
    monkeypatch.setattr(Checkpoint, "keep", keep)
    assert command(monkeypatch, tmp_path / "elsewhere", "--checkpoint-repo", REPOSITORY) == 0
    assert command(monkeypatch, tmp_path / "undisturbed") == 0
    runs = [RunDirectory(tmp_path / name) for name in ("elsewhere", "undisturbed")]
    assert alike(*map(weights, runs))
    assert Metrics.load_rows(runs[0].persona, command="")[-1].attempt == 2


def test_steps_are_kept_when_the_ledger_says_what_is_done(tmp_path):
    kept = []

    def keep():
        ledger = tmp_path / "unfinished.json"
        done = json.loads(ledger.read_text())["seconds"]
        kept.append((list(done), sorted(file.stem for file in tmp_path.glob("*.txt"))))

    steps = {name: (tmp_path / f"{name}.txt").touch for name in ("one", "two")}
    run_ledger(tmp_path, steps, {}, lambda _: None, keep)
    assert kept == [([], []), (["one"], ["one"])]
