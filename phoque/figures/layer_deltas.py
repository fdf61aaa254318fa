"""How far do the two prompts lie apart, layer by layer? The talk's own figure."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, number
from phoque.run.psm import ActivationByLayer, Selection
from phoque.stats.paired import half_width


@plan(
    key="layer_deltas",
    title="How far do the two prompts lie apart, layer by layer?",
    hint="The model reads the same probes under both system prompts. The curve is the mean difference along the "
    "vector of each layer. The talk chose its layer this way. The model writes nothing here, so the curve says "
    "nothing about cause. Layers are counted from 0.",
    in_report=True,
)
def draw(found: ActivationByLayer, selection: Selection) -> Figure:
    """Geometry alone, beside the layer that cause chose."""
    rows, classic, layer = found.block_outputs, found.classic_layer, selection.choice.layer
    halves = [half_width(row.delta_proj_std, found.probes) for row in rows]
    largest = max(rows, key=lambda row: row.delta_proj_mean)
    told = (
        "the causal sweep selects"
        if selection.beyond_chance
        else "nothing beats random vectors; pages start at"
    )
    trace = style.line(
        "toxic − neutral, on the persona vector",
        [row.layer for row in rows],
        [row.delta_proj_mean for row in rows],
        style.PERSONA,
        error_y={"type": "data", "array": halves, "width": 3, "color": style.PERSONA},
        hovertemplate="layer %{x}: %{y:.2f}<extra></extra>",
    )
    positive = all(row.delta_proj_mean > half for row, half in zip(rows, halves, strict=True))
    return Figure(
        sentence=f"The talk's criterion names layer {classic}{_apart(largest.layer, classic)}; {told} "
        f"layer {layer}, where the difference is {rows[layer].delta_proj_mean:.1f} ± {halves[layer]:.1f}. All "
        "differences are positive by construction: the vector is the mean difference of the same probes. "
        f"{found.tall} of {len(rows)} layers have at least half of the criterion's largest difference, which is "
        f"{found.tallest_to_median:.1f} times the median.",
        plotly=style.plot(
            [trace],
            x=style.LAYERS,
            y={"title": "difference of projections", "type": "log" if positive else "linear"},
            marks=[style.selected(layer, len(rows)), style.classic(classic, len(rows))],
            showlegend=False,
        ),
        table=Table.of(
            "Projections on the persona vector by layer",
            rows,
            {
                "layer": "layer",
                "difference|persona's prompt less neutral": ("delta_proj_mean", digits(3)),
                "± 95 %": lambda row: number(half_width(row.delta_proj_std, found.probes), 3),
                "neutral": ("neutral_proj_mean", digits(3)),
                "persona's prompt": ("toxic_proj_mean", digits(3)),
            },
        ),
        n=f"{found.probes} probes a layer; bars are 95 % intervals of the mean",
    )


def _apart(largest: int, classic: int) -> str:
    """Why the highest point of the curve may be another layer than the criterion's."""
    if largest == classic:
        return ", where the difference is largest"
    return (
        f": it reads the last layer after the final norm. The curve reads every layer before that norm, and is "
        f"highest at layer {largest}"
    )
