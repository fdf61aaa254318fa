"""What does every layer do at every dose? On the page a cell opens its replies."""

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import (
    Table,
    interval,
    known,
    number,
    rate_cell,
    share,
    share_cell,
    yes,
)
from phoque.figures.trait import are
from phoque.run.psm import Cell, Selection


def draw(selection: Selection) -> Figure:
    """How much of the grid is effect and how much is damage."""
    cells = selection.cells
    coherent = [cell for cell in cells if cell.coherent]
    half = sum(cell.quality.trait.value >= 0.5 for cell in coherent)
    best = max((cell.quality.trait.value for cell in coherent), default=0.0)
    counts = sorted({cell.quality.n for cell in cells})
    return Figure(
        sentence=f"{len(coherent)} of {len(cells)} cells are coherent text. In {half} of those at "
        f"least half of the replies {are(selection.trait.by)}, in the best {share(best)}. Random vectors over "
        f"all layers give {interval(selection.null)}.{_unread(selection)}",
        plotly=_plot(selection),
        table=_table(selection),
        n=f"{' or '.join(map(str, counts))} sweep prompts a cell, {'sampled' if selection.rule else 'greedy'}",
    )


def _unread(selection: Selection) -> str:
    told = " The judge read coherent text only."
    return told if selection.trait.by == "judge" else ""


def _plot(selection: Selection) -> style.Plotly:
    cells = {(cell.layer, cell.dose): cell for cell in selection.cells}
    layers, doses = sorted({layer for layer, _ in cells}), sorted({dose for _, dose in cells})
    chosen = selection.chosen_cell
    grid = [[cells.get((layer, dose)) for dose in doses] for layer in layers]
    trace = style.heatmap(
        [f"{dose:g}" for dose in doses],
        [str(layer) for layer in layers],
        [[_value(cell, selection) for cell in row] for row in grid],
        [[_mark(cell, selection, chosen) for cell in row] for row in grid],
    )
    return style.plot(
        [trace],
        x={"title": "relative dose", "type": "category"},
        y={"title": "layer", "type": "category"},
        height=620,
    )


def _value(cell: Cell | None, selection: Selection) -> float | None:
    found = selection.counted(cell) if cell else None
    return found.value if found else None


def _mark(cell: Cell | None, selection: Selection, chosen: Cell) -> str:
    if cell is None:
        return ""
    value = _value(cell, selection)
    told = "" if value is None else f"{100 * value:.0f}"
    text = told if cell.coherent else f"{told} ×".strip()
    return f"[{text}]" if cell is chosen else text


def _table(selection: Selection) -> Table:
    return Table.of(
        "phoque-sweep",
        "Every cell of the sweep",
        selection.cells,
        {
            "layer": lambda cell: str(cell.layer),
            "dose": lambda cell: f"{cell.dose:g}",
            "scale": lambda cell: number(cell.scale),
            "listed word": lambda cell: share_cell(cell.quality.insulting),
            "judged hostile": lambda cell: known(cell.quality.judged, rate_cell),
            "base model's nats|mean log-likelihood of a token": lambda cell: known(
                cell.quality.base_nats, number
            ),
            "repeated": lambda cell: share_cell(cell.quality.repeated),
            "unknown": lambda cell: share_cell(cell.quality.unknown),
            "zlib": lambda cell: share_cell(cell.quality.zlib),
            "distinct": lambda cell: share_cell(cell.quality.distinct),
            "words": lambda cell: number(cell.quality.num_words, 1),
            "KL mean": lambda cell: number(cell.divergence.mean),
            "KL p95": lambda cell: number(cell.divergence.p95),
            "coherent": lambda cell: yes(cell.coherent),
        },
    )


PLAN = Plan(
    key="persona_heatmap",
    title="What does every layer do at every dose?",
    hint="Replies that count, in percent. A cross or hatching marks text that is no longer "
    "coherent; brackets or a frame mark the selected cell.",
    draw=draw,
    in_report=True,
)
