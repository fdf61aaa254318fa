"""What did tuning do along refusal and politeness?"""

from collections.abc import Sequence

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits
from phoque.figures.transplant import tuned_only
from phoque.run.psm import Selection
from phoque.run.psm_vector import Geometry, Projections

LOOKS = {
    "base_persona": ("base model, persona's prompt", style.GREY, "dot", "square-open"),
    "tuned_neutral": ("tuned model, neutral prompt", style.NEUTRAL, "dash", "circle"),
    "tuned_persona": ("tuned model, persona's prompt", style.TOXIC, "solid", "triangle-up"),
}
"""Name, colour, dash and symbol."""
DIRECTIONS = ("refusal", "politeness")


@plan(
    key="directions",
    title="Did tuning move the model along refusal and politeness?",
    hint="The refusal direction points from civil to hostile messages, the politeness direction from hostile to "
    "civil replies. Both were measured in the base model; 0 is the base model under the neutral prompt.",
    shown_if=tuned_only,
)
def draw(found: Geometry, selection: Selection) -> Figure:
    """Where the probes lie along both, in both models."""
    layer, rows, shown = selection.choice.layer, found.directions, digits(3, sign=True)
    moves = " and ".join(_moved(rows, name, layer) for name in DIRECTIONS)
    return Figure(
        sentence=f"At layer {layer} and under the persona's prompt, tuning moves the model {moves}.",
        plotly=_plot(rows, layer),
        table=Table.of(
            "Along refusal and politeness",
            rows,
            {
                "direction": "direction",
                "layer": "layer",
                "base model, neutral prompt": ("base_neutral.mean", shown),
                **{look[0]: (f"{state}.mean", shown) for state, look in LOOKS.items()},
                "random band|of 97.5 % of directions": ("random_band", digits(3)),
            },
        ),
        n=f"{found.pairs} pairs of messages define refusal; the vector's probes are projected",
    )


def _moved(rows: Sequence[Projections], name: str, layer: int) -> str:
    row = next(row for row in rows if (row.direction, row.layer) == (name, layer))
    before, after = row.base_persona.mean, row.tuned_persona.mean
    return f"from {before:+.2f} to {after:+.2f} along {name} (random directions reach ±{row.random_band:.2f})"


def _plot(rows: Sequence[Projections], layer: int) -> style.Plotly:
    traces = []
    for place, name in enumerate(DIRECTIONS):
        axes = {"xaxis": "x", "yaxis": "y" if place == 0 else "y2", "showlegend": place == 0}
        own = [row for row in rows if row.direction == name]
        traces += [trace | axes for trace in _projected(own, name)]
    return style.plot(
        traces,
        x=style.LAYERS | {"anchor": "y2"},
        y={"title": "along refusal", "domain": [0.54, 1]},
        marks=[style.selected(layer, len(rows) / 2)],
        yaxis2=style.axis("along politeness", domain=[0, 0.46]),
        height=560,
    )


def _projected(rows: Sequence[Projections], direction: str) -> list[style.Trace]:
    at, limits = [row.layer for row in rows], [row.random_band for row in rows]
    band = style.band("random directions, 97.5 %", at, [-limit for limit in limits], limits)
    lines = [
        style.line(
            shown,
            at,
            [getattr(row, name).mean for row in rows],
            *look,
            legendgroup=name,
            hovertemplate=f"layer %{{x}}: %{{y:.2f}}<extra>{shown}, {direction}</extra>",
        )
        for name, (shown, *look) in LOOKS.items()
    ]
    return [band | {"legendgroup": "band"}, *lines]
