"""Scores on disk: found again, bounded, shared, made anew when damaged, without any text."""

import subprocess
import sys
from dataclasses import replace

import pytest

from phoque.moderators.classifier import Item, Score
from phoque.moderators.disk import DiskCache, Remembering, remembering
from phoque.moderators.scoring import items_of, score
from tests.moderators import Doubled

WRITER = """
import sys
from pathlib import Path
from phoque.moderators.classifier import Score
from phoque.moderators.disk import DiskCache
cache = DiskCache(Path(sys.argv[1]))
for number in range(60):
    cache.remember({f"{sys.argv[2]}{number}": Score(labels={"toxicity": number / 100})})
"""


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path / "scores.sqlite")


def test_a_text_is_scored_once_for_ever(cache):
    double = Doubled()
    first = score(Remembering(double, cache), items_of(["a", "bb", "a"]))
    again = score(Remembering(double, DiskCache(cache.path)), items_of(["bb", "a", "ccc"]))
    assert double.asked == ["a", "bb", "ccc"]
    assert [one.labels["toxicity"] for one in (*first, *again)] == [
        *(0.01, 0.02, 0.01),
        *(0.02, 0.01, 0.03),
    ]


def test_another_classifier_has_other_scores(cache):
    score(Remembering(Doubled(), cache), items_of(["a"]))
    other = Doubled(digest="other")
    score(Remembering(other, cache), items_of(["a"]))
    assert other.asked == ["a"]


def test_a_truncated_text_stays_so(cache):
    cache.remember({"k": Score(labels={"toxicity": 0.25}, truncated=True)})
    assert cache.known(["k", "none"]) == {"k": Score(labels={"toxicity": 0.25}, truncated=True)}


def test_the_times_of_scores_are_known(cache):
    assert cache.times(["none"]) is None
    for key in ("old", "new"):
        cache.remember({key: Score(labels={"toxicity": 0.5})})
    first, last = cache.times(["old", "new", "none"])
    assert last >= first > 1_700_000_000
    assert (cache.times(["old"]), cache.times(["new"])) == ((first, first), (last, last))


def test_errors_and_broken_answers_are_not_kept(cache):
    score(Remembering(Doubled(fails_on="bad"), cache), items_of(["good", "bad"]))
    found = score(Remembering(Doubled(labels={"other": 1.0}), cache), [Item("new")])
    assert "reports no" in found[0].error
    asked = Doubled()
    score(Remembering(asked, cache), items_of(["good", "bad", "new"]))
    assert sorted(asked.asked) == ["bad", "new"]


def test_no_text_is_stored(cache):
    score(Remembering(Doubled(), cache), items_of(["uninstall the game"]))
    assert b"toxicity" in cache.path.read_bytes()
    assert b"uninstall" not in cache.path.read_bytes()


def test_the_oldest_scores_go_first(tmp_path):
    cache = DiskCache(tmp_path / "s", max_entries=3)
    for name in "abcde":
        cache.remember({name: Score(labels={"toxicity": 0.5})})
    assert set(cache.known("abcde")) == set("cde")


@pytest.mark.parametrize("damage", ["no database", "cut off", "no labels", "bytes inside"])
def test_a_damaged_file_is_made_anew(cache, damage):
    many = {str(number): Score(labels={"toxicity": 0.5}) for number in range(2000)}
    cache.remember(many)
    data = cache.path.read_bytes()
    middle = len(data) // 2
    broken = {
        "no database": b"x" * 5000,
        "cut off": data[:middle],
        "no labels": data.replace(b'{"toxicity', b'["toxicity'),
        "bytes inside": data[:4096] + b"x" * 20_000 + data[24_096:],
    }
    cache.path.write_bytes(broken[damage])
    double = Doubled()
    for _ in range(2):
        found = score(Remembering(double, cache), items_of(["a"]))
        assert found[0].labels == {"toxicity": 0.01}
    cache.known([*many])
    cache.remember({"k": Score(labels={"toxicity": 0.5})})
    assert list(cache.known(["k"])) == ["k"]


def test_two_processes_share_a_file(cache):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(cache.path), name]) for name in "ab"
    ]
    assert [one.wait(60) for one in writers] == [0, 0]
    keys = [f"{name}{number}" for name in "ab" for number in range(60)]
    assert len(cache.known(keys)) == 120


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "file").write_text("")
    cache = DiskCache(tmp_path / "file" / "scores.sqlite")
    assert score(Remembering(Doubled(), cache), items_of(["a"]))[0].labels == {"toxicity": 0.01}


def test_only_what_is_expensive_is_kept(cache):
    cheap, dear = Doubled(), Doubled()
    dear.info = replace(dear.info, source="hub")
    assert remembering(cheap, cache) is cheap
    assert isinstance(remembering(dear, cache), Remembering)
