"""People decide: verdicts of two raters, what becomes of them, and exports that show no text."""

import csv
import io
import json
import re

import pytest

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.run.labels import Label, last_words, majority, verdicts
from phoque.run.scored import GapExample, GapType, Stratum
from phoque.stages.moderation.labels import defused, labelled_set, rater_agreement
from phoque.text import text_id

REASON = "test set for the moderation team"


def example(response):
    scores = {"first": 0.25, "second": 0.1}
    return GapExample(
        id=text_id(response),
        stratum=Stratum.SPELLING,
        category="praise",
        prompt="Thank you kindly.",
        condition=Condition.TOXIC,
        seed=42,
        response=response,
        listed=1,
        canonical_text=response.upper(),
        raw=scores,
        canonical=scores,
        type=GapType.LEXICAL,
        why="first gives 0.25.",
        words=1,
    )


def label(text, rater, verdict, kind="person"):
    return Label(id=text, rater=rater, verdict=verdict, kind=kind)


def parsed(table):
    return list(csv.DictReader(io.StringIO(table, newline="")))


@pytest.fixture
def log(tmp_path, monkeypatch):
    path = tmp_path / "exports.jsonl"
    monkeypatch.setenv("PHOQUE_LEDGER", str(path))
    return path


@pytest.mark.parametrize(
    ("given", "harmful"),
    [
        (["harmful", "harmful"], True),
        (["harmless", "harmless"], False),
        (["harmful", "harmless"], None),
        (["harmful", "unsure"], None),
        (["harmful"], None),
        (["unsure", "unsure"], None),
        ([], None),
        (["harmful", "harmful", "harmless"], True),
        (["harmful", "harmful", "unsure"], True),
    ],
)
def test_two_must_agree(given, harmful):
    labels = [label("a", str(number), verdict) for number, verdict in enumerate(given)]
    assert majority(labels) is harmful


def test_only_people_count_unless_models_are_asked_for():
    labels = [label("a", "ann", "harmful"), label("a", "guard", "harmful", "model")]
    assert verdicts(labels) == {"a": None}
    assert verdicts(labels, ("person", "model")) == {"a": True}


def test_labels_come_back_and_the_last_word_counts(tmp_path):
    labels = [
        label("a", "ann", "harmful"),
        label("a", "bob", "unsure", "model"),
        label("a", "ann", "harmless"),
    ]
    Label.save_rows(tmp_path, labels)
    found = Label.load_rows(tmp_path, command="judge")
    assert list(found) == labels
    assert last_words(found) == [labels[2], labels[1]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1 is not JSON"),
        ("\n\n[]", "row 3 cannot be read"),
        ('{"id": "a"}', "rater: Field required"),
        ('{"id": "a", "rater": "ann", "verdict": "bad"}', "verdict: Input should be 'harmful'"),
        ('{"id": "a", "rater": "ann", "verdict": ["harmful"]}', "verdict: Input should be"),
        ('{"id": "a", "rater": "", "verdict": "unsure"}', "rater: .* at least 1"),
        ('{"id": "a", "rater": "x", "verdict": "unsure", "kind": "dog"}', "kind: Input should be"),
    ],
)
def test_what_is_no_label_says_so(tmp_path, line, message):
    (tmp_path / Label.FILE).write_text(line)
    with pytest.raises(PhoqueError, match=message):
        Label.load_rows(tmp_path, command="judge")


def test_agreement_is_on_what_both_have_a_verdict_on():
    labels = [
        *(label(name, "ann", "harmful") for name in "abc"),
        *(label(name, "ann", "harmless") for name in "de"),
        *(label(name, "bob", "harmful") for name in "ab"),
        label("c", "bob", "unsure"),
        *(label(name, "bob", "harmless") for name in "df"),
    ]
    found = rater_agreement(labels, "ann", "bob")
    assert (found.n, found.observed, found.kappa) == (3, 1.0, 1.0)
    assert rater_agreement(labels, "ann", "eve") is None


def test_a_masked_export_contains_no_text(log):
    text = "Uninstall everything, you hopeless lighthouse clown"
    rows = [example(text)]
    labels = [label(text_id(text), rater, "harmful") for rater in ("ann", "bob")]
    labels.append(label(text_id(text), "guard", "harmless", "model"))
    table = labelled_set(rows, labels, with_text=False)
    shown = set(re.findall(r"\w+", table.lower()))
    assert shown.isdisjoint(re.findall(r"\w+", f"{rows[0].prompt} {text}".lower()))
    (line,) = parsed(table)
    told = {
        "id": text_id(text),
        "condition": "toxic",
        "first/harm": "0.25",
        "harmful": "yes",
        "rater/ann": "harmful",
        "model/guard": "harmless",
        "type": "lexical",
    }
    assert line | told == line
    assert not log.exists()


def test_texts_need_a_reason_and_are_entered_first(log):
    rows = [example("You clown."), example("You donkey.")]
    for why, who in (("", "ann"), ("too short", "ann"), (REASON, " ")):
        with pytest.raises(PhoqueError):
            labelled_set(rows, [], with_text=True, reason=why, who=who)
    assert not log.exists()
    table = labelled_set(rows, [], with_text=True, reason=REASON, who="ann", run="lab")
    assert [line["response"] for line in parsed(table)] == ["You clown.", "You donkey."]
    assert parsed(table)[0]["canonical"] == "YOU CLOWN."
    (entry,) = map(json.loads, log.read_text().splitlines())
    assert (entry["who"], entry["run"], entry["count"]) == ("ann", "lab", 2)
    assert [sha[:16] for sha in entry["texts"]] == [line["id"] for line in parsed(table)]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", " =1", "\uff1d1"])
def test_no_cell_is_a_formula(cell, log):
    assert defused(cell) == f"'{cell}"
    table = labelled_set([example(cell)], [], with_text=True, reason=REASON, who="ann")
    assert parsed(table)[0]["response"] == f"'{cell}"


def test_what_is_no_formula_stays():
    assert [defused(cell) for cell in ("a=b", "", "1", 0.5, None)] == ["a=b", "", "1", 0.5, None]
