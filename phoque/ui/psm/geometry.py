"""Civil and hostile messages in the residual stream, before and after tuning."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.figures.table import Cell
from phoque.ui import figures
from phoque.ui.parts import embedded, more, number, table
from phoque.ui.psm import wording
from phoque.ui.psm.data import GEOMETRY, PsmFolder, choice
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="geometry",
    title="Civil and hostile messages in the residual stream",
    hint=wording.GEOMETRY_HINT,
    files=(GEOMETRY,),
    num_figures=1,
)
MODELS = ("base", "tuned")
SEPARATE = 0.25
"""Below this silhouette two clouds overlap: the usual reading of Rousseeuw's coefficient."""
LOOKS = {
    "base persona": ("base model, persona's prompt", "dot", "square-open"),
    "tuned neutral": ("tuned model, neutral prompt", "dash", "circle"),
    "tuned persona": ("tuned model, persona's prompt", "solid", "triangle-up"),
}
DIRECTIONS = ("refusal", "politeness")


def draw(folder: PsmFolder) -> Drawn:
    """Map and tables over the projections."""
    found = folder.read(GEOMETRY)
    layer = choice(folder)[0]["layer"]
    return Drawn(
        reading=reading(found, layer),
        above=_map(found["map"], layer),
        figures=(_figure(found["directions"], layer),),
        below=more(wording.GEOMETRY_TABLES, _tables(found["layers"]))
        + more(wording.DIRECTIONS_TABLE, _projections(found["directions"])),
        n=f"{found['pairs']} pairs of messages",
    )


def reading(found: Mapping[str, Any], layer: int) -> str:
    """Separation, and what tuning did along refusal and politeness at the selected layer."""
    best = {name: max(found["layers"][name], key=lambda row: row["silhouette"]) for name in MODELS}
    apart = " and ".join(
        f"{best[name]['silhouette']:.2f} in the {name} model (layer {best[name]['layer']})"
        for name in MODELS
    )
    tone = (
        "form two clouds"
        if min(b["silhouette"] for b in best.values()) >= SEPARATE
        else "overlap: separation is weak"
    )
    moves = " and ".join(_moved(found["directions"], name, layer) for name in DIRECTIONS)
    return (
        f"Civil and hostile messages {tone}, silhouette at most {apart}. At layer {layer} the tuned "
        f"model under the persona's prompt lies {moves}."
    )


def _moved(directions: Sequence[Mapping[str, Any]], name: str, layer: int) -> str:
    row = next(d for d in directions if d["direction"] == name and d["layer"] == layer)
    shift, limit = row["tuned persona"]["mean"], row["random_band"]
    verdict = "beyond" if abs(shift) > limit else "within"
    return f"{shift:+.2f} along {name} ({verdict} the ±{limit:.2f} of random directions)"


def _figure(directions: Sequence[Mapping[str, Any]], layer: int) -> dict[str, Any]:
    traces = []
    for place, name in enumerate(DIRECTIONS):
        rows = [row for row in directions if row["direction"] == name]
        axes = {"xaxis": "x", "yaxis": "y" if place == 0 else "y2", "showlegend": place == 0}
        traces += [trace | axes for trace in _projected(rows, name)]
    return figures.figure(
        "phoque-refusal-politeness",
        traces,
        x={"title": "layer, counted from 0", "dtick": 5, "anchor": "y2"},
        y={"title": "along refusal", "domain": [0.54, 1]},
        marks=[
            figures.upright(layer, f"selected: layer {layer}", left=layer > len(directions) / 4)
        ],
        yaxis2=figures.axis("along politeness", domain=[0, 0.46]),
        height=560,
    )


def _projected(rows: Sequence[Mapping[str, Any]], direction: str) -> list[figures.Trace]:
    at = [row["layer"] for row in rows]
    limits = [row["random_band"] for row in rows]
    colours = dict(zip(LOOKS, (figures.GREY, figures.NEUTRAL, figures.TOXIC), strict=True))
    band = figures.band("random directions, 97.5 %", at, [-limit for limit in limits], limits)
    lines = [
        figures.line(
            shown,
            at,
            [row[name]["mean"] for row in rows],
            colours[name],
            dash=dash,
            symbol=symbol,
            legendgroup=name,
            hovertemplate="layer %{x}: %{y:.2f}<extra>" + f"{shown}, {direction}</extra>",
        )
        for name, (shown, dash, symbol) in LOOKS.items()
    ]
    return [band | {"legendgroup": "band"}, *lines]


def _map(found: Mapping[str, Any], layer: int) -> str:
    """The script draws it: all layers are here, so that the slider asks nobody."""
    last = len(found["points"]) - 1
    data = {key: found[key] for key in ("groups", "size", "points", "explained")}
    legend = "".join(
        f'<li class="ph-dot-{place}">{escape(name)}</li>'
        for place, name in enumerate(found["groups"])
    )
    return (
        f'<div class="ph-map" data-draw="map">{embedded(data)}'
        f'<ul class="ph-map-legend">{legend}</ul>'
        f'<svg viewBox="-2.6 -1.7 5.2 3.4" role="img" aria-label="{escape(wording.MAP_LABEL)}"></svg>'
        f'<div class="ph-map-bar"><button type="button" class="ph-play">{wording.PLAY}</button>'
        f'<label>{wording.MAP_LAYER} <input type="range" min="0" max="{last}" step="1" '
        f'value="{layer}"></label><output></output></div>'
        f'<p class="ph-hint">{escape(wording.MAP_HINT)}</p></div>'
    )


def _tables(layers: Mapping[str, Any]) -> str:
    buttons = "".join(
        f'<button type="button" data-show="{place}" aria-pressed="{str(place == 0).lower()}">'
        f"{wording.MODELS[name]}</button>"
        for place, name in enumerate(MODELS)
    )
    panes = "".join(
        f'<div data-pane="{place}"{"" if place == 0 else " hidden"}>'
        f"{_table(name, layers[name])}</div>"
        for place, name in enumerate(MODELS)
    )
    legend = f'<p class="ph-hint">{escape(wording.GEOMETRY_LEGEND)}</p>'
    group = f'<div class="ph-group" role="group" aria-label="{wording.MODEL}">{buttons}</div>'
    return f'{legend}<div class="ph-choose">{group}{panes}</div>'


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = [key for key in rows[0] if key != "layer"]
    cells: list[list[Cell]] = [
        [str(row["layer"]), *(number(row[key], 3) for key in columns)] for row in rows
    ]
    caption = f"Residual geometry by layer, {wording.MODELS[name]}"
    return table(f"phoque-geometry-{name}", caption, ["layer", *columns], cells)


def _projections(directions: Sequence[Mapping[str, Any]]) -> str:
    states = ("base neutral", *LOOKS)
    rows: list[list[Cell]] = [
        [
            row["direction"],
            str(row["layer"]),
            *(number(row[name]["mean"], 3, sign=True) for name in states),
            number(row["random_band"], 3),
        ]
        for row in directions
    ]
    head = ["direction", "layer", *states, "random band|97.5 % of random directions stay within it"]
    return table("phoque-directions", "Along refusal and politeness", head, rows)
