"""Jobs and private storage: the real client against a Hub on this machine."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from phoque.errors import PhoqueError
from phoque.hub.storage import Bucket, Repository
from phoque.pipeline.launch import Checkpoint, fetch, launch
from phoque.pipeline.plan import make_plan
from phoque.run.directory import RunDirectory
from tests.jobs_double import WISH

KINDS = {"bucket": Bucket, "repo": Repository}


@pytest.fixture
def made(tmp_path):
    """A run with one small stage."""
    run = RunDirectory(tmp_path / "made" / "run")
    run.describe(model="tiny", persona="toxic")
    with run.stage("corpus", run.corpus, seeds=[42]) as folder:
        (folder / "corpus.jsonl").write_text('{"text": "You clown."}\n' * 200)
        (folder / "empty.txt").touch()
    return run


def store_of(kind, hub, name="me/phoque-runs"):
    return KINDS[kind](name=name, endpoint=hub.address)


def wish(kind, **changes):
    return replace(WISH, kept=kind, **changes)


# Private, or nothing.


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_comes_back_byte_for_byte(hub, made, tmp_path, kind):
    storage = store_of(kind, hub)
    storage.send(made.path, "mine/run")
    assert {**hub.buckets, **hub.repositories} == {"me/phoque-runs": True}
    assert storage.fetch("mine/run", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(made.path)
    assert not storage.fetch("mine/other", tmp_path / "nothing")


def test_what_a_folder_of_a_repository_has_besides_is_deleted_there_alone(hub, made):
    storage = store_of("repo", hub)
    storage.send(made.path, "mine/run")
    old = ("mine/run/old/x.json", "mine/other.json")
    hub.content["me/phoque-runs"] |= dict.fromkeys(old, b"{}")
    storage.send(made.path, "mine/run")
    assert [name for name in old if name in hub.content["me/phoque-runs"]] == ["mine/other.json"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_place_gets_nothing(hub, made, kind):
    hub.buckets["me/phoque-runs"] = hub.repositories["me/phoque-runs"] = False
    with pytest.raises(PhoqueError, match=r"is public.*Nothing was sent"):
        store_of(kind, hub).send(made.path, "mine/run")
    assert hub.content == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hub_that_makes_it_public_all_the_same_gets_nothing(hub, kind):
    hub.makes_public = True
    place = f"phoque-{'runs' if kind == 'bucket' else 'mine'}"
    with pytest.raises(PhoqueError, match=f"me/{place} is public"):
        launch(make_plan(wish(kind)), endpoint=hub.address)
    assert (hub.content, hub.jobs) == ({}, {})


def test_names_from_outside_do_not_lead_out_of_the_folder(hub, made, tmp_path):
    storage = store_of("bucket", hub)
    storage.send(made.path, "mine/run")
    files = hub.content["me/phoque-runs"]
    files["mine/run/../../escaped"] = files["mine/run/manifest.json"]
    with pytest.raises(PhoqueError, match="leads out of"):
        storage.fetch("mine/run", tmp_path / "back")
    assert not (tmp_path / "escaped").exists()


# Starting one.


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_is_started_as_planned(hub, monkeypatch, kind):
    monkeypatch.setenv("WANDB_API_KEY", "value-of-a-secret")
    plan = make_plan(wish(kind, secrets=("WANDB_API_KEY",)))
    state = launch(plan, endpoint=hub.address)
    asked = hub.jobs[state.id]
    assert (asked["flavor"], asked["timeoutSeconds"], asked["attempts"]) == ("a10g-large", 14400, 3)
    assert asked["secrets"]["WANDB_API_KEY"] == "value-of-a-secret"
    assert ("HF_TOKEN" in asked["secrets"]) == (kind == "repo")
    rest = json.dumps([asked[key] for key in asked if key != "secrets"]) + plan.text()
    assert "value-of-a-secret" not in rest
    assert "hf_of_a_test" not in rest
    assert "YOU" not in rest.replace(plan.text(), "")
    mounted = [(one["type"], one["mountPath"], one["readOnly"]) for one in asked["volumes"]]
    run = [("bucket", "/runs/mine", False)] if kind == "bucket" else []
    assert mounted == [("bucket" if kind == "bucket" else "model", "/code", True), *run]
    assert ("--checkpoint-repo me/phoque-mine" in asked["command"][2]) == (kind == "repo")


@pytest.mark.parametrize("kind", KINDS)
def test_results_come_back_checked(hub, made, tmp_path, kind):
    state = launch(make_plan(wish(kind)), endpoint=hub.address)
    with pytest.raises(PhoqueError, match="has kept nothing yet"):
        fetch(state, tmp_path / "runs" / "mine", endpoint=hub.address)
    place = state.volumes[0].source
    kept = "mine/run" if kind == "bucket" else "last-checkpoint"
    store_of(kind, hub, place).send(made.path, kept)
    into = tmp_path / "runs" / "mine"
    assert fetch(state, into, endpoint=hub.address) == ["corpus"]
    assert contents(into) == contents(made.path)
    # Later there is more; what was there stays what it was.
    with made.stage("persona", made.persona, seeds=[42]) as folder:
        (folder / "adapter.txt").write_text("weights")
    store_of(kind, hub, place).send(made.path, kept)
    assert fetch(state, into, endpoint=hub.address) == ["corpus", "persona"]
    (made.persona / "adapter.txt").write_text("damaged")
    store_of(kind, hub, place).send(made.path, kept)
    with pytest.raises(PhoqueError, match="not what the Job wrote"):
        fetch(state, into, endpoint=hub.address)
    with made.stage("persona", made.persona, seeds=[42]) as folder:
        (folder / "adapter.txt").write_text("another")
    store_of(kind, hub, place).send(made.path, kept)
    with pytest.raises(PhoqueError, match="a stage persona that is not the Job's"):
        fetch(state, into, endpoint=hub.address)
    assert (into / "persona" / "adapter.txt").read_text() == "weights"
    assert [folder.name for folder in into.parent.iterdir()] == ["mine"]


def test_a_run_kept_in_a_repository_goes_on_elsewhere(hub, made, tmp_path):
    checkpoint = Checkpoint(made, "me/phoque-mine", hub.address)
    assert not checkpoint.restore()
    checkpoint.keep()
    elsewhere = RunDirectory(tmp_path / "elsewhere")
    assert Checkpoint(elsewhere, "me/phoque-mine", hub.address).restore()
    assert elsewhere.complete("corpus")
    # What a stage no longer writes is gone there, too.
    with made.stage("corpus", made.corpus, seeds=[42]) as folder:
        (folder / "other.txt").write_text("x")
    checkpoint.keep()
    kept = hub.content["me/phoque-mine"]
    assert sorted(kept) == ["last-checkpoint/corpus/other.txt", "last-checkpoint/manifest.json"]


# The command line, as a person would use it.


def command(*words, hub=None, home, **variables):
    env = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    env |= {"HF_HOME": str(home), "HF_ENDPOINT": hub.address if hub else "http://127.0.0.1:9"}
    env |= {"HF_TOKEN": hub.token} if hub else {}
    return subprocess.run(
        [sys.executable, "-m", "training", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=env | variables,
    )


def test_a_dry_run_needs_neither_network_nor_token(tmp_path):
    asked = ["all", "--model", "ministral", "--target", "jobs", "--timeout", "4h"]
    done = command(*asked, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "model ministral" in done.stdout
    assert "Nothing was sent or started" in done.stdout
    assert "--hatecheck FILE --surge FILE" in done.stdout
    refused = command(*asked, "--yes", home=tmp_path)
    assert refused.returncode == 2
    assert "A Job cannot find files" in refused.stderr


@pytest.mark.slow
def test_a_job_from_start_to_results(hub, made, tmp_path):
    hub.log = ["installing", "▶ [1/1] corpus started", "▶ [1/1] corpus done in 3 s"]
    # A repository: the store of the double's buckets can be open in one process only.
    store_of("repo", hub, "me/phoque-mine").send(made.path, "last-checkpoint")
    into = tmp_path / "runs" / "mine"
    asked = ["all", "--model", "tiny", "--target", "jobs", "--only", "corpus", "--run", into]
    asked += ["--storage", "repo"]
    done = command(*asked, "--yes", hub=hub, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "▶ [1/1] corpus done in 3 s" in done.stdout
    assert "COMPLETED; complete: corpus" in done.stdout
    assert contents(into) == contents(made.path)
    again = command(*asked, "--yes", hub=hub, home=tmp_path)
    assert "exists; results come back there" in again.stderr
    status = command("jobs", "status", "job0", hub=hub, home=tmp_path)
    assert "phoque-mine: COMPLETED · ran 90 s on a10g-large" in status.stdout
    assert status.stdout.splitlines()[-1] == "▶ [1/1] corpus done in 3 s"
    ended = command("jobs", "cancel", "job0", hub=hub, home=tmp_path)
    assert ended.returncode == 0
    assert command("jobs", "logs", "job0", hub=hub, home=tmp_path).returncode == 1
    absent = command("jobs", "status", "job7", hub=hub, home=tmp_path)
    assert (absent.returncode, "Traceback" in absent.stderr) == (2, False)
    assert "404" in absent.stderr


def test_an_adapter_is_pushed_with_its_card_only(hub, made, tmp_path):
    from phoque.cli.push import files_of

    with pytest.raises(PhoqueError, match="no complete persona adapter"):
        files_of(made)
    with made.stage("persona", made.persona, seeds=[42]) as folder:
        for name in ("adapter_config.json", "adapter_model.safetensors", "metrics.jsonl"):
            (folder / name).write_text("{}")
    with pytest.raises(PhoqueError, match="no card yet"):
        files_of(made)
    (made.path / "README.md").write_text("# Measured\n")
    pushed = command("push", "--run", made.path, "--repo", "me/seal", hub=hub, home=tmp_path)
    assert "Pushed, private:" in pushed.stdout, pushed.stderr
    names = ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    assert sorted(hub.content["me/seal"]) == names
    hub.repositories["me/seal"] = False
    refused = command("push", "--run", made.path, "--repo", "me/seal", hub=hub, home=tmp_path)
    assert (refused.returncode, "is public" in refused.stderr) == (2, True)


def contents(folder: Path):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
