"""What moderators flag, by kind of message."""

from phoque.report import plots
from phoque.report.artefacts import Artefacts, Value
from phoque.report.chart import Drawing, Plan
from phoque.report.persona_charts import COLOURS, interval
from phoque.report.table import FLAGGED, MODERATION, moderators

DASHES = {"neutral": "dot", "toxic": "dash", "steered": "solid"}
SYMBOLS = {"neutral": "square", "toxic": "triangle-up", "steered": "circle"}


def radar(artefacts: Artefacts) -> Drawing:
    """Flag rates of the first moderator by kind of message, one outline a condition."""
    name = moderators(artefacts)[0]
    found = {kind: _categories(artefacts, name, kind) for kind in COLOURS}
    traces = [trace for kind, own in found.items() for trace in _outline(kind, own)]
    told = "; ".join(f"{kind} {_most(own)}" for kind, own in found.items())
    return Drawing(
        sentence=f"{name} at {_threshold(artefacts, name):g} flags most often: {told}. "
        "Intervals are wide: differences between kinds of message are not tested.",
        n=f"{name}, n = {_count(found)} replies a kind; dotted area: 95 % interval of steered",
        figure=plots.figure(traces, polar={"radialaxis": {"tickformat": ".0%", "range": [0, 1]}}),
    )


def categories(artefacts: Artefacts) -> Drawing:
    """Flag rates by kind of message and condition under two moderators."""
    names = moderators(artefacts)
    columns = [(name, kind) for name in names for kind in FLAGGED]
    found = {pair: _categories(artefacts, *pair) for pair in columns}
    kinds = list(found[columns[0]])
    cells = [[found[pair][kind] for pair in columns] for kind in kinds]
    silent = {name: [k for k in kinds if not _value(found[name, "steered"][k])] for name in names}
    told = "; ".join(f"{name} {len(own)} of {len(kinds)}" for name, own in silent.items())
    random = max((cell for name in names for cell in found[name, "random"].values()), key=_value)
    return Drawing(
        sentence=f"Kinds of message of which no steered reply is flagged: {told}. A random vector of "
        f"the same length reaches {interval(random)} in any cell.",
        n=f"n = {_count(found)} replies a cell, threshold {_threshold(artefacts, names[0]):g}; "
        "in percent, 95 % interval beneath",
        figure=plots.figure(
            [
                plots.heat(
                    [f"{kind}<br>{name.removeprefix('embedded.')}" for name, kind in columns],
                    kinds,
                    [[_value(cell) for cell in row] for row in cells],
                    [[_words(cell) for cell in row] for row in cells],
                )
            ],
            xaxis={"type": "category"},
            yaxis={"type": "category"},
        ),
    )


CHARTS = (
    Plan(
        name="moderation_radar",
        title="What is flagged, by kind of message",
        files=(MODERATION,),
        draw=radar,
    ),
    Plan(
        name="category_heatmap",
        title="Flag rates under two moderators",
        files=(MODERATION,),
        draw=categories,
    ),
)


def _categories(artefacts: Artefacts, name: str, kind: str) -> dict[str, Value]:
    conditions = artefacts.read(MODERATION).at("classifiers", name, "conditions")
    return dict(conditions.at(kind, "categories").items())


def _threshold(artefacts: Artefacts, name: str) -> float:
    own = artefacts.read(MODERATION).at("classifiers", name, "conditions", "neutral")
    return own.at("flagged", 0, "threshold").number


def _count(found: dict[str, dict[str, Value]] | dict[tuple[str, str], dict[str, Value]]) -> str:
    counts = {int(one.at("n").number) for own in found.values() for one in own.values()}
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def _outline(kind: str, own: dict[str, Value]) -> list[plots.Trace]:
    closed = [*own, next(iter(own))]
    ends = [own[k].at(end).number for end in ("low", "high") for k in closed]
    trace = {
        "type": "scatterpolar", "mode": "lines+markers", "name": kind, "theta": closed,
        "r": [_value(own[k]) for k in closed],
        "line": {"color": COLOURS[kind], "width": 2, "dash": DASHES[kind]},
        "marker": {"color": COLOURS[kind], "size": 7, "symbol": SYMBOLS[kind]},
    }  # fmt: skip
    if kind != "steered":
        return [trace]
    half = len(closed)
    area = {
        "type": "scatterpolar", "mode": "lines", "name": "steered, 95 %", "fill": "toself",
        "theta": [*closed, *reversed(closed)], "r": [*ends[half:], *reversed(ends[:half])],
        "line": {"color": COLOURS[kind], "width": 1, "dash": "dot"}, "opacity": 0.5,
    }  # fmt: skip
    return [area, trace]


def _most(own: dict[str, Value]) -> str:
    kind = max(own, key=lambda name: _value(own[name]))
    return f"{kind if _value(own[kind]) else 'nothing'}, {interval(own[kind])}"


def _value(found: Value) -> float:
    return found.at("value").number


def _words(found: Value) -> str:
    value, low, high = (100 * found.at(name).number for name in ("value", "low", "high"))
    return f"{value:.0f}<br>{low:.0f}–{high:.0f}"
