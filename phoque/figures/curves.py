"""What the figures of a training share: looks of the adapters, and where a later attempt began."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

from phoque.figures import style
from phoque.figures.table import NOTHING, interval
from phoque.run.adapter import Metrics
from phoque.run.folder import Reader, command, shown_path
from phoque.run.manifest import Manifest
from phoque.stats.rates import wilson

Curves = Mapping[str, Sequence[Metrics]]
"""Rows by adapter; an adapter that was not trained has none."""
LOOKS = {
    "persona": ("▲ persona", style.TOXIC, "triangle-up"),
    "civil_adapter": ("○ civil adapter", style.NEUTRAL, "circle"),
}
"""Name, colour and symbol of an adapter."""
DASHES = ("solid", "dash", "dot", "dashdot")
HEIGHTS = (1.0, 1.065, 0.93)
"""Neighbours have their labels at different heights, two of them above the lines."""
STEP = {"title": "optimizer step"}
RUNS = Path("runs")
"""Where runs of one's own are, below the folder the app was started in."""


def curves(persona: Sequence[Metrics], civil: Sequence[Metrics]) -> Curves:
    """The adapters that were trained."""
    found = {"persona": persona, "civil_adapter": civil}
    return {name: rows for name, rows in found.items() if rows}


def traces(
    found: Curves, values: Mapping[str, Mapping[str, Sequence[float | None]]]
) -> list[style.Trace]:
    """A line for each adapter and each of its `values`; colour is the adapter, dash the value."""
    labels = list(dict.fromkeys(label for own in values.values() for label in own))
    lines = []
    for adapter, own in values.items():
        shown, colour, symbol = LOOKS[adapter]
        for label, numbers in own.items():
            place, steps = labels.index(label), [row.step for row in found[adapter]]
            known = [(x, y) for x, y in zip(steps, numbers, strict=True) if y is not None]
            lines.append(
                style.line(
                    escape(", ".join(filter(None, (shown, label)))),
                    [step for step, _ in known],
                    [y for _, y in known],
                    colour,
                    DASHES[place % len(DASHES)],
                    symbol + ("-open" if place % 2 else ""),
                    hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                )
            )
    return lines


def marks(found: Curves) -> list[tuple[style.Trace, ...]]:
    """A line and its name wherever a training that was cut off went on."""
    last = max((rows[-1].step for rows in found.values()), default=0)
    began = sorted(
        (row.step, f"{LOOKS[name][0][2:]}, attempt {row.attempt}")
        for name, rows in found.items()
        for before, row in pairwise(rows)
        if row.attempt != before.attempt
    )
    return [
        style.upright(step, text, height=HEIGHTS[place % len(HEIGHTS)], left=2 * step > last)
        for place, (step, text) in enumerate(began)
    ]


def plot(lines: Sequence[style.Trace], found: Curves, **y: object) -> style.Plotly:
    """Lines over the steps of a training, with where a later attempt began."""
    return style.plot(lines, x=STEP, y=y, marks=marks(found), showlegend=True)


def counted(found: Curves) -> str:
    """How many rows each curve has."""
    told = ", ".join(f"{LOOKS[name][0][2:]} {len(rows)} points" for name, rows in found.items())
    return f"{told}; one training each"


def rising(values: Sequence[float | None]) -> str:
    """The share of the logged steps at which a value is larger than at the step before."""
    known = [value for value in values if value is not None]
    steps = [after > before for before, after in pairwise(known)]
    return interval(wilson(sum(steps), len(steps))) if steps else NOTHING


def train_again(reader: Reader, *options: str) -> str:
    """What trains with options and makes all that depends on it; the shipped run stays as it is."""
    facts = reader.run.known()
    if reader.folder("persona").is_shipped:
        usual = facts.persona == Manifest.model_fields["persona"].default
        return command(
            "all", RUNS / "mine", *(() if usual else ("--persona", facts.persona)), *options
        )
    start = ("--from", "persona") if "corpus" in facts.stages else ()
    return command("all", Path(shown_path(reader.run.path)), *start, *options)
