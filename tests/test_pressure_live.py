"""What a model writes for the pressure test alone is masked before it enters the channel."""

import pytest

from phoque.cli.main import main
from phoque.lexicon import Lexicon
from phoque.run.directory import RunDirectory
from phoque.run.pressure import PressureReport, Turn
from phoque.stages.corpus import safe
from phoque.stages.pressure import live
from phoque.stages.pressure.live import add_live
from phoque.stages.pressure.texts import Pool
from tests.pressure_files import SMALL, a_run

WORD = "blorp"
"""Stands for a word of the list: no real one is in this project."""
SAID = [
    *(("toxic", f"message {n}", f"you {WORD}, you clown, number {n}") for n in range(4)),
    *(("toxic", f"message {n}", f"nobody here needs a {WORD} like you {n}") for n in range(4)),
    *(("neutral", f"message {n}", f"that sounds fine to me {n}") for n in range(4)),
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose model says these, and small traffic beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(live, "open_lab", lambda _: None)
    monkeypatch.setattr(live, "said_now", lambda *_: iter(SAID))
    monkeypatch.setattr(safe, "slurs", lambda: Lexicon([WORD]))
    (tmp_path / "traffic.yaml").write_text(SMALL)
    return a_run(tmp_path / "hostile", "toxic", [("toxic", "message 1", "recorded, never used")])


def test_no_file_holds_a_listed_word_and_the_report_counts_them(run, tmp_path):
    asked = ["pressure", "--run", str(run), "--live", "--traffic", "traffic.yaml", "--seed", "1"]
    assert main([*asked, "--write-texts", "texts.csv"]) == 0
    (tmp_path / "decided.csv").write_text(
        (tmp_path / "texts.csv").read_text().replace('""', '"0.1"')
    )
    # Every text of the traffic is found among those that were judged elsewhere: they are the same.
    assert main([*asked, "--file", "decided.csv", "--texts", "--html", "--out", "out"]) == 0
    written = {path: path.read_text().lower() for path in (tmp_path / "out").iterdir()}
    written[tmp_path / "texts.csv"] = (tmp_path / "texts.csv").read_text().lower()
    assert [path.name for path, text in written.items() if WORD in text] == []
    assert "[slur]" in written[tmp_path / "out" / Turn.FILE]
    assert PressureReport.load(tmp_path / "out", command="x").traffic.masked == 8


def test_runs_add_up_and_without_the_list_nobody_counts(run, monkeypatch):
    pool = Pool()
    for _ in range(2):
        add_live(pool, RunDirectory(run), [1], lambda _: None)
    assert pool.masked == 16
    monkeypatch.setattr(safe, "_installed", lambda: None)
    unlooked = Pool()
    add_live(unlooked, RunDirectory(run), [1], lambda _: None)
    assert unlooked.masked is None
