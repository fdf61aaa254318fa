"""Chance, by drawing again: bootstraps, permutations, halves. The unit is the prompt or the text.

Shapes: N = prompts, F = what is measured on each, such as latents, R = resamples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phoque.stats.rates import Z_95

Array = np.ndarray[Any, Any]
RESAMPLES, SEED = 10_000, 42
PERMUTATIONS = 100_000
"""Of many latents at once: the smallest p must survive the correction for all of them."""
CHUNK = 2000


def resampled_means(values_NF: Array, *, resamples: int = RESAMPLES, seed: int = 42) -> Array:
    """Means_RF (or means_R of one column) over prompts that are drawn with replacement."""
    count = len(values_NF)
    drawn_RN = np.random.default_rng(seed).integers(0, count, (resamples, count))
    places_RN = drawn_RN + count * np.arange(resamples)[:, None]
    weights_RN = np.bincount(places_RN.ravel(), minlength=places_RN.size).reshape(drawn_RN.shape)
    means: Array = (weights_RN / count).astype(np.result_type(values_NF, np.float32)) @ values_NF
    return means


def nested_means(groups: Sequence[Array]) -> Array:
    """Means_R of numbers in groups: groups are drawn with replacement, then as many numbers of each.

    Of one group, the numbers alone are drawn.
    """
    if len(groups) == 1:
        return resampled_means(groups[0])
    random = np.random.default_rng(SEED)
    sums_R, counts_R = np.zeros((2, RESAMPLES))
    for _ in groups:
        drawn_R = random.integers(0, len(groups), RESAMPLES)
        for place, own in enumerate(groups):
            here = drawn_R == place
            times, size = int(here.sum()), len(own)
            sums_R[here] += own[random.integers(0, size, (times, size))].sum(1)
            counts_R[here] += size
    means: Array = sums_R / counts_R
    return means


def middle_95(drawn: Array) -> tuple[Array, Array]:
    """Percentile interval of what was drawn, along the first axis."""
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return low, high


def jackknife_95(value: float, without_N: Array) -> tuple[float, float]:
    """Normal interval of a statistic from its values without each item in turn (Tukey 1958).

    For a cosine of means, which a bootstrap would shrink: items drawn twice add noise to both lengths.
    """
    count = len(without_N)
    error = float(np.sqrt((count - 1) / count * np.square(without_N - without_N.mean()).sum()))
    return value - Z_95 * error, value + Z_95 * error


def sign_flip_p(
    differences_NF: Array, *, permutations: int = PERMUTATIONS, seed: int = 42
) -> Array:
    """Two-sided p_F of paired differences whose signs are flipped at random, prompt by prompt.

    The observed signs count as one of the permutations, so that p is never 0.
    """
    random = np.random.default_rng(seed)
    data_NF = np.asarray(differences_NF, float)
    # Sums that are equal but for rounding are equal.
    observed_F = np.abs(data_NF.sum(0)) - 1e-12 * np.abs(data_NF).sum(0)
    as_large_F = np.ones(data_NF.shape[1:])
    for done in range(0, permutations, CHUNK):
        size = min(CHUNK, permutations - done)
        signs_RN = random.integers(0, 2, (size, len(data_NF)), dtype=np.int8) * 2.0 - 1
        as_large_F += (np.abs(signs_RN @ data_NF) >= observed_F).sum(0)
    p_F: Array = as_large_F / (permutations + 1)
    return p_F


def halves(strata: Sequence[str]) -> tuple[Array, Array]:
    """Places of two halves of the prompts, equal in every stratum up to one."""
    random = np.random.default_rng(SEED)
    chosen: list[int] = []
    for stratum in dict.fromkeys(strata):
        own = [place for place, name in enumerate(strata) if name == stratum]
        chosen += random.permutation(own)[: len(own) // 2].tolist()
    first = np.zeros(len(strata), bool)
    first[chosen] = True
    return np.flatnonzero(first), np.flatnonzero(~first)
