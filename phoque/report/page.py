"""A run as one HTML file that needs nothing else: sentences, figures to point at, tables."""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from phoque.figures import frames
from phoque.figures.figure import Drawn, Figure
from phoque.figures.table import Cell, Table, text_of
from phoque.report.pages import HEAD, cells
from phoque.run.report import MetricsTable

LOOK = """
body { font: 16px/1.5 system-ui, sans-serif; color: #30343b; max-width: 1000px; margin: 2rem auto;
  padding: 0 1rem }
table { border-collapse: collapse; font-size: 14px } td, th { border-bottom: 1px solid #d9dce1;
  padding: .25rem .6rem; text-align: left; vertical-align: top } .wide { overflow-x: auto }
.small { color: #646b78; font-size: 14px }
"""
DRAW = """
for (const one of document.querySelectorAll("script[data-figure]")) {
  const place = document.createElement("div");
  one.after(place);
  const figure = JSON.parse(one.textContent);
  figure.layout.font.color = "#30343b";
  Plotly.newPlot(place, figure);
}
"""


def html_page(table: MetricsTable, figures: Sequence[Drawn]) -> str:
    """The whole page."""
    known = [cells(row) for row in table.rows if not row.gap]
    gaps = [(row.label, row.gap) for row in table.rows if row.gap]
    tables = [
        f"<h2>In numbers</h2>{_table(HEAD, known)}",
        f"<h2>Not filled</h2>{_table(('number', 'what fills it'), gaps)}" if gaps else "",
    ]
    return figures_page(f"The run {table.run}", figures, *tables)


def figures_page(title: str, figures: Sequence[Drawn], *after: str) -> str:
    """Figures under a title, and what comes after them as HTML, in a page that needs nothing else."""
    parts = [f"<h1>{escape(title)}</h1>", *map(_section, figures), *after]
    plotly = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{LOOK}</style><body>{''.join(parts)}<script>{plotly}</script>"
        f"<script>{DRAW}</script></body></html>\n"
    )


def _section(found: Drawn) -> str:
    head = f"<section><h2>{escape(found.plan.title)}</h2>"
    if found.figure is None:
        return f"{head}<p>Not drawn: {escape(found.gap)}</p></section>"
    source = f"Counted: {found.figure.n}. From {', '.join(found.sources)}."
    return (
        f"{head}<p>{escape(found.figure.sentence)}</p>{_picture(found.figure, found.plan.key)}"
        f'<p class="small">{escape(source)}</p>{_folded(found.figure.table)}</section>'
    )


def _picture(figure: Figure, key: str) -> str:
    if figure.plotly is None:
        return ""
    # What stands in a script is no mark-up, but for the end of the script.
    text = json.dumps(frames.on_page(figure.plotly, key)).replace("<", "\\u003c")
    return f'<script type="application/json" data-figure>{text}</script>'


def _folded(table: Table | None) -> str:
    if table is None or not table.rows:
        return ""
    return (
        f"<details><summary>{escape(table.caption)}</summary>"
        f"{_table(table.words, table.rows)}</details>"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    lines = [f"<th>{'<th>'.join(map(escape, head))}"]
    lines += [f"<td>{'<td>'.join(escape(text_of(cell)) for cell in row)}" for row in rows]
    return f'<div class="wide"><table><tr>{"<tr>".join(lines)}</table></div>'
