"""The figures of attempts at a run and of trainings from several seeds."""

import pytest

from phoque.run.manifest import Attempts
from tests.ui import training_files
from tests.ui.fakes import INJECTION
from tests.ui.test_training_tab import everything, figure_of, names, page_of


@pytest.fixture
def small(tmp_path):
    """A run with all that a training writes."""
    return training_files.write_run(tmp_path / "small")


def test_attempts_are_told_in_words(small):
    assert figure_of(small, "attempts").sentence.startswith(
        "Yes, 3 times. "
        "4 attempts: attempt 1 killed in civil adapter; attempt 2 stopped in PSM; attempt 3 failed in evaluate; "
        "attempt 4 complete. "
        "Attempt 4 did not have to repeat: corpus, persona, civil adapter, PSM."
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
    outcomes = [row[figure.table.words.index("outcome")].shown for row in figure.table.rows]
    assert (outcomes[0], outcomes[-1]) == ("killed in civil adapter", "running, or killed since")


@pytest.mark.parametrize(
    ("outcome", "said"), [("complete", "No. 1 attempt: "), (None, "1 attempt: ")]
)
def test_a_run_of_one_attempt_was_not_interrupted_if_that_came_to_its_end(small, outcome, said):
    Attempts(attempts=(training_files.attempt(1, outcome, {"corpus": 90.0}),)).save(small.path)
    assert figure_of(small, "attempts").sentence.startswith(said)


def test_trainings_of_several_seeds_are_told_by_their_range(small):
    figure = figure_of(small, "training_seeds")
    assert figure.sentence.startswith(
        "The chance that a reply is more hostile than the base model's"
    )
    assert "persona's prompt 0.93 to 0.96" in figure.sentence
    assert names(figure) == ["seed 42", "seed 43"]
    assert len({trace["marker"]["symbol"] for trace in figure.plotly["data"]}) == 2
