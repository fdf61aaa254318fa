"""Two runs side by side."""

import json
import subprocess
import sys

import pytest

from phoque.errors import PhoqueError
from phoque.report.compare import compare, difference, page, write_comparison
from phoque.report.writing import read_run
from phoque.run.evaluation import Evaluation
from phoque.run.folder import Reader
from phoque.run.report import Metric
from phoque.run.sae import SaeReport
from phoque.stats.rates import Rate, wilson
from tests.report_files import copied_run, rewritten, saved, without


@pytest.fixture
def runs(tmp_path):
    return copied_run(tmp_path / "a"), copied_run(tmp_path / "b")


def compared(runs):
    return compare(*map(read_run, runs))


def by_key(found):
    return {row.a.key: row for row in found.rows}


def share(hits, n):
    rate = wilson(hits, n)
    return Metric(
        key="k", label="l", kind="share", value=rate.value, low=rate.low, high=rate.high, n=n
    )


def test_the_interval_of_a_difference_is_newcombes():
    # Newcombe (1998), Statistics in Medicine 17, table II, example (a), method 10: 56/70 - 48/80.
    found = difference(share(48, 80), share(56, 70))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_a_run_beside_itself_differs_in_nothing(runs):
    found = compared(runs)
    assert found.settings == ()
    assert {row.value for row in found.rows} <= {0.0, None}
    assert by_key(found)["insulting.steered"].warning == "intervals overlap"
    assert "different features" in by_key(found)["sae.top_shift"].warning
    assert by_key(found)["sae.top_shift"].value is None


def test_overlap_difference_and_settings_are_told(runs):
    reader = Reader(runs[1])
    found = reader.read(Evaluation)
    strong = found.conditions["steered"].model_copy(
        update={"insulting": Rate(value=0.9, n=240, low=0.85, high=0.93)}
    )
    saved(runs[1], found.model_copy(update={"conditions": found.conditions | {"steered": strong}}))
    features = reader.read(SaeReport)
    saved(runs[1], features.model_copy(update={"layer": features.layer - 1}))
    runs[1].describe(persona="melancholy")
    before = Reader(runs[0]).read(Evaluation).conditions["steered"].insulting.value
    found = compared(runs)
    rows = by_key(found)
    assert rows["insulting.steered"].value == pytest.approx(0.9 - before)
    assert rows["insulting.steered"].low > 0
    assert rows["insulting.steered"].warning == ""
    assert rows["insulting.toxic"].warning == "intervals overlap"
    assert [(s.name, s.a, s.b) for s in found.settings] == [
        ("persona", "toxic", "melancholy"),
        ("layer of the SAE", str(features.layer), str(features.layer - 1)),
    ]
    assert "differ in 2 settings" in page(found)


def test_a_stage_that_one_run_lacks_gives_no_difference(runs):
    without(runs[1], "moderation")
    row = by_key(compared(runs))["moderator_1.flagged.toxic"]
    assert (row.value, row.b.value) == (None, None)
    assert "B: moderation/moderation_report.json needs the stage moderation" in row.warning


def test_a_file_that_one_run_never_wrote_is_no_setting(runs):
    (runs[1].path / "sae" / SaeReport.FILE).unlink()
    stages = runs[1].manifest().stages
    del stages["sae"].outputs[f"sae/{SaeReport.FILE}"]
    runs[1].describe(stages=stages)
    assert not [one for one in compared(runs).settings if "SAE" in one.name]


def test_an_interval_without_width_proves_nothing():
    flat = share(48, 80).model_copy(update={"low": 0.6, "high": 0.6})
    found = difference(flat, share(56, 70))
    assert (found.value, found.low) == (pytest.approx(0.2), None)
    assert found.warning == "an interval has no width"


def test_both_files_are_written_or_none(runs, tmp_path):
    write_comparison(compared(runs), tmp_path / "out")
    read = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (read["a"], read["b"]) == ("a", "b")
    assert (tmp_path / "out" / "comparison.md").read_text() == page(compared(runs))


def test_nobodys_folder_is_replaced(runs, tmp_path):
    found = compared(runs)
    write_comparison(found, tmp_path / "out")
    write_comparison(found, tmp_path / "out")
    for taken in (runs[0].path, runs[0].path / "manifest.json"):
        with pytest.raises(PhoqueError, match="is no comparison"):
            write_comparison(found, taken)
    assert runs[0].exists()


def test_a_broken_file_is_told_and_stops_no_other_row(runs):
    rewritten(runs[1], "moderation/moderation_report.json", "{broken")
    found = compared(runs)
    assert "cannot be read" in by_key(found)["moderator_1.flagged.toxic"].warning
    assert by_key(found)["insulting.toxic"].value == 0
    assert {one.b for one in found.settings} == {"cannot be read"}


def test_the_command(runs, tmp_path):
    def job(*arguments):
        command = [sys.executable, "-m", "phoque", "compare", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    told = job(runs[0].path, runs[1].path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("# A: a, B: b")
    refused = job(runs[0].path, tmp_path / "nothing")
    assert (refused.returncode, "is not a run" in refused.stderr) == (2, True)
