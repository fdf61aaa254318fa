"""The same direction as a remedy: subtract it, ablate it or cap it under the hostile prompt.

A remedy is judged by what it leaves of the persona and by what it does to harmless answers.
"""

from phoque.models.hooks import Interventions, Restraint
from phoque.run.psm import Quality
from phoque.run.psm_replies import Antidotes, Remedy
from phoque.run.psm_rows import AntidoteReply
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.subject import Subject
from phoque.stages.psm.tried import rates_by_key, tried
from phoque.steering.divergence import Yardstick
from phoque.steering.experiment import rows_of, write_grouped
from phoque.steering.quality import is_coherent, quality_of
from phoque.steering.search import SAMPLING, YARDSTICK_PROMPTS

CAP_QUANTILE = 0.75
"""Of what harmless prompts under the neutral system prompt show along the vector."""


def try_antidotes(subject: Subject) -> None:
    """Write `antidote.json` and its replies."""
    prompts = subject.persona.evaluation
    hostile, neutral = subject.hostile(prompts), subject.neutral(prompts)
    remedies = {"none": (), **antidotes(subject)}
    groups = {("toxic", name): rows_of(hostile, remedy) for name, remedy in remedies.items()}
    groups |= {("neutral", name): rows_of(neutral, remedy) for name, remedy in remedies.items()}
    replies = write_grouped(subject.model, groups, SAMPLING, subject.progress)
    rows = tried(AntidoteReply, subject, groups, replies)
    rates = rates_by_key(rows) if subject.selection.trait.by == "judge" else {}

    def measured(prompt: str, remedy: str) -> Quality:
        texts = [reply.text for reply in replies[prompt, remedy]]
        found = quality_of(texts, subject.persona.lexicon, subject.vocabulary)
        return found.model_copy(update={"judged": rates.get((prompt, remedy))})

    yardstick = Yardstick(subject.model, neutral[:YARDSTICK_PROMPTS])
    references = [measured("toxic", "none"), measured("neutral", "none")]
    found = []
    for name, remedy in remedies.items():
        own = {prompt: measured(prompt, name) for prompt in ("toxic", "neutral")}
        coherent = all(is_coherent(one, references) for one in own.values())
        moved = yardstick.divergence(remedy)
        found.append(Remedy(remedy=name, **own, coherent=coherent, neutral_divergence=moved))
    mask = Mask()
    AntidoteReply.save_rows(subject.folder, mask.rows(rows))
    mask(Antidotes(remedies=tuple(found))).save(subject.folder)


def antidotes(subject: Subject) -> dict[str, Interventions]:
    """By name: what is done to the residual stream."""

    def restrained(*layers: int, only_above: bool) -> Interventions:
        return tuple(_restraint(subject, layer, only_above=only_above) for layer in layers)

    here, on = subject.layer, range(subject.layer, subject.model.num_layers)
    return {
        "reverse": (subject.vector.injection(-subject.scale),),
        "ablate": restrained(here, only_above=False),
        "ablate from this layer on": restrained(*on, only_above=False),
        "cap": restrained(here, only_above=True),
        "cap from this layer on": restrained(*on, only_above=True),
    }


def _restraint(subject: Subject, layer: int, *, only_above: bool) -> Restraint:
    """Level: the mean over neutral probe tokens for an ablation, a high quantile for a cap."""
    vector = subject.vectors[layer]
    unit_D = vector.direction_D / vector.norm
    along = subject.neutral_tokens[layer] @ unit_D
    level = along.quantile(CAP_QUANTILE) if only_above else along.mean()
    return Restraint(layer, unit_D, float(level), only_above=only_above)
