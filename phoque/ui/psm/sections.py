"""The figures of the tab, and what the page adds to some of them."""

from html import escape

from phoque.figures import (
    layers,
    messages,
    persona_heatmap,
    scrubber,
    shelf,
    slang,
    talk_conditions,
    verdict,
)
from phoque.figures.figure import Figure
from phoque.figures.table import text_of
from phoque.run.folder import Reader
from phoque.run.psm_replies import Conditions
from phoque.run.slang import Slang
from phoque.ui.parts import cards_html, more, secret, table_html
from phoque.ui.psm.heatmap import heat_grid
from phoque.ui.psm.message_map import message_map
from phoque.ui.psm.scrubber import scrubber_html
from phoque.ui.results import Section


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
        f"<h3>{escape(title)} ({len(tokens)})</h3>{_listed(tokens)}"
        for title, tokens in parts.items()
    )
    return more("Which tokens are counted?", f'<div class="ph-tokenlist">{body}</div>')


def new_words(reader: Reader, _figure: Figure) -> str:
    """Words that are in no training text, with what stands around them, masked like replies."""
    table = slang.new_words(reader.read(Slang))
    if not table.rows:
        return ""
    plain = " ".join(text_of(cell) for row in table.rows for cell in row)
    return more(table.caption, secret(table_html(table), plain))


def _listed(tokens: tuple[str, ...]) -> str:
    shown = [token.replace(" ", "␣") for token in tokens]
    return secret(" ".join(f"<code>{escape(t)}</code>" for t in shown), " ".join(shown))


INSTEAD = {
    verdict.PLAN: cards,
    scrubber.PLAN: scrubber_html,
    persona_heatmap.PLAN: heat_grid,
    messages.PLAN: message_map,
}
BELOW = {talk_conditions.PLAN: counted_tokens, slang.PLAN: new_words}
SECTIONS = tuple(
    Section(plan=plan, hero=plan is layers.PLAN, instead=INSTEAD.get(plan), below=BELOW.get(plan))
    for plan in (*shelf.WHERE_IT_LIVES, *shelf.HOW_IT_ANSWERS)
)
