"""The report's folder."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.figures import figure, style
from phoque.figures.shelf import HOW_IT_LEARNED, WHAT_SLIPS_THROUGH
from phoque.files import replaced_folder, write_json
from phoque.report import feature_charts, persona_charts, tuning_charts
from phoque.report.artefacts import Artefacts
from phoque.report.chart import Chart, drawn
from phoque.report.drawing import draw_png
from phoque.report.metric import Metric
from phoque.report.pages import figures_page, metrics_page
from phoque.report.table import metrics_of
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader

PLANS = (
    *tuning_charts.CHARTS,
    *persona_charts.CHARTS,
    *feature_charts.CHARTS,
)
FIGURES = "figures"


def charts_of(artefacts: Artefacts) -> list[Chart]:
    """Every figure of a run; what a missing or broken stage leaves open says so."""
    own = [drawn(plan, artefacts) for plan in PLANS]
    reader = Reader(artefacts.run, signed=True)
    plans = [plan for plan in (*HOW_IT_LEARNED, *WHAT_SLIPS_THROUGH) if plan.in_report]
    return own + [_chart(figure.drawn(plan, reader)) for plan in plans]


def _chart(found: figure.Drawn) -> Chart:
    plan, made = found.plan, found.figure
    blank = Chart(name=plan.key, title=plan.title, files=found.sources, gap=found.gap)
    if not made or made.plotly is None:
        return blank
    paper = style.on_paper(made.plotly, plan.title, made.n)
    return replace(blank, sentence=made.sentence, n=made.n, figure=paper)


def read_run(run: RunDirectory) -> Artefacts:
    """What the run's stages wrote.

    Raises:
        PhoqueError: the folder is no run, or no stage of it is complete.
    """
    found = Artefacts(run)
    if not set(found.stages) - {"report"}:
        raise PhoqueError(
            f"No stage of the run {run.path} is complete: there is nothing to report. "
            f"Start with: python -m training corpus --run {run.path}"
        )
    return found


def write_report(run: RunDirectory, folder: Path) -> tuple[list[Metric], list[Chart]]:
    """Write table, figures and pages, all or nothing; returns what was written.

    Raises:
        PhoqueError: the folder is no run, or no stage of it is complete.
    """
    artefacts = read_run(run)
    metrics, charts = metrics_of(artefacts), charts_of(artefacts)
    name = run.path.resolve().name
    with replaced_folder(folder) as partial:
        _write_figures(charts, partial)
        write_json(partial / "metrics_table.json", {"run": name, "rows": [*map(asdict, metrics)]})
        pages = {
            "metrics_table": metrics_page(name, metrics),
            "viz_report": figures_page(name, charts),
        }
        for page, text in pages.items():
            (partial / f"{page}.md").write_text(text, encoding="utf-8")
    return metrics, charts


def _write_figures(charts: Sequence[Chart], folder: Path) -> None:
    (folder / FIGURES).mkdir()
    for chart in charts:
        if not chart.gap:
            write_json(folder / FIGURES / f"{chart.name}.json", chart.figure, indent=None)
            draw_png(chart.figure, folder / f"{chart.name}.png")
