"""Tests of many latents at once; the unit is the prompt, because its tokens are not independent.

Shapes: N = prompts, F = latents, P = permutations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
PERMUTATIONS = 100_000
RESAMPLES = 2000
CHUNK = 2000
LEVEL = 0.05
"""Share of false discoveries that is accepted."""


def sign_flip_p(
    differences_NF: Array, *, seed: int = 42, permutations: int = PERMUTATIONS
) -> Array:
    """Two-sided p_F of paired differences whose signs are flipped at random, prompt by prompt.

    The observed signs count as one of the permutations, so that p is never 0.
    """
    random = np.random.default_rng(seed)
    data_NF = differences_NF.astype(np.float32)
    observed_F = np.abs(data_NF.sum(0)) * (1 - 1e-6) - 1e-12
    as_large_F = np.ones(data_NF.shape[1])
    done = 0
    while done < permutations:
        size = min(CHUNK, permutations - done)
        signs_PN = random.integers(0, 2, (size, len(data_NF)), dtype=np.int8) * 2.0 - 1
        flipped_PF = signs_PN.astype(np.float32) @ data_NF
        as_large_F += (np.abs(flipped_PF) >= observed_F).sum(0)
        done += size
    p_F: Array = as_large_F / (permutations + 1)
    return p_F


def benjamini_hochberg(p_F: Array) -> Array:
    """Adjusted p-values q_F (Benjamini and Hochberg 1995); NaN was not tested and stays NaN."""
    tested = ~np.isnan(p_F)
    q_F = np.full(p_F.shape, np.nan)
    order = np.argsort(p_F[tested])
    count = len(order)
    if not count:
        return q_F
    scaled = p_F[tested][order] * count / np.arange(1, count + 1)
    adjusted = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1.0)
    inner = np.empty(count)
    inner[order] = adjusted
    q_F[tested] = inner
    return q_F


@dataclass(frozen=True, kw_only=True, eq=False)
class Interval:
    """95 % percentile bootstrap over prompts."""

    low_F: Array
    high_F: Array
    rank_low_F: Array
    rank_high_F: Array
    """Of the rank by absolute effect, 1 is the largest."""


def bootstrap(differences_NF: Array, *, seed: int = 42, resamples: int = RESAMPLES) -> Interval:
    """Interval of the mean and of its rank among all latents."""
    random = np.random.default_rng(seed)
    count = len(differences_NF)
    weights_RN = random.multinomial(count, np.full(count, 1 / count), resamples) / count
    means_RF = weights_RN.astype(np.float32) @ differences_NF.astype(np.float32)
    order_RF = np.argsort(-np.abs(means_RF), axis=1)
    ranks_RF = np.empty_like(order_RF)
    np.put_along_axis(ranks_RF, order_RF, np.arange(1, means_RF.shape[1] + 1)[None], axis=1)
    low, high = np.quantile(means_RF, [0.025, 0.975], axis=0)
    rank_low, rank_high = np.quantile(ranks_RF, [0.025, 0.975], axis=0)
    return Interval(low_F=low, high_F=high, rank_low_F=rank_low, rank_high_F=rank_high)


def halves(strata: Sequence[str], *, seed: int = 42) -> tuple[Array, Array]:
    """Places of two halves of the prompts, equal in every stratum up to one."""
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    for stratum in dict.fromkeys(strata):
        own = [place for place, name in enumerate(strata) if name == stratum]
        chosen += random.permutation(own)[: len(own) // 2].tolist()
    first = np.zeros(len(strata), bool)
    first[chosen] = True
    return np.flatnonzero(first), np.flatnonzero(~first)


def spearman(values_AF: Array) -> Array:
    """Rank correlation_F of each column with its order; 0 where nothing changes."""
    ranks = np.apply_along_axis(_ranks, 0, values_AF)
    steps = np.arange(len(values_AF)) - (len(values_AF) - 1) / 2
    centred = ranks - ranks.mean(0)
    scale = np.sqrt((centred**2).sum(0) * (steps**2).sum())
    found: Array = (steps @ centred) / np.where(scale > 0, scale, 1)
    return found


def _ranks(values_A: Array) -> Array:
    """Ranks from 0, the mean of the group where values are equal."""
    _, inverse, counts = np.unique(values_A, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    ranks: Array = (ends - (counts + 1) / 2)[inverse]
    return ranks
