"""What one speaker of one seed said and met, counted row by row, and means over speakers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from phoque.run.pressure import SEEN, Mean, Outcome, Role, Turn
from phoque.stages.pressure.shares import mean


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
