"""Step two: layer and scale by cause, and at the chosen layer the controls of its effect.

The sweep chooses by what the persona is counted by: the judge of hostility, or listed words.
"""

from collections.abc import Sequence
from functools import partial

import torch

from phoque.judging import likelihood
from phoque.judging.headline import exchanges, scored, shows_of
from phoque.judging.judge import Judge, by_message
from phoque.models.engine import Row
from phoque.moderators.thresholds import threshold_for
from phoque.run.psm import DoseRate, DoseResponse, SweptReply, Trait
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.subject import Subject
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import share_of
from phoque.steering.experiment import Progress, in_turn, rows_of, write_grouped
from phoque.steering.search import (
    DOSES,
    NULL_PROMPTS,
    NUM_RANDOM,
    SAMPLED,
    Measure,
    Said,
    Search,
    said,
    shown_in,
)
from phoque.steering.vectors import SteeringVector

REVERSED_DOSES = (0.2, 0.4)


def choose_layer(subject: Subject) -> None:
    """Write `selection.json` with all cells, and `sweep_replies.csv` with what they wrote."""
    search = Search(
        model=subject.model,
        base=subject.base,
        vectors=subject.vectors,
        persona=subject.persona,
        vocabulary=subject.vocabulary,
        measuring=partial(chosen_measure, subject),
        progress=subject.progress,
    )
    selection, grid, hits = search.run()
    rows = [
        SweptReply(layer=layer, dose=dose, prompt=prompt, reply=reply.text, shown=shown)
        for (layer, dose), replies in grid.items()
        for prompt, reply, shown in zip(
            subject.persona.sweep,
            replies,
            hits.get((layer, dose), [None] * len(replies)),
            strict=True,
        )
    ]
    mask = Mask()
    SweptReply.save_rows(subject.folder, mask.rows(rows))
    mask(selection).save(subject.folder)


def control_dose(subject: Subject) -> None:
    """Write `dose_response.json`: random, label-shuffled and reversed vectors at the layer."""
    rows = _rows(subject)
    replies = write_grouped(subject.model, rows, SAMPLED, subject.progress)
    groups = {key: said(rows[key], own) for key, own in replies.items()}
    hits = shown_in(subject.shows, groups)

    def null(kind: str, dose: float) -> DoseRate:
        own = hits[kind, dose]
        starts = range(0, len(own), NULL_PROMPTS)
        by_vector = [own[start : start + NULL_PROMPTS] for start in starts]
        return DoseRate(dose=dose, rate=share_of(by_vector))

    DoseResponse(
        layer=subject.layer,
        scale_per_dose=subject.vectors.scale_for(subject.layer, 1.0),
        random_vector=tuple(null("random", dose) for dose in DOSES),
        shuffled=tuple(null("shuffled", dose) for dose in DOSES[:4]),
        reversed=tuple(
            DoseRate(dose=dose, rate=share_of([[hit] for hit in hits["reversed", dose]]))
            for dose in REVERSED_DOSES
        ),
    ).save(subject.folder)


def _rows(subject: Subject) -> dict[tuple[str, float], list[Row]]:
    unit = subject.vector * (1 / subject.vectors.relative_dose(subject.layer, 1.0))
    random = [unit.random_like(seed) for seed in range(NUM_RANDOM)]
    shuffled = shuffled_vectors(subject, NUM_RANDOM)
    prompts = subject.neutral(subject.persona.sweep)

    def several(vectors: list[SteeringVector], dose: float) -> list[Row]:
        return in_turn(prompts, [vector.injection(dose) for vector in vectors], NULL_PROMPTS)

    return {
        **{("random", dose): several(random, dose) for dose in DOSES},
        **{("shuffled", dose): several(shuffled, dose) for dose in DOSES[:4]},
        **{
            ("reversed", dose): rows_of(prompts, (unit.injection(-dose),))
            for dose in REVERSED_DOSES
        },
    }


def shuffled_vectors(subject: Subject, count: int) -> list[SteeringVector]:
    """Mean differences with half of the labels swapped, at relative dose 1, like the vector."""
    differences_ND = subject.contrast.first(subject.num_probes).differences_NLD[:, subject.layer]
    median = float(subject.vectors.medians_L[subject.layer])
    vectors = []
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        signs_N = torch.ones(len(differences_ND))
        signs_N[torch.randperm(len(signs_N), generator=generator)[: len(signs_N) // 2]] = -1
        mean_D = (signs_N[:, None] * differences_ND).mean(0)
        vectors.append(SteeringVector(subject.layer, mean_D / mean_D.norm() * median))
    return vectors


def chosen_measure(subject: Subject, base: Sequence[Said], persona: Sequence[Said]) -> Measure:
    """The persona's own, but never a judge who does not tell the persona from the base model."""
    judge = likelihood.load()
    plain, own = (_scores(said, judge, subject.progress) for said in (base, persona))
    chance = chance_above(plain, own)
    trait = Trait(
        by=subject.persona.counted_by if chance.low > 0.5 else "words",
        judge=judge.name,
        digest=judge.digest,
        threshold=threshold_for([score for scores in plain.values() for score in scores]),
        persona=chance,
    )
    shows = shows_of(trait, subject.persona.lexicon, subject.progress, judge)
    return Measure(trait=trait, shows=shows)


def _scores(said: Sequence[Said], judge: Judge, progress: Progress) -> dict[str, list[float]]:
    """By message."""
    return by_message(exchanges(said), scored(exchanges(said), judge, progress))
