"""A figure as it stands on a page, and as it stands alone on paper."""

from textwrap import wrap

from phoque.figures.style import Plotly

PAPER_INK = "#30343b"
TOP, LINE, WIDEST = 80, 16, 120
"""Pixels above a figure, of a line of its subtitle, and characters of the longest line."""


def on_page(figure: Plotly, name: str) -> Plotly:
    """The figure with its one button, which saves a PNG under a name."""
    return figure | {
        "config": {
            "displaylogo": False,
            "displayModeBar": True,
            "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": {"format": "png", "filename": f"phoque-{name}", "scale": 2},
        },
    }


def on_paper(figure: Plotly, title: str, subtitle: str) -> Plotly:
    """The figure as it stands alone: on white, with its title and what was counted."""
    lines = wrap(subtitle, WIDEST) or [""]
    top = TOP + LINE * len(lines)
    look = {
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "font": {"color": PAPER_INK, "size": 13, "family": "sans-serif"},
        "margin": {"l": 70, "r": 30, "t": top, "b": 60},
        "height": figure["layout"]["height"] + top,
        "title": {"text": title, "subtitle": {"text": "<br>".join(lines)}, "x": 0.02},
    }
    return {"data": figure["data"], "layout": figure["layout"] | look}
