"""Figures with one row a name: bars and marks across, each with its name above it."""

from collections.abc import Mapping

from phoque.figures import style
from phoque.stats.paired_ranks import ChanceAbove
from phoque.stats.rates import Rate

ROW = 48
"""Pixels of a row with its name above it."""


def chance(found: ChanceAbove) -> Rate:
    """A chance as a rate of messages, which is what is drawn."""
    return Rate(value=found.value, n=found.prompts, low=found.low, high=found.high)


def by_condition(
    found: Mapping[str, Rate],
    names: Mapping[str, str],
    title: str,
) -> style.Plotly:
    """One bar a condition, with its interval."""
    rates = [*found.values()]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [rate.value for rate in rates],
        "y": [names.get(name, name) for name in found],
        "marker": {
            "color": [style.CONDITIONS.get(name, style.GREY) for name in found],
            "pattern": {"shape": [style.PATTERNS.get(name, "") for name in found]},
        },
        **style.held_by("x", rates, style.INK, "%{y}"),
    }
    across = style.plot(
        [trace],
        x={"title": title, "tickformat": ".0%", "range": [0, 1.04]},
        y={"title": ""},
        height=100 + ROW * len(found),
    )
    return named_above(across)


def named_above(figure: style.Plotly) -> style.Plotly:
    """The figure with the name of each row above it: beside it, long names leave a phone no room."""
    layout = figure["layout"]
    names = dict.fromkeys(name for trace in figure["data"] for name in trace["y"])
    for trace in figure["data"]:
        if trace["type"] == "bar":
            trace["width"] = 0.4
    above = [
        {
            "text": name,
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": name,
            "yshift": ROW // 2 - 5,
            "showarrow": False,
        }
        for name in names
    ]
    return figure | {
        "layout": layout | {
            "annotations": [*layout["annotations"], *above],
            "margin": layout["margin"] | {"l": 12},
            "yaxis": layout["yaxis"] | {
                "showticklabels": False,
                "range": [len(names) - 0.5, -0.85],
                "autorange": False,
            },
        },
    }  # fmt: skip
