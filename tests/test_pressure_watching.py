"""What a page watches of a pressure test, and the short form in which a run ships one."""

import pytest
import yaml

from phoque.cli.main import main
from phoque.config import AppSettings
from phoque.errors import PhoqueError
from phoque.run.channel import SHOWN, Said
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.pressure import Outcome, PressureReport, Turn
from phoque.stages.pressure import watching
from phoque.stages.pressure.policy import read_policy
from phoque.stages.pressure.watching import watch
from phoque.ui.services import Services
from tests.moderators import installed
from tests.pressure_files import a_run

POLICY = {
    "name": "own",
    "moderators": [{"use": "embedded.svm"}],
    "strikes": {"count": 2, "within": 600},
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run in which two conditions wrote something, and a policy beside it."""
    monkeypatch.chdir(tmp_path)
    said = [("toxic", f"message {n}", f"you are a useless clown, number {n}") for n in range(4)]
    said += [("toxic", f"message {n}", f"nobody here needs your help {n}") for n in range(4)]
    said += [("neutral", f"message {n}", f"that sounds fine to me {n}") for n in range(4)]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(POLICY))
    return RunDirectory(a_run(tmp_path / "hostile", "toxic", said))


@installed
def test_what_is_watched_is_what_the_command_reports(run):
    words = ["pressure", "--run", str(run.path), "--policy", "own.yaml", "--seed", "42"]
    assert main(words) == 0
    trace = Reader(run, signed=True).rows(Turn)
    watched = watch(run, [read_policy("own.yaml")[0]], seeds=(42,))
    turns = [own for (own,) in watched.turns]
    assert len(turns) == watched.total == 600
    assert turns == list(trace)
    assert {Outcome.HIDDEN, Outcome.SHOWN, Outcome.MUTED} <= {one.outcome for one in turns}


@installed
def test_a_short_report_keeps_its_beginning_and_no_trace(run):
    words = [
        "pressure",
        "--run",
        str(run.path),
        "--policy",
        "own.yaml",
        "--seed",
        "42",
        "--seed",
        "43",
    ]
    assert main([*words, "--short"]) == 0
    names = {one.name for one in (run.path / "pressure").iterdir()}
    assert names == {"report.json", "report.md", Said.FILE}
    reader = Reader(run, signed=True)
    assert reader.read(PressureReport).traffic.seeds == (42, 43)
    said = reader.rows(Said)
    assert [one.number for one in said] == list(range(SHOWN))
    # The same command without it makes the rest.
    assert main(words) == 0
    trace = reader.rows(Turn)
    assert [Said.of(one) for one in trace[:SHOWN]] == list(said)


@installed
def test_policies_side_by_side_see_the_same_channel(run, monkeypatch):
    monkeypatch.setattr("phoque.ui.services.lab_info", lambda _: None)  # this run has no vectors
    own = read_policy("own.yaml")[0]
    mild = own.model_copy(update={"name": "mild", "mute": 0.0})
    pairs = list(
        Services(AppSettings(run=str(run.path), model=None, host="", port=0, zero_gpu=False))
        .press([own, mild])
        .turns
    )
    assert len(pairs) == 1800
    assert {(a.policy, b.policy) for a, b in pairs} == {("own", "mild")}
    assert all(
        (a.seed, a.number, a.at, a.speaker) == (b.seed, b.number, b.at, b.speaker) for a, b in pairs
    )
    assert {b.outcome for _, b in pairs} == {Outcome.SHOWN, Outcome.HIDDEN}


@installed
def test_each_step_is_said_before_it_is_done_and_only_chosen_moderators_are_loaded(
    run, monkeypatch
):
    loaded, read = {}, []
    pool_of = watching.pool_of
    monkeypatch.setattr(watching, "LOADED", loaded)
    monkeypatch.setattr(watching, "pool_of", lambda asked: read.append(asked) or pool_of(asked))
    watched = watch(run, [read_policy("own.yaml")[0]], seeds=(42,))
    names = lambda: [one.name for one in loaded.values()]  # noqa: E731
    seen = [(step, len(read), names()) for step in watched.steps]
    assert seen == [
        (watching.READING, 0, []),
        (watching.LOADING.format("SVM"), 1, []),
        (watching.ASKING, 1, ["embedded.svm"]),
    ]
    assert next(watched.turns)[0].policy == "own"
    assert (len(read), names()) == (1, ["embedded.svm"])
    # The next visitor finds everything here.
    again = watch(run, [read_policy("own.yaml")[0]])
    assert len([*again.steps]) == 3
    assert len(read) == 1


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(PhoqueError, match="is not a run"):
        watch(RunDirectory(tmp_path / "x"), [read_policy("words")[0]])
