"""Did tuning create the direction, or amplify one that was there?"""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell
from phoque.ui import figures
from phoque.ui.parts import interval, number, rate_cell, table
from phoque.ui.psm import wording
from phoque.ui.psm.data import ORIGIN, PsmFolder
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="origin",
    title="Created or amplified?",
    hint=wording.ORIGIN_HINT,
    files=(ORIGIN,),
    num_figures=1,
)
VECTORS = ("none", "base", "persona", "control", "random")
ALIKE = 0.8
"""From this cosine on the sentence calls two directions the same."""
UNRELATED = 0.2
"""Up to this one it calls them different."""


def draw(folder: PsmFolder) -> Drawn:
    """The transplant matrix and the way there."""
    found = folder.read(ORIGIN)
    steps = found["trajectory"]
    return Drawn(
        reading=reading(found),
        figures=(_figure(steps),) if steps else (),
        above=_matrix(found) + _cosines(found),
        below="" if steps else f'<p class="ph-hint">{wording.NO_TRAJECTORY}</p>',
        n=f"{found['effects']['base']['none']['n']} evaluation prompts a cell, "
        f"{found['effects']['base']['random']['n']} replies under random vectors; relative dose "
        f"{found['relative_dose']:.2f} at layer {found['layer']}",
    )


def reading(found: Mapping[str, Any]) -> str:
    """Whether the base model's own direction works, and whether the tuned one works in it."""
    cosine, effects = found["cosines"]["base"]["persona"], found["effects"]
    ratio = found["norms"]["persona"] / found["norms"]["base"]
    into_base, back = effects["base"]["persona"], effects["persona"]["base"]
    works = into_base["low"] > effects["base"]["random"]["high"]
    return (
        f"{_origin(cosine, works=works)}: base and tuned vectors have cosine {cosine:+.2f} and the "
        f"tuned one is {ratio:.1f} times as long. The tuned vector "
        f"{'works' if works else 'shows no clear effect'} in the base model "
        f"({interval(into_base)}); in the tuned model the base model's own vector makes "
        f"{interval(back)} and the tuned one {interval(effects['persona']['persona'])}."
    )


def _origin(cosine: float, *, works: bool) -> str:
    if cosine < ALIKE:
        return "A partly new direction" if cosine > UNRELATED else "A new direction"
    if works:
        return "The same direction, amplified"
    return "The direction was there before tuning, acting on it was not"


def _matrix(found: Mapping[str, Any]) -> str:
    rows: list[list[Cell]] = [
        [wording.MODELS[receiver], *(rate_cell(effects[name]) for name in VECTORS)]
        for receiver, effects in found["effects"].items()
    ]
    caption = f"Replies with a listed word, by model and by vector (layer {found['layer']})"
    return table("phoque-transplant", caption, wording.MATRIX_HEAD, rows)


def _cosines(found: Mapping[str, Any]) -> str:
    names = list(found["cosines"])
    rows: list[list[Cell]] = [
        [
            wording.MODELS[name],
            *(number(found["cosines"][name][other], sign=True) for other in names),
            number(found["norms"][name]),
        ]
        for name in names
    ]
    head = ["vector of", *(f"cosine with {wording.MODELS[name]}'s" for name in names), "length"]
    return table("phoque-cosines", "Cosines between the models' vectors", head, rows)


def _figure(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    at = [row["step"] for row in steps]
    looks = {
        "persona": ("under the persona's prompt", figures.TOXIC, "solid", "triangle-up"),
        "neutral": ("under the neutral prompt", figures.NEUTRAL, "dash", "circle"),
        "cosine": ("cosine with the final vector", figures.PERSONA, "dot", "diamond"),
    }
    traces = [
        figures.line(
            name,
            at,
            [row[key] for row in steps],
            colour,
            dash=dash,
            symbol=symbol,
            hovertemplate="step %{x}: %{y:.2f}<extra>" + name + "</extra>",
        )
        for key, (name, colour, dash, symbol) in looks.items()
    ]
    return figures.figure(
        "phoque-trajectory",
        traces,
        x={"title": "optimizer step"},
        y={"title": "in lengths of the final vector"},
    )
