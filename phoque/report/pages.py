"""The report as Markdown."""

from collections.abc import Sequence

from phoque.figures.figure import Drawn
from phoque.figures.kinds import interval, shown
from phoque.figures.page import section
from phoque.figures.table import NOTHING, markdown_table
from phoque.run.report import Metric, MetricsTable

HEAD = ("number", "value", "95 % interval", "n", "from", "note")


def metrics_page(found: MetricsTable) -> str:
    """The slide table; a row that could not be filled names the command that does."""
    known = [row for row in found.rows if not row.gap]
    parts = [
        f"# The run {found.run} in numbers",
        f"{len(known)} of {len(found.rows)} rows are filled from the files named beside them. "
        "Intervals are for new prompts; rows are not corrected for being many. The key after a file is "
        "the name of the number.",
        markdown_table(HEAD, [cells(row) for row in known]),
    ]
    if gaps := [(row.label, row.gap) for row in found.rows if row.gap]:
        parts += ["## Not filled", markdown_table(("number", "what fills it"), gaps)]
    return "\n\n".join([*parts, ""])


def cells(row: Metric) -> list[str]:
    """A row under the head."""
    n = f"{row.n} {row.of}" if row.n is not None else NOTHING
    source = f"`{row.file}`: `{row.at}`"
    value, spread = shown(row.value, row.kind), interval(row.low, row.high, row.kind)
    return [row.label, value, spread, n, source, row.note]


def figures_page(run: str, figures: Sequence[Drawn], no_pictures: str) -> str:
    """Every figure with its sentence and its sources.

    Args:
        run: its name.
        figures: in order.
        no_pictures: why there are no PNG files; empty where there are.
    """
    intro = (
        "Every sentence is computed from the files named under it; the same figures as Plotly JSON "
        "are in `figures/`."
    )
    sections = []
    for one in figures:
        picture = one.figure is not None and one.figure.plotly is not None
        image = f"{one.plan.key}.png" if picture and not no_pictures else ""
        sections.append(section(one, image=image, table=not picture))
    told = [no_pictures] if no_pictures else []
    return "\n\n".join([f"# The run {run} in figures", intro, *told, *sections, ""])
