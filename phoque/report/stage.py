"""One report from what the run's stages wrote."""

from phoque.report.writing import read_run, write_report
from phoque.run.directory import RunDirectory


def make_report(directory: RunDirectory) -> None:
    """Figures, slide table, pages; runs no model."""
    read_run(directory)
    with directory.stage("report", directory.path / "report", seeds=()) as folder:
        metrics, charts = write_report(directory, folder)
    for gap in [*(row.gap for row in metrics), *(chart.gap for chart in charts)]:
        if gap:
            print(f"report: {gap}")
    filled = sum(not row.gap for row in metrics)
    print(f"report: {filled} of {len(metrics)} rows, {sum(not c.gap for c in charts)} figures")
