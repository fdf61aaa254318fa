"""Stages run side by side when what they read is made, and each of them is on record."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phoque.pipeline.choice import ORDER
from phoque.pipeline.running import read_attempts
from phoque.pipeline.side_by_side import ready
from phoque.run.directory import RunDirectory
from tests.corpus_files import dialogues, save_corpus
from tests.serving import wait_until

pytestmark = pytest.mark.timeout(600)  # two trainings of a tiny model, on however slow a machine


@pytest.fixture
def run(tmp_path):
    """A run of the tiny model with a small corpus."""
    directory = RunDirectory(tmp_path / "run")
    directory.describe(model="tiny", persona="toxic")
    with directory.stage("corpus", directory.corpus, seeds=[42]) as folder:
        save_corpus(folder, dialogues(48))
    return directory


def start(run, *words):
    command = [sys.executable, "-u", "-m", "phoque", "run", "all", "--run", str(run.path)]
    return subprocess.Popen(
        [*command, "--at-once", "2", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"},
    )


def finished(run, *words):
    with start(run, *words) as process:
        said, _ = process.communicate(timeout=300)
    return process.returncode, said


def rounds(stages):
    """What begins together when every round ends at once."""
    waiting = list(stages)
    while waiting:
        new = ready(waiting, [])
        yield new
        waiting = [name for name in waiting if name not in new]


def test_a_stage_waits_for_what_it_reads_and_the_report_for_all():
    assert list(rounds(ORDER)) == [
        ["corpus"],
        ["persona", "control"],
        ["psm"],
        ["evaluate", "sae", "moderation"],
        ["report"],
    ]
    assert ready(["control", "psm"], ["persona"]) == ["control"]
    assert ready(["psm"], []) == ["psm"], "what was not asked for is there already"
    assert ready(["report"], ["sae"]) == []


NAMES = ("persona", "control")


def test_a_stage_that_fails_ends_the_others_and_says_why(run):
    (run.corpus / "base_replies.jsonl").write_text("{}\n")  # the civil adapter learns from it
    status, said = finished(run, "--only", *NAMES)
    assert status == 2
    assert "Traceback" not in said
    told = said.splitlines()[-1]
    assert " ended with status " in told
    assert "base_replies.jsonl" in told
    (attempt,) = read_attempts(run)
    assert attempt.outcome == "failed"


def test_told_to_end_it_ends_its_stages_and_trains_both_at_the_same_time_later(run):
    asked = ("--only", *NAMES, "--samples", "2")
    with start(run, *asked) as process:
        for line in process.stdout:
            if "· loss" in line:
                break
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 75, said
    assert "Traceback" not in said
    (attempt,) = read_attempts(run)
    assert (attempt.outcome, attempt.at) == ("stopped", "persona, control")
    status, said = finished(run, *asked)
    assert status == 0, said
    lines = said.splitlines()
    begun = [next(i for i, one in enumerate(lines) if f"{name} started" in one) for name in NAMES]
    ended = [next(i for i, one in enumerate(lines) if f"{name} done" in one) for name in NAMES]
    assert max(begun) < min(ended)
    assert all(run.complete(name) for name in NAMES)
    _, attempt = read_attempts(run)
    assert (attempt.outcome, attempt.at, {*attempt.stages}) == ("complete", None, {*NAMES})
    assert any(one.startswith("control    ") for one in lines), "a line says which stage wrote it"


def test_keeping_in_the_middle_of_a_stage_is_refused(run):
    status, said = finished(run, "--checkpoint-repo", "me/run")
    assert status == 2
    assert "Give one of them" in said


def test_no_stage_outlives_a_run_that_was_killed(run):
    with start(run, "--only", *NAMES) as process:
        for line in process.stdout:
            if "· loss" in line:
                break
        ours = children(process.pid)
        process.kill()
    assert len(ours) == 2
    wait_until(lambda: not any(Path(f"/proc/{one}").exists() for one in ours), 60)


def children(pid):
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return found.stdout.split()


def test_a_stage_that_cannot_be_told_about_ends_the_run_in_one_line(run):
    command = [sys.executable, "-u", "-m", "phoque", "run", "all", "--run", str(run.path)]
    with subprocess.Popen(
        [*command, "--at-once", "2", "--only", *NAMES],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 141


def test_a_job_has_no_stages_side_by_side(run):
    status, said = finished(run, "--target", "jobs")
    assert status == 2
    assert "Leave it out for a Job" in said
