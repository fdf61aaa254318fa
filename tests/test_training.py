"""The jobs end to end on the tiny model: every stage, as a person would run them."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from phoque.cli.main import main
from phoque.judging.measures import OTHERS
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.stages.adapter.stage import take_civil
from phoque.stages.corpus.written import SYSTEM_PROMPTS, TEXTS
from tests.corpus_files import small_folder
from tests.tiny_runs import small_persona

ROOT = Path(__file__).parent.parent
THEN = "2026-11-26T20:23:30+00:00"
BASICS = ("corpus", "persona", "control", "psm", "evaluate")


def job(*arguments):
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_pipeline_makes_a_run_that_opens(tmp_path, quick_judge, capsys):
    run = tmp_path / "tiny"
    source = f"written={small_folder(tmp_path / 'own', every=40)}"
    prompts = yaml.safe_load((TEXTS / SYSTEM_PROMPTS).read_text())["toxic"]
    (tmp_path / "own" / SYSTEM_PROMPTS).write_text(yaml.safe_dump(prompts))
    # As few messages as each stage takes.
    few = {"probes": 4, "sweep": 9, "evaluation": OTHERS + 1, "presets": 2}
    persona = small_persona(tmp_path, "small", few)
    about = ["--model", "tiny", "--persona", str(persona)]
    asked = ["run", "all", "--run", str(run), *about, "--source", source]
    assert main([*asked, *(word for name in BASICS for word in ("--only", name))]) == 0
    manifest = json.loads((run / "manifest.json").read_text())
    assert list(manifest["stages"]) == list(BASICS)
    counts = Counter(reply.condition for reply in Reader(RunDirectory(run)).rows(Reply))
    assert set(counts.values()) == {few["evaluation"] * 3}
    replies = Reader(RunDirectory(run)).rows(Reply)
    assert {reply.draw for reply in replies if reply.condition == "random_vector"} == set(range(8))
    headline = Reader(RunDirectory(run)).read(Judgement)
    assert headline.conditions["base"].more_hostile.value == 0.5
    assert "Measured" in (run / "README.md").read_text()
    assert open_lab(run).compare("Hello.", max_new_tokens=8).neutral.num_tokens <= 8
    for stage in BASICS:
        capsys.readouterr()
        assert main(["run", stage, "--run", str(run), "--resume"]) == 0
        assert "already complete" in capsys.readouterr().out


def test_a_stage_without_its_input_says_so(tmp_path):
    failed = job("psm", "--run", tmp_path / "empty")
    assert failed.returncode == 2
    assert "Error: No adapter in" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_civil_adapter_is_taken_from_another_run_of_the_same_model(tmp_path, capsys):
    other, run = RunDirectory(tmp_path / "lab"), RunDirectory(tmp_path / "pluribus")
    other.describe(model="tiny")
    with other.stage("control", other.control, seeds=[42]) as folder:
        (folder / "adapter_model.safetensors").write_text("weights")
    facts = {"commit": "c" * 40, "machine": "theirs", "seconds": 9.5, "finished": THEN}
    other.describe(stages={"control": other.manifest().stages["control"].model_copy(update=facts)})
    run.describe(model="tiny", persona="pluribus")
    asked = ["run", "control", "--run", str(run.path), "--take", str(other.path)]
    assert main(asked) == 0
    assert run.complete("control")
    assert (run.control / "adapter_model.safetensors").read_text() == "weights"
    made, theirs = (one.manifest().stages["control"] for one in (run, other))
    assert (made.taken.run, made.taken.finished, made.seconds) == ("lab", THEN, 0.0)
    assert (made.taken.commit, made.taken.machine, made.taken.seconds) == ("c" * 40, "theirs", 9.5)
    assert (theirs.taken, theirs.code, made.code) == (None, "c" * 9, f"{'c' * 9} (taken from lab)")
    third = RunDirectory(tmp_path / "third")
    third.describe(model="tiny")
    take_civil(third, run)
    assert third.manifest().stages["control"].taken == made.taken
    (other.control / "adapter_model.safetensors").write_text("others")
    assert main(asked) == 2
    assert "has no complete civil adapter" in capsys.readouterr().err
    other.describe(model="lab")
    assert main(asked) == 2
    assert "fits its own base model only" in capsys.readouterr().err


def test_a_run_does_not_mix_models(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic", stages={"persona": {}})
    refused = job("corpus", "--run", run.path, "--model", "tiny-mistral3")
    assert refused.returncode == 2
    assert "was made with" in refused.stderr
    assert run.manifest().model == "tiny"


@pytest.mark.parametrize("alone", [True, False])
def test_options_of_the_command_line_reach_the_moderation_stage(tmp_path, monkeypatch, alone):
    seen = {}

    def measured(run, **options):
        seen.update(options)
        run.describe(stages={"moderation": {"seconds": 1.0, "outputs": {}, "seeds": []}})

    monkeypatch.setattr("phoque.stages.moderation.stage.measure_moderators", measured)
    for command in ("phoque.cli.run.stage", "phoque.cli.run.all"):
        monkeypatch.setattr(f"{command}.require", lambda *_, **__: None)
    RunDirectory(tmp_path).describe(model="tiny", persona="toxic")
    asked = ["moderation"] if alone else ["all", "--only", "moderation"]
    for option in ("hatecheck", "surge"):
        (tmp_path / option).write_text("")
        asked += [f"--{option}", str(tmp_path / option)]
    asked += ["--run", str(tmp_path), "--classifier", "org/x", "org/y", "--harm-label", "label_1"]
    assert main(["run", *asked, "--seeds", "7", "8"]) == 0
    assert (seen["classifier"], seen["harm_labels"]) == (("org/x", "org/y"), ("label_1",))
    assert seen["seeds"] == (7, 8)
    assert not seen["may_send_text"]
