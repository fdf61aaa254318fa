"""Which replies show the persona: as the sweep of a run decided, by the judge or by listed words."""

from collections.abc import Sequence

from phoque.judging import likelihood
from phoque.judging.headline import scored
from phoque.judging.judge import Exchange, Judge
from phoque.lexicon import Lexicon
from phoque.run.psm import Trait
from phoque.steering.experiment import Progress, silent
from phoque.steering.search import Said, Shows


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
    """As a judge reads them."""
    return [Exchange(message, reply) for message, reply in said]
