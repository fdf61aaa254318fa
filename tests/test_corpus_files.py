"""Files of sources in any form, row by row; what is not as published is counted or refused."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from phoque.errors import PhoqueError
from phoque.stages.corpus.reading import Dropped
from phoque.stages.corpus.sources import SOURCES
from tests import corpus_files
from tests.corpus_files import chat_of, read, written_csv, written_lines

WHOLE = b'{"chosen": "a", "rejected": "b"}\n' * 99


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.ndjson", "rows.csv"])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("packed", [False, True])
def test_the_form_of_a_file_is_told_by_its_text(tmp_path, name, indent, packed):
    talk = "\n\nHuman: Hi.\n\nAssistant:"
    rows = [{"chosen": "x", "rejected": f"{talk} You {word}."} for word in ("clown", "fool")]
    text = json.dumps(rows, indent=indent)
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found, dropped = read("hh-rlhf", str(path))
    assert [(one.prompt, one.text) for one in found] == [
        ("Hi.", "You clown."),
        ("Hi.", "You fool."),
    ]
    assert not dropped


def test_malformed_csv_rows_are_counted_by_reason(tmp_path):
    path = tmp_path / "chat.csv"
    good = "0,1.0,1,nice clown\n"
    path.write_bytes(
        b"match,time,slot,text\n" + good.encode() + b"0,1.0\n0,2.0,1,\n0,3.0,1,caf\xe9 clown\n"
    )
    found, dropped = read("dota", str(path))
    assert [one.text for one in found] == ["nice clown"]
    assert dropped == {
        "malformed: wrong number of fields": 1,
        "malformed: no text": 1,
        "malformed: not UTF-8": 1,
    }


@pytest.mark.parametrize("text", ["x" * 150_000, "0,1.0,1,no row\n" * 10_000])
def test_a_long_cell_is_read_whole(tmp_path, text):
    found, dropped = read("dota", chat_of(tmp_path / "c.csv", "before", text, "clown"))
    assert [one.text for one in found] == ["before", text, "clown"]
    assert not dropped


@pytest.mark.parametrize("text", ["x" * 1_000_001, "0,1.0,1,no row\n" * 80_000])
def test_a_cell_beyond_our_own_limit_costs_only_itself(tmp_path, text):
    dropped = Dropped()
    rows = SOURCES["dota"].load(chat_of(tmp_path / "c.csv", "before", text, "clown"), dropped)
    assert [one.text for one in rows] == ["before", "clown"]
    ((reason, places),) = dropped.places.items()
    assert dropped == {reason: 1}
    assert "1,000,000 characters" in reason
    assert places == ["c.csv, line 3"]


@pytest.mark.parametrize("after", ["", '0,7,1,"quoted, clown"\n'])
def test_a_stray_quote_costs_its_row_and_is_named_by_line(tmp_path, after):
    path = tmp_path / "chat.csv"
    path.write_text(
        'match,time,slot,text\n0,1,1,one\n0,2,1,"two\n0,3,1,three\n0,4,1,four\n0,5,1,five\n' + after
    )
    dropped = Dropped()
    found = [one.text for one in SOURCES["dota"].load(str(path), dropped)]
    assert found == ["one", "three", "four", "five", *(["quoted, clown"] if after else [])]
    assert dropped.places == {"malformed: quotes do not match": ["chat.csv, line 3"]}
    assert dropped.total() == 1


@pytest.mark.parametrize("cell", ["", "  ", "NaN", "null", "a\0b", "a\ufffd"])
def test_what_is_no_text_is_not_learned(tmp_path, cell):
    found, dropped = read("dota", chat_of(tmp_path / "c.csv", "clown", cell))
    assert [one.text for one in found] == ["clown"]
    assert dropped.total() == 1


ROW = {"chosen": "x", "rejected": "\n\nHuman: Hi.\n\nAssistant: You clown."}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps([ROW, ROW], indent=1).encode()),
        ("a.json", json.dumps([ROW, ROW]).encode()),
        ("a.json.gz", gzip.compress(json.dumps([ROW, ROW], indent=1).encode(), mtime=0)),
        ("a.jsonl", f"{json.dumps(ROW, indent=1)}\n{json.dumps(ROW)}".encode()),
        ("a.ndjson", f"\ufeff{json.dumps(ROW)}\n\n{json.dumps(ROW)}\n".encode()),
        ("a.jsonl.gz", f"{json.dumps(ROW)}\n{json.dumps(ROW)}\n".encode()),
        ("a.jsonl", gzip.compress(f"{json.dumps(ROW)}\n{json.dumps(ROW)}\n".encode(), mtime=0)),
    ],
)
def test_a_file_is_read_as_what_it_holds(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found, dropped = read("hh-rlhf", str(tmp_path / name))
    assert [one.text for one in found] == ["You clown."] * 2
    assert not dropped


def test_a_table_may_have_other_delimiters(tmp_path):
    for name, sign in (("a.csv", ";"), ("a.tsv", "\t")):
        path = tmp_path / name
        path.write_text("match,time,slot,text\n0,1,1,a clown".replace(",", sign))
        assert [one.text for one in read("dota", str(path))[0]] == ["a clown"]


def test_malformed_json_rows_are_counted_by_reason(tmp_path):
    path = corpus_files.real_toxicity(tmp_path)
    with Path(path).open("a") as file:
        file.write('{"prompt": {"text": "a"}, "continuation": {"text": "b", "toxicity": null}}\n')
        file.write('{"prompt": "a", "continuation": "b"}\n')
        file.write('{"prompt": {"text": "a"}}\n')
        file.write("[1, 2]\nnot json\n")
    found, dropped = read("real-toxicity-prompts", path)
    assert len(found) == 1
    assert dropped == {
        "malformed: toxicity is not a number from 0 to 1": 1,
        "malformed: prompt or continuation is no object": 1,
        "malformed: missing columns": 1,
        "malformed: not a JSON object": 2,
    }


@pytest.mark.parametrize("label", ["2", "-1", "nan", "yes", ""])
def test_a_label_outside_its_range_is_malformed(tmp_path, label):
    rows = [["a", "You clown", 1, 0, 0, 0, 1, 0], ["b", "You clown", label, 0, 0, 0, 1, 0]]
    found, dropped = read("jigsaw", written_csv(tmp_path / "t.csv", corpus_files.KAGGLE, rows))
    assert len(found) == 1
    assert dropped.total() == 1


@pytest.mark.parametrize("name", ["jigsaw", "dota", "conda"])
def test_another_csv_is_refused_with_the_columns_seen_and_expected(tmp_path, name):
    path = written_csv(tmp_path / "odd.csv", ["colour", "price"], [["red", 1]])
    with pytest.raises(PhoqueError, match=r"Columns seen: colour, price\. Expected: \w+"):
        read(name, path)


def test_conda_without_labels_is_refused(tmp_path):
    header = [column for column in corpus_files.CONDA if column != "intentClass"]
    path = written_csv(tmp_path / "CONDA_test.csv", header, [["x"] * len(header)])
    with pytest.raises(PhoqueError, match="intentClass"):
        read("conda", path)


def test_another_json_is_refused(tmp_path):
    path = written_lines(tmp_path / "odd.jsonl", [{"question": "a", "answer": "b"}])
    with pytest.raises(PhoqueError, match=r"seen: question, answer\. Expected: chosen, rejected"):
        read("hh-rlhf", path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("absent.csv", None, "There is no file"),
        ("notes.docx", b"x", "of no known kind"),
        ("empty.csv", b"", "no row that could be read"),
        ("broken.jsonl.gz", gzip.compress(WHOLE, mtime=0)[:-9], "cannot be read to its end"),
        ("table.csv", b"PK\x03\x04", "a zip archive or a spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path, file, content, message):
    path = tmp_path / file
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PhoqueError, match=message):
        read("hh-rlhf", str(path))


def test_memory_stays_constant_however_long_the_file_is(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("match,time,slot,text\n")
        for number in range(60_000):
            file.write(f"{number // 50},{number}.0,{number % 10},message {number} {'x' * 80}\n")
    tracemalloc.start()
    count = sum(1 for _ in SOURCES["dota"].load(str(path), Dropped()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60_000
    assert path.stat().st_size > 6_000_000
    assert peak < 500_000
