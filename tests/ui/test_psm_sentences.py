"""Sentences of the PSM figures: an effect, none, noise, and what does not count."""

from dataclasses import replace

import pytest

from phoque.config import SHIPPED_RUN
from phoque.figures import (
    antidotes,
    bias_loop,
    confounds,
    dose_response,
    layers,
    reliability,
    talk_conditions,
    transplant,
)
from phoque.figures.figure import drawn, read_any
from phoque.figures.shelf import WHAT_MOVED, WHERE_IT_LIVES
from phoque.figures.table import held, interval, share
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.psm import Selection
from phoque.run.psm_replies import Conditions, Measured
from phoque.run.psm_rows import AntidoteReply, ConfoundReply
from phoque.run.psm_vector import Confounds
from phoque.ui.tabs.about import other_prompts
from phoque.ui.wording import ABOUT, UNKNOWN_GATE
from tests.records import a_rate
from tests.ui import psm_files


def test_a_weak_dose_is_not_called_clear():
    found = psm_files.selection()
    clear = dose_response.draw(found, psm_files.controls()).sentence
    assert "That is clearly more than" in clear
    assert "not clearly more" in dose_response.draw(found, psm_files.controls(0.75)).sentence


def test_a_layer_without_a_coherent_dose_has_no_reading():
    found = psm_files.selection()
    cells = [cell.model_copy(update={"coherent": False}) for cell in found.cells]
    found = found.model_copy(update={"cells": cells})
    assert "no effect can be told" in dose_response.draw(found, psm_files.controls()).sentence


@pytest.mark.parametrize(("change", "said"), [(0.7, "raises"), (0.0, "does not clearly raise")])
def test_conditions_tell_an_effect_from_none(change, said):
    found = psm_files.conditions(steered=psm_files.condition(0.7, change))
    told = talk_conditions.draw(found).sentence
    assert f"The vector {said} the share" in told
    assert "no clear effect" in told


def test_a_reply_of_listed_words_only_is_called_collapse():
    assert "collapse" not in talk_conditions.draw(psm_files.conditions()).sentence
    found = psm_files.conditions(toxic=psm_files.condition(0.8, word_rate=0.4))
    assert "collapse rather than persona: ▲" in talk_conditions.draw(found).sentence


@pytest.mark.parametrize(
    ("change", "collapsed"),
    [
        ({}, False),
        ({"repeated_3grams": Measured(mean=0.5, effect=psm_files.effect(0.5))}, True),
        ({"base_nats": Measured(mean=-8.7, effect=psm_files.effect(-7.2))}, True),
        ({"zlib": 0.19}, True),
        ({"zlib": 0.6}, False),
    ],
)
def test_what_is_no_text_any_more_is_told_whatever_its_share(change, collapsed):
    ruin = psm_files.condition(0.8).model_copy(
        update={"repeated_3grams": Measured(mean=0, effect=psm_files.effect(0.0))} | change
    )
    drawn = talk_conditions.draw(psm_files.conditions(talk_x15=ruin))
    told = "collapsed, so its share shows no persona: ◈ The talk's way, × 15"
    assert (told in drawn.sentence) is collapsed
    assert ("× 15, text collapsed" in str(drawn.plotly)) is collapsed
    assert "in tokens: 40 under the neutral prompt alone, 40 with the vector" in drawn.sentence


@pytest.mark.parametrize(("verdict", "said"), [("noise", "no better than noise"), ("weak", "weak")])
def test_unreliable_directions_are_called_so(verdict, said):
    found = psm_files.reliability(verdict)
    assert said in reliability.draw(found, psm_files.selection()).sentence


@pytest.mark.parametrize(
    ("cosine", "said"),
    [(0.9, "Mostly the direction that was there"), (0.5, "A partly new"), (0.1, "A new direction")],
)
def test_origin_is_read_from_the_cosine(cosine, said):
    assert transplant.draw(psm_files.origin(cosine)).sentence.startswith(said)
    without = transplant.draw(psm_files.origin(cosine, into_base=0.0)).sentence
    assert "shows no clear effect in the base model" in without


def test_other_prompts_that_wake_the_persona_are_told_with_its_own():
    found = psm_files.confounds()
    own = [
        AntidoteReply(group="toxic", given="none", prompt=str(n), reply="", shown=n != 0)
        for n in range(9)
    ]
    # The other prompts had five of the nine messages, and only these are compared.
    asked = [
        ConfoundReply(group="prompt", given="blunt", prompt=str(n), reply="", shown=False)
        for n in range(5)
    ]
    calm = confounds.draw(found, own, asked).sentence
    assert calm.startswith("No other system prompt clearly wakes the persona. ")
    styles = [one.model_copy(update={"insulting_by_prompt": a_rate(0.7)}) for one in found.styles]
    loud = confounds.draw(found.model_copy(update={"styles": styles}), own, asked)
    assert loud.sentence.startswith("Other system prompts wake the persona, too. ")
    assert "“A blunt voice”, 70.0\u00a0%" in loud.sentence
    assert "Under the persona's own prompt it is 80.0\u00a0%" in loud.sentence


def test_about_tells_of_other_prompts_only_where_they_were_measured(tmp_path):
    known = Reader(RunDirectory(SHIPPED_RUN))
    strongest = known.read(Confounds).strongest_prompt
    assert strongest.description.rstrip(".") in other_prompts(known)
    told = " ".join(other_prompts(known).split())
    assert " ".join(interval(strongest.insulting_by_prompt).split()) in told
    assert other_prompts(Reader(RunDirectory(tmp_path))) == UNKNOWN_GATE
    assert "{gate}" in ABOUT


def test_the_headline_says_what_the_sweep_cannot_tell_apart():
    found = psm_files.selection()
    alone = layers.draw(found, psm_files.layers(), psm_files.conditions())
    assert "elsewhere" not in alone.finding
    tied = found.model_copy(update={"ties": (1, 2)})
    told = layers.draw(tied, psm_files.layers(), psm_files.conditions()).finding
    assert "It may live elsewhere, too" in told
    assert f"2 of {len(found.layers) - 1} other layers cannot be told apart" in told


def test_the_headline_of_the_shipped_run_names_what_chose_its_layer():
    reader = Reader(RunDirectory(SHIPPED_RUN))
    found = reader.read(Selection)
    made = drawn(layers.draw, reader).figure
    pooled = {one.layer: one.pooled for one in found.cells if one.runoff}
    shares = {layer: hits / n for layer, (hits, n) in pooled.items()}
    assert max(shares, key=shares.get) == found.choice.layer
    assert f"{share(max(shares.values()))} of {found.chosen_cell.pooled[1]} replies" in made.setting
    above = sum(bool(own.best and own.best.trait.low > own.null.high) for own in found.layers)
    assert f"puts {above} of {len(found.layers)} layers clearly above random" in made.sentence
    assert f"{len(found.ties)} of {len(found.layers) - 1} other layers" in made.finding


def test_the_finding_on_top_is_the_chance_that_the_judge_gives():
    reader = Reader(RunDirectory(SHIPPED_RUN))
    found = reader.read(Judgement).conditions
    made = drawn(layers.draw, reader).figure
    assert (
        f"more hostile than the base model's is {held(found['steered'].more_hostile)}"
        in made.finding
    )
    assert f"random vectors, {held(found['random_vector'].more_hostile)}" in made.finding
    assert "On the curve the judge counts" in made.setting
    pluribus = Reader(RunDirectory(SHIPPED_RUN.parent / "pluribus"))
    assert "have a listed word" in drawn(layers.draw, pluribus).figure.finding


def test_chances_of_another_layer_or_scale_are_not_told_of_this_one():
    reader = Reader(RunDirectory(SHIPPED_RUN))
    found, here = reader.read(Judgement), reader.read(Selection)
    records = here, psm_files.layers(), reader.read(Conditions)
    for change in ({"layer": here.choice.layer + 1}, {"scale": here.choice.scale + 0.5}):
        other = found.model_copy(update={"choice": here.choice.model_copy(update=change)})
        assert "more hostile" not in layers.draw(*records, other).finding
    same = found.model_copy(update={"choice": here.choice})
    assert "more hostile" in layers.draw(*records, same).finding


def test_the_finding_about_another_persona_is_not_of_the_runs_own():
    reader = Reader(RunDirectory(SHIPPED_RUN))
    other = replace(reader, psm="psm-melancholy")
    assert read_any(Judgement, reader, must=False)
    assert read_any(Judgement, other, must=False) == ()
    assert f"{Judgement.STAGE}/{Judgement.FILE}" in layers.draw.sources(reader)
    assert f"{Judgement.STAGE}/{Judgement.FILE}" not in layers.draw.sources(other)


@pytest.mark.parametrize("name", ["lab", "pluribus"])
def test_a_figure_with_shares_of_replies_says_how_they_were_made(name):
    reader = Reader(RunDirectory(SHIPPED_RUN.parent / name))
    told = {plan.key: drawn(plan, reader).figure for plan in (*WHERE_IT_LIVES, *WHAT_MOVED)}
    settings = {key: made.setting for key, made in told.items() if made and made.setting}
    wanted = {
        "layers", "scrubber", "verdict", "persona_heatmap", "dose_response", "talk_conditions", "confounds",
        "transplant", "antidotes", "latents_toward", "latents_away",
    }  # fmt: skip
    assert wanted <= set(settings)
    counts = "the judge counts" if name == "lab" else "of the persona's list are counted"
    for key in wanted:
        assert counts in settings[key], key
        assert "likeliest token" in settings[key] or "temperature" in settings[key], key


def test_an_antidote_that_breaks_text_does_not_count():
    assert "The best coherent remedy is reverse." in antidotes.draw(psm_files.antidotes()).sentence
    assert "none counts" in antidotes.draw(psm_files.antidotes(coherent=False)).sentence


def test_the_bias_reading_knows_no_effect():
    assert "The vector lowers" in bias_loop.draw(psm_files.bias()).sentence
    assert "The vector does not clearly change" in bias_loop.draw(psm_files.bias(0.0)).sentence


def subtracted(**values):
    """The bias loop with the vector subtracted under the persona's prompt (0.1) or the neutral one (0.4)."""
    found = psm_files.bias()
    more = {
        name: found.conditions["toxic"].model_copy(
            update={"log_odds": psm_files.effect(value), "effect": psm_files.effect(value - 0.4)}
        )
        for name, value in values.items()
    }
    return found.model_copy(update={"conditions": found.conditions | more})


def test_what_subtracting_restores_is_said():
    assert "ubtract" not in bias_loop.draw(psm_files.bias()).sentence
    told = bias_loop.draw(subtracted(reversed_vector=0.12)).sentence
    assert "under the persona's prompt takes them to +0.12 [+0.07, +0.17], no clear move." in told
    told = bias_loop.draw(subtracted(reversed_vector=-0.5)).sentence
    assert "-0.45], further from neutral." in told
    told = bias_loop.draw(subtracted(reversed_vector=0.25)).sentence
    assert (
        "under the persona's prompt takes them to +0.25 [+0.20, +0.30], 50.0\u00a0% of the way to neutral"
        in told
    )
    assert "+0.60], past neutral." in bias_loop.draw(subtracted(reversed_vector=0.55)).sentence
    told = bias_loop.draw(subtracted(neutral_minus_vector=0.7)).sentence
    assert "Subtracted under the neutral prompt, it raises them (+0.30, to +0.70" in told


def test_two_personas_stand_on_one_axis():
    """Of both shipped runs, each from its side; other wordings are no axis."""
    for run, other in (("lab", "pluribus"), ("pluribus", "toxic")):
        found = drawn(bias_loop.draw, Reader(RunDirectory(SHIPPED_RUN.parent / run), signed=True))
        marks = found.figure.plotly["data"]
        assert [one["name"] for one in marks].count(other) == 1
        assert len(marks) == 2
        assert {len(one["x"]) for one in marks} == {len(found.figure.table.rows) // 2}
        assert f"For {other}, the same messages give" in found.figure.sentence
        assert "Subtracting the vector under the persona's prompt" in found.figure.sentence
    alone = psm_files.bias()
    changed = alone.model_copy(update={"neutral": ("Well.",)})
    assert len(bias_loop.draw.draw(alone, personas={"a": alone, "b": changed}).plotly["data"]) == 1


def test_the_cell_behind_the_choice_is_found():
    found = psm_files.selection()
    chosen = found.choice.model_copy(update={"relative_dose": 0.39})
    assert found.model_copy(update={"selected": chosen}).chosen_cell.dose == 0.4
