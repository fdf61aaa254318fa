"""Which decoding is chosen, and that every column is decoded alike."""

import pytest

from phoque.conversation import DEFAULT_SAMPLING, Condition, Sampling
from phoque.run.judging import Decoded, DecodingChoice
from tests.judges import Loud, turned
from tools import choose_decoding as decoding
from tools.choose_decoding import COLUMNS, GRID, best, choose_decoding


class Lengths(Loud):
    """A judge that counts letters."""

    def scores(self, exchanges):
        return [float(len(one.reply)) for one in exchanges]


def embed(texts):
    return turned([text or "?" for text in texts])


def test_every_setting_is_measured_in_every_column(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "NUM_PROMPTS", 3)
    grid = [
        Sampling(max_new_tokens=8, temperature=temperature, repetition_penalty=penalty)
        for temperature, penalty in ((0.7, 1.0), (1.5, 1.2))
    ]
    told = []
    found = choose_decoding(lab, Lengths(), embed, ["A line"], grid=grid, progress=told.append)
    assert [one.sampling for one in found.settings] == grid
    assert found.chosen in grid
    assert found.prompts == len(told) + 1 == 3
    for one in found.settings:
        assert set(one.measures) == set(COLUMNS)
        assert {own.replies for own in one.measures.values()} == {3 * len(found.seeds)}
        assert set(one.more_hostile) == {Condition.TOXIC, Condition.STEERED}
        assert all(own.prompts == 3 for own in one.more_hostile.values())
    assert choose_decoding(lab, Lengths(), embed, ["A line"], grid=grid) == found
    found.save(tmp_path)
    assert DecodingChoice.load(tmp_path, command="x") == found


def setting(temperature, repeated, relevance, hostile, variety):
    return Decoded(
        sampling=Sampling(temperature=temperature),
        more_hostile={},
        more_hostile_mean=hostile,
        relevance=relevance,
        repeated_3grams=repeated,
        variety=variety,
        measures={},
    )


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        # All within the limits: the most varied one.
        ([(0.7, 0.01, 0.80, 0.90, 0.5), (0.9, 0.02, 0.78, 0.88, 0.6)], 0.9),
        # The most varied one repeats itself, misses the point, or is no longer hostile.
        ([(0.7, 0.01, 0.80, 0.90, 0.5), (0.9, 0.09, 0.80, 0.90, 0.6)], 0.7),
        ([(0.7, 0.01, 0.80, 0.90, 0.5), (0.9, 0.01, 0.60, 0.90, 0.6)], 0.7),
        ([(0.7, 0.01, 0.80, 0.90, 0.5), (0.9, 0.01, 0.80, 0.70, 0.6)], 0.7),
        # Each breaks a limit, one breaks two.
        ([(0.7, 0.09, 0.80, 0.70, 0.9), (0.9, 0.01, 0.60, 0.90, 0.6)], 0.9),
        # Otherwise alike: the cooler one.
        ([(0.9, 0.01, 0.80, 0.90, 0.5), (0.7, 0.01, 0.80, 0.90, 0.5)], 0.7),
    ],
)
def test_the_rule_is_kept(settings, chosen):
    assert best([setting(*one) for one in settings]).sampling.temperature == chosen


def test_the_setting_in_use_stays_while_it_keeps_the_limits():
    varied = setting(0.9, 0.01, 0.80, 0.90, 0.6)
    in_use = varied.model_copy(update={"sampling": DEFAULT_SAMPLING, "variety": 0.5})
    assert best([varied, in_use]) == in_use
    assert best([varied, in_use.model_copy(update={"relevance": 0.6})]) == varied


def test_the_grid_has_what_people_get_and_nothing_greedy():
    assert len({*GRID}) == len(GRID)
    assert DEFAULT_SAMPLING in GRID  # what people get is one of the choices
    assert all(one.temperature > 0 for one in GRID)
