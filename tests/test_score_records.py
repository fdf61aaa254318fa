"""What `phoque score` writes of a file: options, rows without a text, canonical text, what was cut."""

import io
import json
import os
import subprocess
import sys

import pytest

from phoque.cli.main import main
from phoque.moderators.lines import Line, Tally, scored
from phoque.moderators.reading import read_texts
from tests.moderators import Doubled, installed
from tests.test_moderators_by_name import JIGSAW, network, tokenizer
from tests.test_score_command import score


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


def test_rows_without_a_text_are_null_and_counted(tmp_path, monkeypatch, capsys):
    (file := tmp_path / "a.csv").write_text(
        "id, message\n1,you clown\n2,good game\n3\n4,\n5,bad\n6,fine\n"
    )
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
    records = list(
        scored(read_texts(io.BytesIO(b"fine\n\n \nlast"), "chat.txt"), [double], canonical=True)
    )
    assert [one.harm_score for one in records] == [0.04, None, None, 0.04]
    assert set(double.asked) == {"fine", "last"}
    assert records[1].error == {"row": "empty"}


def test_canonical_text_is_scored_beside_the_text():
    double = Doubled()
    wide, plain = scored(["ｃ l o w n", "clown"], [double], canonical=True)  # noqa: RUF001
    assert double.asked == ["clown", "ｃ l o w n"]  # noqa: RUF001
    assert (wide.harm_score, wide.canonical.harm_score) == (0.09, 0.05)
    assert plain.canonical == plain.model_copy(update={"canonical": None})
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


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """A cache for the embedded moderators, which are converted into it once."""
    return tmp_path_factory.mktemp("converted")


@pytest.fixture
def embedded(converted, monkeypatch, capsys):
    """Records that the embedded moderators write, within this process."""
    monkeypatch.setenv("PHOQUE_CACHE", str(converted))

    def records(*words, said=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(said.encode())))
        assert main(["score", *words, "--no-cache"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return records


@installed
def test_an_insult_before_many_harmless_words_counts(embedded, tmp_path):
    walk = "The weather is nice today and we went for a walk. "
    insult = "You are a stupid idiot and a moron. "
    lines = [insult + walk * 60, walk * 30 + insult + walk * 30, walk * 60 + insult, walk * 60]
    (file := tmp_path / "long.txt").write_text("\n".join(lines))
    *rude, kind = embedded(str(file))
    assert all(one["harm_score"] > 0.8 for one in rude)
    assert kind["harm_score"] < 0.1
    assert not any("truncated" in one for one in (*rude, kind))


@installed
def test_a_record_says_whose_score_says_nothing(embedded, tmp_path):
    (file := tmp_path / "a.txt").write_text("you idiot\nвы идиоты\n")
    english, cyrillic = embedded(str(file))
    assert "unread" not in english
    assert cyrillic["unread"] == ["embedded.mean", "embedded.toxblock", "embedded.svm"]


def test_the_end_tells_of_how_many_texts_no_word_is_known():
    tally = Tally()
    for unread in ((), ("a", "b")):
        tally.add(Line(harm_score=0.1, classifiers={}, unread=unread))
    assert [*tally.told()] == [
        "Note: a classifier knows no word of 1 of 2 texts, and its low scores say nothing about them: see unread."
    ]


@installed
def test_full_width_letters_are_read_canonical(embedded):
    wide = "ｙｏｕ ａｒｅ ａｎ ｉｄｉｏｔ"  # noqa: RUF001
    for option, both in (("--canonical", True), ("--no-canonical", False)):
        [record] = embedded("-", option, said=wide)
        assert record["harm_score"] < 0.5
        assert ("canonical" in record) is both
        if both:
            assert record["canonical"]["harm_score"] > 0.9


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
