"""`phoque pressure compare` with an exit status, and lists of hits that other tools read."""

import pytest

from phoque.cli.main import main
from phoque.errors import PhoqueError
from phoque.files import json_lines
from phoque.report.pressure import Change, page, rule_of
from phoque.run.hits import GARAK, PYRIT
from phoque.run.pressure import Turn
from tests.client_environments import read_back
from tests.pressure_files import TRAFFIC, decide, prepared


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """The folder in which two policies were tested on the same traffic."""
    folder = prepared(tmp_path, monkeypatch)
    decide()
    policies = ("--policy", "strict.yaml", "--policy", "mild.yaml")
    assert main(["pressure", *TRAFFIC, *policies, "--out", "both"]) == 0
    return folder


@pytest.mark.parametrize(
    ("a", "b", "rule", "status", "told"),
    [
        (
            "both:strict",
            "both:mild",
            "leak > +2 points",
            1,
            "Failed: leak > +2 points: it changed by +",
        ),
        ("both:mild", "both:strict", "leak > +2 points", 0, ""),
        ("both:strict", "both:mild", "leak > 10 %", 1, "Failed"),
        ("both:mild", "both:strict", "leak < -100 points", 0, ""),
        ("both:strict", "both:mild", "civil_hidden > 0 points", 0, ""),
        ("both:strict", "both:mild", "pluribus_hidden > 0 points", 1, "cannot be checked"),
        (
            "both",
            "both:mild",
            "leak > 1 points",
            2,
            "both has the policies strict, mild. Say which",
        ),
        ("both:x", "both:mild", "leak > 1 points", 2, "no policy x"),
        ("nothing", "both:mild", "leak > 1 points", 2, "is missing"),
        ("both:strict", "both:mild", "leek > 1 points", 2, "There is no measure leek"),
        ("both:strict", "both:mild", "leak is bad", 2, "is no rule"),
    ],
)
def test_a_regression_gate(compared, capsys, a, b, rule, status, told):  # noqa: PLR0913
    capsys.readouterr()
    assert main(["pressure", "compare", a, b, "--fail-if", rule]) == status
    out, err = capsys.readouterr()
    assert told in err
    if status < 2:
        assert "hostile messages that people see" in out


def test_other_traffic_is_not_compared(compared, capsys):
    one = ("--policy", "strict.yaml", "--out", "other", "--messages", "100")
    assert main(["pressure", *TRAFFIC, *one]) == 0
    assert main(["pressure", "compare", "both:strict", "other"]) == 2
    assert "met different traffic" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rule", "difference", "before", "breaks"),
    [
        ("leak > +2 points", 0.0201, 0.1, True),
        ("leak > +2 points", 0.02, 0.1, False),
        ("leak > +10 %", 0.011, 0.1, True),
        ("leak > +10 %", 0.011, 0.2, False),
        ("leak > 0 %", 0.01, 0.0, True),
        ("leak > 0 %", 0.0, 0.0, False),
        ("first_action < -5", -6.0, 20.0, True),
        ("review_full > 3", 3.0, 0.0, False),
    ],
)
def test_rules(rule, difference, before, breaks):
    assert rule_of(rule).breaks(difference, before) is breaks


@pytest.mark.parametrize(
    ("rule", "told"),
    [("leak > 2", "leak is a share"), ("shown_before_mute > 1 points", "is no share")],
)
def test_a_rule_that_could_not_work_is_refused(rule, told):
    with pytest.raises(PhoqueError, match=told):
        rule_of(rule)


def test_small_numbers_of_a_comparison_keep_their_digits():
    cost = Change(measure="c", words="cost", before=0.0123, after=0.0323, share=False)
    leak = Change(measure="l", words="leak", before=0.1, after=0.1042, share=True)
    told = page([cost, leak], "a", "b")
    assert "| cost | 0.0123 | 0.0323 | +0.02 |" in told
    assert "| leak | 10.0 % | 10.4 % | +0.42 points |" in told


def test_what_a_person_put_beside_a_report_stays(compared):
    note = compared / "both" / "src" / "note.txt"
    note.parent.mkdir()
    note.write_text("mine")
    assert main(["pressure", *TRAFFIC, "--policy", "strict.yaml", "--out", "both"]) == 0
    assert note.read_text() == "mine"


def test_hits_are_those_people_saw_in_the_words_of_other_tools(compared):
    hits = list(json_lines(compared / "both" / GARAK))
    seen = [
        row
        for row in json_lines(compared / "both" / Turn.FILE)
        if row["hostile"] and row["outcome"] in ("shown", "removed")
    ]
    said = [one["prompt"]["turns"][-1]["content"]["text"] for one in hits]
    assert said == [one["text"] for one in seen]
    assert len({one["attempt_id"] for one in hits}) == len(hits)
    pieces = list(json_lines(compared / "both" / PYRIT))
    assert [one["original_value"] for one in pieces[::2]] == said


def test_garak_reads_the_hit_log(compared, tmp_path):
    """By its own classes, in an environment of its own where there is one; see tests/client_environments.py."""
    file = compared / "both" / GARAK
    hits = list(json_lines(file))
    expected = [
        (one["prompt"]["turns"][-1]["content"]["text"], one["output"]["text"]) for one in hits
    ]
    found = read_back("garak", file, tmp_path)
    assert [(one["said"], one["answer"]) for one in found] == expected
    assert {one["answer"] for one in found} <= {"shown", "removed"}
    assert found


def test_pyrit_reads_the_pieces(compared, tmp_path):
    file = compared / "both" / PYRIT
    pieces = list(json_lines(file))
    found = read_back("pyrit", file, tmp_path)
    assert [one["said"] for one in found] == [one["original_value"] for one in pieces]
    assert [one["role"] for one in found] == ["user", "assistant"] * (len(pieces) // 2)
    assert all(one["converted"] == one["said"] for one in found)
    assert found
