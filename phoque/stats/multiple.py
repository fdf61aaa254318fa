"""Several tests at once, and what is left of each p-value."""

from collections.abc import Sequence

import numpy as np

from phoque.stats.resampling import Array

LEVEL = 0.05
"""Share of false discoveries that is accepted."""


def false_discovery(p_F: Array) -> Array:
    """Adjusted p-values q_F (Benjamini and Hochberg 1995); NaN was not tested and stays NaN."""
    # It takes a second to load, and pages need Holm's alone.
    from scipy.stats import false_discovery_control  # noqa: PLC0415

    q_F = np.full(p_F.shape, np.nan)
    tested_F = ~np.isnan(p_F)
    q_F[tested_F] = false_discovery_control(p_F[tested_F])
    return q_F


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for being several (Holm 1979), in their order."""
    order = np.argsort(p_values)
    scaled = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(scaled).clip(max=1.0)
    return adjusted.tolist()
