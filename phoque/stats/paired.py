"""Effects between conditions that were asked the same prompts with the same seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Mean difference a prompt, with what new prompts could make of it."""

    value: float
    low: float
    high: float
    """95 % percentile bootstrap over prompts."""
    p_value: float
    """Two-sided sign-flip permutation over prompts."""
    prompts: int
    moved: float
    """Share of prompts on which the difference is positive."""
    moved_back: float
    """Share of prompts on which it is negative."""


def paired_effect(
    before: Sequence[Sequence[float]], after: Sequence[Sequence[float]], *, seed: int = 42
) -> Effect:
    """Effect of a treatment: one row a prompt, one value a seed; rows are paired.

    Raises:
        ValueError: there are no prompts, or another number of them on one side.
    """
    if not before or len(before) != len(after):
        raise ValueError(f"Pairs are needed; got {len(before)} and {len(after)} prompts.")
    random = np.random.default_rng(seed)
    differences = np.array([np.mean(b) - np.mean(a) for a, b in zip(before, after, strict=True)])
    count = len(differences)
    drawn = differences[random.integers(0, count, (RESAMPLES, count))].mean(1)
    signs = random.choice([-1.0, 1.0], (RESAMPLES, count))
    flipped = np.abs((signs * differences).mean(1))
    value = float(differences.mean())
    # The observed sign pattern is one of the permutations.
    as_large = np.count_nonzero(flipped >= abs(value) - 1e-12) + 1
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Effect(
        value=value,
        low=float(low),
        high=float(high),
        p_value=as_large / (RESAMPLES + 1),
        prompts=count,
        moved=float((differences > 0).mean()),
        moved_back=float((differences < 0).mean()),
    )
