"""Pieces that tabs share: numbers, tables, masked text. All text is escaped here."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.figures.table import NOTHING, SMALLEST_P, Cell, Table, Value
from phoque.ui import wording
from phoque.ui.components import masked


def share(value: float) -> str:
    """A share as a percentage."""
    return f"{100 * value:.1f}\u00a0%"


def interval(rate: Mapping[str, Any]) -> str:
    """A rate with its 95 % interval, for a sentence."""
    return f"{share(rate['value'])} [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}]"


def number(value: float, digits: int = 2, *, sign: bool = False) -> Value:
    """A number in a cell."""
    return Value(f"{value:{'+' if sign else ''}.{digits}f}", {"": value})


def share_cell(value: float) -> Value:
    """A share in a cell."""
    return Value(share(value), {"": value})


def rate_cell(rate: Mapping[str, Any]) -> Value:
    """A rate with its interval in a cell."""
    fields = {"": rate["value"], " low": rate["low"], " high": rate["high"], " n": rate["n"]}
    return Value(interval(rate), fields, f"n = {rate['n']}")


def effect_cell(effect: Mapping[str, Any], *, percent: bool = True) -> Value:
    """A difference with its interval in a cell."""
    low, high = effect["low"], effect["high"]
    if percent:
        shown = f"{100 * effect['value']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
    else:
        shown = f"{effect['value']:+.4f} [{low:+.4f}, {high:+.4f}]"
    return Value(shown, {"": effect["value"], " low": low, " high": high})


def p_cell(value: float) -> Value:
    """A p value in a cell."""
    return Value(p_text(value), {"": value})


def p_text(value: float) -> str:
    """A p value; ten thousand permutations cannot tell smaller ones apart."""
    return f"≤ {SMALLEST_P:.4f}" if value < 1.5 * SMALLEST_P else f"{value:.2g}"


def table(name: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table in its own scrolling box, with its numbers as a CSV file.

    A head may be `text|explanation`; the explanation becomes a hint.
    """
    heads = "".join(f'<th scope="col">{hinted(text)}</th>' for text in head)
    body = "".join(f"<tr>{_first(row[0])}{''.join(map(_td, row[1:]))}</tr>" for row in rows)
    plain = [text.partition("|")[0] for text in head]
    return (
        f'<div class="ph-tablebox"><p class="ph-hint" aria-hidden="true">{escape(caption)}</p>'
        '<div class="ph-scroll" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}"><table class="ph-table">'
        f'<caption class="ph-sr">{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
        f"{csv_button(name, plain, rows)}</div>"
    )


def table_html(found: Table) -> str:
    """A table of a figure in its own scrolling box, with its numbers as a CSV file."""
    return table(found.name, found.caption, found.head, found.rows)


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


def csv_button(name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A button that saves the table's numbers in full."""
    return (
        f'<button type="button" class="ph-csv" data-name="{escape(name)}.csv" '
        f'data-csv="{escape(csv_text(head, rows))}">{escape(wording.CSV)}</button>'
    )


def csv_text(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """The table as CSV: a rate takes four columns."""
    columns = [
        (place, name, suffix)
        for place, name in enumerate(head)
        for suffix in _suffixes([row[place] for row in rows])
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name + suffix for _, name, suffix in columns])
    for row in rows:
        writer.writerow([_field(row[place], suffix) for place, _, suffix in columns])
    return text.getvalue()


def _suffixes(cells: Sequence[Cell]) -> list[str]:
    found = dict.fromkeys(s for c in cells if isinstance(c, Value) for s in c.fields)
    return list(found) or [""]


def _field(cell: Cell, suffix: str) -> object:
    if isinstance(cell, Value):
        return cell.fields.get(suffix, "")
    return "" if suffix or cell == NOTHING else cell


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
