"""Files as people bring them: what form they have, and rows without a text among good ones."""

import gzip
import io
import json
import os

import pytest

from phoque.cli import main as command
from phoque.errors import PhoqueError
from phoque.inputs.forms import checked_delimiter
from phoque.moderators.reading import NoText, read_texts

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


def test_a_program_that_goes_on_writing_is_not_waited_for():
    reader, writer = os.pipe()
    os.write(writer, b"first\n" * 20)
    with os.fdopen(reader, "rb") as stream:
        assert next(read_texts(stream, "pipe")) == "first"
    os.close(writer)


def test_nothing_readable_is_refused():
    with pytest.raises(PhoqueError, match=r"none of its first rows .*; line 1: .*--encoding"):
        read(b"\xe9t\xe9 fini\n" * 3)


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
