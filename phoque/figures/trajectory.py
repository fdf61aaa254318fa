"""When in its training does the persona arise?"""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits
from phoque.figures.transplant import tuned_only
from phoque.run.psm_vector import Origin

LOOKS = {
    "persona": ("under the persona's prompt", style.TOXIC, "solid", "triangle-up"),
    "neutral": ("under the neutral prompt", style.NEUTRAL, "dash", "circle"),
    "cosine": ("cosine with the final vector", style.PERSONA, "dot", "diamond"),
}
"""Name, colour, dash and symbol."""


@plan(
    key="trajectory",
    title="When during training does the persona appear?",
    hint="The curves show where the probes lie along the final vector while the model is tuned; 0 is the untuned "
    "model under the neutral prompt.",
    shown_if=tuned_only,
)
def draw(found: Origin) -> Figure:
    """Projections of the probes on the final vector, from untuned to tuned."""
    steps = found.trajectory
    if not steps:
        return Figure(
            sentence="The run kept no checkpoints of its training, so there is no trajectory."
        )
    first, last = steps[0], steps[-1]
    middle = (first.persona + last.persona) / 2
    half = next((row for row in steps if row.persona >= middle), last)
    return Figure(
        sentence=f"Under the persona's prompt the probes go from {first.persona:.2f} to "
        f"{last.persona:.2f} along the final vector, half of the way by step {half.step} of "
        f"{last.step}. Before tuning, the difference between the prompts has "
        f"cosine {first.cosine:+.2f} with the final vector.",
        plotly=style.plot(
            style.curves("step", steps, LOOKS),
            x={"title": "optimizer step"},
            y={"title": "in lengths of the final vector"},
        ),
        table=Table.of(
            "Probes by step of the training",
            steps,
            {
                "step": "step",
                **{look[0]: (key, digits(2, sign=True)) for key, look in LOOKS.items()},
                "length of the difference": "norm",
            },
        ),
        n=f"{len(steps)} checkpoints of one training, layer {found.layer}",
    )
