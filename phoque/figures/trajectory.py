"""When in its training does the persona arise?"""

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import Table, number
from phoque.figures.transplant import tuned_only
from phoque.run.psm_vector import Origin

LOOKS = {
    "persona": ("under the persona's prompt", style.TOXIC, "solid", "triangle-up"),
    "neutral": ("under the neutral prompt", style.NEUTRAL, "dash", "circle"),
    "cosine": ("cosine with the final vector", style.PERSONA, "dot", "diamond"),
}
"""Name, colour, dash and symbol."""


def draw(found: Origin) -> Figure:
    """Projections of the probes on the final vector, from untuned to tuned."""
    steps = found.trajectory
    if not steps:
        return Figure(
            sentence="The run kept no checkpoints of its training, so there is no trajectory."
        )
    traces = [
        style.line(
            name,
            [row.step for row in steps],
            [getattr(row, key) for row in steps],
            colour,
            dash=dash,
            symbol=symbol,
            hovertemplate="step %{x}: %{y:.2f}<extra>" + name + "</extra>",
        )
        for key, (name, colour, dash, symbol) in LOOKS.items()
    ]
    first, last = steps[0], steps[-1]
    middle = (first.persona + last.persona) / 2
    half = next((row for row in steps if row.persona >= middle), last)
    return Figure(
        sentence=f"Under the persona's prompt the probes go from {first.persona:.2f} to "
        f"{last.persona:.2f} along the final vector, half of the way by step {half.step} of "
        f"{last.step}. Before tuning the difference of the prompts has cosine "
        f"{first.cosine:+.2f} with it.",
        plotly=style.plot(
            traces, x={"title": "optimizer step"}, y={"title": "in lengths of the final vector"}
        ),
        table=Table(
            name="phoque-trajectory",
            caption="Probes by step of the training",
            head=("step", *(name for name, *_ in LOOKS.values()), "length of the difference"),
            rows=tuple(
                (
                    str(row.step),
                    *(number(getattr(row, key), sign=True) for key in LOOKS),
                    number(row.norm),
                )
                for row in steps
            ),
        ),
        n=f"{len(steps)} checkpoints of one training, layer {found.layer}",
    )


PLAN = Plan(
    key="trajectory",
    title="When in its training does the persona arise?",
    hint="Where the probes lie along the final vector while the model is tuned; 0 is the untuned "
    "model under the neutral prompt.",
    needs=(Origin,),
    draw=draw,
    in_report=False,
    shown_if=tuned_only,
)
