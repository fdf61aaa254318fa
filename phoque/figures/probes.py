"""How many probes does the vector need?"""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Ends, Table, digits
from phoque.run.psm import Selection
from phoque.run.psm_vector import Reliability


@plan(
    key="probes",
    title="How many probes does the vector need?",
    hint="The vector from a few probes is compared with the vector from others. Bars hold 95 % of the random draws.",
)
def draw(found: Reliability, selection: Selection) -> Figure:
    """What more probes buy at the selected layer."""
    layer = selection.choice.layer
    points, used = found.curve[layer].points, found.layers[layer].num_probes
    first, last = points[0], points[-1]
    trace = style.line(
        "cosine with other probes' mean",
        [point.probes for point in points],
        [point.cosine for point in points],
        style.PERSONA,
        error_y=style.bars([Ends(p.cosine, p.low, p.high) for p in points], style.PERSONA),
        hovertemplate="%{x} probes: %{y:.3f}<extra></extra>",
    )
    return Figure(
        sentence=f"At layer {layer}, the vector from {first.probes} probe{'s' * (first.probes > 1)} has cosine "
        f"{first.cosine:.2f} with the vector from other probes, and the one from {last.probes} has {last.cosine:.2f}. "
        f"{used} are in use.",
        plotly=style.plot(
            [trace],
            x={"title": f"probes averaged (layer {layer})", "rangemode": "tozero"},
            y={"title": "cosine", "range": [-0.05, 1.08]},
            marks=[style.upright(used, f"in use: {used}")],
            showlegend=False,
            height=300,
        ),
        table=Table.of(
            "Agreement by number of probes",
            points,
            {
                "probes": "probes",
                **{name: (name, digits(3)) for name in ("cosine", "low", "high")},
            },
        ),
        n=f"200 random draws from {found.all_probes[layer].num_probes} probes",
    )
