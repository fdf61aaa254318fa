"""The talk's claims: a rule decides on synthetic runs, and each number leads to its raw rows."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.figures.claims import source_of
from phoque.files import read_json
from phoque.report.claims import claims_of, ledger, model_note
from phoque.report.evidence import Share, evidence
from phoque.report.paths import path
from phoque.report.rules import parsed
from phoque.run.adapter import PersonaMetrics
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.labels import Label
from tests.report_files import a_run

STEERED = {
    "id": "steered",
    "slide": "7",
    "claim": "The vector makes the model hostile.",
    "shown_by": "More hostile than under a random vector.",
    "measure": "persona vector",
    "number": "evaluation.judgement.conditions.steered.more_hostile",
    "against": "random vector",
    "control": "evaluation.judgement.conditions.random_vector.more_hostile",
    "of": "prompts",
    "holds": ["number above 0.5", "number above control"],
    "partly": ["number above control"],
    "refuted": ["number below 0.6 or number below control"],
    "figure": "dose_response",
}
ROWS = {"evaluation.judgement": "evaluation/replies.csv", "run.manifest": "manifest.json"}


def a_file(folder: Path, *claims, rows=ROWS) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "claims.yaml"
    file.write_text(yaml.safe_dump({"rows": rows, "claims": list(claims)}))
    ledger.cache_clear()
    return file


def one(reader, file):
    [claim] = claims_of(reader, file).claims
    return claim


@pytest.mark.parametrize(
    ("steered", "random_vector", "verdict", "rule"),
    [
        (0.9, 0.6, "holds", "number above 0.5; number above control"),
        (0.5, 0.3, "partly", "number above control"),
        (0.5, 0.5, "refuted", "number below 0.6 or number below control"),
        (0.7, 0.9, "refuted", "number below 0.6 or number below control"),
        (0.7, 0.7, "undecided", ""),
    ],
)
def test_the_rule_decides_by_the_intervals(tmp_path, steered, random_vector, verdict, rule):
    reader = a_run(tmp_path / "lab", steered=steered, random_vector=random_vector)
    found = one(reader, a_file(tmp_path / "rules", STEERED))
    assert (found.verdict, found.rule) == (verdict, rule)
    assert (found.value, found.n) == (steered, 60)
    assert found.control.value == random_vector
    assert ("decides neither way" in found.note) is (verdict == "undecided")


def test_without_the_record_a_claim_is_not_tested_and_names_the_command(tmp_path):
    found = one(a_run(tmp_path / "lab"), a_file(tmp_path / "rules", STEERED))
    assert (found.verdict, found.value, found.low, found.n) == ("not_tested", None, None, None)
    assert "evaluation/judgement.json is missing" in found.note
    assert "phoque run evaluate --run lab" in found.note
    assert "135M" not in found.note


def test_without_the_condition_or_the_control_nothing_is_decided(tmp_path):
    found = one(a_run(tmp_path / "lab", steered=0.9), a_file(tmp_path / "rules", STEERED))
    assert (found.verdict, found.value) == ("not_tested", 0.9)
    assert "has no random_vector" in found.note


def test_what_needs_no_control_to_be_refuted_is_refuted_without_one(tmp_path):
    file = a_file(tmp_path / "rules", STEERED)
    found = one(a_run(tmp_path / "lab", steered=0.5), file)
    assert (found.verdict, found.control.value) == ("refuted", None)
    assert "has no random_vector" in found.note


@pytest.mark.parametrize(
    ("steered", "verdict"), [(0.5, "holds"), (0.56, "undecided"), (0.7, "undecided")]
)
def test_no_more_than_the_control_takes_an_interval_that_excludes_the_margin(
    tmp_path, steered, verdict
):
    # Every interval is 0.05 to either side, so that of the difference is 0.07.
    rule = {"holds": ["number at most 0.1 above control"], "partly": [], "refuted": []}
    reader = a_run(tmp_path / "lab", steered=steered, random_vector=0.5)
    assert one(reader, a_file(tmp_path / "rules", STEERED | rule)).verdict == verdict


@pytest.mark.parametrize(
    ("steered", "verdict"), [(0.5, "undecided"), (0.62, "undecided"), (0.7, "refuted")]
)
def test_clearly_more_than_a_margin_takes_an_interval_that_excludes_less(
    tmp_path, steered, verdict
):
    rule = {"holds": [], "partly": [], "refuted": ["number at least 0.1 above control"]}
    reader = a_run(tmp_path / "lab", steered=steered, random_vector=0.5)
    assert one(reader, a_file(tmp_path / "rules", STEERED | rule)).verdict == verdict


@pytest.mark.parametrize(("steered", "told"), [(0.9, False), (0.4, True)])
def test_what_is_no_test_is_not_tested_whatever_it_gave(tmp_path, steered, told):
    rule = {"needs": ["number at least 0.5"], "lacking": "There was nothing to find."}
    reader = a_run(tmp_path / "lab", steered=steered, random_vector=0.1)
    found = one(reader, a_file(tmp_path / "rules", STEERED | rule))
    assert found.verdict == ("not_tested" if told else "holds")
    assert ("There was nothing to find." in found.note) is told


def test_what_is_missing_beside_the_number_is_told_by_its_name(tmp_path):
    labels = {"rows": "run.labels", "of": ["kind=person"]}
    file = a_file(tmp_path / "rules", STEERED | {"also": {"people": labels, "people_too": labels}})
    reader = a_run(tmp_path / "lab", steered=0.9, random_vector=0.6)
    Label.save_rows(reader.run.path, [Label(id="1", rater="a", verdict="harmful", kind="model")])
    note = one(reader, file).note
    assert "people and people too: Nothing to count: labels.jsonl has no such row" in note
    assert "(one with kind=person)" in note


def test_a_number_leads_to_the_file_the_field_and_the_raw_rows(tmp_path):
    reader = a_run(tmp_path / "lab", steered=0.9, random_vector=0.6)
    (reader.run.path / "evaluation/replies.csv").touch()
    found = one(reader, a_file(tmp_path / "rules", STEERED))
    for part in (found, found.control):
        value = read_json(tmp_path / part.run / part.record)
        for step in part.field.split("."):
            value = value[step]
        assert (value["value"], value["low"], value["high"]) == (part.value, part.low, part.high)
        assert part.rows == "evaluation/replies.csv"


def test_rows_that_a_run_does_not_have_are_said_to_be_missing(tmp_path):
    reader = a_run(tmp_path / "lab", steered=0.9, random_vector=0.6)
    found = one(reader, a_file(tmp_path / "rules", STEERED))
    assert (found.verdict, found.rows, found.control.rows) == ("holds", "", "")
    assert source_of(found).endswith("more_hostile; its raw rows are not recorded in this run")


def test_the_run_of_the_other_persona_beside_is_asked(tmp_path):
    reader = a_run(tmp_path / "runs/mine", steered=0.9, random_vector=0.6)
    file = a_file(tmp_path / "rules", STEERED | {"persona": "pluribus"})
    alone = one(reader, file)
    assert alone.verdict == "not_tested"
    assert "--persona pluribus" in alone.note
    a_run(tmp_path / "runs/happy", persona="pluribus", steered=0.4, random_vector=0.6)
    beside = one(reader, file)
    assert (beside.verdict, beside.run, beside.value) == ("refuted", "happy", 0.4)
    (tmp_path / "runs/broken").mkdir()
    (tmp_path / "runs/broken/manifest.json").write_text("{")
    assert one(reader, file) == beside


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("lab", "Measured on a 135M model. This says nothing yet about the talk's 3B model."),
        (
            "org/big-1.5B-chat",
            "Measured on a 1.5B model. This says nothing yet about the talk's 3B model.",
        ),
        ("ministral", "Measured on a 3B model."),
        ("org/some", "Measured on org/some, whose name does not tell its size"),
    ],
)
def test_the_note_names_the_model_of_the_manifest(tmp_path, model, told):
    assert model_note(a_run(tmp_path / "lab", model=model)).startswith(told)


def counted(**share) -> dict:
    plain = {key: STEERED[key] for key in ("id", "slide", "claim", "shown_by", "measure")}
    return plain | {"number": share, "holds": ["number above 0.5"], "refuted": ["number below 0.5"]}


def test_rows_are_counted_by_what_they_belong_to(tmp_path):
    reader = a_run(tmp_path / "lab")
    labels = [
        Label(id=str(text), rater=rater, verdict="harmful" if text < 9 else "harmless", kind=kind)
        for text in range(10)
        for rater, kind in (("a", "person"), ("b", "person"), ("c", "model"))
    ]
    Label.save_rows(reader.run.path, labels)
    share = {"rows": "run.labels", "of": ["kind=person"], "are": ["verdict=harmful"], "by": "id"}
    found = one(reader, a_file(tmp_path / "rules", counted(**share)))
    assert (found.verdict, found.value, found.n) == ("holds", 0.9, 20)
    assert (found.record, found.rows) == ("labels.jsonl", "labels.jsonl")
    lonely = counted(**(share | {"matching": {"rows": "run.labels", "of": ["id=9"], "by": "id"}}))
    found = one(reader, a_file(tmp_path / "rules", lonely))
    assert (found.verdict, found.value, found.n) == ("undecided", 0.0, 2)  # two are too few
    none = counted(**(share | {"of": ["kind=person", "rater=z"]}))
    found = one(reader, a_file(tmp_path / "rules", none))
    assert found.value is None
    assert "labels.jsonl has no such row (one with kind=person and rater=z)" in found.note


def test_rises_are_counted_between_rows(tmp_path):
    reader = a_run(tmp_path / "lab")
    losses = [4, 3, 3.5, 3, 2, 2.5]
    rows = [PersonaMetrics(step=at, seconds=at, loss=loss) for at, loss in enumerate(losses)]
    (reader.run.path / "persona").mkdir()
    PersonaMetrics.save_rows(reader.run.path / "persona", rows)
    found = one(reader, a_file(tmp_path / "rules", counted(rows="persona.metrics", rises="loss")))
    assert (found.value, found.n) == (pytest.approx(2 / 5), 5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"verdict": "holds"}, "verdict\n  Extra inputs are not permitted"),
        ({"id": "Two Words"}, "id\n  String should match"),
    ],
)
def test_a_claim_of_another_form_is_refused(tmp_path, change, told):
    with pytest.raises(ValidationError, match=told):
        ledger(a_file(tmp_path / "rules", STEERED | change))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("number over control", "A RELATION B"),
        ("number not above control", "A RELATION B; known: .*at most 0.1 above"),
        ("number above chance", "names 'chance'; known: number, control"),
    ],
)
def test_a_rule_of_another_form_or_with_an_unknown_name_is_refused(line, told):
    with pytest.raises(PhoqueError, match=told):
        parsed(line, ["number", "control"])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("evaluation.judgement.condition.toxic", "judgement.json has no condition"),
        ("evaluation.judgement.conditions.toxik", "judgement.json has no toxik"),
        ("evaluation.judgement.conditions.steered.more_hostile.value.x", "has no x"),
        (Share(rows="run.labels", are=("kind",)), "compares nothing"),
    ],
)
def test_a_number_that_no_run_has_is_a_gap(tmp_path, source, told):
    reader = a_run(tmp_path / "lab", steered=0.9)
    Label.save_rows(reader.run.path, [Label(id="1", rater="a", verdict="harmful")])
    assert told in evidence("number", source, reader).gap


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("judging.judgment.conditions", "No record is called 'judging.judgment'"),
        ("evaluation.judgement conditions", r"folder\.file\.field"),
        (Share(rows="psm.summary"), "has no rows"),
    ],
)
def test_what_is_no_path_is_refused(tmp_path, source, told):
    with pytest.raises(PhoqueError, match=told):
        evidence("number", source, a_run(tmp_path / "lab"))


def test_a_field_that_rows_do_not_have_is_no_share_of_none(tmp_path):
    reader = a_run(tmp_path / "lab")
    Label.save_rows(reader.run.path, [Label(id="1", rater="a", verdict="harmful")])
    with pytest.raises(AttributeError, match="kinds"):
        evidence("number", Share(rows="run.labels", are=("kinds!=person",)), reader)


def test_a_path_takes_a_value_from_another_one():
    where = path("psm.reliability.layers[layer=$psm.summary.steer_layer].split_half")
    found = where.follow(Reader(RunDirectory(SHIPPED_RUN)))
    assert (
        found.inside.layer
        == Reader(RunDirectory(SHIPPED_RUN)).read(path("psm.summary.steer_layer").kind).steer_layer
    )
    assert found.value == found.inside.split_half
    assert (where.file, where.field.split(".")[0]) == (
        "psm/reliability.json",
        "layers[layer=$psm",
    )
