"""Sentences that hang on how numbers lie to each other."""

import pytest

from phoque.figures import (
    answers,
    composition,
    contour,
    dictionary_gates,
    dose_response,
    message_kinds,
    trajectory,
)
from phoque.figures.table import Ends
from phoque.run.psm_vector import TrainingStep
from tests.records import a_rate
from tests.ui import psm_files, sae_files, training_files


def training(*places):
    """Steps with the places of the neutral and of the persona's prompt."""
    return [
        TrainingStep(step=10 * at, neutral=neutral, persona=persona, cosine=0.8, norm=1.0)
        for at, (neutral, persona) in enumerate(places)
    ]


def told(steps):
    return trajectory.draw(psm_files.origin().model_copy(update={"trajectory": steps})).sentence


def test_a_rise_of_both_prompts_is_not_the_personas():
    said = told(training((0.0, 0.5), (0.7, 1.3), (0.2, 1.2), (0.3, 0.9), (0.3, 1.5)))
    # The gap passes the middle at step 20 and falls back; from step 40 on it stays.
    assert "From step 40 of 40 on, at least half of that rise" in said
    assert "0.50 beyond" in said
    assert "1.20 beyond" in said
    assert "From step" not in told(training((0.0, 0.5), (0.0, 0.4)))


def test_a_dose_is_compared_with_other_vectors_of_that_dose():
    selection, controls = psm_files.selection(), psm_files.controls()
    same, longer = controls.random_vector[-1], controls.random_vector[-1]
    longer = longer.model_copy(update={"dose": 0.9, "rate": a_rate(0.95, 64)})
    found = controls.model_copy(update={"random_vector": [same, longer]})
    said = dose_response.draw(selection, found).sentence
    assert (
        "clearly more than under the strongest random, shuffled or reversed vector at dose 0.4"
        in said
    )
    assert "not clearly" not in said
    assert "At dose 0.9 such a vector reaches 95.0" in said
    assert "such a vector" not in dose_response.draw(selection, controls).sentence


@pytest.mark.parametrize(
    ("part", "said"), [(0.25, "expresses 25.0"), (-0.1, "expresses none (-10.0")]
)
def test_a_dictionary_that_guesses_worse_than_nothing_expresses_nothing(part, said):
    found = sae_files.report()
    shifts = found.shifts.model_copy(update={"explained_change": part})
    assert said in dictionary_gates.draw(found.model_copy(update={"shifts": shifts})).sentence


def test_a_change_has_the_sign_that_its_word_tells():
    assert answers._unsigned(Ends(0.02, -0.01, 0.05), " %") == "2.0 % [-1.0, 5.0]"
    assert answers._unsigned(Ends(-0.02, -0.05, 0.01), " points") == "2.0 points [-1.0, 5.0]"


def test_kinds_with_a_flagged_reply_are_named():
    rates = {"praise": a_rate(0.1), "help": a_rate(0.0)}
    assert message_kinds._kinds(rates, ["praise", "help"]) == "1 of 2 kinds of message (praise)"
    assert message_kinds._kinds(rates, ["help"]) == "none of 1 kinds of message"
    assert message_kinds._kinds(rates, ["praise"]) == "all 1 kinds of message"


@pytest.mark.parametrize(("last", "every"), [(0.0, True), (1.0, False)])
def test_the_largest_scale_that_was_tried_is_no_limit(last, every):
    said = contour._sentence(1.0, "embedded.mean", {1.0: [0.0] * 40, 2.0: [last] * 40})
    assert ("at every scale that was tried" in said) is every


def test_a_corpus_whose_every_reply_has_a_word_says_so():
    found = training_files.COMPOSITION
    assert "hold no word of its list" in composition.draw(found).sentence
    none = {"without_listed_word": 0, "brief_without_listed_word": 0}
    assert (
        "Every reply of the persona holds"
        in composition.draw(found.model_copy(update=none)).sentence
    )
