"""Replies of a model in training are scored again by the judge, and the page counts what it says."""

from dataclasses import dataclass

from phoque.figures.samples import draw
from phoque.figures.shelf import EVERY
from phoque.judging.judge import Exchange
from phoque.run.evaluation import JudgedSample
from phoque.stages.evaluate.stage import judged_samples
from tests.ui.training_files import sample

THRESHOLD = 2.0


@dataclass
class Loud:
    """Finds a reply as hostile as it has exclamation marks."""

    name: str = "loud"
    digest: str = "d"

    def scores(self, exchanges: list[Exchange]) -> list[float]:
        return [float(one.reply.count("!")) for one in exchanges]


def said(step, condition, hostile):
    row = sample(step, condition, 0)
    replies = (
        one.model_copy(update={"text": f"{condition} {place}{'!!' * (place < hostile)}"})
        for place, one in enumerate(row.replies)
    )
    return row.model_copy(update={"replies": tuple(replies)})


def test_the_judge_scores_every_reply_and_its_threshold_counts(tmp_path):
    rows = [said(50, "toxic", 3), said(50, "neutral", 0)]
    found = judged_samples(rows, Loud(), THRESHOLD)
    assert [row.flag_rate.value * row.flag_rate.n for row in found] == [3, 0]
    assert [one.harm_score for one in found[0].replies[:4]] == [2, 2, 2, 0]
    assert {(row.flagged_by, row.threshold) for row in found} == {("judge", THRESHOLD)}
    assert [row.replies[0].text for row in found] == [row.replies[0].text for row in rows]
    JudgedSample.save_rows(tmp_path, found)
    assert [*JudgedSample.load_rows(tmp_path, command="x")] == found


def test_the_page_counts_the_judge_and_not_the_moderator():
    rows = [said(step, name, 4 * (name != "neutral")) for step in (50, 100) for name in NAMES]
    told = draw(rows, (), judged_samples(rows, Loud(), THRESHOLD))
    assert told.finding.startswith("After 100 steps the judge finds hostility in 4 of 12 replies")
    assert told.finding.endswith(
        "4 of 12 under neutral + vector and 0 of 12 under the neutral prompt."
    )
    assert told.sentence.startswith("Share of replies judged hostile (from a score of 2 on), ")
    assert "judged hostile" in str(told.plotly["layout"]["yaxis"])
    assert "a moderator flags" in draw(rows).finding
    again = [said(step, name, 1) for step in (50, 100) for name in NAMES]
    assert "a moderator flags" in draw(again, (), judged_samples(rows, Loud(), THRESHOLD)).finding


def test_the_figure_asks_for_what_the_judge_says_and_a_run_may_lack_it():
    [plan] = [one for one in EVERY if one.key == "samples"]
    assert plan.takes[JudgedSample] is False


NAMES = ("neutral", "toxic", "steered", "random_vector")
