"""The report of a run with gaps, broken files, odd values, or no browser to draw with."""

import json
import shutil
import subprocess
import sys

import plotly.graph_objects as go
import pytest

from phoque.config import SHIPPED_RUN
from phoque.figures.gap import waiting
from phoque.report.table import metrics_of
from phoque.report.writing import (
    BROKEN_CHROME,
    NO_CHROME,
    NO_KALEIDO,
    figures_of,
    make_report,
    read_run,
    write_report,
)
from phoque.run.claims import Claims
from phoque.run.evaluation import Evaluation
from phoque.run.folder import Reader
from phoque.run.psm import Selection
from phoque.run.psm_replies import Written
from phoque.run.sae import SaeReport
from phoque.run.scored import GapExample
from phoque.stats.rates import Rate
from tests.report_files import copied_run, rewritten, saved, without


@pytest.fixture
def run(tmp_path):
    return copied_run(tmp_path / "lab")


@pytest.fixture
def no_chrome(monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/nothing/here")


def rows(run):
    return {row.key: row for row in metrics_of(read_run(run))}


def figures(run):
    return {one.plan.key: one for one in figures_of(read_run(run))}


def test_replies_that_nobody_has_read_wait_in_one_line(run, no_chrome, capsys):
    assert waiting(Reader(run)) == ""
    lines = run.labels.read_text().splitlines(keepends=True)
    first = Reader(run).rows(GapExample)[0].id
    run.labels.write_text("".join(one for one in lines if first not in one))
    make_report(run)
    (told,) = [line for line in capsys.readouterr().out.splitlines() if "wait for readings" in line]
    count = len(Reader(run).rows(GapExample))
    assert told.startswith(f"report: 1 of {count} replies in moderation/gap_examples.csv wait")
    assert str(run.labels) in told
    run.labels.unlink()
    assert waiting(Reader(run)).startswith(f"{count} of {count} replies")
    without(run, "moderation")
    assert waiting(read_run(run)) == ""


def test_without_a_browser_the_report_says_so_in_one_line(run, no_chrome):
    found = write_report(run, run.path / "report")
    assert found.no_pictures in {NO_CHROME, NO_KALEIDO}
    page = (run.path / "report/viz_report.md").read_text()
    assert found.no_pictures in page
    assert "![" not in page
    assert not list((run.path / "report").glob("*.png"))
    go.Figure(json.loads((run.path / "report/figures/answers.json").read_text()))


def test_a_browser_that_does_not_start_costs_only_the_pictures(run, monkeypatch):
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", shutil.which("true"))
    found = write_report(run, run.path / "report")
    assert found.no_pictures == BROKEN_CHROME
    assert found.no_pictures in (run.path / "report/viz_report.md").read_text()


@pytest.mark.parametrize(
    ("stage", "key", "figure"),
    [
        ("moderation", "moderator_1.flagged.toxic", "message_kinds"),
        ("psm", "selected.layer", "persona_heatmap"),
        ("evaluate", "insulting.random_vector", "answers"),
        ("sae", "sae.top_shift", "sae_shifts"),
    ],
)
def test_a_missing_stage_is_named_with_its_command_and_has_no_number(run, stage, key, figure):
    without(run, stage)
    row, chart = rows(run)[key], figures(run)[figure]
    for gap in (row.gap, chart.gap):
        assert f"phoque run {stage} --run lab" in gap
    assert (row.value, row.low, row.n) == (None, None, None)
    assert chart.figure is None
    assert rows(run)["insulting.toxic" if stage != "evaluate" else "selected.layer"].value


def test_the_rest_of_a_report_with_gaps_is_written(run, no_chrome):
    without(run, "moderation")
    write_report(run, run.path / "report")
    table = (run.path / "report/metrics_table.md").read_text()
    assert "## Not filled" in table
    assert "flag rate, neutral (first moderator)" in table
    page = (run.path / "report/viz_report.md").read_text()
    assert "Not drawn: moderation/moderation_report.json" in page
    assert not (run.path / "report/figures/message_kinds.json").exists()
    assert (run.path / "report/figures/answers.json").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{broken", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"conditions": {"steered": {"insulting": {"n": 3, "value": NaN}}}}', "cannot be read"),
    ],
)
def test_a_broken_file_is_named(run, text, told):
    rewritten(run, "evaluation/summary.json", text)
    gap = rows(run)["insulting.steered"].gap
    assert "evaluation/summary.json" in gap
    assert told in gap
    assert "evaluation/summary.json" in figures(run)["answers"].gap


def steered(run, rate):
    """As if the evaluation had found another rate."""
    found = Reader(run).read(Evaluation)
    own = found.conditions["steered"].model_copy(update={"insulting": rate})
    saved(run, found.model_copy(update={"conditions": found.conditions | {"steered": own}}))


def test_a_value_outside_its_interval_is_no_number(run):
    steered(run, Rate(value=0.99, low=0.1, high=0.2, n=5))
    assert "outside its interval" in rows(run)["insulting.steered"].gap


def test_a_condition_that_was_not_measured_is_a_gap(run):
    found = Reader(run).read(Evaluation)
    saved(run, found.model_copy(update={"conditions": {"base": found.conditions["base"]}}))
    gap = rows(run)["insulting.steered"].gap
    assert "evaluation/summary.json has no steered. Make it" in gap
    assert "phoque run evaluate" in gap


def test_replies_that_were_not_written_are_a_gap(run):
    found = Written.load_rows(run.path / "psm", command="")
    Written.save_rows(run.path / "psm", [one for one in found if one.condition != "steered"])
    rewritten(run, f"psm/{Written.FILE}", (run.path / "psm" / Written.FILE).read_text())
    gap = rows(run)["toxic_pathway_mass_mean.steered"].gap
    assert gap.startswith(f"psm/{Written.FILE} has no reply under steered. Make it again with: ")


def test_a_file_changed_after_its_stage_is_not_believed(run):
    file = run.path / "evaluation/summary.json"
    file.write_text(file.read_text() + "\n")
    assert "was changed since" in rows(run)["insulting.steered"].gap


def test_where_nothing_beat_chance_nothing_is_selected(run):
    saved(run, Reader(run).read(Selection).model_copy(update={"selected": None}))
    row = rows(run)["selected.layer"]
    assert (row.value, row.gap) == (None, "")
    assert "nothing beat random vectors" in row.note


def test_failed_gates_and_no_shift_are_told(run):
    found = Reader(run).read(SaeReport)
    row = rows(run)["sae.drivers"]
    tried = {one.name for one in found.cause.generated.cells if not {*one.name} - {*"0123456789"}}
    assert (row.n, row.of) == (len(tried), "latents that were tried")
    assert f"{sum(found.verdicts.values())} latents moved" in row.note
    top = max((*found.risen, *found.fallen), key=lambda one: abs(one.effect))
    note = rows(run)["sae.top_shift"].note
    assert top.weakness in note
    assert top.name not in note  # it may hold masked words
    saved(run, found.model_copy(update={"passed": False}))
    assert "no finding" in rows(run)["sae.top_shift"].note
    saved(run, found.model_copy(update={"risen": (), "fallen": ()}))
    assert rows(run)["sae.top_shift"].note == "no latent moved"


def test_the_command_enters_the_report_and_loads_no_model(run, no_chrome):
    code = (
        "import runpy, sys; sys.argv = ['phoque', 'report', '--html', '--run', sys.argv[1]]\n"
        "try: runpy.run_module('phoque', run_name='__main__')\n"
        "except SystemExit as done: print('rc', done.code, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(run.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "rc 0 False" in done.stdout, done.stderr
    outputs = run.manifest().stages["report"].outputs
    expected = {"metrics_table.md", "figures/answers.json", "report.html"}
    assert {f"report/{name}" for name in expected} <= set(outputs)


def test_what_no_row_of_a_complete_stage_counts_names_no_command():
    """The shipped lab has no feature that drives the persona, so none can be found again."""
    claims = Claims.load(SHIPPED_RUN / "report", command="phoque run report").claims
    [note] = (one.note for one in claims if one.id == "features-drive")
    assert (
        "again: Nothing to count: features.csv has no such row (one with verdict=driver)." in note
    )
    assert "Fill it with" not in note
