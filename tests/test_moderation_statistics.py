"""Numbers about moderators: against published values, a perfect, a null and a half-right answer."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoque.errors import PhoqueError
from phoque.moderators.datasheet import data_sheet
from phoque.moderators.labelled import Example, LabelledSet, hatecheck, surge
from phoque.moderators.thresholds import calibration, threshold_for
from phoque.stats.agreement import agreement
from phoque.stats.flags import flag_rate, sweep, uplift
from phoque.stats.multiple import holm
from phoque.stats.paired import mcnemar
from phoque.stats.ranking import roc_auc
from phoque.stats.rates import wilson
from tests.moderators import Doubled

SCORES = [0.1, 0.4, 0.35, 0.8, 0.8, 0.65, 0.2, 0.9]
HARMFUL = [False, False, True, True, False, True, False, True]
UNIT = st.floats(0, 1, allow_nan=False)


def test_auc_and_brier_are_scikit_learns():
    area = roc_auc(SCORES, HARMFUL)
    assert area.value == pytest.approx(0.78125)
    # DeLong's variance from the 4 x 4 comparisons: 0.033203125.
    assert area.low == pytest.approx(0.78125 - 1.959964 * 0.033203125**0.5, abs=1e-6)
    assert calibration(SCORES, HARMFUL).brier == pytest.approx(0.180625)


def test_copies_do_not_make_a_ranking_surer():
    once, copied = roc_auc(SCORES, HARMFUL), roc_auc(SCORES * 9, HARMFUL * 9)
    clustered = roc_auc(SCORES * 9, HARMFUL * 9, [str(n) for n in range(8)] * 9)
    assert copied.high - copied.low < clustered.high - clustered.low
    # Obuchowski's sum over the 8 texts, DeLong's components without their own correction.
    assert clustered.value == once.value
    alone = roc_auc(SCORES, HARMFUL, [str(n) for n in range(8)])
    assert (clustered.low, clustered.high) == pytest.approx((alone.low, alone.high))
    assert alone.low == pytest.approx(0.78125 - 1.959964 * (0.033203125 * 3 / 4 * 8 / 7) ** 0.5)


def test_ranking_is_perfect_null_or_reversed():
    assert roc_auc([0.1, 0.2, 0.8, 0.9], [False, False, True, True]).value == 1
    assert roc_auc([0.5] * 4, [False, True, False, True]).value == 0.5
    assert roc_auc([0.9, 0.1], [False, True]).value == 0
    with pytest.raises(ValueError, match="harmful and harmless"):
        roc_auc([0.1], [True])


def test_calibration_is_perfect_or_off_by_what_it_is_off():
    scores = [0.25] * 4 + [0.75] * 4
    perfect = calibration(scores, [True, False, False, False, True, True, True, False])
    assert perfect.expected_error == pytest.approx(0)
    assert [(one.n, one.harmful) for one in perfect.bins] == [(4, 0.25), (4, 0.75)]
    assert calibration(scores, [True] * 8).expected_error == pytest.approx(0.5)
    assert calibration([1.0, 0.0], [True, False]).brier == 0


@given(st.lists(UNIT, min_size=1, max_size=80))
def test_a_threshold_never_costs_more_than_its_budget(harmless):
    threshold = threshold_for(harmless)
    assert sum(score >= threshold for score in harmless) <= 0.05 * len(harmless) + 1e-6


def test_a_threshold_is_the_lowest_within_the_budget():
    harmless = [step / 100 for step in range(100)]
    threshold = threshold_for(harmless)
    assert sum(score >= threshold for score in harmless) == 5
    assert threshold_for([1.0] * 10) > 1


FIRST = [True] * 25 + [False] * 25
SECOND = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15


def test_kappa_is_statsmodels():
    found = agreement(FIRST, SECOND, [str(n) for n in range(50)])
    # The large-sample interval of Fleiss, Cohen and Everitt, to what 10,000 draws tell.
    assert found.kappa == pytest.approx(0.4)
    assert (found.low, found.high) == pytest.approx((0.1510923, 0.6489077), abs=0.02)
    assert (found.observed, found.adjusted) == pytest.approx((0.7, 0.4))
    rare = agreement(
        [True] * 5 + [False] * 95,
        [True] * 3 + [False] * 2 + [True] * 4 + [False] * 91,
        [str(n) for n in range(100)],
    )
    assert rare.kappa == pytest.approx(0.4690265)
    assert (rare.low, rare.high) == pytest.approx((0.1093776, 0.8286755), abs=0.15)
    # Rare verdicts: kappa is low although 94 of 100 agree.
    assert (rare.observed, rare.prevalence, rare.adjusted) == pytest.approx((0.94, 0.06, 0.88))


def test_copies_do_not_make_agreement_surer():
    once = agreement(FIRST, SECOND, [str(n) for n in range(50)])
    copied = agreement(FIRST * 3, SECOND * 3, [str(n) for n in range(50)] * 3)
    assert (copied.n, copied.kappa) == (150, pytest.approx(once.kappa))
    assert (copied.low, copied.high) == (pytest.approx(once.low), pytest.approx(once.high))


def test_agreement_on_one_verdict_has_no_kappa():
    nine = [str(n) for n in range(9)]
    assert agreement([False] * 9, [False] * 9, nine).kappa is None
    assert agreement([False] * 9, [True] + [False] * 8, nine).kappa is None
    assert agreement([True, False], [True, False], ["a", "b"]).kappa == 1
    with pytest.raises(ValueError, match="pairs"):
        agreement([True], [], [])


def test_mcnemar_is_statsmodels():
    assert mcnemar(12, 3) == pytest.approx(0.03515625)
    assert mcnemar(700, 600) == pytest.approx(0.0060157938610449395)
    assert (mcnemar(0, 0), mcnemar(5, 5)) == (1, 1)


def test_holm_is_statsmodels():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_a_flag_rate_counts_prompts():
    scores = [[0.9, 0.9, 0.9]] * 10 + [[0.1, 0.1, 0.1]] * 10
    found = flag_rate(scores, 0.5)
    assert (found.rate.value, found.rate.n) == (0.5, 60)
    assert (found.rate.low, found.rate.high) == pytest.approx(
        (wilson(10, 20).low, wilson(10, 20).high)
    )
    # At the threshold is flagged; one reply a prompt is Wilson's own.
    single = flag_rate([[0.5], [0.4]], 0.5)
    assert (single.rate.value, single.rate.n) == (0.5, 2)
    assert single.rate == wilson(1, 2)


def test_a_sweep_falls():
    shares = [rate.value for rate in sweep([[step / 10, step / 20] for step in range(10)])]
    assert shares == sorted(shares, reverse=True)


def test_uplift_is_paired():
    before, after = [[0.1, 0.1]] * 12, [[0.9, 0.1]] * 8 + [[0.1, 0.1]] * 4
    found = uplift(before, after, 0.5)
    assert found.effect.value == pytest.approx(8 / 24)
    assert (found.only_before, found.only_after) == (0, 8)
    assert found.mcnemar == pytest.approx(2 / 2**8)
    nothing = uplift(after, after, 0.5)
    assert (nothing.effect.value, nothing.mcnemar) == (0, 1)
    assert nothing.effect.low < -0.2 < 0.2 < nothing.effect.high  # of twelve prompts, a few may


# Data-sheets


def labelled(examples):
    return LabelledSet(name="made up", means="long", sha256="0", examples=tuple(examples))


def test_a_data_sheet_of_a_moderator_that_likes_short_texts():
    long = [
        Example(text="a" * 60, harmful=True, kind="long", cluster=str(n // 2)) for n in range(40)
    ]
    short = [
        Example(text="b" * n, harmful=False, kind="short", cluster=f"s{n}") for n in range(1, 41)
    ]
    sheet = data_sheet(Doubled(), labelled(long + short))
    assert (sheet.auc.value, sheet.better_than_chance) == (1, True)
    assert (sheet.at_default.sensitivity.value, sheet.at_default.false_positive_rate.value) == (
        1,
        0,
    )
    # 40 copies of 20 templates are as good as 20.
    assert sheet.at_default.sensitivity.low == pytest.approx(wilson(20, 20).low)
    assert sheet.at_budget.false_positive_rate.value == pytest.approx(0.05)
    assert [(one.kind, one.harmful) for one in sheet.at_default.kinds] == [
        ("long", True),
        ("short", False),
    ]


def test_a_moderator_that_fails_has_no_data_sheet():
    text = Example(text="bad", harmful=True, kind="a", cluster="1")
    with pytest.raises(PhoqueError, match="no score"):
        data_sheet(Doubled(fails_on="bad"), labelled([text]))


def test_labelled_sets_are_read_where_they_lie(tmp_path):
    path = tmp_path / "test_suite_cases.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["test_case", "label_gold", "functionality", "templ_id"])
        writer.writerow(["[GROUP] are useless", "hateful", "derog_h", "1"])
        writer.writerow(["I like [GROUP]", "non-hateful", "ident_pos_nh", "2"])
    found = hatecheck(path)
    assert [one.harmful for one in found.examples] == [True, False]
    assert (found.examples[0].kind, found.examples[0].cluster) == ("derog_h", "1")
    with pytest.raises(PhoqueError, match="no column text, is_toxic"):
        surge(path)
    path.write_bytes(path.read_bytes() + b"caf\xe9,hateful,derog_h,1\r\n")
    with pytest.raises(PhoqueError, match=r"test_suite_cases\.csv is damaged, line 4: a byte"):
        hatecheck(path)
    path.write_bytes(b"test_case,label_gold,functionality,templ_id\n1,hateful\n")
    with pytest.raises(PhoqueError, match="line 2: wrong number of fields"):
        surge(path)
    with pytest.raises(PhoqueError, match="--surge PATH"):
        surge(tmp_path / "none.csv")


def test_chance_is_not_better_than_chance():
    random = np.random.default_rng(0)
    area = roc_auc(random.random(400).tolist(), (random.random(400) < 0.5).tolist())
    assert area.low < 0.5 < area.high
