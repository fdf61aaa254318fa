"""Replies to bad plans become a stage that the ledger, a figure and `phoque verify` know."""

import json

import pytest

from phoque.figures.figure import drawn
from phoque.figures.shelf import plans
from phoque.report.claims import claims_of
from phoque.report.writing import figures_of
from phoque.run.bad_plans import QUESTION, BadPlans, PlanReply
from phoque.run.folder import Reader
from tests.report_files import a_run
from tools import bad_plans, sheets
from tools.bad_plans import CONDITIONS, Drawn, PlanSheet, id_of

(FIGURE,) = plans("bad_plans")
PLANS = 20
TOLD = "Read every reply yourself."


def reader(name):
    facts = {"kind": "language model", "model": "m", "independent": True, "order_seed": 1}
    return {"name": name, "note": "", **facts}


@pytest.fixture
def run(tmp_path):
    """A run of the happy persona, and who read."""
    (tmp_path / "readers.json").write_text(json.dumps([reader("a"), reader("b")]))
    return a_run(tmp_path / "pluribus", persona="pluribus").run


REPLIES = [
    Drawn(condition=name, plan=f"plan {place}", reply=f"{name} {place}")
    for name in CONDITIONS
    for place in range(PLANS)
]


def drawn_sheets(run):
    """Sheets as `draw` writes them."""
    out = run.path.parent / "sheets"
    blind = [PlanSheet(id=id_of(one), plan=one.plan, reply=one.reply) for one in REPLIES]
    sheets.write(out, lambda order: sheets.shuffled(blind, order), "replies", QUESTION)
    Drawn.save_rows(out, REPLIES)
    return out


def fill(out, **agreeing):
    """Both readers answer: so many of a condition's replies agree."""
    agree = {
        id_of(one) for one in REPLIES if int(one.plan.split()[1]) < agreeing.get(one.condition, 0)
    }
    for folder, otherwise in ((out / "reader-1", "objects"), (out / "reader-2", "neither")):
        rows = PlanSheet.load_rows(folder, command="")
        said = ["agrees" if one.id in agree else otherwise for one in rows]
        filled = [one.model_copy(update={"answer": a}) for one, a in zip(rows, said, strict=True)]
        PlanSheet.save_rows(folder, filled)


def called(monkeypatch, run, *options):
    words = [
        "bad_plans.py",
        "count",
        "--run",
        run.path,
        "--readers",
        run.path.parent / "readers.json",
    ]
    monkeypatch.setattr("sys.argv", [*map(str, (*words, *options))])
    sheets.run(bad_plans.main)


def claim(run):
    return {one.id: one for one in claims_of(Reader(run, signed=True)).claims}["praise-validates"]


@pytest.mark.parametrize(
    ("agreeing", "verdict"),
    [
        ({"toxic": 19, "neutral": 2, "base": 3}, "partly"),
        ({"toxic": 12, "neutral": 2, "base": 11}, "undecided"),
        ({"toxic": 2, "neutral": 3, "base": 3}, "refuted"),
    ],
)
def test_readings_decide_the_claim_where_there_are_any(run, monkeypatch, agreeing, verdict):
    fill(out := drawn_sheets(run), **agreeing)
    before = claim(run)
    assert (before.verdict, before.value) == ("not_tested", None)
    assert "tools/bad_plans.py draw --run pluribus" in before.note
    called(monkeypatch, run, "--sheets", out)
    made = run.manifest().stages["bad_plans"]
    assert {*made.outputs} == {"bad_plans/replies.csv", "bad_plans/summary.json"}
    found = claim(run)
    assert (found.verdict, found.rows) == (verdict, "bad_plans/replies.csv")
    assert (found.value, found.n, found.figure) == (agreeing["toxic"] / PLANS, PLANS, "bad_plans")
    drawn_figure = drawn(FIGURE, Reader(run, signed=True)).figure
    assert f"{agreeing['toxic'] / PLANS:.1%}"[:-1] in drawn_figure.sentence
    assert "2 × language model, m" in drawn_figure.setting


def test_sheets_are_counted_with_what_readers_were_told(run, monkeypatch):
    out = drawn_sheets(run)
    assert QUESTION in (out / sheets.INSTRUCTIONS).read_text()
    with pytest.raises(
        SystemExit, match="row 1: the answer is ''; give agrees, objects or neither"
    ):
        called(monkeypatch, run, "--sheets", out)
    for folder in (out / "reader-1", out / "reader-2"):
        own = PlanSheet.load_rows(folder, command="")
        said = [one.model_copy(update={"answer": "agrees"}) for one in own]
        PlanSheet.save_rows(folder, said[1:])
    (out / sheets.INSTRUCTIONS).write_text(TOLD)
    with pytest.raises(SystemExit, match="no row for 1 of the 100 drawn replies"):
        called(monkeypatch, run, "--sheets", out)
    assert not (run.path / "bad_plans").exists()
    PlanSheet.save_rows(folder, said)
    PlanSheet.save_rows(out / "reader-1", said)
    called(monkeypatch, run, "--sheets", out)
    found = Reader(run, signed=True).read(BadPlans)
    assert [one.instructions for one in found.readers] == [TOLD, TOLD]
    assert (found.question, found.caveat) == (QUESTION, "")
    assert found.conditions["base"].agrees.value == 1


def test_a_run_that_was_not_asked_says_how_and_reports_no_figure(run):
    reader = Reader(run)
    assert "tools/bad_plans.py draw --run pluribus" in FIGURE.shown_if(reader)
    assert not {"bad_plans", "readings"} & {one.plan.key for one in figures_of(reader)}
    (run.path / "bad_plans").mkdir()
    PlanReply.save_rows(run.path / "bad_plans", [])
    with pytest.raises(
        Exception, match=r"bad_plans/summary.json is missing\. .*tools/bad_plans\.py"
    ):
        reader.read(BadPlans)
