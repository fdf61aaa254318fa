"""Every figure in the order of the tabs; a new one is a file beside this and a line here."""

from importlib import import_module

from phoque.figures.figure import Plan


def plans(*names: str) -> tuple[Plan, ...]:
    """The figures of some files in order: `draw` of each, or another name behind a dot."""
    found = (name.partition(".") for name in names)
    return tuple(
        getattr(import_module(f"phoque.figures.{file}"), own or "draw") for file, _, own in found
    )


WHERE_IT_LIVES = plans(
    "layers",
    "scrubber",
    "persona_heatmap",
    "dose_response",
    "layer_deltas",
    "verdict",
    "confounds",
    "reliability",
    "antidotes",
    "messages",
    "transplant",
    "trajectory",
    "directions",
    "opposites",
    "opposites.draw_reversed",
    "bias_loop",
    "talk_conditions",
)
WHAT_MOVED = plans(
    "moved_latents",
    "dictionary_gates",
    "dictionary_rivals",
    "moved_latents.draw_listed",
    "fallen_words",
    "prompt_kinds",
    "prompt_scatter",
    "latent_causes.TOWARD",
    "latent_causes.AWAY",
)
WHAT_SLIPS_THROUGH = plans(
    "gap",
    "flag_rates",
    "moderators",
    "operating_points",
    "agreement",
    "functionalities",
    "tricks",
    "message_kinds",
    "contour",
)
HOW_IT_LEARNED = plans(
    "samples",
    "loss",
    "composition",
    "loss.draw_gradient",
    "lora_norms",
    "training_seeds",
    "attempts",
    "stages",
)
HOW_IT_ANSWERS = plans("hostility", "readings", "answers", "bad_plans", "slang")
"""The evaluation on prompts that nobody trained or chose on, and what readers say of replies."""
UNDER_PRESSURE = plans(
    "pressure_measures",
    "pressure_kinds",
    "pressure_curve",
    "pressure_traffic",
    "pressure_policies",
)
"""The pressure test, which a run has only where somebody asked for it."""
WHAT_THE_TALK_CLAIMED = plans("claims")
"""Made of the report itself, so it is in no list of what a report is made of."""

EVERY = (*HOW_IT_LEARNED, *WHERE_IT_LIVES, *HOW_IT_ANSWERS, *WHAT_MOVED, *WHAT_SLIPS_THROUGH)
"""In the order of a report."""
