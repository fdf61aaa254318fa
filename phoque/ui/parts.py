"""Pieces that tabs share: tables, masked text, data for scripts. All text is escaped here."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from phoque.figures.table import Cell, Table
from phoque.ui import wording
from phoque.ui.components import masked


def table_html(table: Table) -> str:
    """A table in its own scrolling box, with a button that saves its numbers as a CSV file."""
    caption = escape(table.caption)
    heads = "".join(f'<th scope="col">{hinted(text)}</th>' for text in table.head)
    body = "".join(f"<tr>{_first(row[0])}{''.join(map(_td, row[1:]))}</tr>" for row in table.rows)
    return (
        f'<div class="ph-tablebox"><p class="ph-hint" aria-hidden="true">{caption}</p>'
        f'<div class="ph-scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="ph-table"><caption class="ph-sr">{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<button type="button" class="ph-csv" data-name="{escape(table.name)}.csv" '
        f'data-csv="{escape(table.csv())}">{escape(wording.CSV)}</button></div>'
    )


def hinted(text: str) -> str:
    """A word with its explanation, from `word|explanation`."""
    word, _, hint = text.partition("|")
    return f'<abbr title="{escape(hint)}">{escape(word)}</abbr>' if hint else escape(word)


def cards_html(facts: Mapping[str, str]) -> str:
    """Facts as cards, by their names, which may be `word|explanation`."""
    shown = "".join(
        f"<div><dt>{hinted(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items()
    )
    return f'<dl class="ph-cards">{shown}</dl>'


def _first(cell: Cell) -> str:
    return f'<th scope="row">{escape(cell if isinstance(cell, str) else cell.shown)}</th>'


def _td(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{escape(cell)}</td>"
    title = f' title="{escape(cell.title)}"' if cell.title else ""
    return f"<td{title}>{escape(cell.shown)}</td>"


def secret(text_html: str, plain: str) -> str:
    """Text that is masked until revealed; `text_html` is already escaped."""
    return (
        f'<div class="ph-real">{text_html}</div>'
        f'<div class="ph-mask" aria-hidden="true">{escape(masked(plain))}</div>'
        f'<span class="ph-sr ph-hidden-note">{escape(wording.HIDDEN_TEXT)}</span>'
    )


def more(summary: str, body: str) -> str:
    """Folded details; `body` is HTML."""
    return f'<details class="ph-more"><summary>{escape(summary)}</summary>{body}</details>'


def embedded(data: Any) -> str:
    """Data for the script as inert text: no markup can come out of it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<div class="ph-data" hidden>{safe}</div>'
