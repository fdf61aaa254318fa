"""The figures of attempts at a run and of trainings from several seeds."""

from datetime import datetime, timedelta

import pytest

from phoque.figures import attempts
from phoque.run.manifest import Attempts, Made
from tests.ui import training_files
from tests.ui.fakes import INJECTION
from tests.ui.test_training_tab import everything, figure_of, marks, names, page_of


@pytest.fixture
def small(tmp_path):
    """A run with all that a training writes."""
    return training_files.write_run(tmp_path / "small")


def test_attempts_are_told_in_words(small):
    assert figure_of(small, "attempts").sentence.startswith(
        "4 attempts: attempt 1 killed in control; attempt 2 stopped in psm; attempt 3 failed in evaluate; "
        "attempt 4 complete. "
        "Attempt 4 did not have to repeat: corpus, persona, control, psm."
    )
    Attempts(attempts=(training_files.attempt(1, None, {}, at=INJECTION),)).save(small.path)
    part = page_of(small)["attempts"]
    assert "1 attempt: attempt 1 running in &lt;img" in part.head
    assert ", or killed since." in part.head
    assert "<img" not in everything(part)


def test_an_attempt_without_an_end_may_have_been_killed(small):
    last = training_files.attempt(5, None, {"corpus": 90.0})
    Attempts(attempts=(*training_files.attempts(), last)).save(small.path)
    figure = figure_of(small, "attempts")
    assert "; attempt 5 running, or killed since." in figure.sentence
    crosses = figure.plotly["data"][-1]
    assert (crosses["y"], crosses["x"]) == ([0, 4], [18.5, 1.5])
    assert marks(figure)[-1].startswith("… <b>attempt 5</b>")


def test_a_stage_that_was_cut_off_is_drawn_where_its_end_is_known():
    killed, stopped, *_ = training_files.attempts()
    assert attempts.segments(killed)[-1] == ("persona", 90.0, 1020.0, True)
    assert attempts.segments(stopped)[-1] == ("psm", 900.0, 720.0, False)


def test_stages_that_ran_side_by_side_lie_above_each_other():
    both = training_files.attempt(
        1,
        "stopped",
        {"corpus": 60.0, "control": 600.0},
        at="persona, psm",
        ended="2026-11-21T12:20:00+00:00",
    )
    finished = datetime.fromisoformat(both.started) + timedelta(seconds=670)
    made = {"control": Made(seconds=600.0, finished=finished.isoformat())}
    found = attempts.segments(both, made)
    assert [(one.stage, one.start) for one in found[:2]] == [("corpus", 0.0), ("control", 70.0)]
    assert [one.stage for one in found[2:]] == ["persona", "psm"]
    assert attempts.lanes(found) == [0, 0, 0, 1]
    other = attempts.segments(
        both, {"control": Made(seconds=300.0, finished=made["control"].finished)}
    )
    assert other[1].start == 60.0, "it was made again since"


def test_trainings_of_several_seeds_are_told_by_their_range(small):
    figure = figure_of(small, "training_seeds")
    assert figure.sentence.startswith(
        "The chance that a reply is more hostile than the base model's"
    )
    assert "persona's prompt 0.93 to 0.96" in figure.sentence
    assert names(figure) == ["seed 42", "seed 43"]
    assert len({trace["marker"]["symbol"] for trace in figure.plotly["data"]}) == 2
