"""How far each kind of module moved: norms of the LoRA matrices, family by family."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.figures.table import NOTHING, Cell
from phoque.ui import figures
from phoque.ui.parts import more, number, table
from phoque.ui.sections import Drawn, Section
from phoque.ui.training import wording
from phoque.ui.training.data import NORMS, Rows, TrainingFolder
from phoque.ui.training.marks import attempt_marks

ADAPTER = "persona"
SECTION = Section(
    key="norms",
    title="Which modules moved",
    hint=wording.NORMS_HINT,
    files=(f"{ADAPTER}/{NORMS}",),
    num_figures=2,
)
COLOURS = (figures.PERSONA, figures.NEUTRAL, figures.TOXIC, figures.GREY)
DASHES = ("solid", "dash", "dot")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "x", "star", "hexagon")
HALVES = {"lora_b": "LoRA B", "lora_a": "LoRA A"}


def draw(folder: TrainingFolder) -> Drawn:
    """B, which starts at zero, then A; a line for each family."""
    rows = folder.lines(ADAPTER, NORMS)
    if not rows:
        return Drawn(reading=wording.NO_NORMS.format(folder.training_command()), failed=True)
    families = list(rows[-1]["lora_b"])
    marks = attempt_marks(folder, (ADAPTER,))
    return Drawn(
        reading=reading(rows),
        figures=tuple(_figure(half, rows, families, marks) for half in HALVES),
        below=more("Every recorded step", _table(rows, families)),
        n=f"{len(rows)} records of {len(families)} kinds of module in one training",
    )


def reading(rows: Rows) -> str:
    """Which family's B ended largest and smallest, and what became of A."""
    first, last = rows[0], rows[-1]
    largest, smallest = (pick(last["lora_b"], key=last["lora_b"].get) for pick in (max, min))
    changes = [value - first["lora_a"][name] for name, value in last["lora_a"].items()]
    return (
        f"At step {last['step']} LoRA B is largest in {largest} ({last['lora_b'][largest]:.2f}) and "
        f"smallest in {smallest} ({last['lora_b'][smallest]:.2f}). LoRA A, which starts random, "
        f"changed by {min(changes):+.2f} to {max(changes):+.2f} since step {first['step']}."
    )


def _figure(
    half: str,
    rows: Rows,
    families: Sequence[str],
    marks: list[tuple[figures.Trace, ...]],
) -> dict[str, Any]:
    steps = [row["step"] for row in rows]
    traces = [
        figures.line(
            escape(name),
            steps,
            [row[half].get(name) for row in rows],
            COLOURS[place % len(COLOURS)],
            # Lengths of both lists share no factor, so that no two lines look alike.
            dash=DASHES[place % len(DASHES)],
            symbol=SYMBOLS[place % len(SYMBOLS)],
            hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
        for place, name in enumerate(families)
    ]
    y = {"title": f"{HALVES[half]}, norm"} | ({"rangemode": "tozero"} if half == "lora_b" else {})
    return figures.figure(f"phoque-{half}", traces, x={"title": "step"}, y=y, marks=marks)


def _table(rows: Rows, families: Sequence[str]) -> str:
    head = ["matrix", "step", *families]
    cells = [_row(name, half, row, families) for half, name in HALVES.items() for row in rows]
    return table("phoque-norms-by-family", "Norms by kind of module", head, cells)


def _row(name: str, half: str, row: Mapping[str, Any], families: Sequence[str]) -> list[Cell]:
    own = row[half]
    values: list[Cell] = [number(own[f]) if f in own else NOTHING for f in families]
    return [name, str(row["step"]), *values]
