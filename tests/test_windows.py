"""Texts longer than a classifier reads: all of it is read in pieces, and the worst piece counts."""

from dataclasses import replace

import pytest
import torch

from phoque.conversation import Message
from phoque.moderators.catalogue import SVM
from phoque.moderators.classifier import Item, Score
from phoque.moderators.scoring import items_of, score
from tests.test_moderators_by_name import JIGSAW, network, tokenizer

LIMIT = 40


class Narrow:
    """Reads 40 characters. `clown` is toxic, less so beside more words; calm is what is not."""

    info = replace(
        SVM,
        id="narrow",
        labels=("toxicity", "obscene", "calm"),
        harm_labels=("toxicity", "obscene"),
    )
    digest = "narrow"

    def __init__(self, fails_on=None):
        self.fails_on, self.seen = fails_on, []

    def score_batch(self, items):
        return [self.one(item) for item in items]

    def one(self, item):
        if self.fails_on and self.fails_on in item.text:
            raise ValueError(f"cannot read {self.fails_on}")
        self.seen.append(item.text)
        room = LIMIT - sum(len(turn.content) for turn in item.context)
        text = item.text[: max(room, 0)]
        toxic = ("clown" in text) * 5 / max(len(text), 5)
        labels = {"toxicity": toxic, "obscene": float("damn" in text), "calm": 1 - toxic}
        return Score(labels=labels, truncated=len(item.text) > len(text))


WORDS = "one two three four five six seven "


@pytest.mark.parametrize("before", [0, 1, 3, 8, 20, 50])
@pytest.mark.parametrize("after", [0, 1, 3, 8, 20, 50])
def test_what_stands_anywhere_in_a_long_text_counts(before, after):
    text = f"{WORDS * before}you clown {WORDS * after}"
    (found,) = score(Narrow(), [Item(text)])
    assert not found.truncated
    assert found.labels["toxicity"] >= 5 / LIMIT
    assert found.labels["calm"] <= 1 - 5 / LIMIT


def test_a_text_that_is_read_whole_is_read_once():
    narrow = Narrow()
    (found,) = score(narrow, [Item("you clown")])
    assert narrow.seen == ["you clown"]
    assert found == narrow.one(Item("you clown"))


def test_every_harm_label_has_its_worst_piece_and_others_that_of_the_worst():
    (found,) = score(Narrow(), [Item(f"damn {WORDS * 9}clown {WORDS * 9}")])
    assert found.labels["obscene"] == 1
    assert found.labels["toxicity"] > 0.1
    # The worst piece is the one with a harm of 1, which has no clown in it.
    assert found.labels["calm"] == 1


def test_no_word_is_cut_and_every_word_is_read():
    narrow = Narrow()
    text = " ".join(f"word{number}" for number in range(500))
    score(narrow, [Item(text)])
    pieces = [piece for piece in narrow.seen if len(piece) <= LIMIT]
    assert {word for piece in pieces for word in piece.split()} == {*text.split()}


def test_a_text_without_spaces_is_read_whole_too():
    (found,) = score(Narrow(), [Item("x" * 5000 + "clown" + "x" * 5000)])
    assert (found.truncated, found.labels["toxicity"] > 0) == (False, True)


def test_what_cannot_be_made_short_enough_stays_truncated():
    talk = (Message("user", "x" * 200),)
    narrow = Narrow()
    (found,) = score(narrow, [Item("a text of a hundred characters " * 4, talk)])
    assert found.truncated
    assert len(narrow.seen) == 1


def test_a_piece_that_fails_makes_its_text_fail_and_no_other():
    bad, good = score(Narrow(fails_on="bad"), items_of([f"{WORDS * 9}bad", "clown"]))
    assert (bad.error, good.error) == ("ValueError: cannot read bad", None)
    (late,) = score(Late(), [Item(f"{WORDS * 9}")])
    assert late.error == "ValueError: no pieces"
    assert late.labels == {}


class Late(Narrow):
    """Fails on pieces only."""

    def one(self, item):
        if len(item.text) < len(WORDS * 9):
            raise ValueError("no pieces")
        return super().one(item)


def test_a_network_reads_all_of_a_text(tmp_path):
    from phoque.moderators.registry import load_classifier

    network(JIGSAW, problem_type="multi_label_classification").save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    classifier = load_classifier(str(tmp_path))
    end = "you are a useless clown"
    (found,) = score(classifier, [Item("kind player " * 40 + end)])
    inputs = tokenizer()("kind player " * 40, return_tensors="pt", truncation=True, max_length=16)
    with torch.no_grad():
        start = network(JIGSAW)(**inputs).logits.sigmoid()[0].tolist()
    assert not found.truncated
    assert any(
        found.labels[name] > one + 1e-3
        for name, one in zip(classifier.info.labels, start, strict=True)
    )
