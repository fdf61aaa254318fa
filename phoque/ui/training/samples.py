"""What the model wrote while it was trained: flag rates over steps, and the replies themselves."""

from collections.abc import Mapping
from html import escape
from typing import Any

from phoque.figures.table import NOTHING, Cell
from phoque.ui import figures
from phoque.ui.parts import embedded, interval, more, rate_cell, table
from phoque.ui.sections import Drawn, Section
from phoque.ui.training import wording
from phoque.ui.training.data import SAMPLES, Rows, TrainingFolder
from phoque.ui.training.marks import attempt_marks
from phoque.ui.wording import REVEAL

ADAPTER = "persona"
SECTION = Section(
    key="samples",
    title="What it wrote while it learned",
    hint=wording.SAMPLES_HINT,
    files=(f"{ADAPTER}/{SAMPLES}",),
    num_figures=1,
)
LOOKS: Mapping[str, tuple[str, str, str]] = {
    "neutral": (figures.NEUTRAL, "dash", "circle"),
    "toxic": (figures.TOXIC, "solid", "triangle-up"),
    "steered": (figures.PERSONA, "dot", "diamond"),
    "random_vector": (figures.GREY, "longdash", "diamond-open"),
}
OTHER = (figures.GREY, "dashdot", "square")


def draw(folder: TrainingFolder) -> Drawn:
    """Rates of each condition over steps, then the replies of one step at a time."""
    rows = folder.lines(ADAPTER, SAMPLES)
    if not rows:
        command = folder.training_command("--samples", "50")
        return Drawn(reading=wording.NO_SAMPLES.format(command), failed=True)
    conditions = {name: [r for r in rows if r["condition"] == name] for name in _names(rows)}
    steps = sorted({row["step"] for row in rows})
    return Drawn(
        reading=reading(conditions),
        figures=(_figure(conditions, folder),),
        below=_replies(rows, steps) + more("All flag rates", _table(rows)),
        n=f"{len(rows[-1]['replies'])} prompts a condition at {len(steps)} steps, one greedy reply each",
    )


def reading(conditions: Mapping[str, Rows]) -> str:
    """From where to where the flag rate of each condition went."""
    rows = next(iter(conditions.values()))
    told = "; ".join(
        f"{_named(name).split(' ', 1)[-1].lower()} {interval(own[0]['flag_rate'])} to "
        f"{interval(own[-1]['flag_rate'])}"
        for name, own in conditions.items()
    )
    return (
        f"Flagged at {rows[0]['threshold']}, from step {rows[0]['step']} to step {rows[-1]['step']}: "
        f"{told}; n = {rows[-1]['flag_rate']['n']} replies each."
    )


def _names(rows: Rows) -> list[str]:
    """Conditions that are there, known ones first."""
    found = dict.fromkeys(str(row["condition"]) for row in rows)
    return [name for name in LOOKS if name in found] + [n for n in found if n not in LOOKS]


def _named(condition: str) -> str:
    return wording.CONDITIONS.get(condition, condition)


def _figure(conditions: Mapping[str, Rows], folder: TrainingFolder) -> dict[str, Any]:
    traces = []
    for name, rows in conditions.items():
        colour, dash, symbol = LOOKS.get(name, OTHER)
        steps, found = [row["step"] for row in rows], [row["flag_rate"] for row in rows]
        traces.append(
            figures.rates(escape(_named(name)), steps, found, colour, dash=dash, symbol=symbol)
        )
    return figures.figure(
        "phoque-samples",
        traces,
        x={"title": "step"},
        y={"title": wording.SAMPLES_AXIS, **figures.SHARES},
        marks=attempt_marks(folder, (ADAPTER,)),
        showlegend=True,
    )


def _replies(rows: Rows, steps: list[int]) -> str:
    """A slider over the steps; the script draws what is in the page already."""
    data = {
        "steps": steps,
        "names": {name: _named(name) for name in _names(rows)},
        "rows": [_kept(row) for row in rows],
    }
    return (
        f'<div class="ph-samples" data-draw="samples">{embedded(data)}'
        f'<div class="ph-samples-bar"><label for="ph-sample-step">{escape(wording.SAMPLE_STEP)}</label>'
        f'<input id="ph-sample-step" type="range" min="0" max="{len(steps) - 1}" step="1" '
        f'value="{len(steps) - 1}"><output></output>'
        f'<button type="button" class="ph-reveal-toggle">{escape(REVEAL)}</button></div>'
        f'<ol class="ph-samples-list" tabindex="0" aria-label="{escape(wording.SAMPLES_LIST)}"></ol></div>'
    )


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the script shows of a row."""
    return {
        "step": row["step"],
        "condition": row["condition"],
        "threshold": row["threshold"],
        "rate": interval(row["flag_rate"]),
        "vector": _vector(row),
        "replies": [[one["prompt"], one["text"], one["harm_score"]] for one in row["replies"]],
    }


def _vector(row: Mapping[str, Any]) -> str:
    """Which vector was added, where one was."""
    return f"layer {row['layer']}, scale {row['scale']:g}" if "layer" in row else ""


def _table(rows: Rows) -> str:
    cells: list[list[Cell]] = [
        [
            _named(row["condition"]),
            str(row["step"]),
            rate_cell(row["flag_rate"]),
            str(row["flag_rate"]["n"]),
            _vector(row) or NOTHING,
        ]
        for row in rows
    ]
    return table("phoque-samples", "Flag rates while it was trained", wording.SAMPLES_HEAD, cells)
