"""What each moderator of a policy says of the posted messages, alone and at its own threshold."""

from collections import defaultdict
from collections.abc import Iterable

from phoque.run.pressure import HARMLESS, Kind, Mean, ModeratorMeasures, Turn
from phoque.stages.pressure.policy import Source
from phoque.stages.pressure.shares import Names, Share, mean
from phoque.stats.rates import Rate


class Alone:
    """Counts of each moderator, in memory that does not grow with the rows."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources
        self._wrong: defaultdict[tuple[str, str], Share] = defaultdict(Share)
        self._unknown: defaultdict[str, Share] = defaultdict(Share)
        self._no_answer: defaultdict[str, int] = defaultdict(int)
        self._first_flag: defaultdict[str, dict[tuple[int, str], float]] = defaultdict(dict)

    def add(self, names: Names, turn: Turn, *, since: float) -> None:
        """Count one posted message of a speaker who said the first one at `since`."""
        for (name, value), source in zip(turn.scores.items(), self._sources, strict=True):
            self._unknown[name].add(names, value is None)
            if value is None:
                self._no_answer[name] += 1
                continue
            flags = value >= source.threshold
            if flags and turn.hostile:
                own = self._first_flag[name]
                own.setdefault((turn.seed, turn.speaker), turn.at - since)
            for group in _groups(turn):
                self._wrong[name, group].add(names, flags != turn.hostile)

    def measures(self, names: Iterable[str]) -> tuple[ModeratorMeasures, ...]:
        """What each misses, flags for nothing and does not know."""
        return tuple(self._of(name) for name in names)

    def _of(self, name: str) -> ModeratorMeasures:
        rates = {group: share.rate() for (own, group), share in self._wrong.items() if own == name}
        known = {group: rate for group, rate in rates.items() if rate}
        return ModeratorMeasures(
            name=name,
            missed=known.get("hostile"),
            false_alarms=known.get("harmless"),
            unknown=self._no_answer[name],
            unknown_share=self._unknown[name].rate(),
            first_flag=self._first(name),
            missed_by_kind=_of(Kind, known),
            false_alarms_by_role={role: known[role] for role in HARMLESS if role in known},
        )

    def _first(self, name: str) -> Mean | None:
        return mean([(seed, after) for (seed, _), after in self._first_flag[name].items()])


def _groups(turn: Turn) -> tuple[str, ...]:
    """All messages of the side, and those of the kind or the role."""
    if turn.hostile:
        return ("hostile", *((turn.kind.value,) if turn.kind else ()))
    return ("harmless", turn.role.value)


def _of(kinds: type[Kind], known: dict[str, Rate]) -> dict[Kind, Rate]:
    return {kind: known[kind] for kind in kinds if kind in known}
