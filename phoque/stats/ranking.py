"""Do the numbers of one group rank above those of another? Equal values share their ranks."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from phoque.stats.rates import Z_95, Rate
from phoque.stats.resampling import Array


def auc(higher: Array, lower: Array) -> Array:
    """Chance that a value of the first is larger than one of the second; ties count half.

    Along the first axis: columns are compared one by one.
    """
    ranks = rankdata(np.concatenate([higher, lower]), axis=0)[: len(higher)]
    found: Array = (ranks.mean(0) - (len(higher) + 1) / 2) / len(lower)
    return found


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
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[: len(positive)] - rankdata(positive)) / len(negative)
    below = 1 - (ranks[len(positive) :] - rankdata(negative)) / len(positive)
    area = float(above.mean())
    if clusters is None:
        parts = [part.var(ddof=1) / len(part) for part in (above, below) if len(part) > 1]
        half = Z_95 * float(sum(parts)) ** 0.5
    else:
        shares = np.empty(len(values))
        shares[labels] = (above - area) / len(positive)
        shares[~labels] = (below - area) / len(negative)
        _, places = np.unique(np.asarray(clusters), return_inverse=True)
        sums = np.bincount(places, shares)
        variance = np.square(sums).sum() * len(sums) / max(1, len(sums) - 1)
        half = Z_95 * float(variance) ** 0.5
    return Rate(value=area, n=len(values), low=max(0.0, area - half), high=min(1.0, area + half))


def monotone(values_AF: Array) -> Array:
    """Spearman's correlation_F of each column with its order; 0 where nothing changes."""
    ranks = rankdata(values_AF, axis=0)
    steps = np.arange(len(values_AF)) - (len(values_AF) - 1) / 2
    centred = ranks - ranks.mean(0)
    scale = np.sqrt((centred**2).sum(0) * (steps**2).sum())
    found: Array = (steps @ centred) / np.where(scale > 0, scale, 1)
    return found
