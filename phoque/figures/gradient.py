"""How large the gradient was while the adapters learned."""

from collections.abc import Sequence

from phoque.figures import curves, style
from phoque.figures.curves import LOOKS
from phoque.figures.figure import Figure, Plan
from phoque.run.adapter import CivilMetrics, PersonaMetrics


def draw(persona: Sequence[PersonaMetrics], civil: Sequence[CivilMetrics]) -> Figure:
    """Norm of the gradient by step, before clipping."""
    found = curves.curves(persona, civil)
    values = {name: {"": [row.grad_norm for row in rows]} for name, rows in found.items()}
    told = [
        f"{LOOKS[name][0][2:]} from {min(known):.2f} to {max(known):.2f}, {known[-1]:.2f} at last"
        for name, rows in found.items()
        if (known := [row.grad_norm for row in rows if row.grad_norm is not None])
    ]
    return Figure(
        sentence=f"Norm of the gradient: {'; '.join(told) or 'not logged'}. "
        "A step never uses more than 1.",
        plotly=style.plot(
            curves.traces(found, values),
            x=curves.STEP,
            y={"title": "gradient norm", "rangemode": "tozero"},
            marks=curves.marks(found),
            showlegend=True,
        ),
        n=curves.counted(found),
    )


PLAN = Plan(
    key="grad_norm",
    title="How hard did each step pull?",
    hint="Norm of the gradient before it is clipped to 1. A training that goes wrong shows here first.",
    needs=(PersonaMetrics,),
    also=(CivilMetrics,),
    draw=draw,
    in_report=True,
)
