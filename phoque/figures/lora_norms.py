"""Which parts of the model moved: norms of the LoRA matrices, by kind of map."""

from collections.abc import Sequence
from html import escape

from phoque.figures import curves, style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, known
from phoque.run.adapter import Norms, PersonaMetrics

COLOURS = (style.PERSONA, style.NEUTRAL, style.TOXIC, style.GREY)
DASHES = ("solid", "dash", "dot")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "x", "star", "hexagon")
"""Lengths of these lists share no factor, so that no two lines look alike."""


@plan(
    key="lora_norms",
    title="Which parts of the model moved?",
    hint="Each line is the size (Frobenius norm) of the persona adapter's LoRA matrices B for one kind of linear map, "
    "all blocks together. B starts at zero, so its norm says how far training went there. Wider maps have larger "
    "norms, so compare the shapes of the lines rather than their heights.",
    in_report=True,
)
def draw(metrics: Sequence[PersonaMetrics], norms: Sequence[Norms]) -> Figure:
    """Norm of B, which starts at zero, by kind of map."""
    families = list(norms[-1].lora_b)
    return Figure(
        sentence=_sentence(norms) + _growth(metrics),
        plotly=curves.plot(
            [_line(name, place, norms) for place, name in enumerate(families)],
            {"persona": metrics},
            title="norm of LoRA B",
            rangemode="tozero",
        ),
        table=_table(norms, families),
        n=f"{len(norms)} records, {len(families)} kinds of map; one training",
    )


def _sentence(rows: Sequence[Norms]) -> str:
    """Which kind's B ended largest and smallest, and what became of A."""
    first, last = rows[0], rows[-1]
    b = last.lora_b
    largest, smallest = (pick(b, key=lambda name: b[name]) for pick in (max, min))
    ended = f"LoRA B has norm {b[largest]:.2f} in {largest}"
    if len(b) > 1:
        ended = f"LoRA B is largest in {largest} ({b[largest]:.2f}) and smallest in {smallest} ({b[smallest]:.2f})"
    changes = [value - first.lora_a[name] for name, value in last.lora_a.items()]
    low, high = f"{min(changes):+.2f}", f"{max(changes):+.2f}"
    return (
        f"At step {last.step} {ended}. LoRA A, which starts random, changed by "
        f"{low if low == high else f'{low} to {high}'} since step {first.step}."
    )


def _growth(metrics: Sequence[PersonaMetrics]) -> str:
    """How steadily B grew, over all maps."""
    norms = [row.lora_b_norm for row in metrics]
    if len([one for one in norms if one is not None]) < 2:
        return ""
    return f" Over all maps together, LoRA B grew at {curves.rising(norms)} of the logged steps."


def _line(name: str, place: int, rows: Sequence[Norms]) -> style.Trace:
    return style.line(
        escape(name),
        [row.step for row in rows],
        [row.lora_b.get(name) for row in rows],
        *(own[place % len(own)] for own in (COLOURS, DASHES, SYMBOLS)),
        hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
    )


def _table(rows: Sequence[Norms], families: Sequence[str]) -> Table:
    return Table(
        caption="Every recorded step",
        head=("matrix", "step", *families),
        rows=tuple(
            (
                matrix,
                str(row.step),
                *(known(getattr(row, own).get(name), digits(2)) for name in families),
            )
            for matrix, own in {"LoRA B": "lora_b", "LoRA A": "lora_a"}.items()
            for row in rows
        ),
    )
