"""Trackers are told every row once, over all attempts: a double of both, and the real trackio."""

import json
import sqlite3
import sys
from dataclasses import replace
from types import ModuleType

import pytest

from phoque.errors import PhoqueError
from phoque.models.load import load_model
from phoque.stages.adapter.curve import PROJECT
from phoque.stages.adapter.settings import Recording
from phoque.stages.adapter.training import train_adapter
from tests import long_training

CONFIG = replace(long_training.CONFIG, epochs=1)


def train(folder, recording):
    train_adapter(load_model("tiny"), long_training.examples(), folder, CONFIG, recording=recording)


class Service(ModuleType):
    """A tracker that writes down what it is told."""

    def __init__(self, name):
        super().__init__(name)
        self.opened, self.rows = [], []

    def init(self, **facts):
        self.opened.append(facts)

    def log(self, values, step):
        self.rows.append((step, values))

    def finish(self):
        self.opened.append("finished")


@pytest.mark.parametrize(("name", "key"), [("trackio", "name"), ("wandb", "id")])
def test_a_tracker_is_shown_every_row(name, key, tmp_path, monkeypatch):
    service = Service(name)
    monkeypatch.setitem(sys.modules, name, service)
    recording = Recording(tracker=name, norm_steps=5)
    train(tmp_path, recording)
    opened, finished = service.opened
    assert (opened["resume"], finished) == ("allow", "finished")
    assert opened[key]
    assert [step for step, values in service.rows if "loss" in values] == list(range(2, 17, 2))
    assert any("lora_a/q_proj" in values for _, values in service.rows)


def test_a_tracker_that_is_missing_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(PhoqueError, match="pip install wandb"):
        train(tmp_path / "x", Recording(tracker="wandb"))
    assert not (tmp_path / "x").exists()


class StoppedError(BaseException):
    """What ends the first attempt."""


def test_the_real_trackio_shows_one_curve_over_two_attempts(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    pytest.importorskip("trackio")
    checkpoints = []

    def keep():
        checkpoints.append("written")
        if len(checkpoints) == 2:
            raise StoppedError

    recording = Recording(tracker="trackio", save_steps=3, norm_steps=5, keep=keep)
    with pytest.raises(StoppedError):
        train(tmp_path / "run", recording)
    train(tmp_path / "run", recording)
    database = sqlite3.connect(tmp_path / "trackio" / f"{PROJECT}.db")
    shown = database.execute("SELECT run_name, step, metrics FROM metrics").fetchall()
    losses = {step: json.loads(row)["loss"] for _, step, row in shown if b'"loss"' in row}
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert losses == {row["step"]: row["loss"] for row in map(json.loads, lines)}
    assert len(shown) == len(losses) + 4, "norms at 5, 10, 15 and the end, none of them twice"
    assert len({run for run, _, _ in shown}) == 1
