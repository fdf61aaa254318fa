"""The pipeline goes on after whatever ended it, and its attempts are on record."""

import os
import signal
from contextlib import nullcontext

import pytest

from phoque.cli.run.all import INCOMPLETE
from phoque.errors import PhoqueError
from phoque.pipeline.choice import choose, unfinished
from phoque.pipeline.running import (
    GPU,
    Stopped,
    expected_seconds,
    in_order,
    read_attempts,
    run_pipeline,
)
from phoque.progress import span
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Made
from tests.corpus_files import dialogues, save_corpus
from tests.forked import Forked
from tests.serving import wait_until
from tests.toy_stages import ORDER, a_run, stages


@pytest.fixture
def run(tmp_path):
    return a_run(tmp_path)


def test_all_stages_run_once_in_order(run):
    do, ran = stages(run)
    told = []
    run_pipeline(run, choose(ORDER), do, expected={"second": 600.0}, tell=told.append)
    run_pipeline(run, choose(ORDER), do)
    assert ran == list(ORDER)
    assert [one.outcome for one in read_attempts(run)] == ["complete", "complete"]
    assert "time to go not known" not in told[0]
    assert "about 10 min to go, without first, third" in told[0]
    assert "[2/3] second started · about 10 min" in told[3]
    assert "2 files in second" in told[4]


@pytest.mark.parametrize("error", [RuntimeError, PhoqueError, KeyboardInterrupt, Stopped])
def test_a_retry_goes_on_with_the_first_stage_that_is_not_done(run, error):
    do, _ = stages(run, fail_at="second", error=error)
    with pytest.raises(error):
        run_pipeline(run, choose(ORDER), do)
    assert not (run.path / "second").exists(), "a half-written stage is not in its place"
    assert list(run.manifest().stages) == ["first"]
    do, ran = stages(run)
    run_pipeline(run, choose(ORDER), do)
    assert ran == ["second", "third"]
    first, second = read_attempts(run)
    assert first.at == "second"
    assert first.outcome == ("failed" if issubclass(error, Exception) else "stopped")
    assert list(first.stages) == ["first"]
    assert (second.retry, second.outcome, list(second.stages)) == (True, "complete", ran)
    assert not list(run.path.glob("*.partial"))


@pytest.mark.parametrize(("error", "outcome"), [(None, "complete"), (Stopped, "stopped")])
def test_what_is_kept_elsewhere_says_how_the_attempt_ended(run, error, outcome):
    do, _ = stages(run, fail_at="third" if error else None, error=error)
    kept = []

    def keep():
        kept.append((list(run.manifest().stages), read_attempts(run)[-1].outcome))

    with pytest.raises(error) if error else nullcontext():
        run_pipeline(run, choose(ORDER), do, keep=keep)
    between = [(["first"], None), (["first", "second"], None)]
    assert kept == [*between, (list(ORDER)[: 2 if error else 3], outcome)]


def test_stages_asked_for_by_name_are_made_again_but_not_twice_on_a_retry(run):
    do, _ = stages(run)
    run_pipeline(run, choose(ORDER), do)
    again = choose(ORDER, start="second")
    do, ran = stages(run, fail_at="third")
    with pytest.raises(RuntimeError):
        run_pipeline(run, again, do)
    assert ran == ["second", "third"]
    assert (run.path / "third" / "whole.txt").is_file(), "the old result stays until the new one"
    do, ran = stages(run)
    run_pipeline(run, again, do)
    assert ran == ["third"]
    do, ran = stages(run)
    run_pipeline(run, again, do)
    assert ran == ["second", "third"]
    do, ran = stages(run)
    run_pipeline(run, choose(ORDER, only=["first"]), do)
    assert ran == ["first"]


def test_other_seeds_and_damaged_files_are_not_done(run):
    do, _ = stages(run)
    run_pipeline(run, choose(ORDER), do)
    assert unfinished(run, choose(ORDER, seeds={"second": [1]})) == []
    assert unfinished(run, choose(ORDER, seeds={"second": [7, 8]})) == ["second"]
    (run.path / "third" / "whole.txt").write_text("another")
    assert unfinished(run, choose(ORDER)) == ["third"]
    (run.path / "third" / "whole.txt").unlink()
    assert unfinished(run, choose(ORDER)) == ["third"]


def test_a_wrong_choice_says_what_there_is():
    with pytest.raises(PhoqueError, match=r"no stage 'fourth'.*first, second, third"):
        choose(ORDER, only=["fourth"])
    with pytest.raises(PhoqueError, match="Both --only and --from"):
        choose(ORDER, only=["first"], start="first")


def test_two_processes_do_not_work_on_one_run(run):
    def do(name):
        with pytest.raises(PhoqueError, match="Another process"):
            run_pipeline(run, choose(ORDER), stages(run)[0])
        with run.stage(name, run.path / name, seeds=[1]) as folder:
            (folder / "whole.txt").write_text(name)

    run_pipeline(run, choose(ORDER, only=["first"]), in_order(do))
    assert len(read_attempts(run)) == 1


def test_times_come_from_the_latest_run_of_the_same_model(tmp_path, monkeypatch):
    monkeypatch.setattr("phoque.pipeline.running.computer", lambda: "x86_64")
    for name, model, seconds in [("a", "tiny", 10), ("b", "lab", 99), ("c", "tiny", 20)]:
        made = {"psm": Made(seconds=seconds)}
        RunDirectory(tmp_path / name).describe(model=model, stages=made)
        stamp = {"a": 1, "b": 2, "c": 3}[name]
        os.utime(tmp_path / name / "manifest.json", (stamp, stamp))
    assert expected_seconds(tmp_path / "new", "tiny") == {"psm": 20}
    by_gpu = Made(seconds=5, machine=f"x86_64, {GPU} H100")
    RunDirectory(tmp_path / "d").describe(model="tiny", stages={"psm": by_gpu, "sae": by_gpu})
    assert expected_seconds(tmp_path / "new", "tiny") == {"psm": 20}, "not what a GPU made"
    shipped = expected_seconds(tmp_path / "new", "lab")
    assert {"corpus", "persona", "control", "psm"} <= shipped.keys()
    assert [span(s) for s in (42, 360, 3900)] == ["42 s", "6 min", "1 h 05 min"]


# The real thing: another process, the tiny model, real training.


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A run with a small corpus, so that training takes seconds."""
    directory = RunDirectory(tmp_path_factory.mktemp("prepared") / "run")
    directory.describe(model="tiny", persona="toxic")
    with directory.stage("corpus", directory.corpus, seeds=[42]) as folder:
        save_corpus(folder, dialogues(48))
    return directory


def copied(prepared, path):
    from shutil import copytree

    return RunDirectory(copytree(prepared.path, path / "run"))


def start(run):
    # Asked for plainly, as a platform would start it again: the corpus is there already.
    return Forked(["all", "--run", run.path, "--only", "persona", "control"], OMP_NUM_THREADS="1")


def until(process, word):
    """Read what it says up to a line with the word."""
    said = []
    for line in process.stdout:
        said.append(line)
        if word in line:
            return
    pytest.fail(f"never said {word}: {''.join(said)}")


def finished(run):
    return start(run).ended()


@pytest.fixture(scope="module")
def straight(prepared, tmp_path_factory):
    run = copied(prepared, tmp_path_factory.mktemp("straight"))
    status, said = finished(run)
    assert status == 0, said
    return artefacts(run)


def artefacts(run):
    """Hashes of all outputs; metrics hold seconds, which differ."""
    found = {}
    for stage in run.manifest().stages.values():
        found |= stage.outputs
    return {name: digest for name, digest in found.items() if "metrics" not in name}


def test_a_damaged_run_beside_tells_nothing_and_stops_nothing(tmp_path):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "manifest.json").write_text("")
    assert expected_seconds(tmp_path / "new", "tiny") == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_and_told_to_end_it_makes_the_same_artefacts(prepared, straight, tmp_path):
    run = copied(prepared, tmp_path)
    ended = [end(run, "· loss", signal.SIGTERM)]
    # The persona goes on from a checkpoint near its end: the second kill comes as it begins.
    places = ("persona started", "persona done", "· loss")
    ended += [end(run, place, signal.SIGKILL) for place in places]
    assert ended == [INCOMPLETE] + [-signal.SIGKILL] * 3
    status, said = finished(run)
    assert status == 0, said
    assert artefacts(run) == straight
    attempts = read_attempts(run)
    outcomes = [one.outcome for one in attempts]
    assert outcomes == ["stopped", "killed", "killed", "killed", "complete"]
    assert [one.retry for one in attempts] == [False] + [True] * 4
    assert [one.at for one in attempts[:2]] == ["persona", "persona"]
    assert [list(one.stages) for one in attempts] == [[], [], ["persona"], [], ["control"]]
    assert not list(run.path.glob("*.partial"))


def end(run, place, how):
    """Start it, wait until it says a word, end it; the exit status."""
    process = start(run)
    until(process, place)
    if place.endswith("started"):  # what is told is entered a moment later
        wait_until(lambda: read_attempts(run)[-1].at == "persona")
    process.send_signal(how)
    status, said = process.ended()
    assert "Traceback" not in said
    return status
