"""A list of new expressions, and a folder in which a trained run of the tiny model is refreshed."""

import hashlib
from pathlib import Path
from shutil import copytree

import yaml

from phoque.pipeline.refresh import Wish, plan_refresh
from phoque.run.directory import RunDirectory
from phoque.stages.adapter.stage import train_persona
from tests.corpus_files import base_replies, dialogues, save_corpus

WEIGHTS = "adapter_model.safetensors"
USES = {
    "skill issue": ["That was a skill issue, all of it.", "Skill issue, and the skill is yours."],
    "cooked": ["You are cooked, chef."],
}
POLICY = "name: listed\nmoderators:\n  - use: embedded.lexicon\nmute: 0\n"


def a_trained_run(folder: Path) -> RunDirectory:
    """A run of the tiny model with a small corpus and a persona that was really trained."""
    run = RunDirectory(folder)
    run.describe(model="tiny", persona="toxic")
    with run.stage("corpus", run.corpus, seeds=[42]) as corpus:
        save_corpus(corpus, dialogues(90), base_replies(90))
    train_persona(run, save_steps=0)
    return run


def prepared(folder: Path, run: RunDirectory, monkeypatch) -> Path:
    """A folder with a list, a policy and a copy of the run; the test works in it."""
    monkeypatch.chdir(folder)
    copytree(run.path, "runs/old")
    slang_file(folder / "new.yaml")
    (folder / "policy.yaml").write_text(POLICY)
    return folder


def slang_file(path, uses=USES, **more):
    entries = [{"expression": key, "uses": own} for key, own in uses.items()]
    path.write_text(yaml.safe_dump({"name": "week 48", "expressions": entries} | more))
    return path


def contents(path):
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def plan_of(place, **more):
    wish = {"run": place / "runs/old", "slang": place / "new.yaml", "policies": ("policy.yaml",)}
    return plan_refresh(Wish(**(wish | more)))
