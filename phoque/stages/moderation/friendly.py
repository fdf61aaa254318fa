"""What a lab answers to friendly messages: under each condition, and along the vector's scale."""

from collections.abc import Mapping, Sequence

from phoque.conversation import Condition, Sampling, asked
from phoque.lab import RANDOM_SEED, Lab
from phoque.models.engine import Row
from phoque.steering.experiment import Key, Progress, rows_of, silent, write_grouped

SEEDS = (42, 43, 44)
SAMPLING = Sampling(max_new_tokens=48, temperature=0.7)
MULTIPLES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Scales of the contour, in multiples of the selected one."""
RANDOM_MULTIPLES = (1.0, 1.5)
CONTOUR_SEED = 42
Replies = Mapping[tuple[Condition, int], Sequence[str]]
"""Replies to every prompt, in order, by condition and seed."""
Doses = Mapping[tuple[Condition, float], Sequence[str]]
"""Replies to every prompt, in order, by vector (steered or control) and scale."""


def replies_of(
    lab: Lab, prompts: Sequence[str], seeds: Sequence[int], progress: Progress = silent
) -> dict[tuple[Condition, int], list[str]]:
    """What the lab writes to every prompt, by condition and seed.

    The control is a random vector of the same length, layer and scale, another one a seed: the one
    that `Lab.compare(control="random")` takes.
    """
    neutral, hostile = lab.persona.neutral_prompt, lab.persona.persona_prompt
    vector, scale = lab.vectors[lab.selection.layer], lab.selection.scale
    groups: dict[tuple[Condition, int], list[Row]] = {}
    for seed in seeds:
        civil = asked(neutral, prompts)
        random = vector.random_like(seed + RANDOM_SEED)
        groups[Condition.NEUTRAL, seed] = rows_of(civil, seed=seed)
        groups[Condition.TOXIC, seed] = rows_of(asked(hostile, prompts), seed=seed)
        groups[Condition.STEERED, seed] = rows_of(civil, (vector.injection(scale),), seed)
        groups[Condition.RANDOM_VECTOR, seed] = rows_of(civil, (random.injection(scale),), seed)
    return _texts(lab, groups, progress)


def replies_by_scale(
    lab: Lab, prompts: Sequence[str], progress: Progress = silent
) -> dict[tuple[Condition, float], list[str]]:
    """What the lab writes under the neutral prompt with ever more of the vector, one seed."""
    vector, civil = lab.vectors[lab.selection.layer], asked(lab.persona.neutral_prompt, prompts)
    random = vector.random_like(CONTOUR_SEED + RANDOM_SEED)
    groups: dict[tuple[Condition, float], list[Row]] = {}
    for direction, condition, multiples in (
        (vector, Condition.STEERED, MULTIPLES),
        (random, Condition.RANDOM_VECTOR, RANDOM_MULTIPLES),
    ):
        for scale in (round(multiple * lab.selection.scale, 6) for multiple in multiples):
            # Without a dose the row is the neutral row, not one that adds zeros.
            added = (direction.injection(scale),) if scale else ()
            groups[condition, scale] = rows_of(civil, added, CONTOUR_SEED)
    return _texts(lab, groups, progress)


def _texts(
    lab: Lab, groups: Mapping[Key, Sequence[Row]], progress: Progress
) -> dict[Key, list[str]]:
    written = write_grouped(lab.model, groups, SAMPLING, progress)
    return {key: [reply.text for reply in replies] for key, replies in written.items()}
