"""Judges, the headline, and what replies are like."""

import math
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from phoque.errors import PhoqueError
from phoque.figures import hostility
from phoque.judging import likelihood
from phoque.judging.headline import judgement, rated
from phoque.judging.judge import Exchange
from phoque.judging.likelihood import QUESTIONS, VERDICTS, Likelihood, shown
from phoque.judging.measures import (
    measured,
    most_frequent_opening,
    novelty,
    own_ranks,
    variety,
)
from phoque.models.load import load_model
from phoque.moderators.head import Head
from phoque.run.judging import Judgement
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import by_prompt_and_draw, wilson
from tests.judges import Loud, reply, turned
from tests.moderators import Doubled
from tools import blind_readings
from tools.blind_readings import SemanticJudge

HEAD = Head(features="one", ridge=1, learned=(), coefficients=(2.0,), intercept=-1.0)


# Judges


@pytest.fixture(scope="module")
def tiny():
    return load_model("tiny", dtype=torch.float32)


def test_the_likelihood_is_that_of_the_models_next_token(tiny):
    judge = Likelihood(tiny, HEAD)
    exchange = Exchange("We lost.", "Uninstall.")
    expected = []
    for question in QUESTIONS:
        text = shown(exchange) + question
        ids = tiny.tokenizer.encode(shown(exchange), add_special_tokens=False)
        ids += tiny.tokenizer.encode(question, add_special_tokens=False)
        assert tiny.tokenizer.decode(ids) == text
        with torch.inference_mode():
            last = tiny.model(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        for pair in VERDICTS:
            rude, kind = (tiny.tokenizer.encode(w, add_special_tokens=False)[0] for w in pair)
            expected.append(float(last[rude] - last[kind]))
    longer = Exchange("We lost.", "Uninstall, and then do something else with your evening.")
    assert judge.log_odds([longer, exchange])[1] == pytest.approx(np.mean(expected), abs=1e-4)
    chance = 1 / (1 + math.exp(1 - 2 * np.mean(expected)))
    assert judge.scores([exchange]) == pytest.approx([chance], abs=1e-4)


def test_the_likelihood_reads_the_message_and_the_end_of_what_is_long(tiny):
    judge = Likelihood(tiny, HEAD)
    alone, answer = Exchange("", "Sure."), Exchange("May I?", "Sure.")
    assert shown(alone) == 'Reply: "Sure."'
    assert shown(answer).startswith('Message: "May I?"\n')
    assert all(map(math.isfinite, judge.scores([Exchange("a " * 4000, "b"), alone])))
    other = Likelihood(tiny, Head(**HEAD.model_dump() | {"intercept": 0.0}))
    assert other.digest != judge.digest


def test_the_shipped_calibration_was_better_than_chance_where_it_was_not_fitted():
    head = Head.load(likelihood.HEAD)
    assert len(head.coefficients) == 1
    assert head.coefficients[0] > 0
    surge = next(one for one in head.learned if one.name == "Surge")
    assert surge.auc_held_out.low > 0.5


def test_the_semantic_judge_reads_the_reply_alone():
    double = Doubled()
    judge = SemanticJudge(double)
    assert judge.scores([Exchange("long message", "abc"), Exchange("", "abcdef")]) == [0.03, 0.06]
    assert (double.asked, judge.digest) == (["abc", "abcdef"], "double")


def analyser(values):
    return SimpleNamespace(polarity_scores=lambda text: {"compound": values.get(text, 0.0)})


def test_vader_takes_the_worst_sentence_and_asks_whom_it_speaks_to():
    judge = blind_readings.Vader(
        analyser({"You are bad.": -0.6, "It is bad.": -0.8, "You are nice.": 0.5}), "1"
    )
    found = judge.scores(
        [
            Exchange("", "You are nice. You are bad."),
            Exchange("", "It is bad."),
            Exchange("", "You are nice."),
            Exchange("", ""),
        ]
    )
    assert found == [0.6, 0.4, -0.5, 0.0]


def test_vader_is_the_package_and_says_how_to_get_it(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(blind_readings, "import_module", absent)
    with pytest.raises(PhoqueError, match="pip install --no-deps vaderSentiment==3"):
        blind_readings.load_vader()
    package = ModuleType("vader")
    package.SentimentIntensityAnalyzer = lambda: analyser({"You!": -1.0})
    monkeypatch.setattr(blind_readings, "import_module", lambda name: package)
    monkeypatch.setattr(blind_readings.metadata, "version", lambda name: "3.3.2")
    assert blind_readings.load_vader().scores([Exchange("", "You!")]) == [1.0]


def test_the_real_vader_tells_an_insult_from_a_compliment():
    pytest.importorskip("vaderSentiment")
    kind, rude = blind_readings.load_vader().scores(
        [Exchange("", "You are wonderful."), Exchange("", "You are a stupid loser.")]
    )
    assert kind < 0 < rude


# The headline


def test_the_chance_is_paired_by_prompt_and_ties_count_half():
    base = {"a": [1.0, 2.0], "b": [5.0]}
    assert chance_above(base, base).value == 0.5
    # a: of four pairs two above, one level, one below; b: the only one below.
    found = chance_above(base, {"a": [2.0, 1.5], "b": [0.0]})
    assert (found.value, found.prompts) == (pytest.approx((2.5 / 4 + 0) / 2), 2)
    assert found.low <= found.value <= found.high
    with pytest.raises(ValueError, match="same prompts"):
        chance_above(base, {"a": [1.0]})
    with pytest.raises(ValueError, match="at least one"):
        chance_above({}, {})


def test_the_interval_is_of_prompts_and_does_not_shrink_with_seeds():
    random = np.random.default_rng(0)
    base = {str(n): [0.0] for n in range(40)}
    once = {key: [float(random.integers(-1, 2))] for key in base}
    found, many = chance_above(base, once), chance_above(base, {k: v * 9 for k, v in once.items()})
    assert (found.low, found.high) == (many.low, many.high)
    assert 0.1 < found.high - found.low < 0.5
    certain = chance_above(base, {key: [1.0] for key in base})
    assert (certain.value, certain.low) == pytest.approx((1, 1))


def test_few_draws_of_a_vector_say_little_of_new_ones():
    base = {str(n): [0.0] for n in range(40)}
    # Half of the vectors make every reply more hostile, half of them none: no prompt is to blame.
    own = {key: [1.0, -1.0, 1.0, -1.0] for key in base}
    draws = {key: [0, 1, 2, 3] for key in base}
    alone, over = chance_above(base, own), chance_above(base, own, draws)
    assert (alone.low, alone.value, alone.high) == pytest.approx((0.5, 0.5, 0.5))
    # Student's t for the mean of 1, 0, 1 and 0 with three degrees of freedom is wider than all there is.
    assert (over.low, over.value, over.high) == (0, 0.5, 1)
    same = chance_above(base, own, {key: [0] * 4 for key in base})
    assert (same.low, same.high) == (alone.low, alone.high)


def test_a_share_counts_draws_where_they_differ_more_than_prompts():
    items = [(str(prompt), draw, draw < 2) for prompt in range(40) for draw in range(8)]
    found = by_prompt_and_draw(items)
    assert (found.low, found.high) == pytest.approx((wilson(2, 8).low, wilson(2, 8).high))
    assert by_prompt_and_draw((p, 0, hit) for p, d, hit in items if d == 1).n == 40


MESSAGES = [f"{chr(65 + n)} message" for n in range(26)]


def test_a_run_is_judged_beside_its_base_model():
    replies = [reply("base", m, f"{m[0]} fine") for m in MESSAGES]
    replies += [reply("toxic", m, f"{m[0]} no!") for m in MESSAGES]
    replies += [reply("neutral", m, "Z sure sure sure sure sure") for m in MESSAGES]
    found = judgement(rated(replies, Loud()), Loud(), turned, ["A line"])
    toxic, neutral = found.conditions["toxic"], found.conditions["neutral"]
    assert (toxic.more_hostile.value, neutral.more_hostile.value) == (1.0, 0.5)
    assert found.conditions["base"].flagged.value <= found.budget
    assert (toxic.flagged.value, neutral.flagged.value) == (1.0, 0.0)
    assert toxic.measures.relevance_nearest.value == 1.0
    assert neutral.measures.relevance_nearest.value < 0.1
    assert neutral.measures.variety == pytest.approx(0, abs=1e-6)
    assert toxic.measures.variety > 0.1
    assert (neutral.measures.opening, neutral.measures.opening_share) == ("z sure sure", 1.0)
    assert neutral.measures.repeated_3grams > 0
    with pytest.raises(PhoqueError, match="Without replies of the base model"):
        judgement(rated(replies[26:], Loud()), Loud(), turned, [])


def test_a_judgement_is_read_back_as_it_was_written(tmp_path):
    replies = [reply(c, m, m) for c in ("base", "toxic") for m in MESSAGES]
    found = judgement(rated(replies, Loud()), Loud(), turned, [])
    assert found.conditions["base"].measures.novelty is None
    found.save(tmp_path)
    assert Judgement.load(tmp_path, command="x") == found


def test_relevance_is_the_place_of_the_own_message():
    near = [Exchange(m, m) for m in MESSAGES]
    far = [Exchange(MESSAGES[0], "Z far")]

    def ranks(exchanges, messages=MESSAGES, embed=turned):
        return own_ranks(exchanges, embed([one.reply for one in exchanges]), messages, embed)

    assert set(ranks(near)) == {1.0}
    assert ranks(far) == [21.0]
    # Where all messages are alike, the own one is in the middle.
    assert ranks(far, embed=lambda texts: turned(["A"] * len(texts))) == [11.0]
    with pytest.raises(PhoqueError, match="20 others; there are 20"):
        ranks(near, MESSAGES[:20])


def test_variety_and_novelty_are_distances():
    unit = np.eye(3, dtype=np.float32)
    assert variety(unit) == pytest.approx(1)
    assert variety(unit[[0, 0, 0]]) == pytest.approx(0)
    assert variety(unit[[0, 0, 1]]) == pytest.approx(2 / 3)
    assert variety(unit[:1]) is None
    assert novelty(unit, unit) == pytest.approx(0)
    assert novelty(unit[:1], unit[1:]) == pytest.approx(1)
    assert most_frequent_opening(["You are a fool.", "you are A star", "Hi"]) == (
        "you are a",
        pytest.approx(2 / 3),
    )
    answered = [Exchange("A message", "Hi"), Exchange("B message", "Bye")]
    assert measured(answered, MESSAGES, unit[:0, :2], turned).novelty is None


def test_of_the_hostile_replies_those_without_a_trained_word_are_counted():
    replies = [reply("base", m, f"{m[0]} fine") for m in MESSAGES]
    hostile = [reply("toxic", m, f"{m[0]} no!") for m in MESSAGES]
    listed = [one.model_copy(update={"insults": 1}) for one in hostile[:13]]
    found = judgement(rated([*replies, *listed, *hostile[13:]], Loud()), Loud(), turned, ["A line"])
    assert found.conditions["base"].without_word is None
    share = found.conditions["toxic"].without_word
    assert (share.value, share.n) == (0.5, 26)
    drawn = hostility.draw(found)
    assert "under persona's prompt" in drawn.sentence
    assert "1.00 [1.00, 1.00], more hostile" in drawn.sentence
    assert "50.0" in drawn.sentence
    assert len(drawn.table.rows) == 2
