"""Scores against labels: ranking, calibration, and what a threshold costs. Pure functions."""

from collections.abc import Sequence
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

from phoque.run.datasheets import Bin, Calibration
from phoque.stats.rates import Z_95, Rate

DEFAULT_THRESHOLD = 0.5
BUDGET = 0.05
"""Share of harmless texts that may be flagged where a threshold is chosen by what it costs."""
NUM_BINS = 10


def threshold_for(harmless: Sequence[float], budget: float = BUDGET) -> float:
    """The lowest threshold that flags at most a share `budget` of harmless texts.

    A text is flagged when its score is at or above the threshold. It may lie above 1: then even
    the highest score is given to more harmless texts than the budget allows.

    Raises:
        ValueError: there are no harmless texts.
    """
    if not harmless:
        raise ValueError("A threshold by its cost needs scores of harmless texts.")
    falling = sorted(harmless, reverse=True)
    allowed = int(budget * len(falling) + 1e-9)
    return nextafter(falling[allowed], inf) if allowed < len(falling) else 0.0


def roc_auc(
    scores: Sequence[float], harmful: Sequence[bool], clusters: Sequence[str] | None = None
) -> Rate:
    """Chance that a harmful text outscores a harmless one, ties counted half, with 95 % interval.

    Variance by DeLong et al. 1988 through midranks (Sun and Xu 2014); with clusters, such as the
    templates texts were made from, the same components summed by cluster (Obuchowski 1997).

    Raises:
        ValueError: all texts have the same label.
    """
    values, labels = np.asarray(scores, float), np.asarray(harmful, bool)
    positive, negative = values[labels], values[~labels]
    if not len(positive) or not len(negative):
        raise ValueError("Ranking needs harmful and harmless texts.")
    ranks = _midranks(np.concatenate([positive, negative]))
    above = (ranks[: len(positive)] - _midranks(positive)) / len(negative)
    below = 1 - (ranks[len(positive) :] - _midranks(negative)) / len(positive)
    area = float(above.mean())
    if clusters is None:
        parts = [part.var(ddof=1) / len(part) for part in (above, below) if len(part) > 1]
        half = Z_95 * float(sum(parts)) ** 0.5
    else:
        shares = np.empty(len(values))
        shares[labels] = (above - area) / len(positive)
        shares[~labels] = (below - area) / len(negative)
        half = Z_95 * _clustered_variance(shares, clusters) ** 0.5
    return Rate(value=area, n=len(values), low=max(0.0, area - half), high=min(1.0, area + half))


def _clustered_variance(shares: NDArray[np.float64], clusters: Sequence[str]) -> float:
    _, places = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(places, shares)
    return float(np.square(sums).sum() * len(sums) / max(1, len(sums) - 1))


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


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # Equal values share the mean of their ranks, which begin at 1.
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: NDArray[np.float64] = (ends - (counts - 1) / 2)[places]
    return ranks
