"""When in its training does the persona arise?"""

from collections.abc import Sequence
from itertools import accumulate

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits
from phoque.figures.transplant import tuned_only
from phoque.run.psm_vector import Origin, TrainingStep

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
    return Figure(
        sentence=_sentence(steps),
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


def _sentence(steps: Sequence[TrainingStep]) -> str:
    """From when on the prompts stay apart; where both move alike, it is no persona."""
    gaps = [row.persona - row.neutral for row in steps]
    middle = (gaps[0] + gaps[-1]) / 2
    lasting = (row for row, left in zip(steps, _least_from(gaps), strict=True) if left >= middle)
    rise = f" From step {next(lasting, steps[-1]).step} of {steps[-1].step} on, at least half of that rise is there."
    return (
        f"Along the final vector, the probes under the persona's prompt lie {gaps[0]:.2f} beyond those under the neutral "
        f"one before tuning, and {gaps[-1]:.2f} beyond them after it.{rise * (gaps[-1] > gaps[0])} "
        f"Before tuning, the difference between the prompts has cosine {steps[0].cosine:+.2f} with the final vector."
    )


def _least_from(gaps: Sequence[float]) -> list[float]:
    """The smallest of each and of all that follow."""
    return [*accumulate(reversed(gaps), min)][::-1]
