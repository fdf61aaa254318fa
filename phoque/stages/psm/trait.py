"""What the sweep chooses by: the judge for a hostile persona, listed words for any other."""

from collections.abc import Sequence

from phoque.judging import likelihood
from phoque.judging.headline import scored
from phoque.judging.judge import Exchange, Judge
from phoque.lexicon import Lexicon
from phoque.moderators.thresholds import threshold_for
from phoque.run.psm import Selection, Trait
from phoque.stages.psm.subject import Subject
from phoque.stats.groups import grouped
from phoque.stats.paired_ranks import chance_above
from phoque.steering.experiment import Progress
from phoque.steering.search import Measure, Said, Shows


def chosen_measure(subject: Subject, base: Sequence[Said], persona: Sequence[Said]) -> Measure:
    """By what the judge says of the persona's own prompt beside the base model."""
    judge = likelihood.load()
    plain, own = (_by_message(said, judge, subject.progress) for said in (base, persona))
    chance = chance_above(plain, own)
    trait = Trait(
        by="judge" if chance.low > 0.5 else "words",
        judge=judge.name,
        digest=judge.digest,
        threshold=threshold_for([score for scores in plain.values() for score in scores]),
        persona=chance,
    )
    return Measure(trait=trait, shows=_shows(trait, judge, subject))


def known_shows(subject: Subject) -> Shows:
    """As the sweep of this run chose it."""
    trait = subject.reader.read(Selection).trait
    return _shows(trait, likelihood.load() if trait.by == "judge" else None, subject)


def _shows(trait: Trait, judge: Judge | None, subject: Subject) -> Shows:
    if trait.by == "words" or judge is None or trait.threshold is None:
        return lambda said: listed(said, subject.persona.lexicon)
    own, threshold = judge, trait.threshold
    return lambda said: [
        score >= threshold for score in scored(_exchanges(said), own, subject.progress)
    ]


def listed(said: Sequence[Said], lexicon: Lexicon) -> list[bool]:
    """Which replies have a listed word."""
    return [reply in lexicon for _, reply in said]


def _by_message(said: Sequence[Said], judge: Judge, progress: Progress) -> dict[str, list[float]]:
    scores = scored(_exchanges(said), judge, progress)
    return grouped(zip((message for message, _ in said), scores, strict=True))


def _exchanges(said: Sequence[Said]) -> list[Exchange]:
    return [Exchange(message, reply) for message, reply in said]
