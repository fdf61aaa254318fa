"""The PNG of a Plotly figure, drawn with matplotlib: no browser, no network, the same numbers.

It knows what `plots` makes, and nothing else of Plotly.
"""

from collections.abc import Callable, Mapping, Sequence
from math import pi
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Page
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import PercentFormatter

DPI = 110
WIDTH = 8.0
"""Inches."""
PIXELS_PER_INCH = 90
DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": "--"}
SYMBOLS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v",
           "x": "X", "cross": "P", "star": "*", "hexagon": "h"}  # fmt: skip
OPEN = "-open"
INK, GRID = "#30343b", "#d9dce1"

CROWDED = 12
"""Names along an axis that are written upright."""

Trace = Mapping[str, Any]


def draw_png(figure: Mapping[str, Any], file: Path) -> None:
    """Write the figure; the same figure gives the same bytes."""
    layout = figure["layout"]
    page = Page(figsize=(WIDTH, layout["height"] / PIXELS_PER_INCH), dpi=DPI, layout="constrained")
    FigureCanvasAgg(page)
    axes = page.add_subplot(projection="polar" if "polar" in layout else None)
    for trace in figure["data"]:
        DRAW[trace["type"]](axes, trace)
    if isinstance(axes, PolarAxes):
        _polar_axes(axes, figure["data"][-1]["theta"][:-1])
    else:
        _plain_axes(axes, layout, grid=figure["data"][0]["type"] != "heatmap")
    _marks(axes, layout)
    _words(axes, layout)
    page.savefig(file, metadata={"Software": None})


def _scatter(axes: Axes, trace: Trace) -> None:
    axes.errorbar(
        _named(trace["x"]), trace["y"], yerr=_errors(trace), capsize=3, elinewidth=1, **_look(trace)
    )  # fmt: skip


def _bar(axes: Axes, trace: Trace) -> None:
    shapes = trace["marker"]["pattern"]["shape"]
    axes.bar(
        _named(trace["x"]), trace["y"], bottom=trace.get("base", 0), width=0.7,
        color=trace["marker"]["color"], edgecolor="white", yerr=_errors(trace), ecolor=INK,
        label=trace["name"] if trace.get("showlegend", True) else "_", capsize=3,
        hatch=[2 * shape for shape in shapes] if isinstance(shapes, list) else 2 * shapes,
    )  # fmt: skip
    if len(trace["x"]) > CROWDED:
        axes.tick_params("x", rotation=90)


def _heatmap(axes: Axes, trace: Trace) -> None:
    z = [[float("nan") if value is None else value for value in row] for row in trace["z"]]
    low, high = trace["zmin"], trace["zmax"]
    image = axes.imshow(
        z, cmap=trace["colorscale"].lower(), vmin=low, vmax=high, aspect="auto", origin="lower"
    )
    for y, row in enumerate(trace["text"]):
        for x, text in enumerate(row):
            ink = "black" if z[y][x] > (low + high) / 2 else "white"
            axes.text(x, y, _lines(text), ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(len(trace["x"])), _named(trace["x"]))
    axes.set_yticks(range(len(trace["y"])), _named(trace["y"]))
    axes.figure.colorbar(image, ax=axes, format=PercentFormatter(1, decimals=0))


def _scatterpolar(axes: Axes, trace: Trace) -> None:
    names = list(dict.fromkeys(trace["theta"]))
    angles = [2 * pi * names.index(name) / len(names) for name in trace["theta"]]
    if trace.get("fill"):
        axes.fill(angles, trace["r"], color=trace["line"]["color"], alpha=0.15, linewidth=0)
    axes.plot(angles, trace["r"], **_look(trace))


DRAW: Mapping[str, Callable[[Axes, Trace], None]] = {
    "scatter": _scatter,
    "bar": _bar,
    "heatmap": _heatmap,
    "scatterpolar": _scatterpolar,
}


def _look(trace: Trace) -> dict[str, Any]:
    line, marker, mode = trace.get("line", {}), trace.get("marker", {}), trace["mode"]
    symbol = str(marker.get("symbol", ""))
    return {
        "label": trace["name"],
        "color": line.get("color") or marker["color"],
        "linewidth": 0.8 * line.get("width", 2),
        "linestyle": DASHES[line.get("dash", "solid")] if "lines" in mode else "none",
        "marker": SYMBOLS[symbol.removesuffix(OPEN)] if "markers" in mode else None,
        "markerfacecolor": "none" if symbol.endswith(OPEN) else None,
        "markersize": 5,
    }


def _errors(trace: Trace) -> list[Sequence[float]] | None:
    if not (found := trace.get("error_y")):
        return None
    # Rounding may leave a distance a hair below zero.
    sides = (found.get("arrayminus", found["array"]), found["array"])
    return [[max(0.0, length) for length in side] for side in sides]


def _plain_axes(axes: Axes, layout: Mapping[str, Any], *, grid: bool) -> None:
    axes.set_xlabel(layout["xaxis"]["title"]["text"])
    axes.set_ylabel(layout["yaxis"]["title"]["text"])
    for side, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if layout[f"{side}axis"].get("tickformat") == ".0%":
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
    if layout["yaxis"].get("type") == "log":
        axes.set_yscale("log")
    if "range" in layout["yaxis"]:
        axes.set_ylim(*layout["yaxis"]["range"])
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(visible=True, color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)


def _polar_axes(axes: PolarAxes, names: Sequence[str]) -> None:
    axes.set_thetagrids([360 * place / len(names) for place in range(len(names))], names)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=True, color=GRID, linewidth=0.6)


def _marks(axes: Axes, layout: Mapping[str, Any]) -> None:
    for shape in layout.get("shapes", ()):
        axes.axvline(shape["x0"], 0, shape["y1"], color=shape["line"]["color"], linestyle="--")
    for label in layout.get("annotations", ()):
        place = (label["x"], label["y"])
        axes.annotate(
            f" {label['text']}", place, xycoords=("data", "axes fraction"), va="top", fontsize=9
        )


def _words(axes: Axes, layout: Mapping[str, Any]) -> None:
    title = layout["title"]
    axes.set_title(title["text"], loc="left", fontsize=13, color=INK, pad=26)
    axes.annotate(
        title["subtitle"]["text"], (0, 1), (0, 8), xycoords="axes fraction",
        textcoords="offset points", fontsize=9, color=INK,
    )  # fmt: skip
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def _named(values: Sequence[Any]) -> list[Any]:
    return [_lines(value) if isinstance(value, str) else value for value in values]


def _lines(text: str) -> str:
    return text.replace("<br>", "\n")
