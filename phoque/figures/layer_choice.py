"""How the layer was chosen, and what the sweep says of the others; in sentences."""

from phoque.figures.table import share
from phoque.run.psm import NULL_DOSE, Cell, Selection

MOST_NAMED = 6
"""So many layers are named one by one."""


def elsewhere(selection: Selection) -> str:
    """Whether this is the only layer."""
    if not selection.ties:
        return ""
    others = len(selection.layers) - 1
    return (
        f" It may live elsewhere, too: at least {len(selection.ties)} of {others} other layers cannot be told apart from this "
        "one."
    )


def how_chosen(selection: Selection) -> str:
    """Which measurement chose the layer."""
    layer = selection.choice.layer
    if not selection.beyond_chance:
        return f"No layer does better than chance, so layer {layer} is only a default."
    if not (ran := _ran(selection)):
        return f"The sweep chose layer {layer}: its best coherent dose gives the largest share."
    others = ", ".join(
        f"layer {one.layer} {share(_share(one))}" for one in ran if one.layer != layer
    )
    return (
        f"{chosen_by(selection)} The sweep asked every layer and dose the same messages; the run-off asked other ones. "
        f"The rest of the run-off, over both: {others}."
    )


def chosen_by(selection: Selection) -> str:
    """The same in short; empty where there was no run-off, or no layer to choose."""
    if not selection.beyond_chance or not (ran := _ran(selection)):
        return ""
    layer, (hits, n) = selection.choice.layer, selection.chosen_cell.pooled
    return (
        f"The sweep and a run-off of its {len(ran)} best pairs of layer and dose chose layer {layer}: over both it has "
        f"{'the largest share, ' * (ran[0].layer == layer)}{share(hits / n)} of {n} replies."
    )


def _ran(selection: Selection) -> list[Cell]:
    """The cells of the run-off, the largest share first."""
    return sorted((one for one in selection.cells if one.runoff), key=lambda one: -_share(one))


def _share(cell: Cell) -> float:
    hits, n = cell.pooled
    return hits / n


def beyond_random(selection: Selection) -> str:
    """What the sweep alone shows, layer by layer."""
    reached = [
        own.layer for own in selection.layers if own.best and own.best.trait.low > own.null.high
    ]
    named = f" (layer {', '.join(map(str, reached))})" if 0 < len(reached) < MOST_NAMED else ""
    chosen = selection.choice.layer
    here = "" if chosen in reached else f", and layer {chosen} is not among them"
    return (
        f"The sweep alone puts {len(reached)} of {len(selection.layers)} layers clearly above random vectors of dose "
        f"{NULL_DOSE:g}{named}{here}."
    )


def told_apart(selection: Selection) -> str:
    """Which layers the sweep cannot tell from the chosen one."""
    if not selection.ties:
        return ""
    own = selection.choice.layer
    *others, last = [own, *selection.ties]
    return (
        f"Layers {', '.join(map(str, others))} and {last} cannot be told apart: each has a dose, coherent like its "
        f"neighbours, with an interval that overlaps that of layer {own} at the dose in use."
    )
