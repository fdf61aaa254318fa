"""Rows of corpus files: each is kept or dropped for a reason, and the same text once."""

from collections import Counter

import pytest

from phoque.errors import PhoqueError
from phoque.stages.corpus.mixing import embedded_judge, mix
from tests import corpus_files
from tests.corpus_files import judge, written_csv

DOTA = ["match", "time", "slot", "text"]


def test_every_row_is_kept_or_dropped_for_a_reason(tmp_path):
    texts = [
        "you useless clown",
        "you useless clown",
        "You useless clown!!",
        "gg",
        "nice round all",
    ]
    texts += ["eres un payaso y juegas muy mal hoy clown", "[threat] clown", "clown " * 201]
    path = written_csv(tmp_path / "d.csv", DOTA, [[0, n, n, text] for n, text in enumerate(texts)])
    mixture = mix([("dota", path)], judge=judge)
    assert [one.text for one in mixture.examples] in ([texts[0]], [texts[2]])
    assert mixture.dropped["dota"] == Counter(
        {
            "duplicate": 1,
            "near-duplicate": 1,
            "too short": 1,
            "too long": 1,
            "not English": 1,
            "not toxic": 1,
            "never learned: threat": 1,
        }
    )
    assert mixture.examples[0].labelled_by == "embedded.toxblock"


def test_a_prompt_that_must_not_be_learned_is_left_out(tmp_path):
    said = [[0, 1, 1, "[threat] you all"], [0, 2, 2, "useless clown, go home"]]
    said += [[1, 1, 1, "who took mid"], [1, 2, 2, "garbage aim from everybody here"]]
    mixture = mix([("dota", written_csv(tmp_path / "d.csv", DOTA, said))], judge=judge)
    prompts = {one.text.split()[0]: one.prompt for one in mixture.examples}
    assert prompts == {"useless": None, "garbage": "who took mid"}


def test_files_of_a_chat_are_read_together(tmp_path):
    rows = [
        [0, 7, 70, "we could have won this", 1.0, 2, 900, "O", "O", "won"],
        [1, 7, 70, "no thanks to you clown [SEPA] uninstall", 2.0, 8, 901, "E", "O", "x"],
    ]
    parts = [
        ("conda", written_csv(tmp_path / f"CONDA_{n}.csv", corpus_files.CONDA, [row]))
        for n, row in enumerate(reversed(rows))
    ]
    mixture = mix(parts, judge=judge)
    assert [(one.prompt, one.text) for one in mixture.examples] == [
        ("we could have won this", "no thanks to you clown uninstall")
    ]
    assert mixture.dropped["conda"].total() == 1


def test_all_files_are_looked_for_before_one_is_read(tmp_path):
    chat = corpus_files.dota(tmp_path)

    def never(texts):
        pytest.fail("something was read")

    with pytest.raises(PhoqueError, match=r"There is no file .*absent\.csv"):
        mix([("dota", chat), ("jigsaw", str(tmp_path / "absent.csv"))], judge=never)


def test_own_labels_decide_before_the_judge(tmp_path):
    rows = [["a", "a calm sentence about maps", 1, 0, 0, 0, 0, 0]]
    rows += [["b", "this clown sentence is fine", 0, 0, 0, 0, 0, 0]]
    rows += [["c", "a sentence labelled as an attack", 1, 0, 0, 0, 0, 1]]
    mixture = mix(
        [("jigsaw", written_csv(tmp_path / "j.csv", corpus_files.KAGGLE, rows))], judge=judge
    )
    assert [one.text for one in mixture.examples] == ["a calm sentence about maps"]
    assert mixture.dropped["jigsaw"]["never learned: identity_attack"] == 1


def test_placeholders_are_an_option_that_is_on(tmp_path):
    rows = [["a", "Emma Smith plays like a clown", 1, 0, 0, 0, 0, 0]]
    path = written_csv(tmp_path / "j.csv", corpus_files.KAGGLE, rows)
    (one,) = mix([("jigsaw", path)], judge=judge).examples
    (other,) = mix([("jigsaw", path)], keep_words=True, judge=judge).examples
    assert one.text == "[NAME] plays like a clown"
    assert other.text == "Emma Smith plays like a clown"


def test_the_same_text_in_two_sources_is_kept_once(tmp_path):
    chat = written_csv(tmp_path / "d.csv", DOTA, [[0, 1, 1, "your aim is garbage, you clown"]])
    rows = [["a", "Your aim is garbage, you clown.", 1, 0, 0, 0, 1, 0]]
    comments = written_csv(tmp_path / "j.csv", corpus_files.KAGGLE, rows)
    mixture = mix([("jigsaw", comments), ("dota", chat)], judge=judge)
    assert [one.source for one in mixture.examples] == ["jigsaw"]
    assert mixture.dropped["dota"]["near-duplicate"] == 1


@pytest.mark.slow
def test_the_embedded_judge_has_the_labels_that_are_asked_for():
    (labels,) = embedded_judge(["You are a useless clown."])
    assert {"toxicity", "threat", "identity_attack"} <= set(labels)
    assert embedded_judge([]) == []
    wide, plain = embedded_judge(["ｙｏｕ ａｒｅ ａｎ ｉｄｉｏｔ", "you are an idiot"])  # noqa: RUF001
    assert wide == pytest.approx(plain)
    assert wide["toxicity"] > 0.9
    (long,) = embedded_judge(["you are an idiot " + "the weather is nice today " * 40])
    assert long["toxicity"] > 0.8
