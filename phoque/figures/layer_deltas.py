"""How far do the two prompts lie apart, layer by layer? The talk's own figure."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, number
from phoque.run.psm import ActivationByLayer, Selection
from phoque.stats.paired import half_width


@plan(
    key="layer_deltas",
    title="How far do the two prompts lie apart, layer by layer?",
    hint="The same probes under both system prompts, projected on the unit vector of the layer. This "
    "is the talk's criterion; it needs no generation, and says nothing of cause.",
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
        sentence=f"The difference is largest at layer {largest.layer} (the talk's criterion takes "
        f"layer {classic}); {told} layer {layer}, where it is {rows[layer].delta_proj_mean:.1f} ± "
        f"{halves[layer]:.1f}. Projections on the mean difference of the same probes are positive "
        "by construction.",
        plotly=style.plot(
            [trace],
            x=style.LAYERS,
            y={"title": "difference of projections", "type": "log" if positive else "linear"},
            marks=[style.selected(layer, len(rows)), style.classic(classic, len(rows))],
            showlegend=False,
        ),
        table=Table.of(
            "phoque-layer-deltas",
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
