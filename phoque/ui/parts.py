"""Pieces that tabs share: tables, masked text, data for scripts. All text is escaped here."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from phoque.figures.table import Cell, Table, text_of
from phoque.ui import wording
from phoque.ui.components import hidden, masked

REVEAL = f'<button type="button" class="ph-reveal-toggle">{escape(wording.REVEAL)}</button>'
"""Shows what is masked, and masks it again."""


def choices(name: str, options: Mapping[str, str], hints: Mapping[str, str] | None = None) -> str:
    """Buttons of which the first is pressed; each has its key as `data-NAME`, and perhaps a hint."""
    return "".join(
        f'<button type="button" data-{name}="{escape(key)}"{_title((hints or {}).get(key, ""))} '
        f'aria-pressed="{str(place == 0).lower()}">{escape(text)}</button>'
        for place, (key, text) in enumerate(options.items())
    )


def group(label: str, buttons: str, kind: str = "") -> str:
    """Buttons that belong together."""
    return f'<div class="ph-group{kind}" role="group" aria-label="{escape(label)}">{buttons}</div>'


def table_html(table: Table, name: str) -> str:
    """A table in its own scrolling box, with a button that saves its numbers as the CSV file of this name."""
    caption = escape(table.caption)
    heads = "".join(f'<th scope="col">{hinted(text)}</th>' for text in table.head)
    body = "".join(
        f'<tr><th scope="row">{escape(text_of(row[0]))}</th>{"".join(map(_td, row[1:]))}</tr>'
        for row in table.rows
    )
    return (
        f'<div class="ph-tablebox"><p class="ph-hint" aria-hidden="true">{caption}</p>'
        f'<div class="ph-scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="ph-table"><caption class="ph-sr">{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<button type="button" class="ph-csv" data-name="phoque-{escape(name)}.csv" '
        f'data-csv="{escape(table.csv())}">{escape(wording.CSV)}</button></div>'
    )


def hinted(text: str) -> str:
    """A word with its explanation, from `word|explanation`."""
    word, _, hint = text.partition("|")
    return f"<abbr{_title(hint)}>{escape(word)}</abbr>" if hint else escape(word)


def cards_html(facts: Mapping[str, str]) -> str:
    """Facts as cards, by their names, which may be `word|explanation`."""
    shown = "".join(
        f"<div><dt>{hinted(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items()
    )
    return f'<dl class="ph-cards">{shown}</dl>'


def facts_html(facts: Iterable[tuple[str, str]], kind: str = "") -> str:
    """Facts under each other, beside their names."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in facts)
    return f'<dl class="ph-facts{kind}">{rows}</dl>'


def gap_html(text: str) -> str:
    """What stands in the place of something that is missing."""
    return f'<p class="ph-reading ph-gap">{escape(text)}</p>'


def _td(cell: Cell) -> str:
    return f"<td{'' if isinstance(cell, str) else _title(cell.title)}>{escape(text_of(cell))}</td>"


def _title(text: str) -> str:
    return f' title="{escape(text)}"' if text else ""


def coded(tokens: Iterable[str]) -> str:
    """Tokens whose spaces and line ends can be seen, masked until revealed."""
    shown = [visible(one) for one in tokens]
    return secret(" ".join(f"<code>{escape(one)}</code>" for one in shown), " ".join(shown))


def visible(token: str) -> str:
    """A token whose spaces and line ends can be seen."""
    return token.replace(" ", "␣").replace("\n", "⏎") or "∅"


def secret(text_html: str, plain: str) -> str:
    """Text that is masked until revealed; `text_html` is already escaped."""
    return hidden(text_html, escape(masked(plain)))


def more(summary: str, body: str) -> str:
    """Folded details; `body` is HTML."""
    return f'<details class="ph-more"><summary>{escape(summary)}</summary>{body}</details>'


def embedded(data: Any) -> str:
    """Data for the script as inert text: no markup can come out of it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<div class="ph-data" hidden>{safe}</div>'
