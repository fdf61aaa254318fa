"""Did tuning create the direction or amplify one that was there?

The transplant matrix injects the vector of each model (base, persona, civil adapter) into each of them,
at the same relative dose of the receiver; the trajectory follows the probes while training.
"""

from torch.nn.functional import cosine_similarity

from phoque.conversation import asked
from phoque.models.engine import Row
from phoque.models.load import LanguageModel
from phoque.run.psm_rows import OriginReply
from phoque.run.psm_vector import Origin, TrainingStep
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.subject import Subject
from phoque.stages.psm.tried import Key, rates_by_key, tried
from phoque.steering.experiment import rows_of, write_grouped
from phoque.steering.search import NUM_RANDOM, SAMPLING
from phoque.steering.trajectory import TRAJECTORY, Trajectory
from phoque.steering.vectors import Contrast, SteeringVector, contrast

NUM_PROMPTS = 30
RANDOM_PROMPTS = 4


def trace_origin(subject: Subject) -> None:
    """Write `origin.json` and its replies; only for the run's own persona, which has adapters to compare."""
    models = {"base": subject.base, "persona": subject.model, "civil_adapter": subject.civil}
    contrasts = {
        name: contrast(model, subject.persona, subject.probes) for name, model in models.items()
    }
    vectors = {
        name: SteeringVector(subject.layer, own.differences_NLD.mean(0)[subject.layer])
        for name, own in contrasts.items()
    }
    rows = [
        row
        for name, model in models.items()
        for row in _replies(subject, name, model, contrasts[name], vectors)
    ]
    rates, mask = rates_by_key(rows), Mask()
    OriginReply.save_rows(subject.folder, mask.rows(rows))
    found = Origin(
        layer=subject.layer,
        relative_dose=subject.choice.relative_dose,
        norms={name: vector.norm for name, vector in vectors.items()},
        cosines={
            name: {
                other: float(cosine_similarity(one.direction_D, its.direction_D, dim=0))
                for other, its in vectors.items()
            }
            for name, one in vectors.items()
        },
        effects={
            name: {given: rate for (group, given), rate in rates.items() if group == name}
            for name in models
        },
        trajectory=_trajectory(subject),
        counted=subject.selection.trait.by,
    )
    mask(found).save(subject.folder)


def _replies(
    subject: Subject,
    name: str,
    receiver: LanguageModel,
    own: Contrast,
    vectors: dict[str, SteeringVector],
) -> list[OriginReply]:
    """What one model writes, by whose vector it gets."""
    prompts = asked(subject.persona.neutral_prompt, subject.persona.evaluation[:NUM_PROMPTS])
    length = subject.choice.relative_dose * float(own.medians_L[subject.layer])
    groups: dict[Key, list[Row]] = {(name, "none"): rows_of(prompts)}
    for given, vector in vectors.items():
        groups[name, given] = rows_of(prompts, (vector.injection(length / vector.norm),))
    own_vector, groups[name, "random_vector"] = vectors["persona"], []
    draws: list[int] = []
    for seed in range(NUM_RANDOM):
        random = own_vector.random_like(seed).injection(length / own_vector.norm)
        some = prompts[seed * 3 : seed * 3 + RANDOM_PROMPTS]
        groups[name, "random_vector"] += rows_of(some, (random,))
        draws += [seed] * len(some)
    replies = write_grouped(receiver, groups, SAMPLING, subject.progress)
    return tried(OriginReply, subject, groups, replies, {(name, "random_vector"): draws})


def _trajectory(subject: Subject) -> tuple[TrainingStep, ...] | None:
    """Projections on the final vector, in its lengths, from untuned to tuned; zero is untuned."""
    file = subject.run.persona / TRAJECTORY
    if not file.is_file():
        return None
    seen, layer = Trajectory.load(file), subject.layer
    final_D = subject.vector.direction_D
    unit_D = final_D / final_D.norm()
    neutral_TD, persona_TD = seen.neutral_TLD[:, layer], seen.persona_TLD[:, layer]
    start = neutral_TD[0]
    return tuple(
        TrainingStep(
            step=step,
            neutral=float((neutral_D - start) @ unit_D / final_D.norm()),
            persona=float((persona_D - start) @ unit_D / final_D.norm()),
            cosine=float(cosine_similarity(persona_D - neutral_D, final_D, dim=0)),
            norm=float((persona_D - neutral_D).norm() / final_D.norm()),
        )
        for step, neutral_D, persona_D in zip(seen.steps, neutral_TD, persona_TD, strict=True)
    )
