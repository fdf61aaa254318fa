"""Every source is read as it is published: its labels, its turns, its order, from a file or the Hub."""

import random

import datasets
import pytest

from phoque.errors import PhoqueError
from phoque.stages.corpus.sources import SOURCES, source_called
from tests import corpus_files
from tests.corpus_files import MINIATURES, read, written_csv, written_lines


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
def test_conda_is_put_in_order_over_all_of_its_files(tmp_path, seed):
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


def test_dota_is_put_in_order_of_its_matches_and_times(tmp_path):
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


def test_a_set_that_is_not_there_says_so(tmp_path):
    with pytest.raises(PhoqueError, match="could not be streamed"):
        read("jigsaw", f"hub:{tmp_path / 'nothing'}")


def test_an_unknown_source_lists_the_known():
    with pytest.raises(PhoqueError, match=r"Known: jigsaw, dota"):
        source_called("reddit")
