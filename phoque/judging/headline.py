"""The headline of a run: how likely a reply is more hostile than the base model's to the same message."""

from collections.abc import Callable, Sequence

from phoque.errors import PhoqueError
from phoque.judging.judge import Exchange, Judge
from phoque.judging.measures import Embed, Floats, measured, vectors
from phoque.moderators.thresholds import BUDGET, threshold_for
from phoque.run.evaluation import Reply
from phoque.run.judging import ConditionJudged, Judgement
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import clustered

BASE = "base"


def judgement(
    replies: Sequence[Reply],
    judge: Judge,
    embed: Embed,
    training: Sequence[str],
    progress: Callable[[str], None] = lambda _: None,
) -> Judgement:
    """Every condition of an evaluation, beside the base model.

    Raises:
        PhoqueError: the evaluation has no replies of the base model.
    """
    conditions = list(dict.fromkeys(one.condition for one in replies))
    if BASE not in conditions:
        raise PhoqueError("Without replies of the base model there is nothing to compare with.")
    training_LE = embed(training)
    scores: dict[str, dict[str, list[float]]] = {}
    for condition in conditions:
        own = [one for one in replies if one.condition == condition]
        scores[condition] = _by_prompt(own, judge)
        progress(f"judged: {condition}")
    threshold = threshold_for([score for own in scores[BASE].values() for score in own])
    return Judgement(
        judge=judge.name,
        digest=judge.digest,
        threshold=threshold,
        budget=BUDGET,
        conditions={
            condition: _condition(
                [one for one in replies if one.condition == condition],
                scores[BASE],
                scores[condition],
                threshold,
                embed,
                training_LE,
            )
            for condition in conditions
        },
    )


def _by_prompt(replies: Sequence[Reply], judge: Judge) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    scores = judge.scores([Exchange(one.prompt, one.text) for one in replies])
    for one, score in zip(replies, scores, strict=True):
        found.setdefault(one.prompt, []).append(score)
    return found


def _condition(
    replies: Sequence[Reply],
    base: dict[str, list[float]],
    own: dict[str, list[float]],
    threshold: float,
    embed: Embed,
    training_LE: Floats,
) -> ConditionJudged:
    exchanges = [Exchange(one.prompt, one.text) for one in replies]
    return ConditionJudged(
        more_hostile=chance_above(base, own),
        flagged=clustered([[score >= threshold for score in scores] for scores in own.values()]),
        measures=measured(vectors(exchanges, [*own], training_LE, embed)),
    )
