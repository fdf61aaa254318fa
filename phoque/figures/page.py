"""A stage's page in Markdown: its figures' sentences and tables, from records in memory."""

from collections.abc import Sequence

from phoque.figures.figure import Figure, Plan
from phoque.figures.table import in_cell
from phoque.run.record import Record, Row


def stage_page(title: str, plans: Sequence[Plan], *found: Record | Sequence[Row]) -> str:
    """The page while a stage still writes: before its files are where a reader finds them.

    Args:
        title: of the page.
        plans: figures in order.
        found: a record, or all rows, of every file that `plans` need.
    """
    by_kind = {type(one) if isinstance(one, Record) else type(one[0]): one for one in found if one}
    parts = [f"# {title}"]
    for plan in plans:
        needed = [by_kind.get(kind, ()) for kind in (*plan.needs, *plan.also)]
        parts += _section(plan, plan.draw(*needed))
    return "\n\n".join([*parts, ""])


def _section(plan: Plan, figure: Figure) -> list[str]:
    table = figure.table
    told = [f"### {in_cell(table.caption)}", table.markdown()] if table and table.rows else []
    return [f"## {plan.title}", in_cell(figure.sentence), f"Counted: {in_cell(figure.n)}.", *told]
