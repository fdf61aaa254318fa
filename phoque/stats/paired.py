"""Effects between conditions that were asked the same prompts with the same seeds; and of a mean, its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import bdtr, stdtrit

from phoque.stats.rates import newcombe, wilson
from phoque.stats.resampling import RESAMPLES, middle_95, resampled_means, sign_flip_p

FEW = 10
"""Below this many prompts that differ, a bootstrap over prompts is too narrow."""
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Mean difference a prompt, with what new prompts could make of it."""

    value: float
    low: float
    high: float
    """95 % percentile bootstrap over prompts; where few of them differ, at least the interval of `rare`. It can leave out 0 where
    `p_value` is 0.06, as with five prompts that all rise: ask for both."""
    p_value: float
    """Two-sided sign-flip permutation over prompts."""
    prompts: int
    moved: float
    """Share of prompts on which the difference is positive."""
    moved_back: float
    """Share of prompts on which it is negative."""


def paired_effect(
    before: Sequence[Sequence[float]], after: Sequence[Sequence[float]], *, most: float = 0.0
) -> Effect:
    """Effect of a treatment: one row a prompt, one value a seed; rows are paired.

    `most` is the largest difference that a prompt can show, 1 for shares; `rare` takes it.

    ValueError where there are no prompts, or another number of them on one side.
    """
    if not before or len(before) != len(after):
        raise ValueError(f"Pairs are needed; got {len(before)} and {len(after)} prompts.")
    differences = np.array([np.mean(b) - np.mean(a) for a, b in zip(before, after, strict=True)])
    low, high = map(float, middle_95(resampled_means(differences)))
    if np.count_nonzero(differences) < FEW and most:
        least, largest = rare(differences, most)
        low, high = min(low, least), max(high, largest)
    return Effect(
        value=float(differences.mean()),
        low=low,
        high=high,
        p_value=float(sign_flip_p(differences, permutations=RESAMPLES)),
        prompts=len(differences),
        moved=float((differences > 0).mean()),
        moved_back=float((differences < 0).mean()),
    )


def rare(differences_N: Floats, most: float) -> tuple[float, float]:
    """Interval of a mean difference where few prompts differ, by up to `most` each.

    A bootstrap draws little but zeros then. Wilson's intervals say how many prompts may rise and how many may
    fall all the same, and Newcombe's rule joins them. How far a prompt moves is the mean of those that differ and
    of one more, which differs by `most`: the fewer they are, the less they tell.
    """
    n, moved = len(differences_N), np.count_nonzero(differences_N)
    size = float(np.abs(differences_N).sum() + most) / (moved + 1)
    fall, rise = (wilson(int(np.sum(sign * differences_N > 0)), n) for sign in (-1, 1))
    low, high = newcombe(fall, rise)
    return size * low, size * high


def mcnemar(only_before: int, only_after: int) -> float:
    """Exact two-sided p-value of discordant pairs (McNemar 1947); 1 where there are none."""
    n = only_before + only_after
    return min(1.0, 2 * float(bdtr(min(only_before, only_after), n, 0.5))) if n else 1.0


def half_width(deviation: float, n: int) -> float:
    """Half of the 95 % interval of a mean of `n` values with this population deviation.

    Student's t; the sample's own deviation is that of the population times sqrt(n / (n - 1)).
    """
    return float(stdtrit(n - 1, 0.975)) * deviation / sqrt(n - 1)
