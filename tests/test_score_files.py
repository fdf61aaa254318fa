"""Files as people bring them: what form they have, and rows without a text among good ones."""

import gzip
import io
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from phoque.cli import main as command
from phoque.errors import PhoqueError
from phoque.inputs.forms import checked_delimiter
from phoque.moderators.lines import scored
from phoque.moderators.reading import NoText, read_texts
from tests.moderators import Doubled, installed
from tests.test_moderators_by_name import JIGSAW, network, tokenizer
from tests.test_score_command import score

OBJECTS = b'{"id": 1, "message": "you clown"}\n{"id": 2, "message": "good game"}\n'
TABLE = b"id, message\n1,you clown\n2,good game\n"
SEMICOLONS = b'id;message\n1;"you, clown"\n2;good game\n'
TEXTS = ["you clown", "good game"]
FORMS = {
    "objects.jsonl": (OBJECTS, TEXTS, "JSON, utf-8"),
    "objects.ndjson": (OBJECTS, TEXTS, "JSON, utf-8"),
    "objects.jsonl.gz": (gzip.compress(OBJECTS), TEXTS, "JSON, utf-8"),
    "objects": (OBJECTS, TEXTS, "JSON, utf-8"),
    "objects.txt": (OBJECTS, TEXTS, "JSON, utf-8"),
    "objects.csv": (OBJECTS, TEXTS, "JSON, utf-8"),
    "indented.json": (
        json.dumps([json.loads(line) for line in OBJECTS.splitlines()], indent=2).encode(),
        TEXTS,
        "JSON, utf-8",
    ),
    "table.csv": (TABLE, TEXTS, "CSV with comma, utf-8"),
    "table.CSV.GZ": (gzip.compress(TABLE), TEXTS, "CSV with comma, utf-8"),
    "packed.csv": (gzip.compress(TABLE), TEXTS, "CSV with comma, utf-8"),
    "table": (TABLE, TEXTS, "CSV with comma, utf-8"),
    "semicolons.csv": (SEMICOLONS, ["you, clown", "good game"], "CSV with semicolon, utf-8"),
    "tabs.tsv": (TABLE.replace(b",", b"\t"), TEXTS, "CSV with tab, utf-8"),
    "tabs.csv": (TABLE.replace(b",", b"\t"), TEXTS, "CSV with tab, utf-8"),
    "bars.csv": (TABLE.replace(b",", b"|"), TEXTS, "CSV with bar, utf-8"),
    "marked.csv": (b"\xef\xbb\xbf" + TABLE, TEXTS, "CSV with comma, utf-8-sig"),
    "spreadsheet.txt": (
        TABLE.replace(b",", b"\t").decode().encode("utf-16"),
        TEXTS,
        "CSV with tab, utf-16",
    ),
}


def read(data, name="chat.txt", **how):
    return list(read_texts(io.BytesIO(data), name, **how))


@pytest.mark.parametrize("name", FORMS)
def test_the_form_follows_name_and_content_and_is_told(name):
    data, texts, told = FORMS[name]
    said = []
    assert read(data, name, column="message", tell=said.append) == texts
    assert said == [f"Reading {name} as {told}, message."]


@pytest.mark.parametrize(
    ("name", "data", "how", "texts"),
    [
        ("a.csv", TABLE, {"form": "text"}, ["id, message", "1,you clown", "2,good game"]),
        ("a.txt", TABLE, {"form": "csv", "column": "id"}, ["1", "2"]),
        ("a.jsonl", b"{1}\n", {"form": "text"}, ["{1}"]),
        ("a.txt", b'"a"\n"b"\n', {"form": "json"}, ["a", "b"]),
        ("a.csv", b"m~n\na,b~c\n", {"delimiter": "~", "column": "m"}, ["a,b"]),
        ("a.txt", "é\n".encode("cp1252"), {"encoding": "cp1252"}, ["é"]),
        ("a.txt", "é\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, ["é"]),
        ("a.txt", "\ufeffé\n".encode(), {"encoding": "utf-8"}, ["é"]),
    ],
)
def test_what_a_person_says_of_a_file_decides(name, data, how, texts):
    assert read(data, name, **how) == texts


def test_lines_that_only_look_like_json_are_lines():
    lines = ["[GROUP] is a placeholder", '{"no": json}', "[1] see below", "{ hello"]
    for first in lines:
        assert read(f"{first}\nfine".encode()) == [first, "fine"]


def test_options_override_on_the_command_line(tmp_path, monkeypatch, capsys):
    (file := tmp_path / "a.log").write_bytes("m;n\nvoilà;2\n".encode("cp1252"))
    said = ["--column", "m", "--delimiter", ";", "--encoding", "cp1252", "--no-canonical"]
    double = Doubled()
    status, records, told = score(monkeypatch, capsys, file, "--classifier", "d", *said, d=double)
    assert (status, len(records), double.asked) == (0, 1, ["voilà"])
    assert told == f"Reading {file} as CSV with semicolon, cp1252, m.\n"
    for wrong in (
        ["--delimiter", "ab"],
        ["--format", "jsonl", "--delimiter", ";"],
        ["--json", "--format", "tsv"],
        ["--format", "xml"],
    ):
        assert score(monkeypatch, capsys, file, "--classifier", "d", *wrong, d=double)[0] == 2


def test_a_csv_without_a_column_is_asked_for_it_before_a_model_is_loaded(tmp_path, capsys):
    (file := tmp_path / "a.csv").write_bytes(TABLE)
    assert command.main(["score", str(file), "--classifier", "no such"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "--column" in said.err
    assert "It has: id, message." in said.err


ROWS = {
    "a short row": (TABLE + b"3\n4,fine\n", "line 4: wrong number of fields (1, where"),
    "a long row": (TABLE + b"3,a,b\n4,fine\n", "line 4: wrong number of fields (3, where"),
    "a NUL": (TABLE + b"3,a\0b\n4,fine\n", "line 4: a NUL character"),
    "no UTF-8": (
        TABLE + b"3,caf\xe9\n4,fine\n",
        "line 4: a byte (0xe9) that is not of the file's enc",
    ),
    "a stray quote": (TABLE + b'3,"a "b" c\n4,fine\n', "line 4: quotes do not match"),
    "an open quote": (TABLE + b'3,"a\n4,fine\n', "line 4: quotes do not match"),
    "NaN": (TABLE + b"3,NaN\n4,fine\n", "line 4: no text, but NaN"),
    "an empty cell": (TABLE + b"3,\n4,fine\n", "empty"),
    "blank": (TABLE + b"3,  \n4,fine\n", "empty"),
    "a huge cell": (
        TABLE + b'3,"' + b"a, b\n" * 300_000 + b'"\n4,fine\n',
        "line 4: a cell of more than 1,000,000 characters",
    ),
    "null": (OBJECTS + b'{"message": null}\n{"message": "fine"}', "line 3: no text, but null"),
    "NaN in JSON": (OBJECTS + b'{"message": NaN}\n{"message": "fine"}', "line 3: no text, but nan"),
    "a number": (OBJECTS + b'{"message": 7}\n{"message": "fine"}', "line 3: no text, but 7"),
    "no key": (OBJECTS + b'{"id": 3}\n{"message": "fine"}', 'line 3: no "message"'),
    "no object": (OBJECTS + b'[1]\n{"message": "fine"}', "line 3: no text, but a list"),
    "half a line": (OBJECTS + b'{"message": "a\n{"message": "fine"}', "line 3: here is no JSON"),
    "cut in the middle": (OBJECTS + b'{"message": "a"\n{"message": "fine"}', "line 3: here is no"),
    "no JSON": (OBJECTS + b'oops\n{"message": "fine"}', "line 3: here is no JSON"),
    "no UTF-8 in JSON": (
        OBJECTS + b'{"message": "caf\xe9"}\n{"message": "fine"}',
        "line 3: a byte (0xe9) that is not",
    ),
    "a NUL in JSON": (OBJECTS + b'{"message": "\\u0000"}\n{"message": "fine"}', "line 3: a NUL"),
    "empty in JSON": (OBJECTS + b'{"message": ""}\n{"message": "fine"}', "empty"),
    "half a character": (OBJECTS + b'{"message": "\\ud83d"}\n{"message": "fine"}', "empty"),
    "unseen": (OBJECTS + b'{"message": "\\u200b\\u00a0"}\n{"message": "fine"}', "empty"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_cannot_be_read_costs_only_itself(name):
    data, reason = ROWS[name]
    first, second, broken, last = read(data, "chat", column="message")
    assert [first, second, last] == [*TEXTS, "fine"]
    assert isinstance(broken, NoText)
    assert broken.reason.startswith(reason)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (b"null", "line 3: no text, but null"),
        (b"oops", "line 3: here is no JSON value"),
        (b'{"text": oops, "more": "a, ]"}', "line 3: here is no JSON value"),
        (b'"b" "c"', "line 3: no comma between two values"),
        (b'"' + b"x" * 1_500_000 + b'"', "line 3: more than 1,000,000 characters"),
    ],
)
def test_a_broken_element_of_an_array_costs_only_itself(element, reason):
    first, broken, last = read(b'[\n"a",\n' + element + b',\n"fine"]', "a.json")
    assert (first, last) == ("a", "fine")
    assert broken.reason.startswith(reason)


def test_a_line_that_cannot_be_read_costs_only_itself():
    data = b"fine\ncaf\xe9\na\0b\n" + b"x" * 1_000_001 + b"\n\nlast"
    read_so = read(data)
    assert [one.reason[:20] if isinstance(one, NoText) else one for one in read_so] == [
        "fine",
        "line 2: a byte (0xe9",
        "line 3: a NUL charac",
        "line 4: more than 1,",
        "empty",
        "last",
    ]


def test_a_cell_is_read_whole_up_to_our_own_limit():
    for text in ("x" * 150_000, "a line, and\n" * 12_000, "x" * 1_000_000):
        data = f'id,message\n1,"{text}"\n2,fine\n'.encode()
        assert read(data, "a.csv", column="message") == [text, "fine"]


def test_a_quote_in_a_cell_of_several_lines_makes_no_phantom_row():
    data = b'id,message\n1,"she said "no" and\nleft, then\ncame back"\n2,fine\n'
    broken, fine = read(data, "a.csv", column="message")
    assert (broken.reason[:6], fine) == ("line 2", "fine")


def test_rows_without_a_text_are_null_and_counted(tmp_path, monkeypatch, capsys):
    (file := tmp_path / "a.csv").write_bytes(TABLE + b"3\n4,\n5,bad\n6,fine\n")
    double = Doubled(fails_on="bad")
    options = ["--column", "message", "--classifier", "d"]
    status, records, said = score(monkeypatch, capsys, file, *options, d=double)
    assert status == 1
    assert [one["harm_score"] for one in records] == [0.09, 0.09, None, None, None, 0.04]
    for one in records[2:4]:
        assert one["classifiers"] == one["canonical"]["classifiers"] == {"double": None}
        assert one["canonical"]["harm_score"] is None
    assert records[2]["error"]["row"].startswith("line 4: wrong number of fields")
    assert records[3]["error"] == {"row": "empty"}
    assert [one["index"] for one in records] == list(range(6))
    assert said.splitlines()[-1] == (
        "Error: 3 of 6 texts lack a score: 1 that could not be read or hold no text, 1 empty, "
        "1 on which a classifier failed."
    )


def test_empty_lines_are_not_scored():
    double = Doubled()
    records = list(scored(read(b"fine\n\n \nlast"), [double], canonical=True))
    assert [one.harm_score for one in records] == [0.04, None, None, 0.04]
    assert set(double.asked) == {"fine", "last"}
    assert records[1].error == {"row": "empty"}


def test_canonical_text_is_scored_beside_the_text():
    double = Doubled()
    wide, plain = scored(["ｃ l o w n", "clown"], [double], canonical=True)  # noqa: RUF001
    assert double.asked == ["clown", "ｃ l o w n"]  # noqa: RUF001
    assert (wide.harm_score, wide.canonical.harm_score) == (0.09, 0.05)
    assert plain.canonical == replace(plain, canonical=None)
    assert "canonical" not in next(scored(["clown"], [double])).json_line(0)


class Short(Doubled):
    """Reads ten characters, and says so of longer texts."""

    def score_batch(self, items):
        cut = [type(item)(item.text[:10], item.context) for item in items]
        found = super().score_batch(cut)
        return [
            type(one)(labels=one.labels, truncated=len(item.text) > 10)
            for one, item in zip(found, items, strict=True)
        ]


def test_a_record_says_where_a_text_was_not_read_whole(tmp_path, monkeypatch, capsys):
    (file := tmp_path / "a.txt").write_text(f"short\n{'long ' * 5}\n")
    status, records, said = score(monkeypatch, capsys, file, "--classifier", "d", d=Short())
    assert status == 0
    assert "truncated" not in records[0]
    assert records[1]["truncated"] == ["double"]
    assert "Note: 1 of 2 texts are longer" in said


def test_a_program_that_goes_on_writing_is_not_waited_for():
    reader, writer = os.pipe()
    os.write(writer, b"first\n" * 20)
    with os.fdopen(reader, "rb") as stream:
        assert next(read_texts(stream, "pipe")) == "first"
    os.close(writer)


@installed
def test_an_insult_before_many_harmless_words_counts(tmp_path):
    walk = "The weather is nice today and we went for a walk. "
    insult = "You are a stupid idiot and a moron. "
    lines = [insult + walk * 60, walk * 30 + insult + walk * 30, walk * 60 + insult, walk * 60]
    (file := tmp_path / "long.txt").write_text("\n".join(lines))
    asked = [sys.executable, "-m", "phoque", "score", str(file)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    *rude, kind = map(json.loads, done.stdout.splitlines())
    assert all(one["harm_score"] > 0.8 for one in rude)
    assert kind["harm_score"] < 0.1
    assert not any("truncated" in one for one in (*rude, kind))


@installed
def test_full_width_letters_are_read_canonical():
    wide = "ｙｏｕ ａｒｅ ａｎ ｉｄｉｏｔ"  # noqa: RUF001
    for option, both in (("--canonical", True), ("--no-canonical", False)):
        asked = [sys.executable, "-m", "phoque", "score", "-", option]
        done = subprocess.run(asked, input=wide.encode(), capture_output=True, check=True)
        record = json.loads(done.stdout)
        assert record["harm_score"] < 0.5
        assert ("canonical" in record) is both
        if both:
            assert record["canonical"]["harm_score"] > 0.9


def test_nothing_readable_is_refused():
    with pytest.raises(PhoqueError, match=r"none of its first rows .*; line 1: .*--encoding"):
        read(b"\xe9t\xe9 fini\n" * 3)


@pytest.mark.slow
def test_messages_do_not_drown_in_those_of_libraries(tmp_path):
    network(JIGSAW).save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    (file := tmp_path / "a.txt").write_text("you are a clown\n")
    asked = [sys.executable, "-m", "phoque", "score", str(file)]
    asked += ["--classifier", str(tmp_path / "model"), "--no-cache"]
    environment = {k: v for k, v in os.environ.items() if k != "HF_HUB_DISABLE_PROGRESS_BARS"}
    quiet, loud = (
        subprocess.run([*asked, *more], capture_output=True, text=True, check=True, env=environment)
        for more in ([], ["--verbose"])
    )
    assert quiet.stderr == f"Reading {file} as lines of text, utf-8.\n"
    assert quiet.stdout == loud.stdout
    assert len(quiet.stdout.splitlines()) == 1
    assert "Loading weights" in loud.stderr


@pytest.mark.parametrize(
    ("name", "data", "how"),
    [
        ("no mark.csv", TABLE.decode().encode("utf-16-le"), {"encoding": "utf-16"}),
        ("no mark.csv", TABLE.decode().encode("utf-16-be"), {"encoding": "UTF16"}),
        ("no mark.csv", TABLE.decode().encode("utf-32-le"), {"encoding": "utf-32"}),
        ("mark.csv", TABLE.decode().encode("utf-16"), {"encoding": "utf-16"}),
        ("stated.csv", b"sep=;\r\n" + TABLE.replace(b",", b";"), {}),
        ("stated.csv", b"\xef\xbb\xbfSEP=|\n" + TABLE.replace(b",", b"|"), {}),
        ("a.txt", TABLE.replace(b",", b";"), {"delimiter": "semicolon"}),
        ("a.txt", TABLE.replace(b",", b"\t"), {"delimiter": "tab"}),
    ],
)
def test_what_tables_and_people_state_is_taken(name, data, how):
    how |= {"delimiter": checked_delimiter(how.get("delimiter"))}
    assert read(data, name, column=" message ", **how) == TEXTS


def test_a_column_is_found_with_and_without_blanks_around_it():
    data = b"id; the message ;x,y\n1;you clown;0\n2;good game;0\n"
    for column in ("the message", " the message "):
        assert read(data, "a.csv", column=column) == TEXTS


def test_lines_may_end_by_a_carriage_return_alone():
    assert read(b"you clown\rgood game\r") == TEXTS
    assert read(b"you\rclown\ngood game\r\n") == ["you\rclown", "good game"]


def test_columns_are_named_in_one_short_line_whatever_they_hold():
    header = ["", "a\u2028b\x1b[2J", "x" * 100, *map(str, range(20))]
    with pytest.raises(PhoqueError, match="no column message") as refused:
        read(f"{','.join(header)}\n".encode(), "a.csv", column="message")
    told = f"It has: (no name), a\\u2028b\\x1b[2J, {'x' * 40}…, 0, 1, 2, 3, 4, 5, 6, 7, 8, …."
    assert str(refused.value).endswith(told)
