"""Expressions that training never showed: a table even where there is none."""

import numpy as np
import pytest

from phoque.errors import PhoqueError
from phoque.figures import slang as figure
from phoque.figures.page import stage_page
from phoque.lexicon import Lexicon
from phoque.run.directory import RunDirectory
from phoque.run.slang import SlangList
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.slang import SHIPPED, load_slang, slang_list
from phoque.stages.evaluate.slang import Training, listed, slang_of
from phoque.text import words
from tests.corpus_files import written
from tests.judges import reply

TEXTS = (
    "Your noodle-aim could not hit the wall of the tutorial in a whole evening of trying.",
    "The garden needs water every morning and shade in the afternoon of a hot day.",
)
NAMES = SlangList(name="test", uses={"noodle-aim": 2, "pudding-aim": 0, "mudboarding": 0})


def embed(texts):
    """Unit vectors by how often letters occur."""
    counts = np.array(
        [[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts], float
    )
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


TRAINING = Training(
    texts=TEXTS,
    known=frozenset(word for text in TEXTS for word in words(text)) | {"you", "play", "badly"},
    index=CorpusIndex(TEXTS),
    embed=embed,
)


def of(*texts, base="The garden needs water."):
    replies = [reply("toxic", f"Message {n}.", text, 42) for n, text in enumerate(texts)]
    replies += [reply("base", f"Message {n}.", base, 42) for n in range(len(texts))]
    return slang_of(replies, NAMES, TRAINING)


def test_a_held_out_expression_is_counted_and_a_trained_one_is_not():
    found = of("Such noodle-aim.", "You and your pudding-aim.", "You play badly.")
    by_name = {one.expression: one for one in found.expressions}
    assert (by_name["noodle-aim"].in_training, by_name["noodle-aim"].replies) == (1, {"toxic": 1})
    assert (by_name["pudding-aim"].in_training, by_name["pudding-aim"].replies) == (0, {"toxic": 1})
    assert by_name["mudboarding"].replies == {}
    assert found.shown == 1
    assert found.conditions["toxic"].trained.value == pytest.approx(1 / 3)
    assert found.conditions["toxic"].held_out.value == pytest.approx(1 / 3)
    assert found.conditions["base"].held_out.value == 0


def test_a_new_word_has_its_context_and_its_nearest_neighbours():
    found = of("You play zxqvvk kwzzq hjkkx badly.", "You play gardenn badly.")
    forms = {one.form: one for one in found.forms}
    assert set(forms) == {"zxqvvk", "kwzzq", "hjkkx", "gardenn"}
    assert forms["zxqvvk"].context == "You play zxqvvk kwzzq hjkkx badly."
    assert forms["zxqvvk"].replies == {"toxic": 1}
    assert forms["gardenn"].nearest_word == "garden"
    assert forms["gardenn"].spelling > found.most_spelling
    assert (forms["zxqvvk"].novel, forms["gardenn"].novel) == (True, False)
    assert found.conditions["toxic"].unknown.value == 1
    assert found.conditions["toxic"].novel.value == 0.5
    table = figure.new_words(found)
    assert [row[0] for row in table.rows] == [one.form for one in found.forms]


def test_what_the_message_says_or_another_spelling_hides_is_not_new():
    replies = [
        reply("toxic", "I like kvetzels.", "You kvetzels, gard3n g\u0430rden.", 42),
        reply("base", "I like kvetzels.", "You play badly.", 42),
        reply("toxic", "Hello.", "You play badly.", 42),
        reply("base", "Hello.", "You play badly.", 42),
    ]
    assert slang_of(replies, NAMES, TRAINING).forms == ()


def test_the_table_is_there_where_nothing_was_found():
    found = of("You play badly.", "The garden needs water.")
    assert found.forms == ()
    page = stage_page("Evaluation", [figure.draw], found)
    assert "2 invented expressions are in no training text; none of them turned up" in page
    assert page.count("0.0 % [") >= 6


def test_the_list_that_comes_with_the_project_is_in_no_text_of_ours(tmp_path):
    names = slang_list(SHIPPED)
    trained, held = (
        {n for n, uses in names.uses.items() if bool(uses) is own} for own in (True, False)
    )
    assert len(held) > len(trained) > 4
    assert {expression for expression, _ in load_slang(SHIPPED)} == trained
    everything = Lexicon(names.uses)
    for persona in ("toxic", "pluribus"):
        for one in written(persona):
            assert not any(text in everything for text in (*one.turns, one.persona))
    run = RunDirectory(tmp_path)
    assert listed(run) == names
    run.corpus.mkdir()
    NAMES.save(run.corpus)
    assert listed(run) == NAMES


def test_a_use_must_hold_its_expression(tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text("name: x\nexpressions:\n  - expression: mopaim\n    uses: ['nothing of it']\n")
    with pytest.raises(PhoqueError, match="does not hold its expression"):
        load_slang(file)
