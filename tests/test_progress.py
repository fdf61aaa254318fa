"""A bar with rate and remaining time on what takes longer than a second, and nothing before."""

import io
import re
import sys

import pytest

from phoque import progress
from phoque.cli import main as command
from phoque.moderators.lines import Line, Tally
from phoque.progress import shown_on, watched
from tests.corpus_files import chat_of, judge
from tests.moderators import Doubled


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def at_once(monkeypatch):
    """Every bar is drawn after each row."""
    for name in ("SILENT_SECONDS", "TERMINAL_SECONDS", "LOG_SECONDS"):
        monkeypatch.setattr(progress, name, 0.0)


def test_what_is_done_within_a_second_says_nothing():
    with shown_on(stream := io.StringIO()):
        assert list(watched(range(8), "x", total=8)) == [*range(8)]
    assert stream.getvalue() == ""


def test_a_log_gets_lines_and_a_terminal_one_line(at_once):
    for stream, lines in ((io.StringIO(), 10), (Terminal(), 1)):
        with shown_on(stream):
            list(watched(range(8), "x", total=8))
        assert stream.getvalue().count("\n") == lines
        assert re.search(r"x: +100%\|.*\| 8/8 ", stream.getvalue())


def test_nothing_is_shown_unless_a_command_says_where(capsys):
    assert list(watched(range(3), "x", total=3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_scoring_shows_how_far_it_is(at_once, monkeypatch, capsys, tmp_path):
    (file := tmp_path / "chat.txt").write_text("a line\n" * 3000)
    monkeypatch.setattr("phoque.cli.score.load_classifier", lambda name, harm_labels: Doubled())
    assert command.main(["score", str(file), "--classifier", "d", "--no-cache"]) == 0
    said = capsys.readouterr().err
    assert re.search(r"score .*chat.txt: +\d+%\|.*\| \d+/\d+ .* rows/s", said)


def test_a_share_of_what_was_read_is_not_taken_for_done():
    tally = Tally()
    list(tally.reading(["a", "b", "c", "d"]))
    tally.add(Line(harm_score=0.5, classifiers={}))
    assert tally.share(1.0) == 0.25
    assert tally.share(None) is None


def test_every_step_of_cleaning_a_corpus_shows_how_far_it_is(at_once, tmp_path):
    from phoque.stages.corpus.mixing import mix

    said = [
        f"you are clown number {'x' * n} and play worse than number {n * 977}" for n in range(60)
    ]
    stream = io.StringIO()
    with shown_on(stream):
        mix([("dota", chat_of(tmp_path / "chat.csv", *said))], judge=judge)
    for step in ("read chat.csv", "tell languages", "replace names", "compare texts"):
        assert re.search(rf"{step}: +\d+%\|", stream.getvalue()), step
    assert sys.stderr is not stream
