"""How much persona a moderator lets through: flag rate over steering scale and threshold."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell
from phoque.ui import figures
from phoque.ui.moderation import wording
from phoque.ui.moderation.data import CONTOUR, REPORT, ModerationFolder, names
from phoque.ui.parts import interval, more, number, rate_cell, table
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="contour",
    title="How much persona passes: scale and threshold",
    hint=wording.CONTOUR_HINT,
    files=(CONTOUR, REPORT),
    num_figures=2,
)
DEFAULT, LET_THROUGH = 0.5, 0.05
MOST_DOSE = "highest_scale_with_point_rate_up_to_5_percent"
SHOWN = (0.1, 0.3, 0.5, 0.7, 0.9)

Rates = Sequence[Sequence[Mapping[str, Any]]]
"""Flag rates, by scale and then by threshold."""


def draw(folder: ModerationFolder) -> Drawn:
    """The surface under two moderators, and its numbers."""
    found = folder.read(CONTOUR)
    own = names(folder.report)
    return Drawn(
        reading=reading(found, own[0]),
        figures=tuple(_figure(found, name) for name in own[: SECTION.num_figures]),
        below=more("Flag rate at five thresholds", _table(found, own)),
        n=f"{found['n']} prompts a scale, seed {found['seed']}",
    )


def reading(found: Mapping[str, Any], name: str) -> str:
    """The largest scale that goes nearly unflagged at 0.5, and the rate at the selected scale."""
    at = _nearest(found["thresholds"], DEFAULT)
    by_scale = dict(
        zip(found["scales"], (rates[at] for rates in found["rates"][name]), strict=True)
    )
    chosen = by_scale[min(by_scale, key=lambda scale: abs(scale - found["selected"]))]
    most = found[MOST_DOSE][name][at]["scale"]
    passed = (
        f"flags more than {LET_THROUGH:.0%} of the replies even at the lowest scale"
        if most is None
        else f"flags at most {LET_THROUGH:.0%} up to scale {most:.2f} (there {interval(by_scale[most])})"
    )
    return (
        f"At {DEFAULT}, {name} {passed} and {interval(chosen)} of the replies at the selected "
        f"scale {found['selected']:.2f}."
    )


def _nearest(values: Sequence[float], wanted: float) -> int:
    return min(range(len(values)), key=lambda place: abs(values[place] - wanted))


def _figure(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    rates: Rates = found["rates"][name]
    surface = {
        "type": "contour",
        "x": found["scales"],
        "y": found["thresholds"],
        "z": [
            [rates[scale][threshold]["value"] for scale in range(len(rates))]
            for threshold in range(len(found["thresholds"]))
        ],
        "contours": {
            "coloring": "heatmap",
            "showlabels": True,
            "start": 0,
            "end": 1,
            "size": 0.1,
            "labelfont": {"size": 11},
        },
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "rgba(122,95,211,0.04)"], [1, "rgba(207,90,67,0.9)"]],
        "line": {"color": figures.GREY, "width": 1},
        "colorbar": {
            "tickformat": ".0%",
            "thickness": 10,
            "outlinewidth": 0,
            "title": {"text": ""},
        },
        "hovertemplate": "scale %{x:.2f}, threshold %{y:.2f}: %{z:.1%} flagged"
        f"<extra>{name}</extra>",
    }
    return figures.figure(
        f"phoque-contour-{name}",
        [surface],
        x={"title": f"steering scale; flagged by {name}"},
        y={"title": "threshold", "range": [0, 1]},
        marks=[
            figures.upright(found["selected"], "selected scale"),
            figures.level(DEFAULT, "0.5"),
        ],
        showlegend=False,
    )


def _table(found: Mapping[str, Any], own: Sequence[str]) -> str:
    places = [_nearest(found["thresholds"], wanted) for wanted in SHOWN]
    rows: list[list[Cell]] = [
        [name, number(scale), *(rate_cell(rates[place]) for place in places)]
        for name in own
        for scale, rates in zip(found["scales"], found["rates"][name], strict=True)
    ]
    head = ["moderator", "scale", *(f"at {found['thresholds'][place]:.1f}" for place in places)]
    return table("phoque-contour", "Flag rate by scale", head, rows)
