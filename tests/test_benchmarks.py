"""Benchmarks say where they ran and refuse to record beside others; the page shows what they kept."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPTS = sorted(
    path
    for folder in ("benchmarks", "tools")
    for path in (ROOT / folder).glob("*.py")
    if path.name != "llama_peer.py"  # needs a package that is built by hand
)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_finds_all_that_it_names(path, monkeypatch):
    monkeypatch.syspath_prepend(path.parent)
    loaded(path)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    module = loaded(ROOT / "benchmarks" / "machine.py")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results.jsonl")
    monkeypatch.setattr(module, "bandwidth", lambda: 2e10)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    return module


def watched(machine, monkeypatch, busy):
    """A watch in a world where all processes together took `busy` seconds in each of ten."""
    ticks = iter(range(100))
    monkeypatch.setattr(
        machine, "_times", lambda: (10.0 * (tick := next(ticks)), busy * tick, 8.0 * tick)
    )
    return machine.Watch("decode")


def test_a_row_says_where_it_was_measured(machine, monkeypatch):
    watched(machine, monkeypatch, busy=9.0).record({"step, ms": 30.0})
    row = json.loads(machine.RESULTS.read_text())
    assert row["bench"] == "decode"
    assert row["cpu"]
    assert row["threads"] >= 1
    assert row["step, ms"] == 30.0
    assert row["others meanwhile"] == pytest.approx(0.1)


def test_nothing_is_recorded_beside_a_busy_process(machine, monkeypatch):
    with pytest.raises(SystemExit, match=r"Not recorded: other processes took 0\.80 cores"):
        watched(machine, monkeypatch, busy=16.0).record({"step, ms": 30.0})
    assert not machine.RESULTS.exists()


def test_the_process_itself_and_its_children_are_not_others(machine):
    start = machine._times()
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    now = machine._times()
    assert now[2] - start[2] > 0.05


def test_the_page_is_what_the_results_say():
    done = subprocess.run(
        [sys.executable, "tools/performance.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_later_row_takes_the_place_of_an_earlier_one_and_gaps_are_named():
    page = loaded(ROOT / "tools" / "performance.py")
    rows = [
        {"bench": "x", "features": "avx2 fma", "ms": 3.0, "range": [1.0, 2.0]},
        {"bench": "x", "features": "avx2 fma", "ms": 2.0},
        {"bench": "x", "features": "avx2 avx512f avx512_bf16", "ms": 1.0},
        {"bench": "x", "ms": 9.0},
    ]
    text = page.filled("a <!-- from results.jsonl: x --> old <!-- end --> b", rows)
    assert "| ms | 1 | not measured | 2 | not measured |" in text
    assert "| range | not measured | not measured | 1 to 2 | not measured |" in text
    assert (text[:2], text[-2:], "old" in text) == ("a ", " b", False)
    assert page.filled(text, rows) == text
