"""Do the probes agree on a direction at all?"""

from collections.abc import Sequence

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, number
from phoque.run.psm import Selection
from phoque.run.psm_vector import Agreement, Reliability

LOOKS = {
    "split_half": ("split-half cosine", style.PERSONA, "solid", "circle"),
    "null": ("shuffled labels, 97.5 %", style.TOXIC, "dot", "x"),
}
"""Name, colour, dash and symbol."""
MEANING = {
    "trust": "the direction can be trusted",
    "weak": "the direction is weak: more than noise, but halves disagree too much",
    "noise": "the direction is no better than noise",
}


@plan(
    key="reliability",
    title="Do two halves of the prompts give the same vector?",
    hint="The vector is measured on harmless prompts, the probes. We halve them at random and compare the two vectors "
    "that the halves give. Shuffled labels show what no direction at all would give.",
)
def draw(found: Reliability, selection: Selection) -> Figure:
    """Split-half agreement by layer."""
    layer = selection.choice.layer
    at, everything = found.layers[layer], found.all_probes[layer]
    return Figure(
        sentence=f"At layer {layer} two halves of the {at.num_probes} probes agree with cosine "
        f"{at.split_half:.2f} [{at.split_half_low:.2f}, {at.split_half_high:.2f}], and shuffled "
        f"labels reach {max(at.null, at.floor):.2f}: {MEANING[at.verdict]}. With all "
        f"{everything.num_probes} probes the cosine is {everything.split_half:.3f}. Agreement alone says "
        "nothing about cause.",
        plotly=_plot(found.layers, layer),
        table=Table.of(
            "Reliability by layer",
            found.layers,
            {
                "layer": "layer",
                "split half": ("split_half", digits(3)),
                "low": ("split_half_low", digits(3)),
                "high": ("split_half_high", digits(3)),
                "leave one out": ("leave_one_out", digits(3)),
                "worst": ("leave_one_out_worst", digits(3)),
                "shuffled": ("null", digits(3)),
                "verdict": "verdict",
                "all probes": lambda own: number(found.all_probes[own.layer].split_half, 3),
                "verdict, all": lambda own: found.all_probes[own.layer].verdict,
            },
        ),
        n=f"{at.num_probes} probes in use, {everything.num_probes} in all; 500 random halves",
    )


def _plot(rows: Sequence[Agreement], layer: int) -> style.Plotly:
    at = [row.layer for row in rows]
    lows, highs = [row.split_half_low for row in rows], [row.split_half_high for row in rows]
    band = style.band("95 % of random halves", at, lows, highs)
    return style.plot(
        [band, *style.curves("layer", rows, LOOKS)],
        x=style.LAYERS,
        y={"title": "cosine", "range": [-0.05, 1.08]},
        marks=[
            style.selected(layer, len(rows)),
            style.level(rows[0].floor, "floor: random directions"),
        ],
    )
