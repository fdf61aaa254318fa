"""Every layer at every dose, as a table of buttons that open the replies."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.errors import PhoqueError
from phoque.figures.table import Cell
from phoque.run.directory import SELECTION
from phoque.ui.components import marked
from phoque.ui.parts import csv_button, number, secret, share, share_cell
from phoque.ui.psm import wording
from phoque.ui.psm.data import SWEEP_REPLIES, PsmFolder, choice, sweep_replies
from phoque.ui.psm.verdict import nearest
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="heat",
    title="Every layer at every dose",
    hint=wording.HEAT_HINT,
    files=(SELECTION, SWEEP_REPLIES),
)


def draw(folder: PsmFolder) -> Drawn:
    """The grid; what a cell wrote comes on request."""
    chosen, beyond = choice(folder)
    found = folder.read(SELECTION)
    cells = found["cells"]
    return Drawn(
        reading=reading(cells, wording.hits(folder.persona)),
        below=_grid(cells, nearest(cells, chosen) if beyond else None),
        n=f"{cells[0]['quality']['n']} sweep prompts a cell, greedy",
    )


def reading(cells: Sequence[Mapping[str, Any]], hits: str) -> str:
    """How much of the grid is effect and how much is damage."""
    coherent = [cell for cell in cells if cell["coherent"]]
    half = sum(cell["quality"]["insulting"] >= 0.5 for cell in coherent)
    best = max((cell["quality"]["insulting"] for cell in coherent), default=0.0)
    return (
        f"{len(coherent)} of {len(cells)} cells are coherent text; {half} of those have at least "
        f"half {hits}, the best {share(best)}."
    )


def _grid(cells: Sequence[Mapping[str, Any]], selected: Mapping[str, Any] | None) -> str:
    doses = sorted({cell["dose"] for cell in cells})
    layers = sorted({cell["layer"] for cell in cells})
    by_place = {(cell["layer"], cell["dose"]): cell for cell in cells}
    heads = "".join(f'<th scope="col">{dose:.1f}</th>' for dose in doses)
    rows = "".join(
        f'<tr><th scope="row">{layer}</th>'
        + "".join(_cell(by_place.get((layer, dose)), selected) for dose in doses)
        + "</tr>"
        for layer in layers
    )
    return (
        '<div class="ph-tablebox"><div class="ph-scroll"><table class="ph-table ph-heat">'
        f"<caption>{escape(wording.HEAT_CAPTION)}</caption>"
        f'<thead><tr><th scope="col">layer</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        f'</div><p class="ph-hint">{escape(wording.HEAT_LEGEND)}</p>'
        f"{csv_button('phoque-sweep', wording.SWEEP_HEAD, _numbers(cells))}</div>"
    )


def _cell(cell: Mapping[str, Any] | None, selected: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "<td>–</td>"
    value = cell["quality"]["insulting"]
    classes = "ph-cell" + ("" if cell["coherent"] else " ph-broken")
    classes += " ph-chosen" if cell is selected else ""
    words = _words(cell) + (" Selected by the sweep." if cell is selected else "")
    return (
        f'<td><button type="button" class="{classes}" style="--heat:{50 * value:.0f}%" '
        f'data-layer="{cell["layer"]}" data-dose="{cell["dose"]}" aria-pressed="false" '
        f'title="{escape(words)}" aria-label="{escape(words)}">{100 * value:.0f}</button></td>'
    )


def _words(cell: Mapping[str, Any]) -> str:
    state = "coherent text" if cell["coherent"] else "not coherent text"
    quality = cell["quality"]
    return (
        f"Layer {cell['layer']}, dose {cell['dose']:.1f} (scale {cell['scale']:.2f}): "
        f"{share(quality['insulting'])} of {quality['n']} replies, {state}; "
        f"{cell['divergence']['p95']:.2f} nats (p95)."
    )


def _numbers(cells: Sequence[Mapping[str, Any]]) -> list[list[Cell]]:
    qualities = ("insulting", "repeated", "unknown", "zlib", "distinct", "num_words")
    return [
        [
            str(cell["layer"]),
            number(cell["dose"], 1),
            number(cell["scale"]),
            *(share_cell(cell["quality"][name]) for name in qualities),
            number(cell["divergence"]["mean"]),
            number(cell["divergence"]["p95"]),
            "yes" if cell["coherent"] else "no",
        ]
        for cell in cells
    ]


def replies_html(folder: PsmFolder, layer: int, dose: float) -> str:
    """What the model wrote in one cell, masked."""
    try:
        replies = sweep_replies(folder, layer, dose)
    except PhoqueError as error:
        return f'<p class="ph-reading ph-gap">{escape(str(error))}</p>'
    if not replies:
        return f'<p class="ph-reading ph-gap">{escape(wording.NO_REPLIES)}</p>'
    items = "".join(_reply(folder, prompt, reply) for prompt, reply in replies)
    return (
        f'<div class="ph-cellreplies" tabindex="0" role="region" aria-live="polite" '
        f'aria-label="Replies of layer {layer}, dose {dose:.1f}">'
        f"<h3>Layer {layer}, dose {dose:.1f}: {len(replies)} replies</h3>"
        f"<ol>{items}</ol></div>"
    )


def _reply(folder: PsmFolder, prompt: str, reply: str) -> str:
    hits = folder.lexicon.count(reply)
    badge = f'<strong class="ph-badge">⚑ {hits}</strong> ' if hits else ""
    text = reply or wording.EMPTY_REPLY
    return (
        f'<li><p class="ph-hint">{badge}{escape(prompt)}</p>'
        f'<div class="ph-reply">{secret(marked(text, folder.lexicon), text)}</div></li>'
    )
