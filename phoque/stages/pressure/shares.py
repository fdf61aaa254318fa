"""Shares and means over seeds and their speakers, and what a speaker said and met, counted row by row."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phoque.run.pressure import SEEN, Mean, Outcome, Role, Turn
from phoque.stats.rates import Count, Rate, grouped, nested_share, share_of_counts
from phoque.stats.resampling import middle_95, nested_means

Names = tuple[tuple[int, str], str]
"""What makes rows alike: their speaker of a seed, and what their texts reply to."""


def clusters(turn: Turn) -> Names:
    """A speaker of one seed, and the source of the text."""
    return (turn.seed, turn.speaker), turn.source


class Share:
    """Hits and rows by speaker of a seed and, apart from that, by source of the text."""

    def __init__(self) -> None:
        self._speakers: dict[tuple[int, str], Count] = {}
        self._sources: dict[str, Count] = {}

    def add(self, names: Names, hits: int, rows: int = 1) -> None:
        """Count rows that are alike."""
        speaker, source = names
        self._speakers[speaker] = _more(self._speakers.get(speaker), hits, rows)
        self._sources[source] = _more(self._sources.get(source), hits, rows)

    @property
    def hits(self) -> int:
        """Of all rows."""
        return sum(hits for hits, _ in self._sources.values())

    def rate(self) -> Rate | None:
        """The share with the wider of both intervals; None without rows."""
        if not self._speakers:
            return None
        seeds = grouped((seed, count) for (seed, _), count in self._speakers.items())
        found = (nested_share([*seeds.values()]), share_of_counts(self._sources.values()))
        return max(found, key=lambda one: one.high - one.low)


def _more(count: Count | None, hits: int, rows: int) -> Count:
    before, of = count or (0, 0)
    return before + hits, of + rows


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


def mean(values: Sequence[tuple[int, float]]) -> Mean | None:
    """Mean of numbers of speakers, each with its seed, and its nested bootstrap interval; None without any."""
    if not values:
        return None
    seeds = [np.array(own, float) for own in grouped(values).values()]
    low, high = middle_95(nested_means(seeds))
    every = np.concatenate(seeds)
    return Mean(value=float(np.mean(every)), n=len(every), low=float(low), high=float(high))


@dataclass
class Spoken:
    """What one speaker of one seed said and met so far."""

    role: Role
    first: float
    attempts: int = 0
    seen: int = 0
    hidden: int = 0
    unknown: int = 0
    mutes: int = 0
    seen_before_mute: int = 0
    reviewed: int = 0
    waited: float = 0.0
    first_action: float | None = None

    def add(self, turn: Turn) -> None:
        """Count one turn of the speaker."""
        self.attempts += 1
        self.seen += turn.outcome in SEEN
        self.hidden += turn.outcome is Outcome.HIDDEN
        self.unknown += turn.outcome is Outcome.UNKNOWN
        self.seen_before_mute += turn.outcome in SEEN and not self.mutes
        self.reviewed += turn.waited is not None
        self.waited += turn.waited or 0.0
        if turn.outcome in {Outcome.HIDDEN, Outcome.REMOVED}:
            acted = turn.at + (turn.waited or 0.0) - self.first
            known = self.first_action
            self.first_action = acted if known is None else min(acted, known)


Everybody = Mapping[tuple[int, str], Spoken]
"""Speakers by seed and name."""


def mean_of(speakers: Everybody, value: Callable[[Spoken], float | None]) -> Mean | None:
    """Mean of a value over the speakers who have one, with its interval over seeds and speakers."""
    found = ((seed, value(one)) for (seed, _), one in speakers.items())
    return mean([(seed, number) for seed, number in found if number is not None])
