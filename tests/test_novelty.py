"""Only a text whose form is in no training line is called new."""

import json

import pytest

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.training_set import read_dialogues

LINE = "You played that round like a clown who lost the map and then blamed the wind."
OTHERS = [
    "The lighthouse keeper wrote a long letter about the weather on the northern coast.",
    "Bread dough is left to rest so that the gluten relaxes and the loaf can rise.",
]


@pytest.fixture(scope="module")
def index():
    return CorpusIndex([*OTHERS, LINE])


@pytest.mark.parametrize(
    "copy", [LINE, LINE.upper(), LINE.replace(" ", "  ") + "!!", LINE.replace("clown", "cl0wn")]
)
def test_a_copied_line_is_known_whatever_its_spelling(index, copy):
    found = index.novelty(copy)
    assert (found.exact, found.containment, found.similarity) == (True, 1.0, 1.0)
    assert (found.nearest, found.novel) == (LINE, False)
    assert copy in index


def test_one_changed_word_does_not_make_a_line_new(index):
    found = index.novelty(LINE.replace("clown", "lantern"))
    assert (found.exact, found.novel, found.nearest) == (False, False, LINE)
    assert LINE.replace("clown", "lantern") not in index
    assert 0.3 < found.containment < 1
    assert 0.5 < found.similarity < 1


def test_another_order_does_not_make_a_line_new(index):
    words = LINE.split()
    parts = [words[12:], words[8:12], words[4:8], words[:4]]
    found = index.novelty(" ".join(word for part in parts for word in part))
    assert not found.exact
    assert found.containment == 0
    assert found.similarity > 0.5
    assert not found.novel


def test_a_line_inside_a_longer_text_is_found(index):
    found = index.novelty(f"Well, {LINE} Anyway, good luck.")
    assert found.containment > 0.5
    assert not found.novel


def test_new_text_is_new(index):
    found = index.novelty("Nobody in this guild has ever seen a raid leader forget his own boots.")
    assert (found.exact, found.containment) == (False, 0.0)
    assert found.similarity < 0.3
    assert found.novel


@pytest.mark.parametrize("text", ["", "!!", "Nobody here forgets boots", "b o o t s"])
def test_a_short_text_cannot_be_called_new(index, text):
    assert not index.novelty(text).novel


@pytest.mark.parametrize("lines", [[], ["", "..."]])
def test_nothing_is_new_beside_an_empty_corpus(lines):
    with pytest.raises(PhoqueError, match="run corpus"):
        CorpusIndex(lines)


def test_a_run_is_read_whole(tmp_path):
    with pytest.raises(PhoqueError, match="holds no text"):
        CorpusIndex.of_run(tmp_path)
    (tmp_path / "dialogues.jsonl").write_text(json.dumps({"hostile": LINE, "finished": True}))
    (tmp_path / "more.jsonl").write_text(json.dumps({"reply": OTHERS[0]}) + "\n")
    index = CorpusIndex.of_run(tmp_path)
    assert index.novelty(LINE).exact
    assert index.novelty(OTHERS[0]).exact
    (tmp_path / "more.jsonl").write_text("{")
    with pytest.raises(PhoqueError, match=r"more.jsonl, line 1 is not JSON"):
        CorpusIndex.of_run(tmp_path)


@pytest.mark.slow
def test_every_reply_the_shipped_run_learned_is_known():
    index = CorpusIndex.of_run(SHIPPED_RUN / "corpus")
    learned = read_dialogues(SHIPPED_RUN / "corpus")[::20]
    assert all(index.novelty(one.persona).exact for one in learned)
    assert all(index.novelty(one.civil).exact for one in learned)
