"""A bar with rate and remaining time on what takes longer than a second, and nothing before."""

import io
import re
import sys

from phoque.cli import main as command
from phoque.moderators.lines import Line, Tally
from phoque.progress import Progress, shown_on, watched
from tests.corpus_files import chat_of, judge
from tests.moderators import Doubled


class Clock:
    """Goes on by so many seconds whenever it is asked."""

    def __init__(self, step):
        self.step, self.now = step, 0.0

    def __call__(self):
        self.now += self.step
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_line_has_a_bar_the_rate_and_the_remaining_time():
    clock = Clock(0)
    bar = Progress("score chat.txt", stream=io.StringIO(), clock=clock)
    clock.now = 10.0
    assert bar.line(1000, 0.25) == (
        "score chat.txt: [#####---------------] 25% · 1,000 rows · 100 rows/s · about 30 s to go"
    )
    assert bar.line(1000, None) == "score chat.txt: 1,000 rows · 100 rows/s · 10 s so far"
    # The first rows take what loading takes: they do not tell how long the rest will.
    assert bar.line(1, 1 / 7000) == "score chat.txt: 1 rows · 0.1 rows/s · 10 s so far"


def test_what_is_done_within_a_second_says_nothing():
    shown = io.StringIO()
    bar = Progress("x", stream=shown, clock=Clock(0.1))
    assert not any(bar.due for _ in range(8))
    bar.done(8)
    assert shown.getvalue() == ""


def test_a_log_gets_a_line_now_and_then_and_a_terminal_one_line(monkeypatch):
    for stream, lines in ((io.StringIO(), 4), (Terminal(), 1)):
        monkeypatch.setattr("phoque.progress.time.monotonic", Clock(1.0))
        with shown_on(stream):
            bar = Progress("x", clock=Clock(1.0))
            for count in range(80):
                if bar.due:
                    bar.at(count, count / 80)
            bar.done(80)
        assert stream.getvalue().count("\n") == lines
        assert re.search(r"x: 80 rows in \d+ \w+ · [\d.]+ rows/s", stream.getvalue())


def test_nothing_is_shown_unless_a_command_says_where(capsys):
    assert list(watched(range(3), "x", total=3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def slow(monkeypatch):
    """Every bar takes the time as if each row took a second."""
    initial = Progress.__init__
    monkeypatch.setattr(
        Progress,
        "__init__",
        lambda self, *what, **how: initial(self, *what, **how | {"clock": Clock(1.0)}),
    )


def test_scoring_shows_how_far_it_is(monkeypatch, capsys, tmp_path):
    slow(monkeypatch)
    (file := tmp_path / "chat.txt").write_text("a line\n" * 3000)
    monkeypatch.setattr("phoque.cli.score.load_classifier", lambda name, **_: Doubled())
    assert command.main(["score", str(file), "--classifier", "d", "--no-cache"]) == 0
    said = capsys.readouterr().err
    assert re.search(
        r"score .*chat.txt: \[#*-*\] \d+% · [\d,]+ rows · .* rows/s · about .* to go", said
    )


def test_a_share_of_what_was_read_is_not_taken_for_done():
    tally = Tally()
    list(tally.reading(["a", "b", "c", "d"]))
    tally.add(Line(harm_score=0.5, classifiers={}))
    assert tally.share(1.0) == 0.25
    assert tally.share(None) is None


def test_every_step_of_cleaning_a_corpus_shows_how_far_it_is(monkeypatch, tmp_path):
    from phoque.stages.corpus.mixing import mix

    slow(monkeypatch)
    said = [
        f"you are clown number {'x' * n} and play worse than number {n * 977}" for n in range(60)
    ]
    stream = io.StringIO()
    with shown_on(stream):
        mix([("dota", chat_of(tmp_path / "chat.csv", *said))], judge=judge)
    for step in ("read chat.csv", "tell languages", "replace names", "compare texts"):
        assert re.search(rf"{step}: \[#*-*\] \d+% · .* to go", stream.getvalue()), step
    assert sys.stderr is not stream
