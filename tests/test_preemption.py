"""A training that is killed, told to end or resumed learns what one learns that was not."""

import random
import shutil
import signal
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from phoque.errors import PhoqueError
from phoque.models.load import load_model
from phoque.run.adapter import Identity, Marker, Metrics, Norms, TrainingAttempts
from phoque.stages.adapter.checkpoints import Checkpoints
from phoque.stages.adapter.settings import Recording
from phoque.stages.adapter.training import train_adapter
from tests import forked, long_training

KILLS = 12
CLOSE = 1e-3
"""How far a loss or a norm may be off, as a share of it."""


@pytest.fixture(scope="module")
def processes():
    return forked.processes()


@pytest.fixture(scope="module")
def uninterrupted(processes, tmp_path_factory):
    """The folder of a training without checkpoints that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert ended(processes, folder, 0) == 0
    return folder


def curve(folder):
    try:
        text = (folder / "metrics.jsonl").read_text()
    except FileNotFoundError:
        # Not begun, or just being put back from a checkpoint.
        return []
    return [Metrics.model_validate_json(line) for line in text.rpartition("\n")[0].splitlines()]


def attempts_in(folder):
    return TrainingAttempts.load(folder / "unfinished", command="this test").attempts


def learns_the_same(folder, uninterrupted):
    """Step by step, and in the end."""
    assert [row.step for row in curve(folder)] == list(range(2, 97, 2))
    for own, whole in zip(curve(folder), curve(uninterrupted), strict=True):
        assert (own.step, own.num_tokens) == (whole.step, whole.num_tokens)
        for key in ("loss", "loss_by_style", "entropy", "grad_norm", "lora_b_norm"):
            assert getattr(own, key) == pytest.approx(getattr(whole, key), rel=CLOSE), key
    norms, known = (Norms.load_rows(one, command="") for one in (folder, uninterrupted))
    assert [row.step for row in norms] == [row.step for row in known]
    assert norms[-1].lora_b == pytest.approx(known[-1].lora_b, rel=CLOSE)
    for name in ("adapter_model.safetensors", "trajectory.safetensors"):
        own, whole = load_file(folder / name), load_file(uninterrupted / name)
        assert own.keys() == whole.keys()
        assert all(torch.allclose(own[key], whole[key], atol=CLOSE) for key in whole), name


def started(processes, folder, *arguments):
    process = processes.Process(target=long_training.train, args=(folder, *arguments))
    process.start()
    return process


def ended(processes, folder, *arguments):
    process = started(processes, folder, *arguments)
    process.join(100)
    return process.exitcode


def wait_for(condition, process):
    while process.is_alive() and not condition():
        time.sleep(0.002)


def test_checkpoints_change_nothing_of_what_is_learned(processes, uninterrupted, tmp_path):
    assert ended(processes, tmp_path) == 0
    learns_the_same(tmp_path, uninterrupted)
    assert not (tmp_path / "unfinished").exists()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killed_at_random_points_it_learns_the_same(processes, uninterrupted, tmp_path):
    chance = random.Random(42)
    rows, kills, resumed = 0, 0, set()
    while True:
        goal = min(rows + chance.randint(0, 2), 45)
        process = started(processes, tmp_path)
        if kills < KILLS:
            wait_for(lambda goal=goal: len(curve(tmp_path)) > goal, process)
            time.sleep(chance.uniform(0, 0.06))
            process.kill()
        process.join(100)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        kills += 1
        resumed.add(attempts_in(tmp_path)[-1].from_step)
        rows = len(curve(tmp_path))
    assert kills == KILLS
    assert len(resumed) >= 4
    learns_the_same(tmp_path, uninterrupted)
    assert curve(tmp_path)[-1].attempt == kills + 1


def test_told_to_end_it_writes_a_checkpoint_first(processes, uninterrupted, tmp_path):
    process = started(processes, tmp_path, 1000)
    wait_for(lambda: len(curve(tmp_path)) > 5, process)
    process.terminate()
    process.join(100)
    assert process.exitcode == -signal.SIGTERM
    (attempt,) = attempts_in(tmp_path)
    assert attempt.outcome == "stopped"
    assert attempt.at_step >= 12
    assert ended(processes, tmp_path, 1000) == 0
    learns_the_same(tmp_path, uninterrupted)


def interrupted(processes, folder):
    process = started(processes, folder)
    wait_for(lambda: len(curve(folder)) > 4, process)
    process.kill()
    process.join(100)
    return folder / "unfinished"


def test_half_written_and_damaged_checkpoints_are_passed_over(processes, uninterrupted, tmp_path):
    unfinished = interrupted(processes, tmp_path)
    whole = sorted(unfinished.glob("checkpoint-*"), key=lambda f: int(f.name.split("-")[1]))
    shutil.copytree(whole[0], unfinished / "checkpoint-40")
    (unfinished / "checkpoint-40" / Marker.FILE).unlink()
    shutil.copytree(whole[0], unfinished / "checkpoint-41")
    (unfinished / "checkpoint-41" / "optimizer.pt").write_bytes(b"cut")
    (unfinished / "partial" / "checkpoint-42").mkdir(parents=True, exist_ok=True)
    assert ended(processes, tmp_path) == 0
    learns_the_same(tmp_path, uninterrupted)


def test_checkpoints_of_another_training_are_refused(processes, tmp_path):
    unfinished = interrupted(processes, tmp_path)
    before = sorted(path.name for path in unfinished.iterdir())
    other = replace(long_training.CONFIG, learning_rate=1e-3)
    with pytest.raises(PhoqueError, match=r"of another training: settings differ.*--checkpoints"):
        long_training.train(tmp_path, config=other)
    elsewhere = Recording(checkpoints=unfinished)
    with pytest.raises(PhoqueError, match="corpus differ"):
        train_adapter(
            load_model("tiny"), long_training.examples()[:4], tmp_path / "b", long_training.CONFIG,
            recording=elsewhere,
        )  # fmt: skip
    assert not (tmp_path / "b").exists()
    assert sorted(path.name for path in unfinished.iterdir()) == before


def identity():
    return Identity(
        model="tiny", weights="", corpus="", quantization=None, settings={}, processes=1, trainer=1,
        libraries={},
    )  # fmt: skip


def test_two_checkpoints_stay(tmp_path):
    checkpoints = Checkpoints(tmp_path, identity())
    for step in (5, 10, 15):
        checkpoints.written(step).mkdir(parents=True)
        (checkpoints.written(step) / "weights").write_text("x")
        checkpoints.enter(step)
    assert checkpoints.newest() == tmp_path / "checkpoint-15"
    assert not (tmp_path / "checkpoint-5").exists()
    (tmp_path / "checkpoint-15" / "weights").write_text("")
    assert checkpoints.newest() == tmp_path / "checkpoint-10"
