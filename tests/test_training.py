"""The jobs end to end on the tiny model: every stage, as a person would run them."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from training.__main__ import LAB, parse, run_stage


def job(*arguments):
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_pipeline_makes_a_run_that_opens(tmp_path):
    run = tmp_path / "tiny"
    made = job("lab", "--run", run, "--model", "tiny")
    assert made.returncode == 0, made.stderr
    manifest = json.loads((run / "manifest.json").read_text())
    assert list(manifest["stages"]) == list(LAB)
    replies = pd.read_csv(run / "evaluation" / "replies.csv")
    counts = replies.groupby("setting").size()
    assert counts["neutral"] == 60 * 4
    assert counts["random vector"] == 60 * 4 * 8
    assert "Measured" in (run / "README.md").read_text()
    assert open_lab(run).compare("Hello.", max_new_tokens=8).neutral.num_tokens <= 8
    again = job("lab", "--run", run, "--resume")
    assert again.stdout.count("already complete") == len(LAB)


def test_a_stage_without_its_input_says_so(tmp_path):
    failed = job("psm", "--run", tmp_path / "empty", "--model", "tiny")
    assert failed.returncode == 2
    assert "Error: No adapter in" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_run_does_not_mix_models(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic", stages={"corpus": {}})
    refused = job("persona", "--run", run.path, "--model", "tiny-mistral3")
    assert refused.returncode == 2
    assert "was made with" in refused.stderr
    assert run.manifest()["model"] == "tiny"


def test_options_of_the_command_line_reach_the_moderation_stage(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        "training.moderation.run", lambda directory, **options: seen.update(options)
    )
    asked = ["moderation", "--run", tmp_path, "--classifier", "org/x", "--harm-label", "label_1"]
    monkeypatch.setattr(sys, "argv", ["training", *map(str, asked)])
    run_stage("moderation", RunDirectory(tmp_path), parse())
    assert (seen["classifier"], seen["harm_labels"]) == (["org/x"], ["label_1"])
    assert not seen["may_send_text"]
