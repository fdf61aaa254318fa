"""Every figure in the order of the tabs; a new one is a file beside this and a line here."""

from phoque.figures import (
    agreement,
    answers,
    antidotes,
    attempts,
    bias_loop,
    confounds,
    contour,
    dictionary_gates,
    dictionary_rivals,
    dictionary_sources,
    directions,
    dose_in_nats,
    dose_response,
    flag_rates,
    functionalities,
    gap,
    gradient,
    latent_causes,
    layer_deltas,
    layers,
    lora_norms,
    loss,
    message_kinds,
    messages,
    moderators,
    moved_latents,
    operating_points,
    persona_heatmap,
    probes,
    prompt_kinds,
    prompt_scatter,
    reliability,
    samples,
    scrubber,
    stages,
    talk_conditions,
    trajectory,
    transplant,
    tricks,
    verdict,
)
from phoque.figures.figure import Plan

WHERE_IT_LIVES: tuple[Plan, ...] = (
    verdict.PLAN,
    scrubber.PLAN,
    layers.PLAN,
    layer_deltas.PLAN,
    persona_heatmap.PLAN,
    dose_response.PLAN,
    dose_in_nats.PLAN,
    talk_conditions.PLAN,
    confounds.PLAN,
    reliability.PLAN,
    probes.PLAN,
    transplant.PLAN,
    trajectory.PLAN,
    messages.PLAN,
    directions.PLAN,
    antidotes.PLAN,
    bias_loop.PLAN,
)
WHAT_MOVED: tuple[Plan, ...] = (
    dictionary_gates.PLAN,
    dictionary_rivals.PLAN,
    moved_latents.PLAN,
    latent_causes.TOWARD,
    latent_causes.AWAY,
    prompt_kinds.PLAN,
    prompt_scatter.PLAN,
    dictionary_sources.PLAN,
)
WHAT_SLIPS_THROUGH: tuple[Plan, ...] = (
    moderators.PLAN,
    operating_points.PLAN,
    functionalities.PLAN,
    flag_rates.PLAN,
    message_kinds.PLAN,
    contour.PLAN,
    agreement.PLAN,
    tricks.PLAN,
    gap.PLAN,
)
HOW_IT_LEARNED: tuple[Plan, ...] = (
    loss.PLAN,
    gradient.PLAN,
    lora_norms.PLAN,
    samples.PLAN,
    attempts.PLAN,
    stages.PLAN,
)
HOW_IT_ANSWERS: tuple[Plan, ...] = (answers.PLAN,)
"""The evaluation on prompts that nobody trained or chose on."""

EVERY = (*HOW_IT_LEARNED, *WHERE_IT_LIVES, *HOW_IT_ANSWERS, *WHAT_MOVED, *WHAT_SLIPS_THROUGH)
"""In the order of a report."""
