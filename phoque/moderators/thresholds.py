"""Scores against labels: calibration, and what a threshold costs. Pure functions."""

from collections.abc import Sequence
from math import inf, nextafter

import numpy as np

from phoque.run.datasheets import Bin, Calibration

DEFAULT_THRESHOLD = 0.5
BUDGET = 0.05
"""Share of harmless texts that may be flagged where a threshold is chosen by what it costs."""
NUM_BINS = 10


def threshold_for(harmless: Sequence[float]) -> float:
    """The lowest threshold that flags at most a share `BUDGET` of harmless texts.

    A text is flagged when its score is at or above the threshold. It may lie above 1: then even
    the highest score is given to more harmless texts than the budget allows.

    Raises:
        ValueError: there are no harmless texts.
    """
    if not harmless:
        raise ValueError("A threshold by its cost needs scores of harmless texts.")
    falling = sorted(harmless, reverse=True)
    return nextafter(falling[int(BUDGET * len(falling) + 1e-9)], inf)


def calibration(scores: Sequence[float], harmful: Sequence[bool]) -> Calibration:
    """Scores in ten bins against the share that is harmful.

    Raises:
        ValueError: there are no texts.
    """
    values, labels = np.asarray(scores, float), np.asarray(harmful, float)
    if not len(values):
        raise ValueError("Calibration needs texts.")
    numbers = np.minimum((values * NUM_BINS).astype(int), NUM_BINS - 1)
    bins = tuple(
        Bin(
            low=number / NUM_BINS,
            high=(number + 1) / NUM_BINS,
            n=int((numbers == number).sum()),
            mean_score=float(values[numbers == number].mean()),
            harmful=float(labels[numbers == number].mean()),
        )
        for number in np.unique(numbers).tolist()
    )
    return Calibration(
        bins=bins,
        expected_error=sum(one.n * abs(one.harmful - one.mean_score) for one in bins) / len(values),
        brier=float(np.square(values - labels).mean()),
    )
