"""How much of the vector is enough? Dose and response beside controls."""

from math import isclose

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, interval
from phoque.figures.trait import SAMPLED, are, replies, setting
from phoque.run.psm import Cell, DoseRate, DoseResponse, Selection

LOOKS = {
    "persona vector": (style.PERSONA, "solid", "circle"),
    "random vectors": (style.GREY, "dot", "square"),
    "vectors from shuffled labels": (style.NEUTRAL, "dash", "diamond"),
    "the vector reversed": (style.TOXIC, "dashdot", "triangle-down"),
}
"""Colour, dash and symbol."""


@plan(
    key="dose_response",
    title="How much of the vector is enough?",
    hint="The relative dose is the length of the added vector divided by that of the model's own state. Three other "
    "vectors of the same length stand beside the persona vector: a random one, one measured with shuffled labels, and "
    "the persona vector reversed.",
    in_report=True,
)
def draw(selection: Selection, controls: DoseResponse) -> Figure:
    """The persona vector and three vectors to compare with on one axis of doses."""
    own = [DoseRate(dose=c.dose, rate=c.quality.trait) for c in _cells(selection)]
    found = (own, controls.random_vector, controls.shuffled, controls.reversed)
    curves = dict(zip(LOOKS, found, strict=True))
    traces = [
        style.rates(name, [p.dose for p in curve], [p.rate for p in curve], *LOOKS[name])
        for name, curve in curves.items()
    ]
    return Figure(
        sentence=_sentence(selection, controls),
        setting=setting(
            f"{selection.neutral.n} sweep prompts, one reply each at every dose",
            f"layer {selection.choice.layer}, the dose of each point",
            SAMPLED,
            selection.trait.by,
        ),
        plotly=style.plot(
            traces,
            x={"title": "relative dose"},
            y={"title": replies(selection.trait.by), **style.SHARES},
            marks=[
                style.zone(0, coherent_dose(selection), "coherent text"),
                style.upright(selection.choice.relative_dose, "selected"),
            ],
        ),
        table=Table.named(
            "Dose and response",
            "vector",
            [(name, point) for name, curve in curves.items() for point in curve],
            {
                "dose": ("dose", "{:g}".format),
                replies(selection.trait.by): "rate",
            },
        ),
        n="replies a dose: "
        + ", ".join(f"{curve[0].rate.n} of {name}" for name, curve in curves.items() if curve),
    )


def coherent_dose(selection: Selection) -> float:
    """The largest dose of the selected layer whose text stayed coherent."""
    choice = selection.choice
    return selection.coherent_scale * choice.relative_dose / choice.scale


def _cells(selection: Selection) -> list[Cell]:
    """Of the chosen layer; where the judge decides, those that it has read."""
    cells = selection.of_layer(selection.choice.layer)
    return [c for c in cells if c.quality.judged or selection.trait.by == "words"]


def _sentence(selection: Selection, controls: DoseResponse) -> str:
    """The strongest coherent dose against the strongest other vector."""
    layer, limit = selection.choice.layer, coherent_dose(selection)
    inside = [cell for cell in _cells(selection) if cell.dose <= limit + 1e-9]
    if not inside:
        return f"At layer {layer} no dose kept the text coherent, so no effect can be told."
    best = max(inside, key=lambda cell: cell.quality.trait.value)
    others = (*controls.random_vector, *controls.shuffled, *controls.reversed)
    alike = [point for point in others if isclose(point.dose, best.dose)] or others
    rival, most = (max(points, key=lambda point: point.rate.value) for points in (alike, others))
    strong = "clearly more" if best.quality.trait.low > rival.rate.high else "not clearly more"
    told = f" At dose {most.dose:g} such a vector reaches {interval(most.rate)}."
    return (
        f"At layer {layer} and dose {best.dose:g}, where text is still coherent, "
        f"{interval(best.quality.trait)} of the replies {are(selection.trait.by)}. That is {strong} than under the "
        f"strongest random, shuffled or reversed vector at dose {rival.dose:g}, {interval(rival.rate)}."
        f"{told * (most is not rival and most.rate.high >= best.quality.trait.low)}"
    )
