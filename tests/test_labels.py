"""People decide: verdicts of two raters, what becomes of them, and exports that show no text."""

import csv
import io
import re

import pytest
from phoque.stages.moderation.ledger import BrokenLedgerError, Ledger

from phoque.errors import PhoqueError
from phoque.stages.moderation.gap import GapType
from phoque.stages.moderation.labels import (
    CHOSEN,
    Label,
    cases,
    defused,
    gaps,
    labelled_set,
    majority,
    rater_agreement,
    read_labels,
    verdicts,
    write_labels,
)
from phoque.text import text_id

REASON = "test set for the moderation team"
THRESHOLDS = {"first": 0.5, "second": 0.5}


def row(response, harm=0.2, canonical=0.2, **facts):
    return {
        "category": "praise",
        "prompt": "Thank you kindly.",
        "condition": "toxic",
        "seed": 42,
        "response": response,
        "canonical": response.upper(),
        "first/harm": harm,
        "first/canonical": canonical,
        "second/harm": 0.1,
        "second/canonical": 0.1,
        "novelty/nearest": "another useless line",
        "type": "lexical",
    } | facts


def said(text, *pairs):
    return [Label(text_id(text), rater, verdict) for rater, verdict in pairs]


def parsed(table):
    return list(csv.DictReader(io.StringIO(table, newline="")))


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


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
    labels = [Label("a", str(number), verdict) for number, verdict in enumerate(given)]
    assert majority(labels) is harmful


def test_only_people_count_unless_models_are_asked_for():
    labels = [Label("a", "ann", "harmful"), Label("a", "guard", "harmful", "model")]
    assert verdicts(labels) == {"a": None}
    assert verdicts(labels, ("person", "model")) == {"a": True}


def test_labels_come_back_and_the_last_word_counts(tmp_path):
    file = tmp_path / "labels.jsonl"
    labels = [Label("a", "ann", "harmful"), Label("a", "bob", "unsure", "model")]
    write_labels(file, labels)
    assert read_labels(file) == labels
    with file.open("a") as lines:
        lines.write('{"id": "a", "rater": "ann", "verdict": "harmless"}\n')
    assert read_labels(file)[0] == Label("a", "ann", "harmless")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1 is not JSON"),
        ("\n\n[]", "line 3 is no label"),
        ("[]", "line 1 is no label"),
        ('{"id": "a"}', "line 1 is no label"),
        ('{"id": "a", "rater": "ann", "verdict": "bad"}', "verdict is one of harmful, harmless"),
        ('{"id": "a", "rater": "ann", "verdict": ["harmful"]}', "verdict is one of"),
        ('{"id": "a", "rater": "", "verdict": "unsure"}', "name of a rater"),
        ('{"id": "a", "rater": "x", "verdict": "unsure", "kind": "dog"}', "kind is one of person"),
    ],
)
def test_what_is_no_label_says_so(tmp_path, line, message):
    file = tmp_path / "labels.jsonl"
    file.write_text(line)
    with pytest.raises(PhoqueError, match=message):
        read_labels(file)
    with pytest.raises(PhoqueError, match="no labels"):
        read_labels(tmp_path / "none")


def test_agreement_is_on_what_both_have_a_verdict_on():
    labels = [
        *(Label(name, "ann", "harmful") for name in "abc"),
        *(Label(name, "ann", "harmless") for name in "de"),
        *(Label(name, "bob", "harmful") for name in "ab"),
        Label("c", "bob", "unsure"),
        *(Label(name, "bob", "harmless") for name in "df"),
    ]
    found = rater_agreement(labels, "ann", "bob")
    assert (found.n, found.observed, found.kappa) == (3, 1.0, 1.0)
    assert rater_agreement(labels, "ann", "eve") is None


def test_verdicts_join_scores_by_the_hash_of_the_text():
    rows = [row("You clown."), row("Fine.", harm="0.75", canonical="0.5")]
    labels = said("You clown.", ("ann", "harmful"), ("bob", "harmful"))
    first, second = cases(rows, labels)
    assert (first.harmful, second.harmful) == (True, None)
    assert second.raw == {"first": 0.75, "second": 0.1}
    assert second.canonical == {"first": 0.5, "second": 0.1}


def judged(**facts):
    rows = [row(f"text {n}", harm=0.9 if n < 45 else 0.2, **facts) for n in range(60)]
    rows += [row(f"kind {n}", harm=0.9 if n < 3 else 0.2, **facts) for n in range(30)]
    labels = [
        label
        for number, one in enumerate(rows)
        for label in said(
            one["response"],
            *((who, "harmful" if number < 60 else "harmless") for who in ("ann", "bob")),
        )
    ]
    return rows, labels


def test_a_gap_is_a_share_of_what_people_call_harmful():
    rows, labels = judged()
    found = gaps(rows, labels, THRESHOLDS)["first"]
    assert (found.missed.value, found.missed.n) == (0.25, 60)
    assert (found.over_blocked.value, found.over_blocked.n) == (0.1, 30)
    assert found.by_type[GapType.IMPLICIT] == 15
    only_models = [Label(one.id, one.rater, one.verdict, "model") for one in labels]
    assert gaps(rows, only_models, THRESHOLDS)["first"].missed is None
    assert gaps(rows, only_models, THRESHOLDS, ("model",))["first"].missed.value == 0.25


def test_texts_that_were_chosen_for_passing_give_no_share():
    rows, labels = judged(stratum="spelling")
    found = gaps(rows, labels, THRESHOLDS)["first"]
    assert (found.missed, found.over_blocked, found.reason) == (None, None, CHOSEN)
    assert found.num_harmful == 60


def test_a_masked_export_contains_no_text(ledger):
    text = "Uninstall everything, you hopeless lighthouse clown"
    rows = [row(text, stratum="spelling")]
    labels = said(text, ("ann", "harmful"), ("bob", "harmful"))
    labels.append(Label(text_id(text), "guard", "harmless", "model"))
    table = labelled_set(rows, labels, with_text=False, reason="", ledger=ledger, who="")
    shown = set(re.findall(r"\w+", table.lower()))
    hidden = " ".join(rows[0][key] for key in ("prompt", "response", "novelty/nearest"))
    assert shown.isdisjoint(re.findall(r"\w+", hidden.lower()))
    (line,) = parsed(table)
    assert line["id"] == text_id(text)
    assert (
        line
        | {
            "condition": "toxic",
            "first/harm": "0.2",
            "harmful": "yes",
            "rater/ann": "harmful",
            "model/guard": "harmless",
            "type": "lexical",
        }
        == line
    )
    assert not ledger.path.exists()


def test_texts_need_a_reason_and_are_entered_first(ledger):
    rows = [row("You clown."), row("You donkey.")]
    for why, who in (("", "ann"), ("too short", "ann"), (REASON, " ")):
        with pytest.raises(PhoqueError):
            labelled_set(rows, [], with_text=True, reason=why, ledger=ledger, who=who)
    assert ledger.verify() == 0
    table = labelled_set(
        rows, [], with_text=True, reason=REASON, ledger=ledger, who="ann", run="lab"
    )
    assert [line["response"] for line in parsed(table)] == ["You clown.", "You donkey."]
    (entry,) = ledger.entries()
    assert (entry.action, entry.who, entry.run, entry.count) == ("export", "ann", "lab", 2)
    assert [sha[:16] for sha in entry.texts] == [line["id"] for line in parsed(table)]


def test_a_broken_ledger_refuses_an_export(ledger):
    rows = [row("You clown.")]
    asked = {"with_text": True, "reason": REASON, "ledger": ledger, "who": "ann"}
    labelled_set(rows, [], **asked)
    ledger.path.write_text(ledger.path.read_text().replace("ann", "bob"))
    with pytest.raises(BrokenLedgerError):
        labelled_set(rows, [], **asked)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", " =1", "\uff1d1"])
def test_no_cell_is_a_formula(cell, ledger):
    assert defused(cell) == f"'{cell}"
    rows = [row(cell)]
    table = labelled_set(rows, [], with_text=True, reason=REASON, ledger=ledger, who="ann")
    assert parsed(table)[0]["response"] == f"'{cell}"


def test_what_is_no_formula_stays():
    assert [defused(cell) for cell in ("a=b", "", "1", 0.5, None)] == ["a=b", "", "1", 0.5, None]
