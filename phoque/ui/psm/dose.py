"""Dose and response at the selected layer, and dose in nats."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell
from phoque.run.directory import SELECTION
from phoque.ui import figures
from phoque.ui.parts import interval, more, number, rate_cell, table
from phoque.ui.psm import wording
from phoque.ui.psm.data import CONTROLS, PsmFolder, choice
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="dose",
    title="How much is enough? Dose and response",
    hint=wording.DOSE_HINT,
    files=(SELECTION, CONTROLS),
    num_figures=1,
)
KINDS = {
    "random": ("random vectors", figures.GREY, "dot", "square"),
    "shuffled": ("vectors from shuffled labels", figures.NEUTRAL, "dash", "diamond"),
    "reversed": ("the vector reversed", figures.TOXIC, "dashdot", "triangle-down"),
}
ROWS = {"persona": "persona vector", **{kind: look[0] for kind, look in KINDS.items()}}

Rates = Sequence[Mapping[str, Any]]


def draw(folder: PsmFolder) -> Drawn:
    """Response with its controls above, divergence below, on one axis of doses."""
    chosen, _ = choice(folder)
    found = folder.read(SELECTION)
    controls = folder.read(CONTROLS)
    cells = [cell for cell in found["cells"] if cell["layer"] == chosen["layer"]]
    persona = [{"dose": c["dose"], **_rate(c["quality"])} for c in cells]
    curves = {"persona": persona, **{kind: controls[kind] for kind in KINDS}}
    dose_per_scale = chosen["relative_dose"] / chosen["scale"]
    return Drawn(
        reading=reading(curves, chosen, dose_per_scale, wording.hits(folder.persona)),
        figures=(_figure(curves, cells, found, chosen, dose_per_scale),),
        below=more("All numbers of this figure", _table(curves, cells)),
        n=f"{persona[0]['n']} prompts a dose; "
        + "; ".join(f"{ROWS[kind]} {controls[kind][0]['n']} replies" for kind in KINDS),
    )


def reading(
    curves: Mapping[str, Rates], chosen: Mapping[str, Any], dose_per_scale: float, hits: str
) -> str:
    """The strongest coherent dose against the strongest control."""
    limit = chosen["coherent_scale"] * dose_per_scale
    inside = [point for point in curves["persona"] if point["dose"] <= limit + 1e-9]
    if not inside:
        return f"At layer {chosen['layer']} no dose kept its text coherent: nothing can be read."
    best = max(inside, key=lambda point: point["value"])
    worst = max(
        (p for kind in KINDS for p in curves[kind]), key=lambda point: point["value"], default=best
    )
    strong = "clearly above" if best["low"] > worst["high"] else "not clearly above"
    return (
        f"At dose {best['dose']:.1f}, inside the coherent band, {interval(best)} are {hits}: "
        f"{strong} the strongest control at any dose, {interval(worst)}."
    )


def _rate(quality: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": quality["insulting"], **{k: quality[k] for k in ("low", "high", "n")}}


def _figure(
    curves: Mapping[str, Rates],
    cells: Sequence[Mapping[str, Any]],
    found: Mapping[str, Any],
    chosen: Mapping[str, Any],
    dose_per_scale: float,
) -> dict[str, Any]:
    limit = found["toxic_divergence"]["p95"]
    marks = [
        figures.zone(0, chosen["coherent_scale"] * dose_per_scale, "coherent text"),
        figures.level(limit, "the persona's own prompt moves this far (p95)", yref="y2"),
        figures.level(1.0, "one nat", yref="y2"),
    ]
    if chosen["nat_scale"] is not None:
        marks.append(figures.upright(chosen["nat_scale"] * dose_per_scale, "one nat"))
    return figures.figure(
        "phoque-dose-response",
        [*_responses(curves), *_divergences(cells)],
        x={"title": "relative dose", "anchor": "y2"},
        y={"title": "replies", **figures.SHARES, "domain": [0.42, 1]},
        marks=marks,
        yaxis2=figures.axis("KL, nats a token", domain=[0, 0.34], rangemode="tozero"),
        height=560,
    )


def _responses(curves: Mapping[str, Rates]) -> list[figures.Trace]:
    persona = curves["persona"]
    traces = [
        figures.rates(ROWS["persona"], [p["dose"] for p in persona], persona, figures.PERSONA)
    ]
    for kind, (name, colour, dash, symbol) in KINDS.items():
        doses = [p["dose"] for p in curves[kind]]
        traces.append(figures.rates(name, doses, curves[kind], colour, dash=dash, symbol=symbol))
    return traces


def _divergences(cells: Sequence[Mapping[str, Any]]) -> list[figures.Trace]:
    looks = {"mean": ("KL, mean", "solid", "circle-open"), "p95": ("KL, p95", "dot", "square-open")}
    return [
        figures.line(
            name,
            [cell["dose"] for cell in cells],
            [cell["divergence"][key] for cell in cells],
            figures.PERSONA,
            dash=dash,
            symbol=symbol,
            yaxis="y2",
            hovertemplate="%{y:.2f} nats<extra>" + name + "</extra>",
        )
        for key, (name, dash, symbol) in looks.items()
    ]


def _table(curves: Mapping[str, Rates], cells: Sequence[Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [
            ROWS["persona"],
            number(cell["dose"], 1),
            rate_cell(_rate(cell["quality"])),
            number(cell["divergence"]["mean"]),
            number(cell["divergence"]["p95"]),
            "yes" if cell["coherent"] else "no",
        ]
        for cell in cells
    ]
    rows += [
        [ROWS[kind], number(point["dose"], 1), rate_cell(point), "–", "–", "–"]
        for kind in KINDS
        for point in curves[kind]
    ]
    return table("phoque-dose-response", "Dose and response", wording.DOSE_TABLE_HEAD, rows)
