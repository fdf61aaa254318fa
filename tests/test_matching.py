"""Random directions that cost the base model as much likelihood as the vector."""

import pytest

from phoque.conversation import DEFAULT_SAMPLING, asked
from phoque.figures import answers
from phoque.models.load import load_model
from phoque.run.evaluation import Answers, Evaluation, Matched
from phoque.stages.evaluate.replies import match_random, settings_of
from phoque.steering.divergence import TOLERANCE, Yardstick, matched, scale_for_cost
from tests.records import a_rate


@pytest.mark.parametrize("target", [0.01, 1.0, 40.0])
def test_bisection_finds_the_scale(target):
    found = scale_for_cost(lambda size: size**2, target, 1.0)
    assert found is not None
    assert found**2 == pytest.approx(target, rel=TOLERANCE)


def test_what_cannot_be_reached_is_left_out():
    assert scale_for_cost(lambda _: 0.1, 1.0, 1.0) is None
    assert scale_for_cost(lambda size: size, -0.5, 1.0) is None


def test_a_yardstick_finds_its_own_text_likelier_than_under_a_push(lab):
    """Its replies are greedy, so that any push makes them less likely."""
    base = load_model("tiny")
    yardstick = Yardstick(base, asked("You are calm.", ["Hello there.", "What now?"]))
    vector = lab.vectors[1]
    strong = 40 / vector.norm
    plain = yardstick.log_likelihood(())
    assert yardstick.log_likelihood((vector.injection(strong),)) < plain
    match = matched(yardstick, vector, strong, [vector.random_like(seed) for seed in range(3)])
    assert match.found.cost == pytest.approx(
        plain - yardstick.log_likelihood((vector.injection(strong),))
    )
    assert match.found.tried == 3
    assert len(match.draws) == len(match.found.scales) == len(match.found.costs)
    for cost in match.found.costs:
        assert cost == pytest.approx(match.found.cost, rel=TOLERANCE)
    for (injection,), scale in zip(match.draws, match.found.scales, strict=True):
        assert float(injection.delta_D.norm()) == pytest.approx(scale * vector.norm, rel=1e-4)


def test_the_evaluation_takes_what_was_matched(lab):
    match = match_random(lab)
    names = [one.name for one in settings_of(lab, lab.base, match.draws)]
    assert ("matched_vector" in names) is bool(match.draws)
    assert "matched_vector" not in [one.name for one in settings_of(lab, lab.base)]


def found(**other) -> Evaluation:
    def own(words):
        return Answers(
            insulting=a_rate(0.2),
            distinct_replies=1.0,
            distinct_2=0.9,
            repeated_3grams=0.02,
            out_of_vocabulary=0.0,
            words=words,
        )

    words = {"neutral": 90.0, "toxic": 40.0, "steered": 50.0, "random_vector": 30.0}
    words |= {"base": 95.0, "reversed_vector": 60.0, "matched_vector": 20.0}
    return Evaluation(
        conditions={name: own(count) for name, count in words.items()},
        civil_text=None,
        sampling=DEFAULT_SAMPLING,
        **other,
    )


def test_the_damage_of_random_vectors_is_told_beside_their_harmlessness():
    match = Matched(cost=0.4, tolerance=0.05, tried=8, scales=(2.0, 4.0), costs=(0.4, 0.41))
    told = answers.draw(found(matched=match)).sentence.replace("\u00a0", " ")
    assert "90 words and 2.0 % without a vector" in told
    assert "30 words and 2.0 % with a random vector of the same length" in told
    assert "20 words and 2.0 % with a matched one" in told
    assert "random directions must be 3.0 times its length" in told
    assert "0.40 nats a token, within 5 %" in told
    assert "2 of 8 directions reached that" in told
    none = Matched(cost=0.4, tolerance=0.05, tried=8, scales=(), costs=())
    assert "None of 8 random directions" in answers.draw(found(matched=none)).sentence
