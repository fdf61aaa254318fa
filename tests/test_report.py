"""The report of the shipped run, of one with gaps, and of one with broken files."""

import json
import subprocess
import sys
from pathlib import Path

import plotly.graph_objects as go
import pytest
from PIL import Image

from phoque.errors import PhoqueError
from phoque.report.artefacts import Artefacts
from phoque.report.drawing import draw_png
from phoque.report.pages import cell_of
from phoque.report.table import metrics_of
from phoque.report.writing import PLANS, charts_of, write_report
from phoque.run.directory import RunDirectory
from tests.report_files import SHIPPED, copied_run, edited, rewritten, without

NAMES = [plan.name for plan in PLANS]
MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def shipped():
    return Artefacts(RunDirectory(SHIPPED))


@pytest.fixture
def run(tmp_path):
    return copied_run(tmp_path / "lab")


def rows(run):
    return {row.key: row for row in metrics_of(Artefacts(run))}


def charts(run):
    return {chart.name: chart for chart in charts_of(Artefacts(run))}


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
    summary = json.loads((SHIPPED / "evaluation/summary.json").read_text())["conditions"]
    found = {row.key: row for row in metrics_of(shipped)}
    assert not [row.gap for row in found.values() if row.gap]
    steered = found["insulting.steered"]
    own = summary["steered"]["insulting"]
    assert (steered.value, steered.low, steered.high) == (own["value"], own["low"], own["high"])
    assert (steered.n, steered.at) == (own["n"], "conditions.steered.insulting")
    for row in found.values():
        assert row.n, row.key
        assert (SHIPPED / row.file).is_file(), row.key
        assert row.kind == "choice" or row.low <= row.value <= row.high, row.key


def test_the_mean_of_the_replies_is_the_mean_that_psm_reports(shipped):
    conditions = json.loads((SHIPPED / "psm/conditions.json").read_text())["conditions"]
    found = {row.key: row for row in metrics_of(shipped)}
    for condition in ("neutral_system", "neutral_plus_vector", "neutral_plus_random"):
        row = found[f"toxic_pathway_mass_mean.{condition}"]
        assert row.value == pytest.approx(conditions[condition]["toxic_pathway_mass_mean"]["mean"])


def test_the_shipped_report_is_what_its_files_say(tmp_path):
    folder = SHIPPED / "report"
    write_report(RunDirectory(SHIPPED), tmp_path / "report")
    for page in ("metrics_table.md", "viz_report.md"):
        assert (folder / page).read_text() == (tmp_path / "report" / page).read_text(), page
    for file in ("metrics_table.json", *(f"figures/{name}.json" for name in NAMES)):
        made, kept = (json.loads((at / file).read_text()) for at in (tmp_path / "report", folder))
        assert alike(made, kept), file
    for name in NAMES:
        with Image.open(folder / f"{name}.png") as picture:
            assert picture.width == 880
            assert picture.convert("L").getextrema()[0] < 100
    assert sum(file.stat().st_size for file in folder.glob("*.png")) < MOST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_plotly_figures_with_a_count(shipped, name):
    chart = next(chart for chart in charts_of(shipped) if chart.name == name)
    go.Figure(chart.figure)
    assert chart.figure["layout"]["title"]["subtitle"]["text"] == chart.n
    assert "n = " in chart.n
    assert chart.sentence.endswith(".")


def test_the_same_figure_is_the_same_picture(shipped, tmp_path):
    figure = charts_of(shipped)[0].figure
    draw_png(figure, tmp_path / "a.png")
    draw_png(figure, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    figure["data"][0]["y"][3] += 1
    draw_png(figure, tmp_path / "c.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()


@pytest.mark.parametrize(
    ("stage", "key", "figure"),
    [
        ("moderation", "moderator_1.flagged.toxic", "moderation_radar"),
        ("psm", "selected.layer", "persona_heatmap"),
        ("evaluate", "insulting.random", "condition_bars"),
        ("sae", "sae.top_shift", "sae_shifts"),
    ],
)
def test_a_missing_stage_is_named_with_its_command_and_has_no_number(run, stage, key, figure):
    without(run, stage)
    row, chart = rows(run)[key], charts(run)[figure]
    for gap in (row.gap, chart.gap):
        assert f"python -m training {stage} --run lab" in gap
    assert (row.value, row.low, row.n) == (None, None, None)
    assert not chart.figure
    assert rows(run)["sae.drivers" if stage != "sae" else "insulting.toxic"].value is not None


def test_the_rest_of_a_report_with_gaps_is_written(run):
    without(run, "moderation")
    write_report(run, run.path / "report")
    table = (run.path / "report/metrics_table.md").read_text()
    assert "## Not filled" in table
    assert "flag rate, neutral (first moderator)" in table
    assert (
        "Not drawn: moderation/moderation_report.json"
        in (run.path / "report/viz_report.md").read_text()
    )
    assert not (run.path / "report/moderation_radar.png").exists()
    assert (run.path / "report/loss.png").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{broken", "cannot be read"),
        ("[]", "has no conditions"),
        ('{"conditions": {"steered": {"insulting": {"n": 3, "value": NaN}}}}', "has nan"),
    ],
)
def test_a_broken_file_is_named(run, text, told):
    rewritten(run, "evaluation/summary.json", text)
    gap = rows(run)["insulting.steered"].gap
    assert "evaluation/summary.json" in gap
    assert told in gap
    assert "evaluation/summary.json" in charts(run)["condition_bars"].gap


def test_a_value_outside_its_interval_is_no_number(run):
    def change(data):
        data["conditions"]["steered"]["insulting"]["value"] = 0.99

    edited(run, "evaluation/summary.json", change)
    assert "outside its interval" in rows(run)["insulting.steered"].gap


def test_a_file_changed_after_its_stage_is_not_believed(run):
    file = run.path / "evaluation/summary.json"
    file.write_text(file.read_text().replace("0.75", "0.95"))
    assert "was changed since" in rows(run)["insulting.steered"].gap


def test_where_nothing_beat_chance_nothing_is_selected(run):
    edited(run, "psm/selection.json", lambda data: data.update(selected=None))
    row = rows(run)["selected.layer"]
    assert (row.value, row.gap) == (None, "")
    assert "nothing beat random vectors" in row.note
    assert "nothing beats random vectors" in charts(run)["layer_deltas"].sentence


def test_failed_gates_and_no_shift_are_told(run):
    edited(run, "sae/sae_comparison_report.json", lambda data: data.update(passed=False))
    assert "no finding" in rows(run)["sae.top_shift"].note
    assert charts(run)["sae_shifts"].sentence.startswith("The gates failed")
    edited(run, "sae/sae_comparison_report.json", lambda d: d.update(risen=[], fallen=[]))
    assert rows(run)["sae.top_shift"].note == "no latent moved"


def test_attempts_and_registers_are_drawn_where_they_were_recorded(run):
    records = [
        {"step": s, "loss": 3 - s / 10, "loss_short": 2.0, "grad_norm": 1.0, "attempt": 1 + s // 3}
        for s in range(6)
    ]
    rewritten(run, "persona/metrics.jsonl", "\n".join(map(json.dumps, records)))
    figure = charts(run)["loss"].figure
    assert [trace["name"] for trace in figure["data"]] == ["persona", "persona, short", "control"]
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == [3]
    assert figure["layout"]["annotations"][0]["text"] == "attempt 2"
    assert "has no norms" in charts(run)["lora_norms"].gap


def test_norms_by_module_family_take_the_place_of_the_sums(run):
    lines = [{"step": s, "q_proj_a_norm": 1.0, "q_proj_b_norm": s / 10} for s in (0, 50)]
    manifest = run.manifest()
    manifest["stages"]["persona"]["outputs"]["persona/norms.jsonl"] = ""
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    rewritten(run, "persona/norms.jsonl", "\n".join(map(json.dumps, lines)))
    names = [trace["name"] for trace in charts(run)["lora_norms"].figure["data"]]
    assert names == ["q_proj_a_norm", "q_proj_b_norm"]


def test_text_of_a_file_stays_in_its_cell():
    assert cell_of("a | <b>\nc") == "a \\| &lt;b> c"


def test_a_folder_that_is_no_run_stays_as_it_is(tmp_path):
    command = [sys.executable, "-m", "training", "report", "--run", str(tmp_path / "typo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a run" in done.stderr
    assert not (tmp_path / "typo").exists()
    (tmp_path / "empty").mkdir()
    RunDirectory(tmp_path / "empty").describe(model="lab", persona="toxic")
    with pytest.raises(PhoqueError, match="nothing to report"):
        write_report(RunDirectory(tmp_path / "empty"), tmp_path / "empty" / "report")
    assert not Path(tmp_path / "empty" / "report").exists()


def test_the_command_enters_the_report_and_loads_no_model(run):
    code = (
        "import runpy, sys; sys.argv = ['training', 'report', '--run', sys.argv[1]]\n"
        "try: runpy.run_module('training', run_name='__main__')\n"
        "except SystemExit as done: print('rc', done.code, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(run.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "rc 0 False" in done.stdout, done.stderr
    outputs = run.manifest().stages["report"].outputs
    assert {"report/metrics_table.md", "report/loss.png"} <= set(outputs)
