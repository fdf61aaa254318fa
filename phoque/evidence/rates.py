"""Rates with their uncertainty: pure functions."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

Z_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of `n` items with its 95 % interval, all in [0, 1]."""

    value: float
    n: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}], n = {self.n}"


def wilson(hits: int, n: int) -> Rate:
    """Share of independent items with Wilson's score interval (Wilson 1927).

    Raises:
        ValueError: `n` is not positive, or `hits` is outside 0..n.
    """
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"A rate needs 0 <= hits <= n and n > 0; got {hits} of {n}.")
    share = hits / n
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    # At the ends the formula touches 0 and 1 but for rounding.
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == n else centre + half
    return Rate(value=share, n=n, low=low, high=high)


def clustered(groups: Sequence[Sequence[bool]], *, resamples: int = 2000, seed: int = 42) -> Rate:
    """Share of items that come in groups (one prompt, several seeds): prompt-cluster bootstrap.

    A bootstrap cannot see past a share of 0 or 1; there, Wilson's interval over the number of
    groups is given, which assumes nothing about items of one group.

    Raises:
        ValueError: there are no items.
    """
    items = [hit for group in groups for hit in group]
    if not items:
        raise ValueError("A rate needs at least one item.")
    share = fmean(items)
    if share in (0.0, 1.0):
        bound = wilson(round(share * len(groups)), len(groups))
        return Rate(value=share, n=len(items), low=bound.low, high=bound.high)
    rng = random.Random(seed)
    means = sorted(_resampled_mean(groups, rng) for _ in range(resamples))
    low, high = means[int(0.025 * resamples)], means[int(0.975 * resamples) - 1]
    return Rate(value=share, n=len(items), low=low, high=high)


def _resampled_mean(groups: Sequence[Sequence[bool]], rng: random.Random) -> float:
    chosen = rng.choices(groups, k=len(groups))
    return fmean(hit for group in chosen for hit in group)
