"""`python -m phoque score`: any stream of texts in, one record a text out, errors that say where."""

import gzip
import io
import json
import os
import subprocess
import sys

import pytest

from phoque.cli import main as command
from phoque.errors import PhoqueError
from phoque.inputs.rows import LONGEST_CELL as LONGEST
from phoque.moderators.reading import NoText, read_texts
from tests.moderators import Doubled, installed

MIB = 2**20
SCORES_ALL = """
import json, resource, sys
from dataclasses import replace
from phoque.moderators.catalogue import SVM
from phoque.moderators.classifier import Score
from phoque.moderators.lines import scored
from phoque.moderators.reading import read_texts

class Forgetful:
    info, digest = replace(SVM, id="double"), "double"

    def score_batch(self, items):
        return [Score(labels={"toxicity": len(item.text) / 100}) for item in items]

for file in sys.argv[2:]:
    with open(file, "rb") as stream:
        texts = read_texts(stream, "long", **json.loads(sys.argv[1]))
        count = sum(1 for _ in scored(texts, [Forgetful()]))
    print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Scores one file after the other in a process that imports little, and tells its peak after each."""


def read(data, **how):
    return list(read_texts(io.BytesIO(data), "chat.txt", **how))


def score(monkeypatch, capsys, *arguments, **doubles):
    monkeypatch.setattr("phoque.cli.score.load_classifier", lambda name, **_: doubles[name])
    status = command.main(["score", *map(str, arguments)])
    said = capsys.readouterr()
    return status, [json.loads(line) for line in said.out.splitlines()], said.err


def test_what_came_before_a_cut_off_archive_is_scored(tmp_path, monkeypatch, capsys):
    file = tmp_path / "chat.txt.gz"
    file.write_bytes(gzip.compress(b"fine\n" * 15_000)[:-9])
    status, records, said = score(
        monkeypatch, capsys, file, "--classifier", "double", "--no-cache", double=Doubled()
    )
    assert status == 2
    assert len(records) > 10_000
    assert "chat.txt.gz cannot be read to its end" in said


def test_a_text_file_has_one_text_a_line():
    assert read(b"one\r\ntwo\n\nlast") == ["one", "two", NoText("empty"), "last"]
    assert read("\ufeffpécheur\n".encode()) == ["pécheur"]
    assert read(b'[GROUP] is a placeholder\n{"no": json}') == [
        "[GROUP] is a placeholder",
        '{"no": json}',
    ]


def test_a_column_of_a_csv_may_hold_line_breaks():
    table = b'name,said\nann,"one, two\nthree"\n\nbob,four\n'
    assert read(table, column="said") == ["one, two\nthree", "four"]


@pytest.mark.parametrize(
    "data",
    [
        b'["a", {"text": "b"}, "c [,]"]',
        b' [ "a" ,\n{"text":"b", "id": [1]}\n,"c [,]" ] \n',
        b'"a"\n{"text": "b"}\n\n"c [,]"\n',
        b'\xef\xbb\xbf["a", {"text": "b"}, "c [,]"]',
    ],
)
def test_json_is_an_array_or_values_one_after_the_other(data):
    assert read(data, form="json") == ["a", "b", "c [,]"]


def test_json_may_be_cut_anywhere_between_two_reads():
    texts = [f"é{number} " * (1 + number % 50) for number in range(3000)]
    array = json.dumps(texts, ensure_ascii=False).encode()
    lines = "\n".join(json.dumps({"text": text}) for text in texts).encode()
    assert read(array, form="json") == read(lines, form="json") == texts


CSV = {"form": "csv"}
JSON = {"form": "json"}
BAD = {
    "empty": (b"", {}, "holds no text"),
    "empty array": (b"[ ]", JSON, "holds no text"),
    "empty json": (b" \n", JSON, "holds no text"),
    "only a head": (b"said\n", {"column": "said"}, "holds no text"),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", {}, "is binary"),
    "utf-16 without a mark": ("hello".encode("utf-16-le"), {}, "is binary"),
    "a spreadsheet": (b"PK\x03\x04...", {}, "is a zip archive or a spreadsheet"),
    "latin": (b"caf\xe9\n", {}, "line 1: a byte .0xe9. that is not of the file's encoding: say"),
    "no such encoding": (b"fine", {"encoding": "utf-99"}, "utf-99 is not an encoding"),
    "no encoding of text": (b"fine", {"encoding": "base64"}, "base64 is not an encoding"),
    "one huge line": (b"x" * (LONGEST + 1), {}, "more than 1,000,000 characters"),
    "no column": (b"a,b\n1,2\n", CSV, "which column has the texts. It has: a, b"),
    "no such column": (b"a,b\n1,2\n", {"column": "c"}, "no column c. It has: a, b"),
    "two such columns": (b"a,a\n1,2\n", {"column": "a"}, "more than one column a"),
    "a column of lines": (b"a,b\n", {"form": "text", "column": "a"}, "have no column a"),
    "short rows only": (b"a,b\n3\n", {"column": "b"}, "line 2: wrong number of fields"),
    "open quote": (b'a\n"x', {"column": "a"}, "line 2: quotes do not match"),
    "no json": (b"hello", JSON, "line 1: here is no JSON value"),
    "half array": (b'["a",', JSON, "here is no JSON value, or only part"),
    "array of lines": (b'["a"]\n["b"]', JSON, "line 2: something follows"),
    "cut off": (b'["a"', JSON, "the array is cut off"),
    "no text key": (b'{"said": "a", "by": 1}', JSON, "which key has it: said, by"),
    "no such key": (b'{"said": "a"}', {"column": "b"}, "which key has it: said"),
    "deep": (b"[" * 100_000, JSON, "here is no JSON value"),
    "a huge value": (b'"' + b"x" * 3 * LONGEST, JSON, "more than 1,000,000 characters"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_says_what_and_where(name):
    data, how, message = BAD[name]
    with pytest.raises(PhoqueError, match=message):
        read(data, **how)


def test_one_record_a_text_in_order(monkeypatch, capsys, tmp_path):
    file = tmp_path / "chat.txt"
    file.write_text("xxxx\nx\nxxxx\n")
    first, second = Doubled(), Doubled()
    second.info = second.info.__class__(**{**vars(second.info), "id": "second"})
    status, records, _ = score(
        monkeypatch, capsys, file, "--classifier", "double", "second", double=first, second=second
    )
    assert status == 0
    assert [one["index"] for one in records] == [0, 1, 2]
    assert [one["harm_score"] for one in records] == [0.04, 0.01, 0.04]
    assert records[0]["classifiers"] == {"double": {"toxicity": 0.04}, "second": {"toxicity": 0.04}}
    assert all("error" not in one for one in records)


def test_a_classifier_that_fails_gives_no_score_and_a_status(monkeypatch, capsys, tmp_path):
    file = tmp_path / "chat.json"
    file.write_text('["good", "bad", "fine"]')
    status, records, errors = score(
        monkeypatch, capsys, file, "--classifier", "double", double=Doubled(fails_on="bad")
    )
    assert status == 1
    assert [one["harm_score"] for one in records] == [0.04, None, 0.04]
    assert records[1]["classifiers"] == {"double": None}
    assert "cannot read bad" in records[1]["error"]["double"]
    assert errors.splitlines() == [
        f"Reading {file} as JSON, utf-8.",
        "Error: 1 of 3 texts lack a score: 1 on which a classifier failed.",
    ]


def test_errors_of_the_command_are_one_sentence(monkeypatch, capsys, tmp_path):
    status, records, errors = score(
        monkeypatch, capsys, tmp_path / "none", "--classifier", "a", a=Doubled()
    )
    assert (status, records) == (2, [])
    assert errors.startswith("Error: Cannot read ")
    out = Doubled(sends_text_out=True)
    file = tmp_path / "a.txt"
    file.write_text("a")
    status, records, errors = score(monkeypatch, capsys, file, "--classifier", "out", out=out)
    assert (status, records, out.asked) == (2, [], [])
    assert "--may-send-text" in errors


def test_harm_labels_reach_the_model(monkeypatch, capsys, tmp_path):
    seen = []
    (file := tmp_path / "a.txt").write_text("a")
    monkeypatch.setattr(
        "phoque.cli.score.load_classifier",
        lambda name, harm_labels, keep: seen.append(harm_labels) or Doubled(),
    )
    asked = ["score", str(file), "--classifier", "org/x", "--harm-label", "label_1", "label_2"]
    assert command.main(asked) == 0
    assert seen == [("label_1", "label_2")]


@pytest.mark.parametrize("asked", [[], ["--classifier", "embedded.svm", "detoxify.original"]])
def test_harm_labels_that_no_moderator_takes_are_refused(asked, capsys, tmp_path):
    (file := tmp_path / "a.txt").write_text("a")
    assert command.main(["score", str(file), *asked, "--harm-label", "rude"]) == 2
    said = capsys.readouterr()
    assert "The harm labels rude would do nothing" in said.err
    assert said.out == ""


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"form": "json"}, {"column": "said"}])
def test_many_lines_take_no_more_memory_than_a_few_thousand(tmp_path, how):
    few, many = peaks_of(tmp_path, (20_000, 160_000), how)
    assert many < few + 5 * MIB  # kept lines would be 7 MiB


def peaks_of(folder, counts, how):
    """Most memory, in bytes, of a process that scores so many lines, after each file."""
    for count in counts:
        with (folder / str(count)).open("w") as lines:
            lines.write("said\n" if "column" in how else "")
            lines.writelines(f'"message {number % 5000}"\n' for number in range(count))
    asked = [sys.executable, "-c", SCORES_ALL, json.dumps(how)]
    asked += [str(folder / str(count)) for count in counts]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    told = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert [scored for scored, _ in told] == list(counts)
    return [kilobytes * 1024 for _, kilobytes in told]


@installed
def test_the_embedded_moderators_score_standard_input():
    done = run(b"You are a useless clown.\nThe left door leads to the library.\n")
    rude, kind = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    assert rude["harm_score"] == rude["classifiers"]["embedded.mean"]["toxicity"] > 0.5
    assert kind["harm_score"] < 0.1
    assert list(rude["classifiers"])[:3] == ["embedded.mean", "embedded.toxblock", "embedded.svm"]
    assert "insult" in rude["classifiers"]["embedded.toxblock"]


@installed
def test_a_reader_that_goes_away_is_no_error():
    command = f"yes hello | {sys.executable} -m phoque score - --classifier embedded.svm | head -2"
    shell = f"{command}; exit ${{PIPESTATUS[1]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == 141
    assert [json.loads(line)["index"] for line in done.stdout.splitlines()] == [0, 1]
    assert done.stderr == "Reading standard input as lines of text, utf-8.\n"


@installed
def test_an_error_has_no_traceback():
    done = run(b"")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"Error: standard input holds no text")


def run(data, *arguments):
    asked = [sys.executable, "-m", "phoque", "score", "-", *arguments]
    return subprocess.run(asked, input=data, capture_output=True, check=False, env=os.environ)
