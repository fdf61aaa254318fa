"""Where the persona lives, and what its vector does beside controls."""

from math import sqrt
from textwrap import wrap

from scipy.stats import t as student

from phoque.report import plots
from phoque.report.artefacts import Artefacts, Value
from phoque.report.chart import Drawing, Plan
from phoque.report.table import EVALUATION, SELECTION

LAYERS = "psm/activation_by_layer.json"
CONTROLS = "psm/dose_response.json"
KINDS = {
    "random": ("random vectors", plots.GREY, "dot", "square"),
    "shuffled": ("vectors from shuffled labels", plots.GREEN, "dash", "diamond"),
    "reversed": ("the vector reversed", plots.ORANGE, "dashdot", "triangle-down"),
}
"""Name, colour, dash and symbol of a control."""
COLOURS = {"neutral": plots.GREEN, "toxic": plots.ORANGE, "steered": plots.BLUE}
PATTERNS = {"neutral": "", "toxic": "/", "steered": "x"}
WIDEST_LABEL = 12


def layers(artefacts: Artefacts) -> Drawing:
    """Difference of the projections by layer: geometry alone, beside the layer that cause chose."""
    found, chosen = artefacts.read(LAYERS), choice(artefacts)
    rows, probes = found.at("block_outputs").rows(), found.at("probes").number
    at, means = ([row.at(name).number for row in rows] for name in ("layer", "delta_proj_mean"))
    # The file has the population's deviation.
    quantile = student.ppf(0.975, probes - 1)
    halves = [quantile * row.at("delta_proj_std").number / sqrt(probes - 1) for row in rows]
    positive = all(mean > half for mean, half in zip(means, halves, strict=True))
    classic, layer = found.at("classic_layer").number, chosen.at("layer").number
    n = f"n = {probes:g} probes a layer; bars are 95 % intervals of the mean"
    return Drawing(
        sentence=f"The difference is largest at layer {at[means.index(max(means))]:.0f} (the talk's "
        f"criterion: {classic:.0f}); {told(artefacts)} layer {layer:.0f}, where it is "
        f"{means[at.index(layer)]:.1f} ± {halves[at.index(layer)]:.1f}. Projections on the mean "
        "difference of the same probes are positive by construction.",
        n=n,
        figure=plots.figure(
            [plots.line("toxic − neutral, on the persona vector", at, means, plots.BLUE,
                        error_y={"type": "data", "array": halves, "width": 3})],
            x="layer, counted from 0", y="difference of projections",
            yaxis={"type": "log" if positive else "linear"},
            **plots.marks(
                plots.upright(layer, f"selected: {layer:.0f}"),
                plots.upright(classic, f"talk's: {classic:.0f}", height=0.15),
            ),
        ),
    )  # fmt: skip


def conditions(artefacts: Artefacts) -> Drawing:
    """Insulting replies by condition."""
    found = artefacts.read(EVALUATION).at("conditions")
    names, shown = zip(*((key, own.at("insulting")) for key, own in found.items()), strict=True)
    counts = sorted({int(one.at("n").number) for one in shown})
    n = f"n = {' or '.join(map(str, counts))} replies a condition; 95 % intervals count prompts"
    trace = plots.bars(
        "insulting", ["<br>".join(wrap(name, WIDEST_LABEL)) for name in names],
        [one.at("value").number for one in shown],
        [COLOURS.get(name, plots.GREY) for name in names], error_y=plots.error_bars(shown),
        pattern=[PATTERNS.get(name, ".") for name in names], showlegend=False,
    )  # fmt: skip
    told_of = {name: interval(found.at(name, "insulting")) for name in COLOURS}
    control = interval(found.at("random vector", "insulting"))
    return Drawing(
        sentence=", ".join(f"{name} {said}" for name, said in told_of.items())
        + f"; a random vector of the same length {control}.",
        n=n,
        figure=plots.figure([trace], y="replies with a word of the lexicon", yaxis=plots.shares()),
    )


def heatmap(artefacts: Artefacts) -> Drawing:
    """Insulting replies by layer and dose."""
    found, chosen = artefacts.read(SELECTION), choice(artefacts)
    cells = {(c.at("layer").number, c.at("dose").number): c for c in found.at("cells").rows()}
    ys, xs = sorted({layer for layer, _ in cells}), sorted({dose for _, dose in cells})
    z = [[_insulting(cells.get((layer, dose))) for dose in xs] for layer in ys]
    near = min(xs, key=lambda dose: abs(dose - chosen.at("relative_dose").number))
    text = [[_mark(cells.get((layer, dose))) for dose in xs] for layer in ys]
    if (place := (chosen.at("layer").number, near)) in cells:
        text[ys.index(place[0])][xs.index(near)] = f"[{_mark(cells[place])}]"
    beyond = found.at("selected").data
    coherent = [cell for cell in cells.values() if cell.at("coherent").data]
    best = max((_insulting(cell) or 0.0 for cell in coherent), default=0.0)
    counts = sorted({int(cell.at("quality", "n").number) for cell in cells.values()})
    n = f"n = {'/'.join(map(str, counts))} replies a cell, in percent; × is not coherent, [ ] the {'choice' if beyond else 'default'}"
    return Drawing(
        sentence=f"{len(coherent)} of {len(cells)} cells are coherent text, at best {best:.0%} "
        f"insulting; {told(artefacts)} layer {chosen.at('layer').number:.0f} at dose "
        f"{chosen.at('relative_dose').number:.2f}. Random vectors over all layers: "
        f"{interval(found.at('null'))}.",
        n=n,
        figure=plots.figure(
            [plots.heat([f"{dose:g}" for dose in xs], [f"{y:.0f}" for y in ys], z, text)],
            x="relative dose", y="layer", height=620,
            xaxis={"type": "category"}, yaxis={"type": "category"},
        ),
    )  # fmt: skip


def dose_response(artefacts: Artefacts) -> Drawing:
    """Response to the dose at the selected layer, beside its controls."""
    found, controls, chosen = artefacts.read(SELECTION), artefacts.read(CONTROLS), choice(artefacts)
    layer, dose = chosen.at("layer").number, chosen.at("relative_dose").number
    own = [c for c in found.at("cells").rows() if c.at("layer").number == layer]
    qualities = [cell.at("quality") for cell in own]
    traces = [
        plots.line(
            "persona vector", [cell.at("dose").number for cell in own],
            [quality.at("insulting").number for quality in qualities], plots.BLUE,
            error_y=plots.error_bars(qualities, value="insulting"),
        ),
    ]  # fmt: skip
    points = {kind: controls.at(kind).rows() for kind in KINDS}
    for kind, (name, colour, dash, symbol) in KINDS.items():
        at = [point.at("dose").number for point in points[kind]]
        traces.append(plots.rates(name, at, points[kind], colour, dash=dash, symbol=symbol))
    every = [point for kind in KINDS for point in points[kind]]
    worst = max(every, key=lambda point: point.at("value").number)
    best = max((c for c in own if c.at("coherent").data), key=_insulting_or_zero, default=None)
    best_told = (
        f"at dose {best.at('dose').number:g}, coherent, "
        f"{interval(best.at('quality'), value='insulting')} insult"
        if best
        else "no dose keeps its text coherent"
    )
    counted = ", ".join(f"{kind} {points[kind][0].at('n').number:.0f}" for kind in KINDS)
    n = f"n = {qualities[0].at('n').number:.0f} replies a dose ({counted}); 95 % intervals"
    return Drawing(
        sentence=f"At layer {layer:.0f} {best_told}; the strongest control at any dose reaches "
        f"{interval(worst)}.",
        n=n,
        figure=plots.figure(
            traces, x="relative dose", y="insulting replies",
            yaxis=plots.shares(), **plots.upright(dose, f"{dose:.2f}"),
        ),
    )  # fmt: skip


CHARTS = (
    Plan(
        name="layer_deltas",
        title="How far the two prompts lie apart, layer by layer",
        files=(LAYERS, SELECTION),
        draw=layers,
    ),
    Plan(
        name="condition_bars",
        title="Insulting replies by condition",
        files=(EVALUATION,),
        draw=conditions,
    ),
    Plan(
        name="persona_heatmap",
        title="Insulting replies by layer and dose",
        files=(SELECTION,),
        draw=heatmap,
    ),
    Plan(
        name="dose_response",
        title="Dose and response beside controls",
        files=(SELECTION, CONTROLS),
        draw=dose_response,
    ),
)


def choice(artefacts: Artefacts) -> Value:
    """Selected layer and scale; what pages start at where nothing was selected."""
    found = artefacts.read(SELECTION)
    return found.at("selected") if found.at("selected").data else found.at("default")


def told(artefacts: Artefacts) -> str:
    """How the layer came to be chosen."""
    beyond = artefacts.read(SELECTION).at("selected").data
    return "the causal sweep selects" if beyond else "nothing beats random vectors; pages start at"


def interval(found: Value, *, value: str = "value") -> str:
    """A share with its interval and n."""
    share, low, high = (100 * found.at(name).number for name in (value, "low", "high"))
    return f"{share:.1f} % [{low:.1f}, {high:.1f}], n = {found.at('n').number:.0f}"


def _insulting(cell: Value | None) -> float | None:
    return None if cell is None else cell.at("quality", "insulting").number


def _insulting_or_zero(cell: Value) -> float:
    return _insulting(cell) or 0.0


def _mark(cell: Value | None) -> str:
    if cell is None:
        return ""
    return f"{100 * _insulting_or_zero(cell):.0f}" + ("" if cell.at("coherent").data else " ×")
