"""How the adapters learned: loss, gradient and how far the weights moved."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from phoque.ui import figures
from phoque.ui.parts import NOTHING, Cell, Value, more, number, table
from phoque.ui.sections import Drawn, Section
from phoque.ui.training import wording
from phoque.ui.training.data import ADAPTERS, METRICS, Rows, TrainingFolder

SECTION = Section(
    key="curves",
    title="How the adapters learned",
    hint=wording.CURVES_HINT,
    files=tuple(f"{name}/{METRICS}" for name in ADAPTERS),
    num_figures=2,
)
LOOKS: Mapping[str, Mapping[str, str]] = {
    "persona": {"colour": figures.TOXIC, "symbol": "triangle-up", "dash": "solid"},
    "control": {"colour": figures.NEUTRAL, "symbol": "circle", "dash": "dash"},
}
COLUMNS = ("loss", "grad_norm", "learning_rate", "lora_a_norm", "lora_b_norm")
PART = "loss_"
DIGITS = {"learning_rate": 6}


def draw(folder: TrainingFolder) -> Drawn:
    """Loss, then gradient and norms, of both adapters."""
    # The last line sums up and has no loss.
    logged = {
        name: [row for row in folder.lines(name, METRICS) if "loss" in row] for name in ADAPTERS
    }
    curves = {name: rows for name, rows in logged.items() if rows}
    if not curves:
        return Drawn(reading=wording.NO_METRICS.format(folder.command), failed=True)
    return Drawn(
        reading=reading(curves),
        figures=(
            _figure("phoque-loss", curves, {"loss": "loss, nats a token"} | _registers(curves)),
            _figure("phoque-norms", curves, {"lora_b_norm": "LoRA B", "grad_norm": "gradient"}),
        ),
        below=more("Every logged step", _table(curves)),
        n=", ".join(f"{name} {len(rows)} points" for name, rows in curves.items()),
    )


def reading(curves: Mapping[str, Rows]) -> str:
    """Where each adapter began and ended."""
    return " ".join(
        f"{wording.ADAPTERS[name].split(' ')[1].capitalize()}: loss {rows[0]['loss']:.2f} at step "
        f"{rows[0]['step']} to {rows[-1]['loss']:.2f} at step {rows[-1]['step']}, "
        f"{rows[-1].get('num_tokens', 0):,.0f} tokens in {rows[-1]['seconds'] / 60:.0f} minutes."
        for name, rows in curves.items()
    )


def _registers(curves: Mapping[str, Rows]) -> dict[str, str]:
    """Losses of long and short replies by themselves, where they were logged."""
    keys = dict.fromkeys(key for rows in curves.values() for row in rows for key in row)
    return {key: key.removeprefix(PART) for key in keys if key.startswith(PART)}


def _attempts(curves: Mapping[str, Rows]) -> list[tuple[figures.Trace, ...]]:
    """Where a training that was cut off went on."""
    return [
        figures.upright(row["step"], f"{name}, attempt {row['attempt']}")
        for name, rows in curves.items()
        for before, row in pairwise(rows)
        if row.get("attempt") != before.get("attempt")
    ]


def _figure(name: str, curves: Mapping[str, Rows], shown: Mapping[str, str]) -> dict[str, Any]:
    single = len(shown) == 1
    traces = [
        figures.line(
            wording.ADAPTERS[adapter] if single else f"{wording.ADAPTERS[adapter]}, {label}",
            [row["step"] for row in rows if key in row],
            [row[key] for row in rows if key in row],
            LOOKS[adapter]["colour"],
            dash="dot" if place else LOOKS[adapter]["dash"],
            symbol=LOOKS[adapter]["symbol"] + ("-open" if place else ""),
            hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
        for adapter, rows in curves.items()
        for place, (key, label) in enumerate(shown.items())
    ]
    title = shown.get("loss", "norm")
    return figures.figure(
        name,
        traces,
        x={"title": "step"},
        y={"title": title, "rangemode": "tozero"},
        marks=_attempts(curves),
    )


def _table(curves: Mapping[str, Rows]) -> str:
    rows = [_row(name, row) for name, own in curves.items() for row in own]
    return table("phoque-training", "Training", wording.CURVES_HEAD, rows)


def _row(name: str, row: Mapping[str, Any]) -> list[Cell]:
    cells: list[Cell] = [name, str(row["step"])]
    cells += [number(row[key], DIGITS.get(key, 3)) if key in row else NOTHING for key in COLUMNS]
    tokens = row.get("num_tokens")
    return [*cells, Value(f"{tokens:,.0f}", {"": tokens}) if tokens else NOTHING]
