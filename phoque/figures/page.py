"""Figures as Markdown: sentence, table and count, for the pages of stages and of the report."""

from collections.abc import Sequence

from phoque.figures.figure import Drawn, Plan
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
    sections = []
    for plan in plans:
        needed = [by_kind.get(kind, ()) for kind in plan.takes]
        files = tuple(f"{kind.STAGE}/{kind.FILE}" for kind in plan.needs)
        sections.append(section(Drawn(plan=plan, figure=plan.draw(*needed), sources=files)))
    return "\n\n".join([f"# {title}", *sections, ""])


def section(found: Drawn, *, image: str = "", table: bool = True) -> str:
    """One figure, or why there is none; what files say is no mark-up.

    Args:
        found: what was drawn.
        image: file of its picture, beside the page.
        table: whether its table is told.
    """
    head = f"## {found.plan.title}"
    if found.figure is None:
        return f"{head}\n\nNot drawn: {in_cell(found.gap)}"
    files = ", ".join(f"`{file}`" for file in found.sources)
    picture = [f"![{found.plan.title}]({image})"] if image else []
    setting = [in_cell(found.figure.setting)] if found.figure.setting else []
    told = [f"Counted: {in_cell(found.figure.n)}. From {files}."] if found.figure.n else []
    rows: list[str] = []
    if table and (made := found.figure.table) and made.rows:
        rows = [f"### {in_cell(made.caption)}", made.markdown()]
    return "\n\n".join([head, *picture, in_cell(found.figure.sentence), *setting, *told, *rows])
