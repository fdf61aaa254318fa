"""The report of a run: its folder, with figures as PNG files drawn in a headless Chrome, all in one start of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.figures import claims as ledger
from phoque.figures import frames
from phoque.figures.claims import sentence
from phoque.figures.figure import Drawn, drawn
from phoque.figures.gap import waiting
from phoque.figures.shelf import EVERY
from phoque.figures.style import Plotly
from phoque.files import replaced_folder, write_json, write_text
from phoque.report.claims import claims_of
from phoque.report.page import html_page
from phoque.report.pages import figures_page, metrics_page
from phoque.report.table import metrics_of
from phoque.run.claims import Claims
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader, command
from phoque.run.report import MetricsTable

WIDTH = 1000
"""Pixels."""
NO_KALEIDO = (
    "There are no PNG files, because kaleido is not installed: pip install -r "
    "requirements-train.txt, then make the report again."
)
NO_CHROME = (
    "There are no PNG files, because no Chrome or Chromium was found: install one, or name it in "
    "BROWSER_PATH, then make the report again."
)
BROKEN_CHROME = (
    "There are no PNG files, because the browser did not start or stopped: name a Chrome or Chromium "
    "that works in BROWSER_PATH, then make the report again."
)


def write_pngs(figures: Mapping[Path, Plotly]) -> str:
    """Write every figure to its file; says in one line why there are none where nothing can draw.

    Raises:
        kaleido.errors.KaleidoError: plotly.js cannot draw a figure.
    """
    try:
        import kaleido  # noqa: PLC0415  # an extra; it takes a moment to load
        from kaleido.errors import (  # noqa: PLC0415
            BrowserClosedError,
            BrowserFailedError,
            ChromeNotFoundError,
        )
    except ImportError:
        return NO_KALEIDO
    asked = [
        {
            "fig": figure,
            "path": file,
            "opts": {"width": WIDTH, "height": figure["layout"]["height"], "scale": 1},
        }
        for file, figure in figures.items()
    ]
    try:
        kaleido.write_fig_from_object_sync(asked, kopts={"mathjax": False}, cancel_on_error=True)
    except ChromeNotFoundError:
        return NO_CHROME
    except (BrowserFailedError, BrowserClosedError):
        return BROKEN_CHROME
    return ""


FIGURES = "figures"


@dataclass(frozen=True, kw_only=True)
class Report:
    table: MetricsTable
    claims: Claims
    figures: tuple[Drawn, ...]
    no_pictures: str
    """Why there are no PNG files; empty where there are."""


def read_run(run: RunDirectory) -> Reader:
    """Whoever reads what the stages entered in the manifest, and nothing that was changed since.

    Raises:
        PhoqueError: the folder is no run, or no stage of it is complete.
    """
    if not set(run.manifest().stages) - {MetricsTable.STAGE}:
        raise PhoqueError(
            f"No stage of the run {run.path} is complete: there is nothing to report. "
            f"Start with: {command('corpus', run.path)}"
        )
    return Reader(run, signed=True)


def figures_of(reader: Reader) -> tuple[Drawn, ...]:
    """Every figure that a run has; what a missing or broken stage leaves open says so."""
    own = (plan for plan in EVERY if plan.in_report and not plan.shown_if(reader))
    return tuple(drawn(plan, reader) for plan in own)


def write_report(run: RunDirectory, folder: Path, *, html: bool = False) -> Report:
    """Write table, figures and pages, all or nothing.

    Args:
        run: read, not changed.
        folder: is replaced.
        html: write one page that needs no other file and no network, too.

    Raises:
        PhoqueError: the folder is no run, or no stage of it is complete.
    """
    reader = read_run(run)
    table = MetricsTable(run=run.path.resolve().name, rows=metrics_of(reader))
    claims = claims_of(reader)
    figures = figures_of(reader)
    with replaced_folder(folder) as partial:
        no_pictures = _write_figures(figures, partial)
        table.save(partial)
        write_text(partial / "metrics_table.md", metrics_page(table))
        write_text(partial / "viz_report.md", figures_page(table.run, figures, no_pictures))
        claims.save(partial)
        write_text(partial / "claims.md", ledger.page(claims))
        if html:
            files = (f"{Claims.STAGE}/{Claims.FILE}",)
            judged = Drawn(plan=ledger.draw, figure=ledger.draw(claims), sources=files)
            write_text(partial / "report.html", html_page(table, (*figures, judged)))
    return Report(table=table, claims=claims, figures=figures, no_pictures=no_pictures)


def _write_figures(figures: Sequence[Drawn], folder: Path) -> str:
    (folder / FIGURES).mkdir()
    pictures = {}
    for one in figures:
        if one.figure and one.figure.plotly:
            paper = frames.on_paper(one.figure.plotly, one.plan.title, one.figure.n)
            write_json(folder / FIGURES / f"{one.plan.key}.json", paper, indent=None)
            pictures[folder / f"{one.plan.key}.png"] = paper
    return write_pngs(pictures)


def make_report(directory: RunDirectory, *, html: bool = False) -> None:
    """Figures, slide table, pages; runs no model."""
    reader = read_run(directory)
    with directory.stage("report", directory.path / "report", seeds=()) as folder:
        found = write_report(directory, folder, html=html)
    rows, figures = found.table.rows, found.figures
    for gap in (
        *(row.gap for row in rows),
        *(one.gap for one in figures),
        found.no_pictures,
        waiting(reader),
    ):
        if gap:
            print(f"report: {gap}")
    filled, drawn = (sum(not one.gap for one in many) for many in (rows, figures))
    print(f"report: {sentence(found.claims)}")
    print(f"report: {filled} of {len(rows)} rows, {drawn} figures")
