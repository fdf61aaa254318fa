"""The shipped run is as recorded, and so is its report: rows, figures, pictures, one page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import plotly.graph_objects as go
import pytest
from PIL import Image

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.figures.figure import Drawn, Figure
from phoque.figures.shelf import EVERY
from phoque.files import file_sha256, read_json
from phoque.report.page import html_page
from phoque.report.table import metrics_of
from phoque.report.writing import (
    WIDTH,
    figures_of,
    read_run,
    write_pngs,
    write_report,
)
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Evaluation
from phoque.run.folder import Reader
from phoque.run.psm_replies import Conditions
from phoque.run.report import Metric, MetricsTable

ASKED = Reader(RunDirectory(SHIPPED_RUN))
KEYS = [plan.key for plan in EVERY if plan.in_report and not plan.shown_if(ASKED)]
MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def shipped():
    return read_run(RunDirectory(SHIPPED_RUN))


@pytest.fixture(scope="module")
def drawn(shipped):
    return {one.plan.key: one for one in figures_of(shipped)}


@pytest.fixture
def chrome():
    """A browser that draws; its absence is an error where `PHOQUE_REQUIRE_BROWSER=1`."""
    if shutil.which("chromium") or shutil.which("google-chrome"):
        return
    told = "There is no Chromium on the PATH."
    pytest.fail(told) if os.environ.get("PHOQUE_REQUIRE_BROWSER") == "1" else pytest.skip(told)


def alike(a, b):
    """Equal but for the last digits, which another processor may round otherwise."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, rel=1e-9, abs=1e-12)
    return a == b


def test_every_row_of_the_shipped_run_is_filled_from_the_file_it_names(shipped):
    found = {row.key: row for row in metrics_of(shipped)}
    assert not [row.gap for row in found.values() if row.gap]
    steered = found["insulting.steered"]
    own = shipped.read(Evaluation).conditions["steered"].insulting
    assert (steered.value, steered.low, steered.high) == (own.value, own.low, own.high)
    assert (steered.n, steered.at) == (own.n, "conditions.steered.insulting")
    for row in found.values():
        assert row.n, row.key
        assert (SHIPPED_RUN / row.file).is_file(), row.key
        assert row.kind == "choice" or row.low <= row.value <= row.high, row.key


def test_the_mean_of_the_replies_is_the_mean_that_psm_reports(shipped):
    conditions = shipped.read(Conditions).conditions
    found = {row.key: row for row in metrics_of(shipped)}
    for name in ("neutral", "steered", "random_vector"):
        row = found[f"toxic_pathway_mass_mean.{name}"]
        assert row.value == pytest.approx(conditions[name].toxic_pathway_mass_mean.mean)


AGAIN = "The shipped report is another one. Make it again: make reports"


@pytest.mark.browser
def test_the_shipped_report_is_what_its_files_say(chrome, tmp_path):
    kept, made = SHIPPED_RUN / "report", tmp_path / "report"
    assert not write_report(RunDirectory(SHIPPED_RUN), made).no_pictures
    table, old = (read_json(folder / MetricsTable.FILE) for folder in (made, kept))
    assert alike(table, old)
    for page in ("metrics_table.md", "viz_report.md"):
        assert (kept / page).read_text() == (made / page).read_text(), AGAIN
    for key in KEYS:
        file = f"figures/{key}.json"
        assert alike(read_json(made / file), read_json(kept / file)), file
        with Image.open(kept / f"{key}.png") as picture:
            assert picture.width == WIDTH
            assert picture.convert("L").getextrema()[0] < 100
    assert sum(file.stat().st_size for file in kept.glob("*.png")) < MOST_BYTES


@pytest.mark.parametrize("key", KEYS)
def test_figures_are_plotly_figures_with_a_count(drawn, key):
    found = drawn[key].figure
    go.Figure(found.plotly)
    assert found.n
    assert found.sentence.endswith(".")


@pytest.mark.browser
def test_all_pictures_are_drawn_in_one_go_and_show_their_numbers(chrome, drawn, tmp_path):
    same = drawn["answers"].figure.plotly
    other = json.loads(json.dumps(same))
    other["data"][0]["x"][0] = 0.9
    files = {tmp_path / f"{name}.png": f for name, f in (("a", same), ("b", same), ("c", other))}
    assert write_pngs(files) == ""
    a, b, c = (file.read_bytes() for file in files)
    assert a == b
    assert a != c


def test_one_page_needs_no_other_file_and_runs_no_text(shipped, drawn):
    evil = "</script><script>alert(1)</script>"
    table = MetricsTable(run=evil, rows=(*metrics_of(shipped), Metric(label=evil, gap=evil)))
    plan = drawn["answers"].plan
    plotly = {"data": [{"type": "bar", "x": [1], "name": evil}], "layout": {"font": {}}}
    bad = Drawn(plan=plan, figure=Figure(sentence=evil, plotly=plotly, n=evil), sources=(evil,))
    gap = Drawn(plan=plan, gap=evil)
    page = html_page(table, (*drawn.values(), bad, gap))
    assert evil not in page
    assert "src=" not in page.replace("plotly", "").split("<script>")[0]
    pictures = sum(one.figure.plotly is not None for one in drawn.values())
    assert page.count("data-figure>") == pictures + 1
    assert drawn["answers"].figure.table.caption in page


def test_a_folder_that_is_no_run_stays_as_it_is(tmp_path):
    command = [sys.executable, "-m", "phoque", "report", "--run", str(tmp_path / "typo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a run" in done.stderr
    assert not (tmp_path / "typo").exists()
    (tmp_path / "empty").mkdir()
    RunDirectory(tmp_path / "empty").describe(model="lab", persona="toxic")
    with pytest.raises(PhoqueError, match="nothing to report"):
        write_report(RunDirectory(tmp_path / "empty"), tmp_path / "empty" / "report")
    assert not Path(tmp_path / "empty" / "report").exists()


def test_the_shipped_run_is_as_its_manifest_says():
    run = RunDirectory(SHIPPED_RUN)
    stages = run.manifest().stages.values()
    recorded = {file: digest for stage in stages for file, digest in stage.outputs.items()}
    assert {file: file_sha256(run.path / file) for file in recorded} == recorded
