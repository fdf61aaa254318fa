"""Every layer at every dose, as a table of buttons that open the replies."""

from html import escape

from phoque.errors import PhoqueError
from phoque.figures.figure import Figure
from phoque.figures.table import share
from phoque.figures.trait import replies
from phoque.lexicon import Lexicon
from phoque.personas import load_persona
from phoque.run.folder import Reader
from phoque.run.persona import own_persona
from phoque.run.psm import Cell, Selection, SweptReply
from phoque.stats.rates import Rate
from phoque.ui.components import marked
from phoque.ui.parts import gap_html, secret

CAPTION = "{counted}, %, by layer (rows) and relative dose (columns)"
LEGEND = (
    "Press a cell to read what the model wrote there. A cell that is struck through and hatched has text that is no "
    "longer coherent; the outlined cell is selected."
)


def heat_grid(reader: Reader, _figure: Figure) -> str:
    """The grid; what a cell wrote comes on request."""
    found = reader.read(Selection)
    by_place = {(cell.layer, cell.dose): cell for cell in found.cells}
    doses = sorted({cell.dose for cell in found.cells})
    heads = "".join(f'<th scope="col">{dose:g}</th>' for dose in doses)
    caption = CAPTION.format(counted=replies(found.trait.by).capitalize())
    rows = "".join(
        f'<tr><th scope="row">{layer}</th>'
        + "".join(_cell(by_place.get((layer, dose)), found) for dose in doses)
        + "</tr>"
        for layer in sorted({cell.layer for cell in found.cells})
    )
    return (
        '<div class="ph-tablebox"><div class="ph-scroll"><table class="ph-table ph-heat">'
        f"<caption>{escape(caption)}</caption>"
        f'<thead><tr><th scope="col">layer</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        f'</div><p class="ph-hint">{escape(LEGEND)}</p></div>'
    )


def _cell(cell: Cell | None, found: Selection) -> str:
    if cell is None:
        return "<td>–</td>"
    rate, selected = found.counted(cell), found.beyond_chance and cell is found.chosen_cell
    heat, shown = (f"{50 * rate.value:.0f}", f"{100 * rate.value:.0f}") if rate else ("0", "·")
    classes = "ph-cell" + ("" if cell.coherent else " ph-broken")
    classes += " ph-chosen" if selected else ""
    words = escape(_words(cell, rate) + (" Selected by the sweep." if selected else ""))
    return (
        f'<td><button type="button" class="{classes}" style="--heat:{heat}%" '
        f'data-layer="{cell.layer}" data-dose="{cell.dose}" aria-pressed="false" '
        f'title="{words}" aria-label="{words}">{shown}</button></td>'
    )


def _words(cell: Cell, rate: Rate | None) -> str:
    state = "coherent text" if cell.coherent else "not coherent text"
    counted = f"{share(rate.value)} of {rate.n} replies" if rate else "not judged"
    return (
        f"Layer {cell.layer}, dose {cell.dose:g} (scale {cell.scale:.2f}): "
        f"{counted}, {state}; "
        f"{cell.divergence.p95:.2f} nats (p95)."
    )


def replies_html(reader: Reader, persona: str, layer: int, dose: float) -> str:
    """What the model wrote in one cell, masked."""
    try:
        rows = reader.rows(SweptReply)
    except PhoqueError as error:
        return gap_html(str(error))
    own = [row for row in rows if row.layer == layer and abs(row.dose - dose) < 1e-9]
    if not own:
        return gap_html("No replies were kept for this cell.")
    lexicon = _lexicon(reader, persona)
    items = "".join(_reply(row, lexicon) for row in own)
    return (
        f'<div class="ph-cellreplies" tabindex="0" role="region" aria-live="polite" '
        f'aria-label="Replies of layer {layer}, dose {dose:g}">'
        f"<h3>Layer {layer}, dose {dose:g}: {len(own)} replies</h3>"
        f"<ol>{items}</ol></div>"
    )


def _lexicon(reader: Reader, persona: str) -> Lexicon:
    """The words that are counted; none where the persona is not known here."""
    try:
        held = reader.psm == "psm" and reader.run.persona_file.is_file()
        return (own_persona(reader.run) if held else load_persona(persona)).lexicon
    except PhoqueError:
        return Lexicon(())


def _reply(row: SweptReply, lexicon: Lexicon) -> str:
    hits = lexicon.count(row.reply)
    badge = f'<strong class="ph-badge">⚑ {hits}</strong> ' if hits else ""
    text = row.reply or "(an empty reply)"
    return (
        f'<li><p class="ph-hint">{badge}{escape(row.prompt)}</p>'
        f'<div class="ph-reply">{secret(marked(text, lexicon), text)}</div></li>'
    )
