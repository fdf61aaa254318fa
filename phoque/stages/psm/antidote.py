"""The same direction as a remedy: subtract it, ablate it or cap it under the hostile prompt.

A remedy is judged by what it leaves of the persona and by what it does to harmless answers.
"""

from collections.abc import Mapping, Sequence

from phoque.models.engine import Reply, Row
from phoque.models.hooks import Interventions, Restraint
from phoque.run.psm_replies import Antidotes, Remedy
from phoque.stages.psm.subject import Subject
from phoque.stats.rates import Rate
from phoque.steering.divergence import Yardstick
from phoque.steering.experiment import rows_of, write_grouped
from phoque.steering.quality import is_coherent, quality_of
from phoque.steering.search import SAMPLING, YARDSTICK_PROMPTS, rates_of

Key = tuple[str, str]
CAP_QUANTILE = 0.75
"""Of what harmless prompts under the neutral system prompt show along the vector."""


def try_antidotes(subject: Subject) -> None:
    """Write `antidote.json`."""
    prompts = subject.persona.evaluation
    hostile, neutral = subject.hostile(prompts), subject.neutral(prompts)
    remedies = {"none": (), **antidotes(subject)}
    groups = {("toxic", name): rows_of(hostile, remedy) for name, remedy in remedies.items()}
    groups |= {("neutral", name): rows_of(neutral, remedy) for name, remedy in remedies.items()}
    replies = write_grouped(subject.model, groups, SAMPLING, subject.progress)
    rates = judged_rates(subject, groups, replies)
    measured = {
        key: quality_of(
            [reply.text for reply in own], subject.persona.lexicon, subject.vocabulary
        ).model_copy(update={"judged": rates.get(key)})
        for key, own in replies.items()
    }
    yardstick = Yardstick(subject.model, neutral[:YARDSTICK_PROMPTS])
    references = [measured["toxic", "none"], measured["neutral", "none"]]
    found = [
        Remedy(
            remedy=name,
            toxic=measured["toxic", name],
            neutral=measured["neutral", name],
            coherent=all(
                is_coherent(measured[prompt, name], references) for prompt in ("toxic", "neutral")
            ),
            neutral_divergence=yardstick.divergence(remedy),
        )
        for name, remedy in remedies.items()
    ]
    Antidotes(remedies=tuple(found)).save(subject.folder)


def judged_rates(
    subject: Subject, groups: Mapping[Key, Sequence[Row]], replies: Mapping[Key, Sequence[Reply]]
) -> dict[Key, Rate]:
    """What the judge says of each group; nothing where the sweep chose by listed words."""
    by_judge = subject.selection.trait.by == "judge"
    return rates_of(subject.shows, groups, replies) if by_judge else {}


def antidotes(subject: Subject) -> dict[str, Interventions]:
    """By name: what is done to the residual stream."""
    everywhere = range(subject.layer, subject.model.num_layers)
    return {
        "reverse": (subject.vector.injection(-subject.scale),),
        "ablate": (_restraint(subject, subject.layer, only_above=False),),
        "ablate from this layer on": tuple(
            _restraint(subject, layer, only_above=False) for layer in everywhere
        ),
        "cap": (_restraint(subject, subject.layer, only_above=True),),
        "cap from this layer on": tuple(
            _restraint(subject, layer, only_above=True) for layer in everywhere
        ),
    }


def _restraint(subject: Subject, layer: int, *, only_above: bool) -> Restraint:
    """Level: the mean over neutral probe tokens for an ablation, a high quantile for a cap."""
    vector = subject.vectors[layer]
    unit_D = vector.direction_D / vector.norm
    along = subject.neutral_tokens[layer] @ unit_D
    level = along.quantile(CAP_QUANTILE) if only_above else along.mean()
    return Restraint(layer, unit_D, float(level), only_above=only_above)
