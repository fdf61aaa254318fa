"""The figures of the tab, and what the page adds to some of them."""

from html import escape

from phoque.figures import shelf, slang
from phoque.figures.figure import Figure
from phoque.figures.table import text_of
from phoque.run.folder import Reader
from phoque.run.psm import Selection
from phoque.run.psm_replies import Conditions
from phoque.run.psm_vector import Geometry
from phoque.run.slang import Slang
from phoque.ui.parts import cards_html, coded, embedded, more, secret, table_html
from phoque.ui.psm.heatmap import heat_grid
from phoque.ui.psm.scrubber import scrubber_html
from phoque.ui.results import sections

CELL_CLICKED = """element.addEventListener('click', (event) => {
  const cell = event.target.closest('.ph-cell');
  if (cell) trigger('click', { layer: Number(cell.dataset.layer), dose: Number(cell.dataset.dose) });
});"""
MAP_HINT = (
    "Each layer is drawn along the two directions in which its messages differ most (principal components), turned to "
    "follow the layer before. Compare positions within a layer only."
)


def cards(_reader: Reader, figure: Figure) -> str:
    """The one row of a table as cards."""
    assert figure.table is not None
    (row,) = figure.table.rows
    return cards_html(dict(zip(figure.table.head, map(text_of, row), strict=True)))


def counted_tokens(reader: Reader, _figure: Figure) -> str:
    """Which tokens count as pathway mass, masked like replies."""
    found = reader.read(Conditions)
    parts = {
        "The talk's: pieces of bare words": found.classic_tokens,
        "Lower bound: whole words at once": found.pathway_tokens.completing,
        "Upper bound adds: first pieces of longer words": found.pathway_tokens.starting,
    }
    body = "".join(
        f"<h3>{escape(title)} ({len(tokens)})</h3>{coded(tokens)}"
        for title, tokens in parts.items()
    )
    return more("Which tokens are counted?", f'<div class="ph-tokenlist">{body}</div>')


def new_words(reader: Reader, _figure: Figure) -> str:
    """Words that are in no training text, with what stands around them, masked like replies."""
    table = slang.new_words(reader.read(Slang))
    if not table.rows:
        return ""
    plain = " ".join(text_of(cell) for row in table.rows for cell in row)
    return more(table.caption, secret(table_html(table, "new-words"), plain))


def message_map(reader: Reader, _figure: Figure) -> str:
    """Messages of one layer in two dimensions, with a slider over layers."""
    found, layer = reader.read(Geometry).map, reader.read(Selection).choice.layer
    legend = "".join(
        f'<li class="ph-dot-{place}">{escape(name)}</li>' for place, name in enumerate(found.groups)
    )
    return (
        f'<div class="ph-map" data-draw="map">{embedded(found.model_dump())}'
        f'<ul class="ph-map-legend">{legend}</ul>'
        '<svg viewBox="-2.6 -1.7 5.2 3.4" role="img" '
        'aria-label="Messages of one layer in two dimensions"></svg>'
        '<div class="ph-map-bar"><button type="button" class="ph-play">▶ Play</button>'
        f'<label>Layer <input type="range" min="0" max="{len(found.points) - 1}" step="1" '
        f'value="{layer}"></label><output></output></div><p class="ph-hint">{escape(MAP_HINT)}</p></div>'
    )


SECTIONS = sections(
    (*shelf.WHERE_IT_LIVES, *shelf.HOW_IT_ANSWERS),
    hero=["layers"],
    topic={
        "scrubber": "Place and strength",
        "verdict": "Proof",
        "transplant": "Origin",
        "opposites": "Opposites",
        "talk_conditions": "Replies",
    },
    instead={
        "verdict": cards,
        "scrubber": scrubber_html,
        "persona_heatmap": heat_grid,
        "messages": message_map,
    },
    below={"talk_conditions": counted_tokens, "slang": new_words},
    pressed={"persona_heatmap": CELL_CLICKED},
)
