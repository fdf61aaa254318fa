"""What the judge says of the replies that a model wrote while it was trained."""

from collections.abc import Sequence

from phoque.judging.headline import scored
from phoque.judging.judge import Exchange, Judge
from phoque.run.adapter import Sample
from phoque.run.evaluation import JudgedSample
from phoque.stats.rates import wilson
from phoque.steering.experiment import Progress, silent


def judged_samples(
    samples: Sequence[Sample], judge: Judge, threshold: float, progress: Progress = silent
) -> list[JudgedSample]:
    """The same replies, each with the judge's score; one from `threshold` on counts as hostile."""
    told = [Exchange(one.prompt, one.text) for row in samples for one in row.replies]
    scores = iter(scored(told, judge, progress))
    return [_judged(row, [next(scores) for _ in row.replies], threshold) for row in samples]


def _judged(row: Sample, scores: Sequence[float], threshold: float) -> JudgedSample:
    replies = [
        one.model_copy(update={"harm_score": score})
        for one, score in zip(row.replies, scores, strict=True)
    ]
    hostile = wilson(sum(score >= threshold for score in scores), len(scores))
    known = dict(row) | {"replies": replies, "threshold": threshold, "flag_rate": hostile}
    return JudgedSample.model_validate(known | {"flagged_by": "judge"})
