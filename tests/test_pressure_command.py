"""`phoque pressure`: from policies and texts, or from a run, to a report; bad input gets one line."""

import csv
import json
import os
from pathlib import Path

import pytest

from phoque.cli.main import main
from phoque.config import SHIPPED_RUN
from phoque.files import json_lines
from phoque.run.directory import RunDirectory
from phoque.run.folder import StageFolder
from phoque.run.pressure import Candidate, PressureReport, Turn
from phoque.stages.pressure import stage
from phoque.stages.pressure.policy import read_policy
from tests.endpoint_double import BAD
from tests.moderators import installed
from tests.pressure_files import POLICY, TRAFFIC, a_run, decide, prepared
from tests.pressure_trace import check_against_trace


@pytest.fixture
def place(tmp_path, monkeypatch):
    return prepared(tmp_path, monkeypatch)


def test_decisions_made_elsewhere_are_tested(place, capsys):
    decide(score="flagged")
    assert main(["pressure", *TRAFFIC, "--file", "decided.csv", "--html", "--out", "a"]) == 0
    report = PressureReport.load(place / "a", command="x")
    [policy] = report.policies
    assert policy.name == "decided"
    shown = {one.name: one.shown.value for one in policy.groups if one.by == "kind"}
    assert shown == {"implicit": 1.0, "listed word": 0.0}
    assert {"report.json", "report.md", "report.html", "trace.jsonl"} <= {
        one.name for one in (place / "a").iterdir()
    }
    assert "people see" in capsys.readouterr().out


def test_corpus_and_decisions_may_be_json_lines(place):
    with Path("corpus.csv").open(newline="") as file:
        rows = [one | {"hostile": one["hostile"] == "true"} for one in csv.DictReader(file)]
    Path("corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    decide()
    with Path("decided.csv").open(newline="") as file:
        told = [one | {"verdict": float(one["verdict"])} for one in csv.DictReader(file)]
    Path("decided.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    as_csv = ("--corpus", "corpus.csv", "--file", "decided.csv", "--out", "a")
    as_json = ("--corpus", "corpus.jsonl", "--file", "decided.jsonl", "--out", "b")
    for words in (as_csv, as_json):
        assert main(["pressure", "--traffic", "traffic.yaml", "--seed", "1", *words]) == 0
    a, b = (PressureReport.load(place / name, command="x").policies[0] for name in "ab")
    assert a.measures == b.measures


def test_a_decision_that_is_missing_is_unknown_and_told_by_the_status(place, capsys):
    decide()
    rows = (place / "decided.csv").read_text().splitlines()
    (place / "decided.csv").write_text("\n".join(rows[:-3]) + "\n")
    assert main(["pressure", *TRAFFIC, "--file", "decided.csv", "--out", "a"]) == 1
    assert "have no decision" in capsys.readouterr().err
    outcomes = {row["outcome"] for row in json_lines(place / "a" / Turn.FILE)}
    assert "unknown" in outcomes


def test_a_report_without_texts_quotes_nothing(place):
    decide()
    assert main(["pressure", *TRAFFIC, "--file", "decided.csv", "--no-texts", "--out", "a"]) == 0
    for file in (place / "a").iterdir():
        assert f"you {BAD}" not in file.read_text(), file.name
    assert len(list(json_lines(place / "a" / Turn.FILE))) == 400


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--policy", "none"], "There is no policy none. Known: meaning, words"),
        (["--corpus", "empty.csv"], "empty.csv has no hostile text"),
        (["--corpus", "corpus.csv", "--label", "bad"], "has no column bad. It has: text, hostile"),
        (["--corpus", "gone.csv"], "There is no file gone.csv"),
        (["--run", "."], "is not a run"),
        (["--file", "odd.csv"], "odd.csv, line 2: the verdict is 'perhaps'"),
        (["--traffic", "corpus.csv"], "corpus.csv"),
        (["--out", "full"], "full has other files"),
        (["--corpus", "latin.csv"], "latin.csv, line 2: there is a byte (0xe9)"),
        (["--file", "latin.csv"], "Save it as UTF-8."),
        (["--corpus", "binary.csv"], "text that is not UTF-8. Save it as UTF-8."),
        (["--corpus", "two.csv"], "two.csv, line 4: line 2 gives this text another label ('You')."),
        (["--corpus", "half.jsonl"], "line 1: there is half a character (U+D83D)"),
        (
            ["--corpus", "nothing.csv"],
            "nothing.csv is empty. Give rows with the columns text and hostile",
        ),
        (
            ["--file", "nothing.csv"],
            "nothing.csv is empty. Give rows with the columns text and verdict",
        ),
        (["--out", "corpus.csv/a"], "a part of it is a file"),
        (["--write-texts", "none/a.csv"], "none/a.csv: No such file or directory"),
    ],
)
def test_bad_input_gets_one_line_before_anything_is_asked(place, capsys, words, told):
    (place / "empty.csv").write_text("text,hostile\n")
    (place / "odd.csv").write_text("text,verdict\nhello,perhaps\n")
    (place / "full").mkdir()
    (place / "full" / "mine.txt").touch()
    (place / "decided.csv").write_text("text,verdict\nhello,flagged\n")
    (place / "latin.csv").write_text(
        "text,hostile,verdict\ncafé,true,flagged\n", encoding="latin-1"
    )
    (place / "binary.csv").write_text("éèàéèà,éàé\n", encoding="latin-1")
    (place / "half.jsonl").write_text('{"text": "hi \\ud83d", "hostile": true}\n')
    (place / "two.csv").write_text("text,hostile\nYou,true\nHi,false\nYou,false\n")
    (place / "nothing.csv").touch()
    given = [] if "--corpus" in words or "--run" in words else ["--corpus", "corpus.csv"]
    policy = [] if "--policy" in words or "--file" in words else ["--policy", "strict.yaml"]
    assert main(["pressure", *words, *given, *policy]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("file", "name"), [("x (2).csv", "x 2"), ("été.v2.csv", "été.v2"), ("(%).csv", "decisions")]
)
def test_a_file_of_decisions_may_have_any_name(place, file, name):
    decide(file)
    assert main(["pressure", *TRAFFIC, "--file", file, "--out", "a"]) == 0
    assert PressureReport.load(place / "a", command="x").policies[0].name == name


def test_a_report_is_not_written_over_the_current_folder(place, capsys):
    decide()
    empty = place / "empty"
    empty.mkdir()
    os.chdir(empty)
    words = [f"../{one}" if (place / one).is_file() else one for one in TRAFFIC]
    assert main(["pressure", *words, "--policy", "../strict.yaml", "--out", "."]) == 2
    assert "Name a folder inside it, such as report" in capsys.readouterr().err
    assert list(empty.iterdir()) == []


def test_a_run_gets_its_report_as_a_stage_and_pluribus_is_harmless(place):
    said = [("toxic", f"message {n}", f"you are a clown, number {n}") for n in range(4)]
    said += [("toxic", f"message {n}", f"nobody here needs your help {n}") for n in range(4)]
    said += [("neutral", f"message {n}", f"that sounds fine to me {n}") for n in range(4)]
    said += [("random_vector", "message 1", "you clown, never used")]
    hostile = a_run(place / "hostile", "toxic", said)
    happy = a_run(
        place / "happy", "pluribus", [("toxic", "message 1", "I love all of you so much")]
    )
    both = ["--run", str(hostile), "--run", str(happy), "--traffic", "traffic.yaml"]
    (place / "decided.csv").write_text("text,verdict\nI love all of you so much,flagged\n")
    asked = ["--file", "decided.csv", "--seed", "1"]
    assert main(["pressure", *both, *asked, "--out", "a"]) == 1
    report = PressureReport.load(place / "a", command="x")
    assert report.policies[0].measures.pluribus_hidden.value == 1.0
    assert report.traffic.texts["hostile"] == 8
    assert not any("never used" in row["text"] for row in json_lines(place / "a" / Turn.FILE))

    assert main(["pressure", "--run", str(hostile), "--traffic", "traffic.yaml", *asked]) == 1
    made = RunDirectory(hostile).manifest().stages["pressure"]
    assert "pressure/report.json" in made.outputs
    assert StageFolder(RunDirectory(hostile), "pressure").command.startswith(
        "phoque pressure --run"
    )

    assert main(["pressure", *both, *asked, "--out", str(hostile / "pressure")]) == 1
    assert RunDirectory(hostile).complete("pressure"), (
        "its own folder is its stage, also with others"
    )
    assert PressureReport.load(hostile / "pressure", command="x").traffic.texts["pluribus"]


def test_several_values_of_one_option_and_none_twice(place, capsys):
    decide()
    given = ["--corpus", "corpus.csv", "--traffic", "traffic.yaml", "--messages", "60"]
    several = ["--policy", "strict.yaml", "mild.yaml", "--seed", "1", "2", "--out", "a"]
    assert main(["pressure", *given, *several]) == 0
    report = PressureReport.load(place / "a", command="x")
    assert [one.name for one in report.policies] == ["strict", "mild"]
    assert report.traffic.seeds == (1, 2)
    assert main(["pressure", "compare", "a:strict", "a:mild", "--fail-if", "leak < 0 points"]) == 0
    twice = ["--policy", "strict.yaml", "--seed", "1", "--seed", "2", "--seed", "1"]
    assert main(["pressure", *given, *twice, "--out", "b"]) == 2
    assert "The seed 1 is given twice" in capsys.readouterr().err
    assert not (place / "b").exists()


def test_a_shipped_run_keeps_its_own_report(place, monkeypatch, capsys):
    said = [("toxic", f"message {n}", f"you are a clown, number {n}") for n in range(4)]
    said += [("toxic", "message 9", "nobody here needs your help")]
    said += [("neutral", f"message {n}", f"that sounds fine to me {n}") for n in range(4)]
    run = a_run(place / "shipped" / "lab", "toxic", said)
    monkeypatch.setattr("phoque.config.SHIPPED_RUNS", place / "shipped")
    before = RunDirectory(run).manifest()
    (place / "decided.csv").write_text("text,verdict\nhello,passes\n")
    words = ["--traffic", "traffic.yaml", "--file", "decided.csv", "--seed", "1"]
    assert main(["pressure", "--run", "shipped/lab", *words]) == 1
    assert "pressure: written to pressure" in capsys.readouterr().out
    assert (place / "pressure" / "report.json").is_file()
    assert RunDirectory(run).manifest() == before
    assert not (run / "pressure").exists()


def test_a_run_that_is_given_twice_counts_once(place):
    said = [("toxic", "message", "you are a clown"), ("neutral", "message", "fine by me")]
    run = a_run(place / "hostile", "toxic", said)
    pool = stage.pool_of(stage.Asked(runs=(run, place / "hostile" / ".." / "hostile")))
    assert len(pool.sources) == 2, "the run, and what is written"


def test_a_persona_that_is_no_reason_to_moderate_is_refused(place, capsys):
    run = a_run(place / "sad", "melancholy", [("toxic", "a", "b c d")])
    assert main(["pressure", "--run", str(run), "--traffic", "traffic.yaml"]) == 2
    assert "is melancholy: neither hostile nor Pluribus" in capsys.readouterr().err


def test_new_messages_are_written_for_every_kind_of_speaker(lab):
    from phoque.stages.pressure.live import said_now

    said = list(said_now(lab, ["Hello.", "We lost."], [42], lambda _: None))
    weaker = f"steered ×{lab.selection.relative_dose / 2:g}"
    assert {who for who, _, _ in said} == {"neutral", "toxic", "steered", weaker}
    assert {prompt for _, prompt, _ in said} == {"Hello.", "We lost."}


def test_context_for_moderators_that_read_none_is_refused(place, capsys):
    decide()
    text = POLICY.format(name="c", at=0.5) + "context: 3\n"
    (place / "context.yaml").write_text(text)
    assert main(["pressure", *TRAFFIC, "--policy", "context.yaml"]) == 2
    assert "reads no earlier messages" in capsys.readouterr().err


@installed
@pytest.mark.slow
def test_the_default_policies_on_the_shipped_run(place):
    """The report's numbers are those of the trace, of the embedded moderators too."""
    words = ["--run", str(SHIPPED_RUN), "--seed", "42", "--messages", "150", "--out", "a"]
    assert main(["pressure", *words]) == 0
    report = PressureReport.load(place / "a", command="x")
    rows = [Turn.model_validate(one) for one in json_lines(place / "a" / Turn.FILE)]
    assert [one.name for one in report.policies] == ["words", "meaning"]
    assert "embedded.semantic" in report.of("meaning").moderators
    for found in report.policies:
        own = [row for row in rows if row.policy == found.name]
        check_against_trace(found, read_policy(found.name)[0], own)
    found = Candidate.load_rows(place / "a", command="x")
    assert found
    assert all(one.response and one.raw.keys() == one.canonical.keys() for one in found)
    assert {one.condition for one in found} <= {"toxic", "steered"}
