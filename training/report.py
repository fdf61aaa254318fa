"""One report from what the run's stages wrote."""

from phoque.report.writing import read_run, write_report
from phoque.run.directory import RunDirectory


def run(directory: RunDirectory) -> None:
    """Figures, slide table, pages; runs no model."""
    read_run(directory)
    with directory.stage("report", directory.path / "report", seeds=()) as folder:
        metrics, charts = write_report(directory, folder)
    for row in [*metrics, *charts]:
        if row.gap:
            print(f"report: {row.gap}")
    filled = sum(not row.gap for row in metrics)
    print(f"report: {filled} of {len(metrics)} rows, {sum(not c.gap for c in charts)} figures")
