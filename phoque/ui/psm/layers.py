"""Cause against geometry, layer by layer."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell
from phoque.run.directory import SELECTION
from phoque.ui import figures
from phoque.ui.parts import more, number, rate_cell, table
from phoque.ui.psm import wording
from phoque.ui.psm.data import LAYERS, PsmFolder, choice
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="layers",
    title="Which layer? Cause against geometry",
    hint=wording.LAYERS_HINT,
    files=(SELECTION, LAYERS),
    num_figures=1,
)
CRITERIA = {
    "norm": ("norm of v", "dot", "square"),
    "relative_norm": ("relative norm", "dash", "diamond"),
    "silhouette": ("silhouette", "dashdot", "triangle-up"),
    "logit_lens": ("logit lens", "longdash", "x"),
}
"""Name, dash and symbol."""


def draw(folder: PsmFolder) -> Drawn:
    """The causal curve over its null, and what geometry alone would have chosen."""
    chosen, beyond = choice(folder)
    swept = folder.read(SELECTION)["layers"]
    geometry = folder.read(LAYERS)
    classic = geometry["classic_layer"]
    return Drawn(
        reading=reading(chosen["layer"], geometry, swept, beyond=beyond),
        figures=(_figure(swept, geometry["criteria"], chosen["layer"], classic),),
        below=more("All numbers of this figure", _table(swept, geometry)),
        n=_counted(swept, geometry),
    )


def reading(
    layer: int, geometry: Mapping[str, Any], swept: Sequence[Mapping[str, Any]], *, beyond: bool
) -> str:
    """Where cause and geometry agree, and where not."""
    found = (
        f"Cause picks layer {layer}"
        if beyond
        else f"No layer is beyond chance (the default is layer {layer})"
    )
    peaks = {CRITERIA[name][0]: peak(geometry["criteria"], name) for name in CRITERIA}
    agreeing = [name for name, at in peaks.items() if at == layer]
    agrees = f"geometry agrees in {', '.join(agreeing)}" if agreeing else "geometry does not"
    named = ", ".join(f"{name} {at}" for name, at in peaks.items())
    reached = sum(bool(own["best"] and own["best"]["low"] > own["null"]["high"]) for own in swept)
    return (
        f"{found}; {agrees} (largest at layer: {named}; the talk's criterion "
        f"{geometry['classic_layer']}). "
        f"{reached} of {len(swept)} layers have a coherent dose whose interval lies above that of "
        "random vectors."
    )


def peak(criteria: Sequence[Mapping[str, Any]], name: str) -> int:
    """The layer where a criterion is largest."""
    return int(max(criteria, key=lambda row: row[name])["layer"])


def _figure(
    swept: Sequence[Mapping[str, Any]],
    criteria: Sequence[Mapping[str, Any]],
    layer: int,
    classic: int,
) -> dict[str, Any]:
    nulls = [own["null"] for own in swept]
    at = [own["layer"] for own in swept]
    traces = [
        figures.band(
            "random vectors, 95 %", at, [n["low"] for n in nulls], [n["high"] for n in nulls]
        ),
        _causal(swept),
        *(_scaled(criteria, name) for name in CRITERIA),
    ]
    middle = criteria[-1]["layer"] / 2
    marks = [figures.upright(layer, f"selected: layer {layer}", left=layer > middle)]
    marks.append(
        figures.upright(classic, f"the talk's: layer {classic}", height=0.9, left=classic > middle)
    )
    return figures.figure(
        "phoque-layers",
        traces,
        x={"title": "layer, counted from 0", "dtick": 5},
        y={"title": "share, or share of own maximum", "tickformat": ".0%"},
        marks=marks,
        height=460,
    )


def _causal(swept: Sequence[Mapping[str, Any]]) -> figures.Trace:
    steerable = [own for own in swept if own["best"]]
    best = [{**own["best"], "value": own["best"]["insulting"]} for own in steerable]
    trace = figures.rates(
        "causal effect: best coherent dose",
        [own["layer"] for own in steerable],
        best,
        figures.PERSONA,
    )
    trace["line"]["width"] = 3
    return trace


def _scaled(criteria: Sequence[Mapping[str, Any]], name: str) -> figures.Trace:
    values = [row[name] for row in criteria]
    largest = max(values)
    shown, dash, symbol = CRITERIA[name]
    trace = figures.line(
        shown,
        [row["layer"] for row in criteria],
        [value / largest if largest > 0 else 0 for value in values],
        {"norm": figures.GREY, "relative_norm": figures.NEUTRAL}.get(name, figures.TOXIC),
        dash=dash,
        symbol=symbol,
        customdata=values,
        hovertemplate="layer %{x}: %{customdata:.3g}<extra>" + shown + "</extra>",
    )
    trace["line"]["width"], trace["marker"]["size"] = 1.3, 5
    return trace


def _table(swept: Sequence[Mapping[str, Any]], geometry: Mapping[str, Any]) -> str:
    by_layer = {own["layer"]: own for own in swept}
    rows: list[list[Cell]] = []
    for row in geometry["criteria"]:
        own = by_layer.get(row["layer"])
        best = own["best"] if own else None
        rows.append(
            [
                str(row["layer"]),
                rate_cell({**best, "value": best["insulting"]}) if best else "–",
                f"{best['dose']:.1f}" if best else "–",
                rate_cell(own["null"]) if own else "–",
                *(number(row[name], 3) for name in CRITERIA),
            ]
        )
    return table("phoque-layers", "Cause and geometry by layer", wording.LAYERS_HEAD, rows)


def _counted(swept: Sequence[Mapping[str, Any]], geometry: Mapping[str, Any]) -> str:
    best = next((own["best"]["n"] for own in swept if own["best"]), "–")
    null = swept[0]["null"]["n"] if swept else "–"
    return (
        f"{best} sweep prompts a layer and dose, {null} replies a layer under random vectors, "
        f"{geometry['probes']} probes for the geometry"
    )
