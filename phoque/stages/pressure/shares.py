"""Shares and means over speakers, counted row by row in memory that does not grow with the rows."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from phoque.run.pressure import Mean, Turn
from phoque.stats.rates import Rate, share_of_counts
from phoque.stats.resampling import middle_95, resampled_means

Names = tuple[str, str]
"""What makes rows alike: their speaker, and what their texts reply to."""


def clusters(turn: Turn) -> Names:
    """A speaker of one seed, and the source of the text."""
    return f"{turn.seed}/{turn.speaker}", turn.source


class Share:
    """Hits and rows by speaker and, apart from that, by source of the text."""

    def __init__(self) -> None:
        self._counts: tuple[dict[str, list[int]], ...] = ({}, {})

    def add(self, names: Names, hits: int, rows: int = 1) -> None:
        """Count rows that are alike."""
        for own, name in zip(self._counts, names, strict=True):
            count = own.setdefault(name, [0, 0])
            count[0] += hits
            count[1] += rows

    def rate(self) -> Rate | None:
        """The share with the wider of both intervals; None without rows."""
        if not self._counts[0]:
            return None
        found = [share_of_counts([(h, n) for h, n in own.values()]) for own in self._counts]
        return max(found, key=lambda one: one.high - one.low)


class Steps:
    """Of every speaker and source, how many levels reach each threshold."""

    def __init__(self, thresholds: Sequence[float]) -> None:
        self._thresholds = np.array(thresholds)
        self._reached: defaultdict[Names, np.ndarray[tuple[int], np.dtype[np.int64]]] = defaultdict(
            lambda: np.zeros(len(thresholds) + 1, np.int64)
        )

    def add(self, names: Names, level: float) -> None:
        self._reached[names][np.searchsorted(self._thresholds, level, side="right")] += 1

    def rates(self, *, below: bool) -> list[Rate | None]:
        """At each threshold the share below it, or else from it on."""
        found = [Share() for _ in self._thresholds]
        for names, counts in self._reached.items():
            under, total = np.cumsum(counts)[:-1].tolist(), int(counts.sum())
            for share, number in zip(found, under, strict=True):
                share.add(names, number if below else total - number, total)
        return [one.rate() for one in found]


def mean(values: Sequence[float]) -> Mean | None:
    """Mean over speakers with its bootstrap interval; None without speakers."""
    if not values:
        return None
    low, high = middle_95(resampled_means(np.array(values, float)))
    return Mean(value=float(np.mean(values)), n=len(values), low=float(low), high=float(high))
