"""The records of PSM read the shipped files, and read again what they wrote."""

import json

import pytest

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.run import psm, psm_replies, psm_rows, psm_vector
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.psm_replies import Written
from phoque.run.record import Record, Row
from phoque.stages.psm.generation import summarize

FOLDER = SHIPPED_RUN / "psm"
KINDS = {
    kind
    for module in (psm, psm_replies, psm_rows, psm_vector)
    for kind in vars(module).values()
    if isinstance(kind, type)
    and issubclass(kind, Record | Row)
    and getattr(kind, "STAGE", "") == "psm"
}
TRIED = {
    "group": "base",
    "given": "none",
    "prompt": 'Hi, "you".',
    "reply": "One.\r\nTwo.",
    "shown": True,
}
AGREED = {
    "condition": "toxic",
    "kind": "x",
    "prompt": "Hi.",
    "agree": -1.5,
    "disagree": -2,
    "neutral": 0,
}
ROWS = {
    psm_rows.OriginReply: TRIED,
    psm_rows.ConfoundReply: TRIED,
    psm_rows.AntidoteReply: TRIED | {"shown": False},
    psm_rows.Agreed: AGREED,
    psm_rows.Position: {
        "layer": 1,
        "direction": "refusal",
        "state": "random",
        "positions": (0.1, 2),
    },
    psm_rows.ProbeProducts: {"layer": 1, "of": "stream", "probe": "Hi.", "products": (0.1, 2)},
}
"""Rows that runs made before their stage kept them do not have."""


def named(kind):
    return kind.__name__


@pytest.mark.parametrize("kind", sorted(KINDS, key=named), ids=named)
def test_what_is_read_is_written_and_read_the_same(kind, tmp_path):
    if issubclass(kind, Row):
        recorded = kind not in ROWS or (FOLDER / kind.FILE).is_file()
        rows = kind.load_rows(FOLDER, command="") if recorded else (kind(**ROWS[kind]),)
        kind.save_rows(tmp_path, rows)
        assert kind.load_rows(tmp_path, command="") == rows
        return
    found = kind.load(FOLDER, command="")
    found.save(tmp_path)
    assert kind.load(tmp_path, command="") == found
    assert json.loads((tmp_path / kind.FILE).read_text())["schema_version"] == kind.VERSION


def test_every_file_of_the_stage_has_a_record():
    files = {file.name for file in FOLDER.iterdir() if file.suffix in (".json", ".csv", ".jsonl")}
    assert files <= {kind.FILE for kind in KINDS}
    assert {kind.FILE for kind in KINDS} - files <= {kind.FILE for kind in ROWS}


def test_conditions_have_one_name():
    conditions = {"neutral", "toxic", "steered", "random_vector"}
    assert conditions < set(psm_replies.Conditions.load(FOLDER, command="").conditions)
    assert conditions < {row.condition for row in psm_replies.Written.load_rows(FOLDER, command="")}
    origin = psm_vector.Origin.load(FOLDER, command="")
    assert set(origin.effects) == set(origin.norms) == {"base", "persona", "civil_adapter"}
    assert "random_vector" in origin.effects["base"]


@pytest.mark.parametrize("kind", sorted(KINDS, key=named), ids=named)
@pytest.mark.parametrize("text", ["{}", "[1]", '{"layer": {}}', "7", "{broken"])
def test_a_file_that_is_none_is_named(kind, text, tmp_path):
    is_table = kind.FILE.endswith(".csv")
    read = kind.load_rows if issubclass(kind, Row) else kind.load
    text = f"layer\n{text}\n" if is_table else text
    (tmp_path / kind.FILE).write_text(text)
    with pytest.raises(PhoqueError, match=f"{kind.FILE}.*Make it again with: make it"):
        read(tmp_path, command="make it")


def test_where_no_word_differs_a_share_has_an_interval_all_the_same():
    calm = [
        row for row in Reader(RunDirectory(SHIPPED_RUN)).rows(Written) if row.condition == "neutral"
    ]
    same = [row.model_copy(update={"condition": "random_vector"}) for row in calm]
    found = summarize([*calm, *same])
    for field in ("toxic_word_rate", "repeated_3grams"):
        told = getattr(found["random_vector"], field).effect
        assert (told.value, told.low < -0.05, told.high > 0.05) == (0, True, True)
        assert getattr(found["neutral"], field).effect.high == 0
