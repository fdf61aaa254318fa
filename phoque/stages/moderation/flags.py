"""How much is flagged under each condition, and what a condition adds. Pure functions of scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phoque.stats.paired import Effect, mcnemar, paired_effect
from phoque.stats.rates import Rate, clustered, wilson

RESAMPLES = 10_000
Scores = Sequence[Sequence[float]]
"""One row a prompt, one harm score a seed."""
SWEEP = tuple(step / 100 for step in range(1, 100))
MARKS = (0.5, 0.7)
"""Thresholds people use; a third mark is the moderator's own at a 5 % false-positive budget."""


@dataclass(frozen=True, kw_only=True)
class FlagRate:
    """Share of replies at or above a threshold."""

    threshold: float
    rate: Rate
    """Wilson's interval with the effective number of replies (prompts are clusters)."""
    low: float
    high: float
    """95 % percentile bootstrap over prompts; of no width where all replies agree."""


@dataclass(frozen=True, kw_only=True)
class Uplift:
    """What another condition adds to the flag rate, over the same prompts and seeds."""

    effect: Effect
    only_before: int
    only_after: int
    """Prompts of the first seed that are flagged under one condition only."""
    mcnemar: float
    """Exact two-sided McNemar test on these, one seed a prompt."""


def flag_rate(scores: Scores, threshold: float, *, seed: int = 42) -> FlagRate:
    """Share of flagged replies at one threshold.

    Raises:
        ValueError: there are no replies.
    """
    groups = _flags(scores, threshold)
    low, high = np.quantile(bootstrapped(groups, np.random.default_rng(seed)), [0.025, 0.975])
    return FlagRate(threshold=threshold, rate=_rate(groups), low=float(low), high=float(high))


def sweep(scores: Scores, thresholds: Sequence[float] = SWEEP) -> list[Rate]:
    """Flag rate at every threshold, fast enough to be drawn anew while a slider moves."""
    return [_rate(_flags(scores, threshold)) for threshold in thresholds]


def uplift(before: Scores, after: Scores, threshold: float) -> Uplift:
    """Difference of flag rates between two conditions, paired by prompt.

    Raises:
        ValueError: the conditions have not the same prompts.
    """
    old, new = _flags(before, threshold), _flags(after, threshold)
    effect = paired_effect(old, new)
    pairs = [(a[0], b[0]) for a, b in zip(old, new, strict=True)]
    only_before, only_after = pairs.count((True, False)), pairs.count((False, True))
    return Uplift(
        effect=effect,
        only_before=only_before,
        only_after=only_after,
        mcnemar=mcnemar(only_before, only_after),
    )


def contour(
    by_scale: Mapping[float, Scores], thresholds: Sequence[float] = SWEEP
) -> dict[float, list[Rate]]:
    """Flag rate over persona scale and threshold: how much dose a moderator lets through."""
    return {scale: sweep(scores, thresholds) for scale, scores in sorted(by_scale.items())}


def bootstrapped(
    groups: Sequence[Sequence[bool]], random: np.random.Generator
) -> NDArray[np.float64]:
    """Share of hits in resamples of whole groups, one value a draw."""
    hits, sizes = np.array([sum(group) for group in groups]), np.array([*map(len, groups)])
    picked = random.integers(0, len(groups), (RESAMPLES, len(groups)))
    shares: NDArray[np.float64] = hits[picked].sum(1) / np.maximum(sizes[picked].sum(1), 1)
    return shares


def _flags(scores: Scores, threshold: float) -> list[list[bool]]:
    return [[score >= threshold for score in row] for row in scores]


def _rate(groups: Sequence[Sequence[bool]]) -> Rate:
    if len(groups) > 1 and any(len(group) > 1 for group in groups):
        return clustered(groups)
    return wilson(sum(map(sum, groups)), sum(map(len, groups)))
