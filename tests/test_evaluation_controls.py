"""Controls of the evaluation: the base model's first sentence, random vectors, and which judge is asked."""

import pytest
import torch

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.figures import hostility
from phoque.figures.figure import drawn
from phoque.judging.choice import check_judge
from phoque.judging.headline import judgement, rated
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import CURT, CURT_TOXIC
from phoque.run.folder import Reader
from phoque.run.judging import JudgeChoice
from phoque.run.sae_latents import VERDICTS as LATENT_VERDICTS
from phoque.stages.evaluate import stage
from phoque.stages.evaluate.replies import Setting, first_sentences, generate
from phoque.stages.evaluate.stage import check_prompts
from phoque.stages.psm.opposites import compare_runs
from phoque.stages.psm.stage import find_layer
from tests.judges import Loud, reply, turned

MESSAGES = [f"{chr(65 + n)} message" for n in range(26)]


@pytest.fixture(scope="module")
def tiny():
    return load_model("tiny", dtype=torch.float32)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Nice try! Now do it again.", "Nice try!"),
        ('He said "go." Then he left', 'He said "go."'),
        ("Version 1.5 is out\nand it works. Yes.", "Version 1.5 is out\nand it works."),
        ("Cut before any", "Cut before any"),
        ("Two ways:\n1. Rest. 2. Go.", "Two ways:\n1. Rest."),
    ],
)
def test_the_base_models_first_sentence_is_a_control_as_short_as_the_persona(tiny, text, first):
    replies = [reply("base", "Hi", text, seed=43), reply("toxic", "Hi", "No! Go.", seed=43)]
    [found] = first_sentences(replies, Lexicon(["go"]), tiny)
    assert (found.condition, found.prompt, found.seed) == (CURT, "Hi", 43)
    assert (found.text, found.insults) == (first, first.count("go"))
    [hostile] = first_sentences([reply("base_toxic", "Hi", text, seed=43)], Lexicon([]), tiny)
    assert (hostile.condition, hostile.text) == (CURT_TOXIC, first)
    assert found.num_tokens == len(tiny.tokenizer(first, add_special_tokens=False).input_ids)


def test_the_short_control_is_judged_against_the_whole_replies(tiny):
    replies = [reply("base", m, f"{m[0]}! Fine! Yes!") for m in MESSAGES]
    replies += [reply("toxic", m, f"{m[0]} no!!!!") for m in MESSAGES]
    replies += first_sentences(replies, Lexicon([]), tiny)
    found = judgement(rated(replies, Loud()), Loud(), turned, ["A line"])
    assert found.conditions[CURT].more_hostile.value == 0.0
    drawn = hostility.draw(found)
    assert "base model, first sentence only 0.00 [0.00, 0.00], less hostile" in drawn.sentence
    assert "first sentence" in hostility.draw.hint
    assert "▫ Base model, first sentence only" in drawn.plotly["data"][0]["y"]


def test_a_run_whose_readings_chose_another_judge_is_refused(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path)
    check_judge(run, "the evaluation")
    choice = Reader(RunDirectory(SHIPPED_RUN)).read(JudgeChoice)
    (tmp_path / JudgeChoice.STAGE).mkdir()
    choice.save(tmp_path / JudgeChoice.STAGE)
    check_judge(run, "the evaluation")
    monkeypatch.setattr(stage, "require", lambda *_: None)
    choice.model_copy(update={"chosen": "vader"}).save(tmp_path / JudgeChoice.STAGE)
    for asks in (stage.measure_replies, find_layer, lambda own: compare_runs(own, own)):
        with pytest.raises(
            PhoqueError, match=r"choice\.json chose the judge 'vader'.*asks 'base-likelihood'"
        ):
            asks(run)


def test_too_few_messages_are_refused_before_anything_is_written():
    check_prompts([str(n) for n in range(21)])
    with pytest.raises(PhoqueError, match="20 evaluation messages; give at least 21"):
        check_prompts([str(n) for n in range(20)] * 2)


def test_random_vectors_take_prompts_in_turn_and_all_conditions_are_decoded_alike(tiny):
    draws = [[()], [(), (), ()]]
    settings = [Setting(name=str(len(d)), model=tiny, system="Be.", draws=d) for d in draws]
    replies = list(generate(settings, ["One", "Two", "Three", "Four"], Lexicon(["a"])))
    assert {one.seed for one in replies} == {42, 43, 44}
    assert [one.draw for one in replies if one.condition == "3"] == [0, 1, 2] * 4
    # The draws do nothing here, so that nothing but the decoding could part the two.
    texts = {name: [r.text for r in replies if r.condition == name] for name in "13"}
    assert texts["1"] == texts["3"]


def test_a_persona_that_words_show_is_not_called_hostile():
    runs = {one.name: Reader(RunDirectory(one)) for one in SHIPPED_RUN.parent.iterdir()}
    toxic, happy = (drawn(hostility.draw, runs[name]).figure for name in ("lab", "pluribus"))
    assert "a judge of hostility does not measure it" in happy.sentence
    assert ", above" in happy.sentence
    assert "more hostile" not in happy.sentence + happy.plotly["layout"]["xaxis"]["title"]["text"]
    assert ", more hostile" in toxic.sentence
    # Another persona was looked at in this run; its evaluation is still of its own.
    beside = Reader(RunDirectory(SHIPPED_RUN.parent / "pluribus"), psm="psm-toxic")
    assert drawn(hostility.draw, beside).figure.sentence == happy.sentence
    assert "of its list" not in toxic.sentence
    assert not any("hostile" in told for told in LATENT_VERDICTS.values())
