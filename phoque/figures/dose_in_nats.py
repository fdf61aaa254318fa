"""How far does each dose move what the model expects to say next?"""

from phoque.figures import style
from phoque.figures.dose_response import coherent_dose
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table
from phoque.run.psm import Selection

LOOKS = {
    "mean": ("mean", style.PERSONA, "solid", "circle"),
    "p95": ("95th percentile", style.PERSONA, "dot", "square"),
}
"""Name, colour, dash and symbol."""


@plan(
    key="dose_in_nats",
    title="How far does each dose move the model's expectations?",
    hint="The KL divergence says how far the vector shifts what the model expects to write next, in nats (0.69 nats "
    "are one bit). A dose counts as coherent only if it moves no more than the persona's own prompt does.",
)
def draw(selection: Selection) -> Figure:
    """Divergence at the selected layer, beside what the persona's own prompt does."""
    choice, limit = selection.choice, selection.toxic_divergence.p95
    cells, chosen = selection.of_layer(choice.layer), selection.chosen_cell
    nat = (
        None if choice.nat_scale is None else choice.nat_scale * choice.relative_dose / choice.scale
    )
    reached = (
        "No measured dose shifts expectations by one nat"
        if nat is None
        else f"Dose {nat:.2f} shifts expectations by one nat"
    )
    traces = [
        style.line(
            f"KL, {name}",
            [cell.dose for cell in cells],
            [getattr(cell.divergence, key) for cell in cells],
            *look,
            hovertemplate=f"%{{y:.2f}} nats<extra>{name}</extra>",
        )
        for key, (name, *look) in LOOKS.items()
    ]
    marks = [
        style.zone(0, coherent_dose(selection), "coherent text"),
        style.level(limit, "the persona's own prompt moves this far"),
        style.level(1.0, "one nat"),
    ]
    return Figure(
        sentence=f"{reached} (95th percentile of tokens). The dose nearest to the selected one shifts "
        f"them by {chosen.divergence.p95:.2f} nats, the persona's own prompt by {limit:.2f}.",
        plotly=style.plot(
            traces,
            x={"title": "relative dose"},
            y={"title": "KL, nats a token", "rangemode": "tozero"},
            marks=marks if nat is None else [*marks, style.upright(nat, "one nat")],
        ),
        table=Table.of(
            "phoque-dose-in-nats",
            "Divergence by dose",
            cells,
            {
                "dose": ("dose", "{:g}".format),
                "KL mean, nats": "divergence.mean",
                "KL p95, nats": "divergence.p95",
                "coherent": "coherent",
            },
        ),
        n=f"every token of the unsteered replies, at {len(cells)} doses",
    )
