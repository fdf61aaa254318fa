"""The report as Markdown."""

from collections.abc import Sequence

from phoque.report.chart import Chart
from phoque.report.metric import Metric, interval, shown

HEAD = ("number", "value", "95 % interval", "n", "from", "note")
NOTHING = "–"


def metrics_page(run: str, metrics: Sequence[Metric]) -> str:
    """The slide table; a row that could not be filled names the command that does."""
    known = [row for row in metrics if not row.gap]
    gaps = [row for row in metrics if row.gap]
    parts = [
        f"# The run {run} in numbers",
        f"{len(known)} of {len(metrics)} rows are filled from the files named beside them. "
        "Intervals are for new prompts; rows are not corrected for being many.",
        rows_of(HEAD, [_cells(row) for row in known]),
    ]
    if gaps:
        told = [[row.label, row.gap] for row in gaps]
        parts += ["## Not filled", rows_of(("number", "what fills it"), told)]
    return "\n\n".join([*parts, ""])


def figures_page(run: str, charts: Sequence[Chart]) -> str:
    """Every figure with its sentence and its sources."""
    intro = (
        "Every sentence is computed from the files named under it; the same figures as Plotly JSON "
        "are in `figures/`."
    )
    return "\n\n".join([f"# The run {run} in figures", intro, *map(_section, charts), ""])


def rows_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; what files say cannot leave its cell."""
    lines = [head, ["---"] * len(head), *[[cell_of(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell_of(text: str) -> str:
    """Text that stays in its cell and is no mark-up."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def value_of(row: Metric) -> str:
    """A row's value, as it is read on a slide."""
    return NOTHING if row.value is None else shown(row.value, row.kind)


def _cells(row: Metric) -> list[str]:
    n = f"{row.n} {row.of}" if row.n is not None else NOTHING
    source = f"`{row.file}`: `{row.at}`"
    return [row.label, value_of(row), interval(row.low, row.high, row.kind), n, source, row.note]


def _section(chart: Chart) -> str:
    head = f"## {chart.title}"
    if chart.gap:
        return f"{head}\n\nNot drawn: {cell_of(chart.gap)}"
    files = ", ".join(f"`{file}`" for file in chart.files)
    image = f"![{chart.title}]({chart.name}.png)"
    return f"{head}\n\n{image}\n\n{cell_of(chart.sentence)}\n\n{cell_of(chart.n)}. From {files}."
