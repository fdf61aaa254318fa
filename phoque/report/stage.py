"""One report from what the run's stages wrote."""

from phoque.figures.claims import sentence
from phoque.report.writing import read_run, write_report
from phoque.run.directory import RunDirectory


def make_report(directory: RunDirectory, *, html: bool = False) -> None:
    """Figures, slide table, pages; runs no model."""
    read_run(directory)
    with directory.stage("report", directory.path / "report", seeds=()) as folder:
        found = write_report(directory, folder, html=html)
    rows, figures = found.table.rows, found.figures
    for gap in (*(row.gap for row in rows), *(one.gap for one in figures), found.no_pictures):
        if gap:
            print(f"report: {gap}")
    filled, drawn = (sum(not one.gap for one in many) for many in (rows, figures))
    print(f"report: {sentence(found.claims)}")
    print(f"report: {filled} of {len(rows)} rows, {drawn} figures")
