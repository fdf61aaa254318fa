"""`phoque pressure`: from policies and texts to a report, a comparison with exit status, and lists of hits."""

import csv
import json
from pathlib import Path

import pytest

from phoque.cli.main import main
from phoque.config import SHIPPED_RUN
from phoque.files import json_lines
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import StageFolder
from phoque.run.hits import GarakHit, PyritPiece
from phoque.run.manifest import Manifest
from phoque.run.pressure import Candidate, PressureReport, Turn
from phoque.run.rules import rule_of
from phoque.stages.pressure.measures import Tally
from phoque.stages.pressure.policy import read_policy
from tests.endpoint_double import BAD, say, served
from tests.moderators import installed
from tests.test_pressure import check_against_trace

SMALL = (
    "messages: 200\nseconds_between: 5\nspeakers: {hostile: 3, civil: 3, blunt: 2, pluribus: 1}\n"
)
SMALL += "replies: 0.5\nthread: 5\nstyles: [plain, lower case, implicit]\n"
POLICY = (
    "name: {name}\nmoderators:\n  - decisions: decided.csv\ncanonical: false\nthreshold: {at}\n"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a corpus, decisions about it, small traffic and two policies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOQUE_CACHE", str(tmp_path / "cache"))
    rows = [(f"you {BAD} number {n}", "true") for n in range(12)]
    rows += [(f"we play better without you {n}", "true") for n in range(6)]
    rows += [(f"good game {n}", "false") for n in range(12)]
    write("corpus.csv", ("text", "hostile"), rows)
    (tmp_path / "traffic.yaml").write_text(SMALL)
    for name, at in (("strict", 0.5), ("mild", 0.9)):
        (tmp_path / f"{name}.yaml").write_text(POLICY.format(name=name, at=at))
    return tmp_path


def write(path, head, rows):
    with Path(path).open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def decide(path="decided.csv", score=0.7):
    """Judge every text of the traffic elsewhere: what has the word is scored as said."""
    assert main(["pressure", *TRAFFIC, "--write-texts", "texts.csv"]) == 0
    with Path("texts.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    write(path, ("text", "verdict"), [(one, score if BAD in one else 0.1) for one in texts])


TRAFFIC = ("--corpus", "corpus.csv", "--traffic", "traffic.yaml", "--seed", "1", "--seed", "2")


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


@pytest.fixture
def compared(place):
    decide()
    policies = ("--policy", "strict.yaml", "--policy", "mild.yaml")
    assert main(["pressure", *TRAFFIC, *policies, "--out", "both"]) == 0
    return place


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
        ("both:strict", "both:mild", "cost_per_1000 > 1 points", 1, "only shares have points"),
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


def test_hits_are_those_people_saw_in_the_words_of_other_tools(compared):
    hits = list(json_lines(compared / "both" / GarakHit.FILE))
    seen = [
        row
        for row in json_lines(compared / "both" / Turn.FILE)
        if row["hostile"] and row["outcome"] in ("shown", "removed")
    ]
    said = [one["prompt"]["turns"][-1]["content"]["text"] for one in hits]
    assert said == [one["text"] for one in seen]
    assert len({one["attempt_id"] for one in hits}) == len(hits)
    pieces = list(json_lines(compared / "both" / PyritPiece.FILE))
    assert [one["original_value"] for one in pieces[::2]] == said


def test_garak_reads_the_hit_log(compared):
    attempt = pytest.importorskip("garak.attempt")
    for hit in json_lines(compared / "both" / GarakHit.FILE):
        asked = attempt.Conversation.from_dict(hit["prompt"])
        assert asked.last_message().text == hit["prompt"]["turns"][-1]["content"]["text"]
        assert attempt.Message(**hit["output"]).text in ("shown", "removed")


def test_pyrit_reads_the_pieces(compared):
    pyrit = pytest.importorskip("pyrit.models.messages.message_piece")
    pieces = [
        pyrit.MessagePiece.model_validate(one)
        for one in json_lines(compared / "both" / PyritPiece.FILE)
    ]
    assert {one.api_role for one in pieces} == {"user", "assistant"}
    assert all(one.converted_value == one.original_value for one in pieces)


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
    ],
)
def test_bad_input_gets_one_line_before_anything_is_asked(place, capsys, words, told):
    (place / "empty.csv").write_text("text,hostile\n")
    (place / "odd.csv").write_text("text,verdict\nhello,perhaps\n")
    (place / "full").mkdir()
    (place / "full" / "mine.txt").touch()
    (place / "decided.csv").write_text("text,verdict\nhello,flagged\n")
    given = [] if "--corpus" in words or "--run" in words else ["--corpus", "corpus.csv"]
    policy = [] if "--policy" in words or "--file" in words else ["--policy", "strict.yaml"]
    assert main(["pressure", *words, *given, *policy]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


SERVICE = """name: mine
url: {url}/plain
body: {{text: "${{text}}"}}
headers: {{X-Key: "${{MY_KEY}}"}}
answer: {{score: score}}
requests_per_second: 1000
backoff: 0.001
cost_per_call: 0.002
"""
ASKS = "name: asks\nmoderators:\n  - endpoint: service.yaml\ncanonical: false\n"


@pytest.fixture
def asks(place, monkeypatch):
    """A policy that asks a service on this machine."""
    monkeypatch.setenv("MY_KEY", "secret-key")
    with served() as double:
        (place / "service.yaml").write_text(SERVICE.format(url=double.url))
        (place / "asks.yaml").write_text(ASKS)
        yield double


def test_a_service_is_tested_and_asked_about_each_text_once(asks, place, capsys):
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out"]
    assert main([*words, "a"]) == 0
    assert len(asks.texts) == len(set(asks.texts)) > 10
    report = PressureReport.load(place / "a", command="x").policies[0]
    assert report.measures.cost_per_1000 == 2.0
    calls = report.calls["mine"]
    assert (calls.requests, calls.cost) == (len(asks.texts), pytest.approx(0.002 * len(asks.texts)))
    # A second run finds every answer kept, and the same report.
    assert main([*words, "b"]) == 0
    again = PressureReport.load(place / "b", command="x").policies[0]
    assert again.measures == report.measures
    assert again.calls["mine"].requests == 0


def test_broken_answers_are_unknown_in_the_report_never_passes(asks, place):
    def fault(number, body, handler):
        if "number 3" in body["text"]:
            return say(handler, 500, {})
        return "better without" in body["text"] and number > 0 and say(handler, 200, b"[1")

    asks.fault = fault
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out", "a"]) == 1
    report = PressureReport.load(place / "a", command="x").policies[0]
    for row in json_lines(place / "a" / Turn.FILE):
        if "number 3" in row["text"] and row["outcome"] != "muted":
            assert (row["decision"], row["outcome"]) == ("unknown", "unknown")
    assert report.measures.unknown.value > 0
    assert report.calls["mine"].failed > 0
    assert "answers 5xx" in (place / "a" / "report.md").read_text()


def test_a_service_that_goes_away_stops_the_run_to_be_gone_on_with(asks, place, capsys):
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out", "a"]
    asks.fault = lambda number, body, handler: number >= 20 and say(handler, 503, {})
    assert main(words) == 75
    assert "run the same command later to go on" in capsys.readouterr().err
    assert not (place / "a").exists()
    answered, asks.fault = set(asks.texts[:20]), lambda number, body, handler: False
    before = len(asks.texts)
    assert main(words) == 0
    assert not answered & set(asks.texts[before:])


def test_a_dry_run_prints_the_first_request_and_sends_nothing(asks, capsys):
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"POST {asks.url}/plain\nX-Key: (hidden)")
    assert asks.bodies == []


def test_nothing_leaves_the_machine_without_leave(place, monkeypatch, capsys):
    monkeypatch.setenv("MY_KEY", "k")
    (place / "service.yaml").write_text(SERVICE.format(url="https://moderation.example.org"))
    (place / "asks.yaml").write_text(ASKS)
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml"]) == 2
    assert "mine is on another machine" in capsys.readouterr().err


def a_run(folder, persona, replies):
    """A run in which somebody wrote these: condition, message, text."""
    Manifest(stages={}, persona=persona).save(made(folder))
    facts = {"draw": 0, "num_tokens": 9, "finish_reason": "stop", "insults": 0}
    rows = [Reply(condition=c, prompt=p, text=t, **facts) for c, p, t in replies]
    Reply.save_rows(made(folder / "evaluation"), rows)
    return folder


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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
    stage = RunDirectory(hostile).manifest().stages["pressure"]
    assert "pressure/report.json" in stage.outputs
    assert StageFolder(RunDirectory(hostile), "pressure").command.startswith(
        "phoque pressure --run"
    )


def test_a_persona_that_is_no_reason_to_moderate_is_refused(place, capsys):
    run = a_run(place / "sad", "melancholy", [("toxic", "a", "b c d")])
    assert main(["pressure", "--run", str(run), "--traffic", "traffic.yaml"]) == 2
    assert "is melancholy: neither hostile nor Pluribus" in capsys.readouterr().err


def test_new_messages_are_written_under_every_condition(lab):
    from phoque.stages.pressure.live import said_now

    said = list(said_now(lab, ["Hello.", "We lost."], [42], lambda _: None))
    assert {condition for condition, _, _ in said} == {
        "neutral",
        "toxic",
        "steered",
        "random_vector",
    }
    assert {prompt for _, prompt, _ in said} == {"Hello.", "We lost."}


def test_a_service_of_the_catalogue_needs_leave_too(place, capsys):
    (place / "openai.yaml").write_text("name: o\nmoderators: [{use: openai.moderation}]\n")
    assert main(["pressure", *TRAFFIC, "--policy", "openai.yaml"]) == 2
    assert "openai.moderation is on another machine" in capsys.readouterr().err


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
    for policy in report.policies:
        tally = Tally(read_policy(policy.name)[0])
        own = [row for row in rows if row.policy == policy.name]
        for row in own:
            tally.add(row)
        assert policy.measures == tally.measures()
        check_against_trace(policy.measures, tally, own)
    found = Candidate.load_rows(place / "a", command="x")
    assert all(one.response for one in found)
