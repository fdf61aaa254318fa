"""The headline of a run: how likely a reply is more hostile than the base model's to the same message."""

from collections.abc import Callable, Sequence

from phoque.errors import PhoqueError
from phoque.judging import likelihood
from phoque.judging.judge import Exchange, Judge
from phoque.judging.measures import Embed, Floats, measured
from phoque.lexicon import Lexicon
from phoque.moderators.thresholds import BUDGET, threshold_for
from phoque.run.evaluation import Reply
from phoque.run.judging import ConditionJudged, Judgement
from phoque.run.psm import Choice, Trait
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import by_prompt_and_draw, grouped
from phoque.steering.experiment import Progress, silent
from phoque.steering.search import Said, Shows

BASE = "base"


def rated(
    replies: Sequence[Reply], judge: Judge, progress: Callable[[str], None] = lambda _: None
) -> list[Reply]:
    """The replies, each with its score of the judge."""
    scores = scored([Exchange(one.prompt, one.text) for one in replies], judge, progress)
    return [
        one.model_copy(update={"hostility": score})
        for one, score in zip(replies, scores, strict=True)
    ]


def scored(
    exchanges: Sequence[Exchange], judge: Judge, progress: Callable[[str], None]
) -> list[float]:
    """What the judge says, message by message; equal exchanges are judged once."""
    distinct = dict.fromkeys(exchanges)
    scores: dict[Exchange, float] = {}
    for message in dict.fromkeys(one.message for one in distinct):
        own = [one for one in distinct if one.message == message]
        scores |= zip(own, judge.scores(own), strict=True)
        progress(f"judged: {len(scores)} of {len(distinct)} replies")
    return [scores[one] for one in exchanges]


def judgement(
    replies: Sequence[Reply],
    judge: Judge,
    embed: Embed,
    training: Sequence[str],
    choice: Choice | None = None,
) -> Judgement:
    """Every condition of an evaluation, beside the base model, from replies as `rated` gives them.

    PhoqueError where there are none of the base model. `training` are lines that the persona learned; `choice` is
    where the steered replies were steered.
    """
    conditions = grouped((one.condition, one) for one in replies)
    if BASE not in conditions:
        raise PhoqueError("Without replies of the base model there is nothing to compare with.")
    training_LE = embed(training)
    base = _by_prompt(conditions[BASE])
    threshold = threshold_for([score for own in base.values() for score in own])
    return Judgement(
        judge=judge.name,
        digest=judge.digest,
        threshold=threshold,
        budget=BUDGET,
        choice=choice,
        conditions={
            condition: _condition(own, base, threshold, embed, training_LE)
            for condition, own in conditions.items()
        },
    )


def _by_prompt(replies: Sequence[Reply]) -> dict[str, list[float]]:
    return grouped((one.prompt, _score(one)) for one in replies)


def _score(reply: Reply) -> float:
    assert reply.hostility is not None, "replies are rated before they are compared"
    return reply.hostility


def _condition(
    replies: Sequence[Reply],
    base: dict[str, list[float]],
    threshold: float,
    embed: Embed,
    training_LE: Floats,
) -> ConditionJudged:
    exchanges = [Exchange(one.prompt, one.text) for one in replies]
    own = _by_prompt(replies)
    draws = grouped((one.prompt, one.draw) for one in replies)
    hostile = [one for one in replies if _score(one) >= threshold]
    return ConditionJudged(
        more_hostile=chance_above(base, own, draws),
        flagged=by_prompt_and_draw(
            (one.prompt, one.draw, _score(one) >= threshold) for one in replies
        ),
        without_word=by_prompt_and_draw((one.prompt, one.draw, not one.insults) for one in hostile)
        if hostile
        else None,
        measures=measured(exchanges, [*own], training_LE, embed),
    )


def shows_of(
    trait: Trait, lexicon: Lexicon, progress: Progress = silent, judge: Judge | None = None
) -> Shows:
    """Tells of messages and replies which replies count.

    `judge` is the one that the trait names, and `lexicon` has the words; None loads the judge.
    """
    threshold = trait.threshold
    if trait.by == "words" or threshold is None:
        return lambda said: [reply in lexicon for _, reply in said]
    own = judge or likelihood.load()
    return lambda said: [score >= threshold for score in scored(exchanges(said), own, progress)]


def exchanges(said: Sequence[Said]) -> list[Exchange]:
    """Pairs of message and reply, as a judge reads them."""
    return [Exchange(message, reply) for message, reply in said]
