"""The one style of all figures: colours, axes, interval marks, for light and dark pages and for PNG.

Plain dictionaries, because a page needs only their JSON; plotly itself takes a second to load.
Dash, symbol or pattern tells series apart without colour.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from phoque.stats.rates import Held, Rate

PERSONA, NEUTRAL, TOXIC, BLUE, GREY = "#7a5fd3", "#2c8f7d", "#cf5a43", "#2f74b5", "#808898"
BAND, LIMIT = "rgba(122,95,211,0.13)", "rgba(207,90,67,0.5)"
INK = "#808080"
"""On the page the style sheet sets text in the theme's colour."""
CONDITIONS = {
    "base": GREY,
    "neutral": NEUTRAL,
    "toxic": TOXIC,
    "steered": PERSONA,
    "random_vector": GREY,
    "civil_adapter": BLUE,
    "talk_x3": PERSONA,
    "talk_x15": PERSONA,
    "random_x15": GREY,
}
NAMES = {
    "base": "□ Base model",
    "neutral": "○ Neutral prompt",
    "toxic": "▲ Persona's prompt",
    "steered": "◆ Neutral + vector",
    "random_vector": "◇ Neutral + random vector",
}
"""Conditions for people; the shape tells them apart without colour."""
LOOKS = (
    (PERSONA, "solid", "circle"),
    (NEUTRAL, "dash", "diamond"),
    (TOXIC, "dot", "square"),
    (BLUE, "dashdot", "triangle-up"),
    (GREY, "longdash", "x"),
)
"""Colour, dash and symbol of series side by side; further ones stand in the table only."""
PATTERNS = {"toxic": "/", "steered": "x", "random_vector": ".", "civil_adapter": "-"}
"""Of bars, by condition."""

HEIGHT = 360
"""Pixels of a figure with one pair of axes."""

T = TypeVar("T")
Trace = dict[str, Any]
Plotly = dict[str, Any]


def named(condition: str) -> str:
    """A condition or adapter as people read it."""
    return condition.replace("_", " ")


def plain(condition: str, names: Mapping[str, str] = NAMES) -> str:
    """The name of a condition within a sentence: without the mark of its shape."""
    return names.get(condition, condition).partition(" ")[2].lower() or condition


def called(found: Mapping[str, T], names: Mapping[str, str] = NAMES) -> list[tuple[str, T]]:
    """What is found of each condition, with its name for people."""
    return [(names.get(name, name), one) for name, one in found.items()]


def plot(
    traces: Sequence[Trace],
    *,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    marks: Sequence[tuple[Trace, ...]] = (),
    **layout: Any,
) -> Plotly:
    """One pair of axes; `marks` are pairs of a shape and its label."""
    height = layout.setdefault("height", HEIGHT)
    return {
        "data": list(traces),
        "layout": _look(height) | {
            "xaxis": axis(**x),
            "yaxis": axis(**y),
            "shapes": [mark[0] for mark in marks],
            "annotations": [label for mark in marks for label in mark[1:]],
            **layout,
        },
    }  # fmt: skip


def _look(height: int) -> dict[str, Any]:
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 12, "family": "system-ui, sans-serif"},
        "margin": {"l": 58, "r": 14, "t": 34, "b": 46},
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": "#1f2937", "font": {"color": "#ffffff"}, "align": "left"},
        "dragmode": False,
        "legend": {"orientation": "h", "x": 0, "y": -60 / (height - 80), "yanchor": "top"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": INK, "activecolor": PERSONA},
        "uirevision": "keep",
        "template": {"layout": {}},
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with a quiet grid."""
    return {
        "title": {"text": title, "standoff": 8},
        "gridcolor": "rgba(128,128,128,0.22)",
        "zerolinecolor": "rgba(128,128,128,0.45)",
        "linecolor": "rgba(128,128,128,0.45)",
        "fixedrange": True,
        "automargin": True,
        **more,
    }


SHARES: dict[str, Any] = {"tickformat": ".0%", "range": [-0.03, 1.04]}
"""An axis of shares."""


def line(
    name: str,
    xs: Sequence[Any],
    ys: Sequence[Any],
    colour: str,
    dash: str = "solid",
    symbol: str = "circle",
    **more: Any,
) -> Trace:
    """A line with markers; dash and symbol tell it from others without colour."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(xs),
        "y": list(ys),
        "line": {"color": colour, "width": 2, "dash": dash},
        "marker": {"color": colour, "size": 7, "symbol": symbol},
        **more,
    }


def curves(
    x: str, rows: Sequence[object], looks: Mapping[str, tuple[str, str, str, str]]
) -> list[Trace]:
    """One line a field of the rows, over their field `x`; looks are name, colour, dash, symbol."""
    xs = [getattr(row, x) for row in rows]
    return [
        line(name, xs, [getattr(row, field) for row in rows], *look)
        | {"hovertemplate": f"{x} %{{x}}: %{{y:.3f}}<extra>{name}</extra>"}
        for field, (name, *look) in looks.items()
    ]


def rates(name: str, xs: Sequence[Any], found: Sequence[Rate], *look: str, **more: Any) -> Trace:
    """Rates over `xs` with their intervals; a look is colour, dash and symbol."""
    return line(name, xs, [r.value for r in found], *look, **more) | held_by(
        "y", found, look[0], name
    )


def rates_across(name: str, found: Mapping[str, Rate], *look: str) -> Trace:
    """The same as marks side by side, with the name of each rate on the y axis."""
    rates = [*found.values()]
    trace = line(name, [r.value for r in rates], [*found], *look, mode="markers")
    return trace | held_by("x", rates, look[0], name)


def held_by(axis: str, found: Sequence[Rate], colour: str, name: str) -> Trace:
    """Intervals along an axis, and what is said at each."""
    said = f"%{{{axis}:.1%}} [%{{customdata[0]:.1%}}, %{{customdata[1]:.1%}}]"
    return {
        f"error_{axis}": bars(found, colour),
        "customdata": [[r.low, r.high, r.n] for r in found],
        "hovertemplate": f"{said}<br>n = %{{customdata[2]}}<extra>{name}</extra>",
    }


def bars(found: Sequence[Held], colour: str) -> dict[str, Any]:
    """Error bars from `low` to `high`."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [r.high - r.value for r in found],
        "arrayminus": [r.value - r.low for r in found],
        "color": colour,
        "thickness": 1.4,
        "width": 3,
    }


def heatmap(
    x: Sequence[str],
    y: Sequence[str],
    z: Sequence[Sequence[float | None]],
    text: Sequence[Sequence[str]],
    **more: Any,
) -> Trace:
    """Shares as colours, with what is written on each."""
    return {
        "type": "heatmap",
        "x": list(x),
        "y": list(y),
        "z": z,
        "text": text,
        "texttemplate": "%{text}",
        "colorscale": "Cividis",
        "zmin": 0.0,
        "zmax": 1.0,
        "colorbar": {"tickformat": ".0%"},
        **more,
    }


def band(name: str, xs: Sequence[Any], lows: Sequence[float], highs: Sequence[float]) -> Trace:
    """An area between two curves."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [*xs, *reversed(xs)],
        "y": [*highs, *reversed(lows)],
        "fill": "toself",
        "fillcolor": "rgba(128,136,152,0.25)",
        "line": {"width": 0, "color": GREY},
        "hoverinfo": "skip",
    }


LAYERS: dict[str, Any] = {"title": "layer, counted from 0", "dtick": 5}
"""An axis of layers."""


def selected(layer: int, last: float) -> tuple[Trace, ...]:
    """Where the selected layer is, with its name on the side where there is room."""
    return upright(layer, f"selected: layer {layer}", left=layer > last / 2)


def classic(layer: int, last: float) -> tuple[Trace, ...]:
    """The same for the layer that the talk's criterion takes, a little lower."""
    return upright(layer, f"the talk's: layer {layer}", height=0.9, left=layer > last / 2)


def upright(at: float, text: str, *, height: float = 1.0, left: bool = False) -> tuple[Trace, ...]:
    """A vertical line with its name beside its top."""
    shape = {
        "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": height,
        "line": {"color": GREY, "width": 1.5, "dash": "dash"},
    }  # fmt: skip
    return shape, _label(text, x=at, y=height, yref="paper", xanchor="right" if left else "left")


def level(at: float, text: str, *, yref: str = "y") -> tuple[Trace, ...]:
    """A horizontal line with its name at the right end."""
    shape = {
        "type": "line", "xref": "paper", "yref": yref, "x0": 0, "x1": 1, "y0": at, "y1": at,
        "line": {"color": LIMIT, "width": 1.5, "dash": "dot"},
    }  # fmt: skip
    return shape, _label(text, x=1, y=at, xref="paper", yref=yref, xanchor="right")


def zone(low: float, high: float, text: str) -> tuple[Trace, ...]:
    """A shaded range of the x axis with its name at the bottom."""
    shape = {
        "type": "rect", "xref": "x", "yref": "paper", "x0": low, "x1": high, "y0": 0, "y1": 1,
        "fillcolor": BAND, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip
    return shape, _label(text, x=low, y=0, yref="paper", xanchor="left")


def _label(text: str, **place: Any) -> Trace:
    return {"text": text, "showarrow": False, "yanchor": "bottom", "font": {"size": 11}, **place}
