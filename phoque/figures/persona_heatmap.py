"""What does every layer do at every dose? On the page a cell opens its replies."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, interval, share, share_cell
from phoque.figures.trait import SAMPLED, are, setting
from phoque.run.psm import NULL_DOSE, Cell, Selection

SHARES = ("repeated", "unknown", "zlib", "distinct")
"""Columns that are called what their fields are."""


@plan(
    key="persona_heatmap",
    title="What does every layer do at every dose?",
    hint="Each cell is the share of replies that show the persona, in percent. A cross or hatching marks text that "
    "is no longer coherent. Brackets or a frame mark the selected cell.",
    in_report=True,
)
def draw(selection: Selection) -> Figure:
    """How much of the grid is effect and how much is damage."""
    cells = selection.cells
    coherent = [cell for cell in cells if cell.coherent]
    half = sum(cell.quality.trait.value >= 0.5 for cell in coherent)
    best = max((cell.quality.trait.value for cell in coherent), default=0.0)
    counts = sorted({cell.quality.n for cell in cells})
    unread = " The judge read coherent text only." if selection.trait.by == "judge" else ""
    return Figure(
        sentence=f"{len(coherent)} of {len(cells)} cells have coherent text. In {half} of these, at least half of the "
        f"replies {are(selection.trait.by)}; the best cell has {share(best)}. Random vectors of dose {NULL_DOSE:g}, all "
        f"layers together, give {interval(selection.null)}.{unread}",
        setting=setting(
            f"{' or '.join(map(str, counts))} sweep prompts, one reply each in every cell",
            "layer and dose of the cell",
            SAMPLED,
            selection.trait.by,
        ),
        plotly=_plot(selection),
        table=_table(selection),
        n=f"{' or '.join(map(str, counts))} sweep prompts a cell, sampled",
    )


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
        "Every cell of the sweep",
        selection.cells,
        {
            "layer": "layer",
            "dose": ("dose", "{:g}".format),
            "scale": "scale",
            "listed word": ("quality.insulting", share_cell),
            "judged hostile": "quality.judged",
            "base model's nats|mean log-likelihood of a token": "quality.base_nats",
            **{own: (f"quality.{own}", share_cell) for own in SHARES},
            "words": ("quality.num_words", digits(1)),
            "KL mean": "divergence.mean",
            "KL p95": "divergence.p95",
            "coherent": "coherent",
        },
    )
