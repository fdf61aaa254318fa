"""Plotly figures as plain dictionaries, in one style; `drawing` makes the PNG of the same ones.

Colours are those of Okabe and Ito (2008); dash, symbol or pattern tell series apart without colour.
"""

from collections.abc import Sequence
from typing import Any

from phoque.report.artefacts import Value

GREEN, ORANGE, BLUE, PINK, GREY = "#009e73", "#d55e00", "#0072b2", "#b5589a", "#707884"
HEIGHT = 440
"""Pixels."""

Figure = dict[str, Any]
Trace = dict[str, Any]


def figure(traces: Sequence[Trace], *, x: str = "", y: str = "", **layout: Any) -> Figure:
    """One pair of axes; `xaxis` and `yaxis` add to them. `chart.drawn` sets title and n."""
    return {
        "data": list(traces),
        "layout": {
            "height": HEIGHT,
            "template": {"layout": {}},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "legend": {"orientation": "h", "y": -0.2},
            **layout,
            "xaxis": {"title": {"text": x}, "automargin": True, **layout.get("xaxis", {})},
            "yaxis": {"title": {"text": y}, "automargin": True, **layout.get("yaxis", {})},
        },
    }


def shares(**more: Any) -> dict[str, Any]:
    """An axis of shares."""
    return {"tickformat": ".0%", "range": [-0.03, 1.03], **more}


def line(name: str, xs: Sequence[float], ys: Sequence[float], colour: str, **look: Any) -> Trace:
    """A line; `dash`, `symbol` and `mode` as in Plotly, the rest as it is."""
    return {
        "type": "scatter",
        "mode": look.pop("mode", "lines+markers"),
        "name": name,
        "x": list(xs),
        "y": list(ys),
        "line": {"color": colour, "width": 2, "dash": look.pop("dash", "solid")},
        "marker": {"color": colour, "size": 7, "symbol": look.pop("symbol", "circle")},
        **look,
    }


def rates(
    name: str, xs: Sequence[float], found: Sequence[Value], colour: str, **look: Any
) -> Trace:
    """A line of values with their intervals."""
    values = [one.at("value").number for one in found]
    return line(name, xs, values, colour, error_y=error_bars(found), **look)


def error_bars(found: Sequence[Value], *, value: str = "value") -> dict[str, Any]:
    """Distances from a value to `low` and `high`."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.at("high").number - one.at(value).number for one in found],
        "arrayminus": [one.at(value).number - one.at("low").number for one in found],
        "thickness": 1.4,
        "width": 3,
    }


def bars(name: str, xs: Sequence[Any], ys: Sequence[Any], colour: Any, **look: Any) -> Trace:
    """Bars; `pattern` is one shape or one a bar."""
    pattern = {"shape": look.pop("pattern", "")}
    return {
        "type": "bar", "name": name, "x": list(xs), "y": list(ys),
        "marker": {"color": colour, "pattern": pattern}, **look,
    }  # fmt: skip


def heat(
    xs: Sequence[Any], ys: Sequence[Any], z: Sequence[Sequence[float | None]],
    text: Sequence[Sequence[str]],
) -> Trace:  # fmt: skip
    """Shares as colours, with words in the cells."""
    return {
        "type": "heatmap", "x": list(xs), "y": list(ys), "z": [list(row) for row in z],
        "text": [list(row) for row in text], "texttemplate": "%{text}", "colorscale": "Cividis",
        "zmin": 0.0, "zmax": 1.0, "colorbar": {"tickformat": ".0%"},
    }  # fmt: skip


def upright(at: float, text: str, *, height: float = 1.0) -> dict[str, list[dict[str, Any]]]:
    """A vertical line and its name, as parts of a layout."""
    shape = {
        "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": height,
        "line": {"color": GREY, "width": 1.5, "dash": "dash"},
    }  # fmt: skip
    label = {
        "text": text, "x": at, "y": height, "xref": "x", "yref": "paper", "showarrow": False,
        "xanchor": "left", "yanchor": "top",
    }  # fmt: skip
    return {"shapes": [shape], "annotations": [label]}


def marks(*uprights: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Several of them."""
    return {
        key: [one for mark in uprights for one in mark[key]] for key in ("shapes", "annotations")
    }
