"""Statistics against scipy and by hand, and on worlds that we made."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from phoque.stats.multiple import false_discovery, holm
from phoque.stats.paired import mcnemar, paired_effect
from phoque.stats.ranking import auc, monotone, roc_auc
from phoque.stats.rates import wilson
from phoque.stats.resampling import halves, middle_95, resampled_means, sign_flip_p

RANDOM = np.random.default_rng(7)


def test_auc_is_mann_and_whitneys_with_ties_by_column():
    higher, lower = RANDOM.integers(0, 6, (30, 4)), RANDOM.integers(0, 5, (20, 4))
    wins = stats.mannwhitneyu(higher, lower, axis=0).statistic
    assert auc(higher, lower) == pytest.approx(wins / 600)
    low, high = np.arange(5.0), np.arange(5.0) + 10
    assert (auc(high, low), auc(low, high), auc(low, low)) == (1.0, 0.0, 0.5)


def test_a_ranking_with_its_interval_has_the_same_auc():
    scores, harmful = RANDOM.integers(0, 9, 80) / 9, np.arange(80) % 3 == 0
    found = roc_auc(scores.tolist(), harmful.tolist())
    assert found.value == pytest.approx(float(auc(scores[harmful], scores[~harmful])))
    assert found.low < found.value < found.high


def test_mcnemar_is_a_binomial_test():
    for before, after in ((12, 3), (700, 600), (0, 9), (5, 5)):
        expected = stats.binomtest(before, before + after).pvalue
        assert mcnemar(before, after) == pytest.approx(expected)


def test_holm_never_falls_and_multiplies_the_smallest_by_all():
    p = RANDOM.random(20) / 20
    adjusted = np.array(holm(p.tolist()))
    order = np.argsort(p)
    assert adjusted[order[0]] == pytest.approx(min(1, 20 * p.min()))
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted >= stats.false_discovery_control(p)).all()


def test_a_sign_flip_is_scipys_permutation_of_pairs():
    differences = RANDOM.integers(-3, 5, (10, 3)) / 3  # equal sums; scipy tries all 1,024 signs
    mean = partial(stats.permutation_test, permutation_type="samples", statistic=np.mean, axis=0)
    expected = mean((differences,), n_resamples=2000).pvalue
    assert sign_flip_p(differences) == pytest.approx(expected, abs=0.01)


def test_a_bootstrap_is_scipys_percentile_interval():
    values = RANDOM.exponential(size=(40, 2))
    theirs = stats.bootstrap((values,), np.mean, axis=0, method="percentile", rng=0)
    low, high = middle_95(resampled_means(values))
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.02)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.02)


def test_intervals_cover():
    covered = 0
    for seed in range(100):
        values = RANDOM.normal(0.5, 1, (50, 1))
        low, high = middle_95(resampled_means(values, seed=seed, resamples=400))
        covered += low[0] <= 0.5 <= high[0]
    assert 85 <= covered <= 100


def test_p_values_without_an_effect_are_uniform():
    differences = np.random.default_rng(0).normal(size=(40, 3000)).astype(np.float32)
    p = np.sort(sign_flip_p(differences, permutations=2000))
    distance = np.abs(p - (np.arange(len(p)) + 0.5) / len(p)).max()
    assert distance < 1.63 / np.sqrt(len(p))  # Kolmogorov and Smirnov, 1 % level
    assert p.min() > 0


@pytest.mark.slow
def test_planted_shifts_are_found_with_their_sign_at_the_nominal_rate():
    random = np.random.default_rng(1)
    shares, hits = [], []
    signs = np.array([1.0] * 20 + [-1.0] * 20)
    for seed in range(50):
        # Heavy tails and prompts that move together, as activations do.
        differences = random.laplace(size=(60, 400)) + random.normal(size=(60, 1)) * 0.2
        differences[:, :40] += signs
        p = sign_flip_p(differences, seed=seed, permutations=4000)
        found = false_discovery(p) < 0.05
        hits.append(found[:40].mean())
        assert (np.sign(differences.mean(0))[:40][found[:40]] == signs[found[:40]]).all()
        shares.append(found[40:].sum() / max(1, found.sum()))
    assert np.mean(hits) > 0.9
    assert np.mean(shares) < 0.05 + 2 * np.std(shares) / np.sqrt(50)


def test_false_discoveries_by_hand_and_without_the_untested():
    q = false_discovery(np.array([0.01, 0.04, np.nan, 0.03, 0.5]))
    assert q == pytest.approx([0.04, 0.16 / 3, np.nan, 0.16 / 3, 0.5], nan_ok=True)
    assert np.isnan(false_discovery(np.array([np.nan]))).all()


def test_halves_are_disjoint_and_balanced():
    strata = ["a"] * 10 + ["b"] * 6
    first, second = halves(strata)
    assert sorted([*first, *second]) == list(range(16))
    assert sum(strata[place] == "a" for place in first) == 5


def test_a_dose_has_scipys_rank_correlation():
    doses = np.array([[0, 4, 1, 2], [1, 3, 1, 0], [2, 2, 1, 2], [3, 1, 1, 5.0]])
    expected = stats.spearmanr(np.arange(4), doses[:, 3]).statistic
    assert monotone(doses) == pytest.approx([1, -1, 0, expected])


def test_a_paired_effect_has_its_sign_interval_and_share():
    before = [[0.0, 0.0, 0.0]] * 20
    after = [[1.0, 1.0, 0.0]] * 15 + [[0.0, 0.0, 0.0]] * 5
    effect = paired_effect(before, after)
    assert effect.value == pytest.approx(0.5)
    assert 0.3 < effect.low < effect.value < effect.high < 0.7
    assert effect.p_value < 0.01
    assert (effect.moved, effect.moved_back, effect.prompts) == (0.75, 0.0, 20)


def test_no_effect_is_no_effect():
    same = [[0.0], [1.0], [1.0], [0.0]]
    effect = paired_effect(same, same)
    assert (effect.value, effect.p_value, effect.moved) == (0.0, 1.0, 0.0)
    swapped = paired_effect([[0.0], [1.0]] * 10, [[1.0], [0.0]] * 10)
    assert swapped.p_value > 0.5
    assert swapped.moved == swapped.moved_back == 0.5


def test_where_no_prompt_differs_the_interval_says_how_many_could():
    none = [[0.0, 0.0, 0.0]] * 60
    effect = paired_effect(none, none, most=1)
    assert (effect.value, effect.low, effect.high) == (0.0, -effect.high, wilson(0, 60).high)
    assert effect.high == pytest.approx(0.06, abs=0.001)
    one = paired_effect(none, [[1.0, 1.0, 1.0], *none[1:]], most=1)
    # One prompt more tells little more: the interval must not collapse.
    assert one.low < 0.0 < effect.high < one.high < 0.1
    few = paired_effect(none, [[1.0] * 3] * 5 + none[5:], most=1)
    # The bootstrap alone says [1.7, 15.0] points.
    assert few.low < 0.01 < few.value < 0.17 < few.high
    many = paired_effect(none, [[1.0] * 3] * 20 + none[20:], most=1)
    assert many.low > 0.2


def test_the_interval_of_few_events_holds_and_does_not_jump():
    none, third = [[0.0, 0.0, 0.0]] * 60, [0.0, 0.0, 1.0]
    nine, ten = (paired_effect(none, [third] * k + none[k:], most=1) for k in (9, 10))
    assert 0 < nine.low < ten.low < nine.low + 1 / 60
    assert nine.high > ten.high - 1 / 180
    draws = np.random.default_rng(3)
    worlds = [
        draws.choice([0, 1 / 3, 2 / 3, 1, -1 / 3], 60, p=[0.9, 0.03, 0.03, 0.02, 0.02])
        for _ in range(300)
    ]
    truth = (0.03 + 0.06 + 0.06 - 0.02) / 3
    effects = [paired_effect(none, [[float(value)] for value in world], most=1) for world in worlds]
    assert np.mean([effect.low <= truth <= effect.high for effect in effects]) > 0.94


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError, match="Pairs are needed"):
        paired_effect([[1.0]], [])
