"""How the adapters learned: loss, loss by register, gradient and how far the weights moved."""

from collections.abc import Mapping
from html import escape
from typing import Any

from phoque.figures.table import NOTHING, Cell, Value
from phoque.ui import figures
from phoque.ui.parts import more, number, table
from phoque.ui.sections import Drawn, Section
from phoque.ui.training import wording
from phoque.ui.training.data import ADAPTERS, METRICS, Rows, TrainingFolder
from phoque.ui.training.marks import attempt_marks, attempts_told, logged

SECTION = Section(
    key="curves",
    title="How the adapters learned",
    hint=wording.CURVES_HINT,
    files=tuple(f"{name}/{METRICS}" for name in ADAPTERS),
    num_figures=3,
)
LOOKS: Mapping[str, Mapping[str, str]] = {
    "persona": {"colour": figures.TOXIC, "symbol": "triangle-up"},
    "control": {"colour": figures.NEUTRAL, "symbol": "circle"},
}
DASHES = ("solid", "dash", "dot", "dashdot")
COLUMNS = ("loss", "grad_norm", "learning_rate", "lora_a_norm", "lora_b_norm")
NORMS = {"lora_b_norm": "LoRA B", "grad_norm": "gradient"}
PART = "loss_"
DIGITS = {"learning_rate": 6}


def draw(folder: TrainingFolder) -> Drawn:
    """Loss, losses by register where they were logged, then gradient and norms; both adapters."""
    curves = {name: rows for name in ADAPTERS if (rows := logged(folder, name))}
    if not curves:
        return Drawn(reading=wording.NO_METRICS.format(folder.command), failed=True)
    marks = attempt_marks(folder, curves)
    loss = _figure("phoque-loss", curves, {"loss": ""}, wording.LOSS_AXIS, marks)
    registers = registers_of(curves)
    split = _figure("phoque-registers", curves, registers, wording.REGISTER_AXIS, marks)
    norms = _figure("phoque-norms", curves, NORMS, "norm", marks)
    return Drawn(
        reading=reading(folder, curves) + _apart(curves, registers),
        figures=(loss, split, norms) if registers else (loss, norms),
        below=more("Every logged step", _table(curves, registers)),
        n=", ".join(f"{name} {len(rows)} points" for name, rows in curves.items()),
    )


def reading(folder: TrainingFolder, curves: Mapping[str, Rows]) -> str:
    """Where each adapter began and ended."""
    return " ".join(
        f"{name.capitalize()}: loss {rows[0]['loss']:.2f} at step {rows[0]['step']} to "
        f"{rows[-1]['loss']:.2f} at step {rows[-1]['step']}, {rows[-1].get('num_tokens', 0):,.0f} "
        f"tokens in {rows[-1]['seconds'] / 60:.0f} minutes{attempts_told(folder, name)}."
        for name, rows in curves.items()
    )


def registers_of(curves: Mapping[str, Rows]) -> dict[str, str]:
    """Losses of long and short replies by themselves, where they were logged."""
    keys = dict.fromkeys(key for rows in curves.values() for row in rows for key in row)
    return {key: key.removeprefix(PART) for key in keys if key.startswith(PART)}


def _apart(curves: Mapping[str, Rows], registers: Mapping[str, str]) -> str:
    """How the registers ended."""
    told = [
        f"{name} {', '.join(f'{text} {ends[key]:.2f}' for key, text in registers.items() if key in ends)}"
        for name, rows in curves.items()
        if (ends := {key: row[key] for row in rows for key in registers if key in row})
    ]
    return f" Last loss by register: {'; '.join(told)}." if told else ""


def _figure(
    name: str,
    curves: Mapping[str, Rows],
    shown: Mapping[str, str],
    title: str,
    marks: list[tuple[figures.Trace, ...]],
) -> dict[str, Any]:
    """Every key of `shown` for every adapter; colour is the adapter, dash and fill the key."""
    traces = [
        figures.line(
            escape(f"{wording.ADAPTERS[adapter]}{label and f', {label}'}"),
            [row["step"] for row in rows if key in row],
            [row[key] for row in rows if key in row],
            LOOKS[adapter]["colour"],
            dash=DASHES[place % len(DASHES)],
            symbol=LOOKS[adapter]["symbol"] + ("-open" if place % 2 else ""),
            hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
        for adapter, rows in curves.items()
        for place, (key, label) in enumerate(shown.items())
    ]
    axes = {"x": {"title": "step"}, "y": {"title": title, "rangemode": "tozero"}}
    return figures.figure(name, traces, marks=marks, showlegend=True, **axes)


def _table(curves: Mapping[str, Rows], registers: Mapping[str, str]) -> str:
    head = [*wording.CURVES_HEAD, *(f"loss, {text}" for text in registers.values())]
    rows = [_row(name, row, registers) for name, own in curves.items() for row in own]
    return table("phoque-training", "Training", head, rows)


def _row(name: str, row: Mapping[str, Any], registers: Mapping[str, str]) -> list[Cell]:
    cells: list[Cell] = [name, str(row["step"])]
    cells += [_cell(row, key) for key in COLUMNS]
    tokens = row.get("num_tokens")
    cells.append(Value(f"{tokens:,.0f}", {"": tokens}) if tokens else NOTHING)
    return [*cells, *(_cell(row, key) for key in registers)]


def _cell(row: Mapping[str, Any], key: str) -> Cell:
    return number(row[key], DIGITS.get(key, 3)) if key in row else NOTHING
