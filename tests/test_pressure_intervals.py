"""Intervals of the pressure test: seeds, and speakers within them, and groups."""

import numpy as np
import pytest

from phoque.figures.pressure_curve import draw as curve
from phoque.figures.pressure_kinds import draw as kinds
from phoque.figures.pressure_measures import mean_cell
from phoque.run.pressure import Mean, PressureReport
from phoque.stages.pressure.measures import not_dominated
from phoque.stages.pressure.shares import mean
from phoque.stats.rates import nested_share, share_of_counts, wilson
from phoque.stats.resampling import middle_95, nested_means, resampled_means
from tests.pressure_files import write_report

ALIKE = [[(4, 10), (6, 10), (5, 10), (5, 10)]] * 3
APART = [[(1, 10), (2, 10), (1, 10), (2, 10)], [(5, 10)] * 4, [(9, 10), (8, 10), (9, 10), (8, 10)]]


def width(rate):
    return rate.high - rate.low


def flat(seeds):
    return share_of_counts([count for own in seeds for count in own])


def test_seeds_that_differ_widen_the_interval_of_a_share_and_alike_ones_do_not():
    assert nested_share(APART).value == flat(APART).value
    assert width(nested_share(APART)) > 1.4 * width(flat(APART))
    assert nested_share(ALIKE) == flat(ALIKE)


def test_the_variance_of_a_nested_share_is_that_of_drawing_seeds_then_speakers():
    """With groups of equal size the nested bootstrap can be run; its middle part is about Wilson's."""
    seeds = [[(hits, 10) for hits in (2, 5, 3, 6)], [(hits, 10) for hits in (8, 5, 9, 6)],
             [(hits, 10) for hits in (5, 4, 7, 3)]]  # fmt: skip
    shares = [np.array([hits / size for hits, size in own]) for own in seeds]
    low, high = middle_95(nested_means(shares))
    found = nested_share(seeds)
    assert width(found) == pytest.approx(high - low, rel=0.25)
    assert width(found) > width(flat(seeds))


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ([[(1, 1), (0, 1), (1, 1)]], wilson(2, 3)),  # one seed: its speakers alone
        ([[(1, 1)] * 9, [(1, 1)] * 9, [(1, 1)] * 9], wilson(27, 27)),  # all agree
        ([[(0, 1)] * 9, [], [(0, 1)] * 9], wilson(0, 18)),
    ],
)
def test_where_nothing_says_how_seeds_differ_speakers_alone_count(seeds, expected):
    assert nested_share(seeds) == expected


@pytest.mark.parametrize(("differ", "least"), [(0.0, 0.95), (1.0, 0.78)])
def test_a_nested_interval_covers(differ, least):
    """Three seeds of nine speakers who say twenty things; seeds differ as much as speakers, or not."""
    random, many = np.random.default_rng(0), 300

    def share(of):
        return 1 / (1 + np.exp(-of))

    truth = share(random.normal(0, np.hypot(differ, 1), 100_000)).mean()
    covered = 0
    for _ in range(many):
        chances = share(random.normal(0, differ, (3, 1)) + random.normal(0, 1, (3, 9)))
        hits = random.binomial(20, chances).tolist()
        found = nested_share([[(one, 20) for one in own] for own in hits])
        covered += found.low <= truth <= found.high
    assert covered >= least * many


def test_muted_speakers_of_one_seed_only_say_less_than_wilson_believes():
    """Nine of nine speakers of one seed and none of the others: three observations rather than 27."""
    found = nested_share([[(1, 1)] * 9, [(0, 1)] * 9, [(0, 1)] * 9])
    assert width(found) > 1.5 * width(wilson(9, 27))


def test_a_mean_is_over_seeds_and_their_speakers():
    apart = [(seed, 10.0 * seed + place) for seed in (1, 2, 3) for place in range(6)]
    found = mean(apart)
    alone = middle_95(resampled_means(np.array([value for _, value in apart])))
    assert found.value == pytest.approx(22.5)
    assert found.high - found.low > 1.5 * (alone[1] - alone[0])
    one = mean([(1, value) for _, value in apart])
    assert (one.low, one.high) == pytest.approx(alone)


def test_points_that_another_beats_are_told():
    costs = [(0.1, 0.9), (0.1, 0.8), (0.5, 0.2), (0.5, 0.2), (0.6, 0.2)]
    assert not_dominated(costs) == [False, True, True, True, False]
    assert not_dominated([]) == []


def test_beaten_thresholds_are_hollow_and_named(tmp_path):
    write_report(tmp_path)
    report = PressureReport.load(tmp_path / "pressure", command="x")
    marks = {one.threshold: one.best for one in report.policies[0].curve}
    # A mule has 0.4: from there on fewer harmless messages are flagged, and no more hostile ones pass.
    assert (marks[0.4], marks[0.45]) == (False, True)
    drawn = curve(report)
    symbols = drawn.plotly["data"][0]["marker"]["symbol"]
    assert [one.endswith("-open") for one in symbols] == [best is False for best in marks.values()]
    told = {row[1].shown: row[-1] for row in drawn.table.rows if row[0] == "words"}
    assert (told["0.40"], told["0.45"]) == ("yes", "no")


def test_groups_say_what_was_seen_when_it_was_acted_on_and_what_was_hidden_wrongly(tmp_path):
    write_report(tmp_path)
    report = PressureReport.load(tmp_path / "pressure", command="x")
    rows = [row for row in kinds(report).table.rows if row[0] == "words"]
    by = {(row[1], row[2]): row[3:] for row in rows}
    shown, hidden, before, action = by["register", "chat"]
    assert all(hasattr(one, "fields") for one in (shown, hidden, before, action))
    assert by["persona", "people"][0] == "–", "nobody of them is hostile"
    assert by["persona", "people"][1].fields[""] > 0.5
    assert by["moderator", "oneword: blunt"][1].fields[""] > 0.5
    assert by["moderator", "oneword: civil"][1].fields[""] == 0
    page = (tmp_path / "pressure" / "report.md").read_text()
    assert "| words | register | chat |" in page


def test_a_mean_of_two_speakers_stands_without_an_interval():
    few, some = (Mean(value=2.5, n=n, low=2.5, high=2.5) for n in (2, 3))
    assert mean_cell(few).shown == "2.5 (n = 2)"
    assert mean_cell(some).shown == "2.5 [2.5, 2.5]"
