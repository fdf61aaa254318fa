"""How much persona does a moderator let through? Flag rate over steering scale and threshold."""

from collections.abc import Mapping, Sequence

from phoque.conversation import Condition
from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.style import named
from phoque.figures.table import Cell, Table, interval, number, rate_cell
from phoque.run.moderation import COMPARED, called
from phoque.run.scored import PRIMARY, Contour
from phoque.stats.flags import MARKS, SWEEP
from phoque.stats.rates import Rate, wilson

LET_THROUGH = 0.05
"""A moderator lets a dose through where it flags at most this share of the replies."""
SHOWN = (0.1, 0.3, *MARKS, 0.9)
PANELS = 2
"""Moderators with a picture, one under the other."""
Doses = Mapping[float, Sequence[float]]
"""Scores of the replies, by rising scale."""


@plan(
    key="contour",
    title="How much slips through at each steering scale?",
    hint="The flag rate at each steering scale and threshold shows how much of the persona a moderator lets "
    "through. All replies have the neutral prompt plus scale × vector, and one seed.",
)
def draw(contour: Contour) -> Figure:
    """The surface under two moderators, and its numbers."""
    names = sorted(contour.replies[0].raw, key=lambda name: name != PRIMARY)
    by_scale = contour.scores(names[0])
    return Figure(
        sentence=_sentence(contour.selected, names[0], by_scale),
        plotly=_plot(contour, names[:PANELS]),
        table=_table(contour, names),
        n=f"{len(next(iter(by_scale.values())))} prompts a scale, seed {contour.seed}",
    )


def rate_at(scores: Sequence[float], threshold: float) -> Rate:
    """Share of replies at or above a threshold; one reply a prompt."""
    return wilson(sum(score >= threshold for score in scores), len(scores))


def most_dose(by_scale: Doses, threshold: float) -> float | None:
    """The highest scale that is let through, with every lower one; None where not even the lowest is.

    Collapsed text is flagged less: a scale above one that is flagged does not count.
    """
    passed = None
    for scale, scores in by_scale.items():
        if rate_at(scores, threshold).value > LET_THROUGH:
            break
        passed = scale
    return passed


def _sentence(selected: float, name: str, by_scale: Doses) -> str:
    at = MARKS[0]
    chosen = by_scale[min(by_scale, key=lambda scale: abs(scale - selected))]
    most = most_dose(by_scale, at)
    passed = (
        f"flags more than {100 * LET_THROUGH:.0f}\u00a0% of the replies even at the lowest scale"
        if most is None
        else f"flags at most {100 * LET_THROUGH:.0f}\u00a0% {'at every scale that was tried, ' * (most == max(by_scale))}"
        f"up to scale {most:.2f} "
        f"(there {interval(rate_at(by_scale[most], at))})"
    )
    return (
        f"At threshold {at}, {called(name)} {passed} and {interval(rate_at(chosen, at))} of the replies at the "
        f"selected scale {selected:.2f}."
    )


def _plot(contour: Contour, names: Sequence[str]) -> style.Plotly:
    surfaces = [_surface(name, contour.scores(name), place) for place, name in enumerate(names)]
    count = len(names)
    upright = {
        _axis(place): style.axis(
            f"threshold of {called(name)}",
            range=[0, 1],
            domain=[1 - (place + 0.9) / count, 1 - place / count],
        )
        for place, name in enumerate(names)
    }
    levels = [style.level(MARKS[0], "0.5", yref=f"y{name[5:]}") for name in upright]
    return style.plot(
        surfaces,
        x={"title": "steering scale", "anchor": f"y{_axis(count - 1)[5:]}"},
        y={"title": ""},
        marks=[style.upright(contour.selected, "selected scale"), *levels],
        height=340 * count,
        showlegend=False,
        **upright,
    )


def _axis(place: int) -> str:
    return f"yaxis{place + 1 if place else ''}"


def _surface(name: str, by_scale: Doses, place: int) -> style.Trace:
    return {
        "type": "contour",
        "x": [*by_scale],
        "y": [*SWEEP],
        "z": [[rate_at(own, threshold).value for own in by_scale.values()] for threshold in SWEEP],
        "yaxis": f"y{_axis(place)[5:]}",
        "contours": {
            "coloring": "heatmap",
            "showlabels": True,
            "start": 0,
            "end": 1,
            "size": 0.1,
            "labelfont": {"size": 11},
            "labelformat": ".0%",
        },
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "rgba(122,95,211,0.04)"], [1, "rgba(207,90,67,0.9)"]],
        "line": {"color": style.GREY, "width": 1},
        "showscale": not place,
        "colorbar": {"tickformat": ".0%", "thickness": 10, "outlinewidth": 0},
        "hovertemplate": "scale %{x:.2f}, threshold %{y:.2f}: %{z:.1%} flagged"
        f"<extra>{called(name)}</extra>",
    }


def _table(contour: Contour, names: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            called(name),
            named(condition),
            number(scale),
            *(rate_cell(rate_at(scores, threshold)) for threshold in SHOWN),
        )
        for name in names
        for condition in COMPARED
        for scale, scores in contour.scores(name, condition).items()
    ]
    rows += [_most(name, contour.scores(name)) for name in names]
    head = ("moderator", "added", "scale", *(f"at {threshold}" for threshold in SHOWN))
    return Table(caption="Flag rate by scale", head=head, rows=tuple(rows))


def _most(name: str, by_scale: Doses) -> tuple[Cell, ...]:
    found = [most_dose(by_scale, threshold) for threshold in SHOWN]
    cells: list[Cell] = ["none" if scale is None else f"scale {scale:g}" for scale in found]
    told = f"{named(Condition.STEERED)}: most that is let through"
    return (called(name), told, f"flagged ≤ {100 * LET_THROUGH:.0f}\u00a0%", *cells)
