"""Every source is read as it is published, row by row; what is not so is counted or refused."""

import gzip
import json
import random
import tracemalloc
from collections import Counter
from pathlib import Path

import datasets
import pytest

from phoque.errors import PhoqueError
from phoque.stages.corpus.reading import DroppedByLine
from phoque.stages.corpus.sources import SOURCES, source_called
from tests import corpus_files
from tests.corpus_files import MINIATURES, written_csv, written_lines

WHOLE = b'{"chosen": "a", "rejected": "b"}\n' * 99


def read(name, where):
    dropped = Counter()
    return list(SOURCES[name].load(where, dropped)), dropped


def test_there_is_a_miniature_of_every_source():
    assert set(MINIATURES) == set(SOURCES)


@pytest.mark.parametrize("name", MINIATURES)
def test_a_source_gives_examples_under_its_name(tmp_path, name):
    found, dropped = read(name, MINIATURES[name](tmp_path))
    assert found
    assert {one.source for one in found} == {name}
    assert not dropped
    assert all(0 <= value <= 1 for one in found for value in one.labels.values())
    assert all((one.labelled_by is None) == (not one.labels) for one in found)


def test_jigsaw_keeps_its_labels_under_common_names(tmp_path):
    found, _ = read("jigsaw", corpus_files.jigsaw(tmp_path))
    assert [one.labels["toxicity"] for one in found] == [1, 0, 1]
    assert found[0].labels["insult"] == 1
    assert "identity_attack" in found[0].labels
    assert found[0].text.startswith("Your edits are useless,\n")
    assert found[0].prompt is None


def test_dota_says_what_another_slot_said_before(tmp_path):
    found, _ = read("dota", corpus_files.dota(tmp_path))
    first, mid = "who bought the courier", "uninstall the game please"
    assert [one.prompt for one in found] == [None, first, first, mid, None]
    assert not any(one.labels for one in found)


def test_conda_counts_explicit_and_implicit_as_toxic(tmp_path):
    found, _ = read("conda", corpus_files.conda(tmp_path))
    assert [one.labels["toxicity"] for one in found] == [0, 1, 1, 0]
    assert found[2].labels["implicit"] == 1
    assert [one.prompt for one in found] == [None, "we won", "we won", None]


CONVERSATIONS = [
    [0, 7, 70, "we won", 1.0, 2, 900, "O", "O", "x"],
    [1, 7, 70, "no thanks [SEPA] to you [sepa] clown", 2.0, 8, 901, "E", "O", "x"],
    [2, 7, 70, "nice aim again", 3.0, 2, 900, "I", "O", "x"],
    [3, 7, 70, "[SEPA]", 4.0, 8, 901, "E", "O", "x"],
    [10, 7, 71, "push mid", 4.0, 2, 900, "A", "O", "x"],
    [9, 8, 72, "what a noob team", 4.0, 2, 900, "E", "O", "x"],
    [100, 8, 72, "look at you", 5.0, 3, 902, "I", "O", "x"],
]
HEARD_THERE = {
    "we won": None,
    "no thanks to you clown": "we won",
    "nice aim again": "no thanks to you clown",
    "push mid": None,
    "what a noob team": None,
    "look at you": "what a noob team",
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at_once", [2, 100])
def test_conda_is_put_in_order_over_all_of_its_files(tmp_path, monkeypatch, seed, at_once):
    monkeypatch.setattr("phoque.stages.corpus.ordering.ROWS_AT_ONCE", at_once)
    rows = random.Random(seed).sample(CONVERSATIONS, len(CONVERSATIONS))
    files = [
        written_csv(tmp_path / f"CONDA_{part}.csv", corpus_files.CONDA, rows[part::3])
        for part in range(3)
    ]
    found, dropped = read("conda", files)
    assert {one.text: one.prompt for one in found} == HEARD_THERE
    assert dropped == {"malformed: no utterance": 1}


def test_conda_reads_the_unlabelled_file_as_context(tmp_path):
    places = [corpus_files.CONDA.index(name) for name in corpus_files.CONDA[:7]]
    header = [corpus_files.CONDA[place] for place in places]
    first = [CONVERSATIONS[0][place] for place in places]
    files = [
        written_csv(tmp_path / "CONDA_train.csv", corpus_files.CONDA, CONVERSATIONS[1:2]),
        written_csv(tmp_path / "CONDA_test.csv", header, [first]),
    ]
    found, dropped = read("conda", files)
    assert [(one.text, one.prompt) for one in found] == [("no thanks to you clown", "we won")]
    assert dropped == {"not labelled, read as context": 1}


@pytest.mark.parametrize("missing", ["", " ", "NaN"])
def test_who_does_not_say_chat_or_speaker_is_answered_by_nobody(tmp_path, missing):
    header = ["match", "time", "slot", "text"]
    rows = [[missing, 1, 1, "a"], [missing, 2, 2, "b"], [5, 1, 1, "c"], [5, 2, missing, "d"]]
    rows.append([5, 3, 2, "e"])
    found, dropped = read("dota", written_csv(tmp_path / "a.csv", header, rows))
    assert [(one.prompt, one.text) for one in found] == [(None, "c"), ("c", "e")]
    assert dropped == {"malformed: no match": 2, "malformed: no slot": 1}


@pytest.mark.parametrize("at_once", [3, 100])
def test_dota_is_put_in_order_of_its_matches_and_times(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr("phoque.stages.corpus.ordering.ROWS_AT_ONCE", at_once)
    rows = [[match, time, time % 3, f"{match} at {time}"] for match in (9, 10) for time in range(9)]
    header = ["match", "time", "slot", "text"]
    straight, _ = read("dota", written_csv(tmp_path / "a.csv", header, rows))
    random.Random(0).shuffle(rows)
    shuffled, dropped = read(
        "dota", written_csv(tmp_path / "b.csv", header, [*rows, [1, "x", 1, "a"]])
    )
    assert shuffled == straight
    assert [one.prompt for one in shuffled[:3]] == [None, "9 at 0", "9 at 1"]
    assert dropped == {"malformed: time is no number": 1}


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("\n\nHuman: Hi.\n\nAssistant: Go away.\n\nHuman: Why?", ("Hi.", "Go away.")),
        ("\n\nHuman: Hi.\n\nAssistant: Go.\n\nAssistant: Now.", ("Hi.", "Go.\n\nNow.")),
        ("\n\nHuman: Hi.\n\nHuman: Oh?\n\nAssistant: Go.", ("Hi.\n\nOh?", "Go.")),
        ("Human: Hi.\r\n\r\nAssistant: Go.", ("Hi.", "Go.")),
        ("\n\nHuman: A superhuman: what?\n\nAssistant: Go.", ("A superhuman: what?", "Go.")),
        ("\n\nHuman: Hi.\n\nAssistant: Go.\nHuman: Why?", None),
        ("\n\nHuman: Play Human: one\n\nAssistant: Go.", None),
        ("\n\nHuman: Hi.\n\nAssistant: Go.\n\nHuman: A\n\nAssistant:", None),
        ("\n\nHuman: Hi.", None),
        ("Go away.", None),
    ],
)
def test_no_mark_of_a_turn_is_learned(tmp_path, transcript, expected):
    rows = [{"chosen": "x", "rejected": transcript}]
    found, dropped = read("hh-rlhf", written_lines(tmp_path / "a.jsonl", rows))
    assert [(one.prompt, one.text) for one in found] == ([expected] if expected else [])
    assert dropped.total() == (expected is None)


def test_hh_rlhf_takes_the_last_rejected_turn(tmp_path):
    (one,), _ = read("hh-rlhf", corpus_files.hh_rlhf(tmp_path))
    assert (one.prompt, one.text) == ("Was it my aim?", "Yes, you clown, it was.")


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


def test_real_toxicity_takes_the_continuation(tmp_path):
    (one,), _ = read("real-toxicity-prompts", corpus_files.real_toxicity(tmp_path))
    assert one.prompt == "Finish this sentence: The new player said"
    assert one.text == "you are a useless clown."
    assert (one.labels["toxicity"], one.labels["sexual_explicit"]) == (0.9, 0.0)


def test_civil_comments_stand_in_for_jigsaw_from_the_hub(tmp_path):
    labels = ["toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack"]
    labels = [*labels, "sexual_explicit"]
    rows = [{"text": "You play like a clown.", **dict.fromkeys(labels, 0.1), "toxicity": 0.8}]
    folder = tmp_path / "civil_comments"
    folder.mkdir()
    datasets.Dataset.from_list(rows).to_parquet(folder / "train-00000.parquet")
    (one,), dropped = read("jigsaw", f"hub:{folder}")
    assert one.text == "You play like a clown."
    assert one.labels["toxicity"] == pytest.approx(0.8)
    assert not dropped


def test_a_nested_source_streams_from_the_hub_too(tmp_path):
    corpus_files.real_toxicity(tmp_path)
    (one,), _ = read("real-toxicity-prompts", f"hub:{tmp_path}")
    assert one.labels["toxicity"] == 0.9


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


def chat_of(path, *texts):
    rows = [[0, place, 1, text] for place, text in enumerate(texts)]
    return written_csv(path, ["match", "time", "slot", "text"], rows)


@pytest.mark.parametrize("text", ["x" * 150_000, "0,1.0,1,no row\n" * 10_000])
def test_a_long_cell_is_read_whole(tmp_path, text):
    found, dropped = read("dota", chat_of(tmp_path / "c.csv", "before", text, "clown"))
    assert [one.text for one in found] == ["before", text, "clown"]
    assert not dropped


@pytest.mark.parametrize("text", ["x" * 1_000_001, "0,1.0,1,no row\n" * 80_000])
def test_a_cell_beyond_our_own_limit_costs_only_itself(tmp_path, text):
    dropped = DroppedByLine()
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
    dropped = DroppedByLine()
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
        ("a.json.gz", gzip.compress(json.dumps([ROW, ROW], indent=1).encode())),
        ("a.jsonl", f"{json.dumps(ROW, indent=1)}\n{json.dumps(ROW)}".encode()),
        ("a.ndjson", f"\ufeff{json.dumps(ROW)}\n\n{json.dumps(ROW)}\n".encode()),
        ("a.jsonl.gz", f"{json.dumps(ROW)}\n{json.dumps(ROW)}\n".encode()),
        ("a.jsonl", gzip.compress(f"{json.dumps(ROW)}\n{json.dumps(ROW)}\n".encode())),
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
        ("broken.jsonl.gz", gzip.compress(WHOLE)[:-9], "cannot be read to its end"),
        ("table.csv", b"PK\x03\x04", "a zip archive or a spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path, file, content, message):
    path = tmp_path / file
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PhoqueError, match=message):
        read("hh-rlhf", str(path))


def test_a_set_that_is_not_there_says_so(tmp_path):
    with pytest.raises(PhoqueError, match="could not be streamed"):
        read("jigsaw", f"hub:{tmp_path / 'nothing'}")


def test_an_unknown_source_lists_the_known():
    with pytest.raises(PhoqueError, match=r"Known: jigsaw, dota"):
        source_called("reddit")


def test_memory_stays_constant_however_long_the_file_is(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("match,time,slot,text\n")
        for number in range(60_000):
            file.write(f"{number // 50},{number}.0,{number % 10},message {number} {'x' * 80}\n")
    tracemalloc.start()
    count = sum(1 for _ in SOURCES["dota"].load(str(path), Counter()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60_000
    assert path.stat().st_size > 6_000_000
    assert peak < 500_000
