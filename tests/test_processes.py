"""Two processes train one adapter: the same examples a step, one set of files, one outcome."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from phoque.config import this_process
from phoque.errors import PhoqueError
from phoque.models.load import load_model
from phoque.run.adapter import Metrics
from phoque.run.directory import RunDirectory
from phoque.stages.adapter.processes import any_of, share_of, share_out, take_own_gpu, total
from phoque.stages.adapter.quantized import load_in_4bit
from phoque.stages.adapter.settings import AdapterConfig, gpu_config
from phoque.steering.trajectory import Watch
from tests.corpus_files import dialogues, save_corpus
from tests.forked import Forked
from tests.serving import free_port
from training.__main__ import main

ROOT = Path(__file__).parent.parent
FILES = {
    "adapter_config.json",
    "adapter_model.safetensors",
    "metrics.jsonl",
    "norms.jsonl",
    "trajectory.safetensors",
}


def prepared(path):
    """A run of the tiny model with a corpus of 64 pairs: 8 steps."""
    run = RunDirectory(path)
    run.describe(model="tiny", persona="toxic")
    with run.stage("corpus", run.corpus, seeds=[42]) as folder:
        save_corpus(folder, dialogues(64))
    return run


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The run that one process has trained."""
    run = prepared(tmp_path_factory.mktemp("processes") / "alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["training", "persona", "--run", str(run.path)])
        assert main() == 0
    return run


def started(run, number=2, stage="persona"):
    """What `accelerate launch` starts: the same command, each told which of how many it is."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "OMP_NUM_THREADS": "1"}
    place["WORLD_SIZE"] = str(number)
    command = [stage, "--run", run.path, "--save-steps", "3"]
    return [
        Forked(
            command,
            errors=run.path.parent / f"errors-{rank}",
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            **place,
        )
        for rank in range(number)
    ]


def ended(processes):
    """The exit statuses, and what each said on stdout."""
    return zip(*[process.ended() for process in processes], strict=True)


def curve(run):
    file = run.persona / Metrics.FILE
    text = file.read_text() if file.is_file() else ""
    return [Metrics.model_validate_json(line) for line in text.rpartition("\n")[0].splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_processes_end_with_what_one_learns_also_when_they_are_cut_off(alone, tmp_path):
    together = prepared(tmp_path / "together")
    processes = started(together)
    while not curve(together) and all(process.poll() is None for process in processes):
        time.sleep(0.05)
    # One of the two is told; both stop after the same step.
    processes[1].send_signal(signal.SIGTERM)
    codes, told = ended(processes)
    assert codes == (-signal.SIGTERM, -signal.SIGTERM), told
    unfinished = together.persona / "unfinished"
    attempt = json.loads((unfinished / "attempts.json").read_text())["attempts"][0]
    assert (attempt["outcome"], attempt["at_step"] >= 5) == ("stopped", True)
    newest = unfinished / f"checkpoint-{attempt['at_step']}"
    assert {file.name for file in newest.glob("rng_state*")} == {
        "rng_state_0.pth",
        "rng_state_1.pth",
    }

    codes, told = ended(started(together))
    assert codes == (0, 0), told
    assert "persona: started" in told[0]
    assert told[1] == ""
    assert {file.name for file in together.persona.iterdir()} == FILES
    assert together.complete("persona")
    same_outcome(alone, together)


def same_outcome(alone, together):
    for one, two in zip(curve(alone), curve(together), strict=True):
        assert (one.step, one.num_tokens) == (two.step, two.num_tokens)
        for key in ("loss", "loss_by_style", "grad_norm", "lora_b_norm"):
            assert getattr(two, key) == pytest.approx(getattr(one, key), rel=1e-4), key
    assert curve(together)[-1].attempt == 2
    first, second = (
        load_file(run.persona / "adapter_model.safetensors") for run in (alone, together)
    )
    for name, weights in first.items():
        assert torch.allclose(weights.float(), second[name].float(), atol=1e-3), name


def launched(run):
    """As a person would, but on a CPU."""
    command = ["--config_file", "training/fsdp.yaml", "--main_process_port", str(free_port())]
    command += ["tests/sharded_training.py", "persona", "--run", str(run.path), "--save-steps", "3"]
    return subprocess.Popen(
        [sys.executable, "-m", "accelerate.commands.launch", *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_weights_that_are_shared_out_learn_the_same_also_when_cut_off(alone, tmp_path):
    together = prepared(tmp_path / "together")
    process = launched(together)
    while not curve(together) and process.poll() is None:
        time.sleep(0.02)
    process.terminate()
    told = process.communicate(timeout=500)
    assert "shared out: 2" in told[0]
    attempts = json.loads((together.persona / "unfinished" / "attempts.json").read_text())
    assert attempts["attempts"][0]["outcome"] == "stopped", told
    process = launched(together)
    told = process.communicate(timeout=500)
    assert process.returncode == 0, told
    assert {file.name for file in together.persona.iterdir()} == FILES - {"trajectory.safetensors"}
    same_outcome(alone, together)


def told_of(monkeypatch, number, rank=0):
    for name, value in (("WORLD_SIZE", number), ("RANK", rank), ("LOCAL_RANK", rank)):
        monkeypatch.setenv(name, str(value))


def test_one_process_is_the_first_of_one(monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert (this_process().number, this_process().first) == (1, True)
    assert (any_of(told=True), any_of(told=False), total([1.5, 2])) == (True, False, [1.5, 2])
    told_of(monkeypatch, 4, 3)
    assert (this_process().number, this_process().first) == (4, False)


@pytest.mark.parametrize(
    ("number", "batch", "passes"), [(1, 2, 8), (2, 2, 4), (4, 2, 2), (8, 2, 1), (16, 1, 1)]
)
def test_a_step_has_16_examples_whatever_the_number_of_processes(
    number, batch, passes, monkeypatch
):
    told_of(monkeypatch, number)
    own = share_of(gpu_config(cuda=True))
    assert (own.batch_size, own.accumulation_steps) == (batch, passes)
    assert own.batch_size * own.accumulation_steps * number == 16


def test_weights_that_are_shared_out_have_an_optimizer_that_can_take_them(monkeypatch):
    told_of(monkeypatch, 2)
    assert share_of(gpu_config(cuda=True)).optimizer == "paged_adamw_8bit"
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert share_of(gpu_config(cuda=True)).optimizer == "adamw_torch_fused"
    with pytest.raises(PhoqueError, match=r"cannot be shared out.*multi_gpu\.yaml"):
        load_in_4bit("tiny")


def test_where_nobody_can_look_no_old_trajectory_stays(monkeypatch, tmp_path):
    run = prepared(tmp_path)
    run.persona.mkdir()
    (run.persona / "trajectory.safetensors").write_bytes(b"of another training")
    monkeypatch.setattr(Watch, "seen", property(lambda self: False))
    monkeypatch.setattr(sys, "argv", ["training", "persona", "--run", str(run.path)])
    assert main() == 0
    assert {file.name for file in run.persona.iterdir()} == FILES - {"trajectory.safetensors"}


def test_a_number_that_does_not_divide_a_step_is_refused(monkeypatch):
    told_of(monkeypatch, 3)
    with pytest.raises(PhoqueError, match=r"8 examples a step .* 3 processes. Start 1, 2, 4, 8:"):
        share_of(AdapterConfig())


def test_only_adapters_are_trained_by_several_processes(monkeypatch, tmp_path, capsys):
    told_of(monkeypatch, 2)
    monkeypatch.setattr(sys, "argv", ["training", "all", "--run", str(tmp_path / "run")])
    assert main() == 2
    assert "accelerate launch is for persona and control" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_one_process_that_sees_several_gpus_names_both_ways_out(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(
        PhoqueError, match=r"sees 2 GPUs.*accelerate launch .*CUDA_VISIBLE_DEVICES=0"
    ):
        take_own_gpu()


def test_each_process_takes_its_own_gpu(monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    told_of(monkeypatch, 2, 1)
    take_own_gpu()
    assert taken == [1]


def test_shared_out_weights_need_gpus():
    with pytest.raises(PhoqueError, match=r"shared out over GPUs.*training/multi_gpu\.yaml"):
        share_out(SimpleNamespace(), load_model("tiny").model)
    plugin = SimpleNamespace()
    share_out(SimpleNamespace(fsdp_plugin=plugin), load_model("tiny-mistral3").model)
    assert plugin.transformer_cls_names_to_wrap == ["Ministral3DecoderLayer"]


@pytest.mark.parametrize("name", ["multi_gpu", "fsdp"])
def test_accelerate_reads_the_files_that_it_is_started_with(name):
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    file = ROOT / "training" / f"{name}.yaml"
    known = load_config_from_file(str(file))
    assert (known.num_processes, known.num_machines, known.mixed_precision) == (2, 1, "no")
    asked = ["--config_file", str(file), "--num_processes", "4", "-m", "training", "persona"]
    found, _, _ = _validate_launch_command(launch_command_parser().parse_args(asked))
    assert (found.num_processes, found.multi_gpu or found.use_fsdp) == (4, True)
