"""The measures of one policy, from its trace row by row."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from phoque.run.pressure import (
    HARMLESS,
    POSTED,
    SEEN,
    CurvePoint,
    Group,
    HarmlessGroup,
    Mean,
    Measures,
    ModeratorMeasures,
    Outcome,
    Role,
    SpeakerCounts,
    Turn,
)
from phoque.stages.pressure.alone import Alone
from phoque.stages.pressure.groups import Groups
from phoque.stages.pressure.policy import Policy
from phoque.stages.pressure.shares import Share, Steps, clusters
from phoque.stages.pressure.spoken import Spoken, mean_of
from phoque.stats.rates import Rate, grouped, nested_share

STEPS = tuple(step / 20 for step in range(1, 20))


@dataclass
class Tally:
    """Counts of the rows of one policy's trace."""

    policy: Policy
    posted: int = 0
    _speakers: dict[tuple[int, str], Spoken] = field(default_factory=dict)
    _shares: defaultdict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    _groups: Groups = field(default_factory=Groups)
    _full: int = 0

    def __post_init__(self) -> None:
        self.thresholds = tuple(sorted({*STEPS, self.policy.threshold}))
        self._alone = Alone(self.policy.moderators)
        self._levels = {hostile: Steps(self.thresholds) for hostile in (True, False)}

    def add(self, turn: Turn) -> None:
        """Count one turn of the channel."""
        names = clusters(turn)
        muted_before = self._spoken(turn)
        unknown, seen = turn.outcome is Outcome.UNKNOWN, turn.outcome in SEEN
        if turn.hostile:
            self._shares["worst"].add(names, unknown or seen)
        if turn.hostile and not unknown:
            self._shares["leak"].add(names, seen)
        self._shares["posted"].add(names, turn.outcome is not Outcome.MUTED)
        if turn.outcome is Outcome.MUTED:
            return
        self.posted += 1
        self._shares["unknown"].add(names, unknown)
        self._shares["reviewed"].add(names, turn.waited is not None)
        self._full += (full := turn.reviewed and turn.waited is None)
        self._shares["full"].add(names, full)
        self._alone.add(names, turn, since=self._speakers[turn.seed, turn.speaker].first)
        self._groups.add(names, turn, muted_before=muted_before)
        if turn.outcome not in POSTED:
            return
        self._levels[turn.hostile].add(names, turn.level or 0.0)
        self._shares[turn.role.value].add(names, turn.outcome is Outcome.HIDDEN)

    def _spoken(self, turn: Turn) -> bool:
        """Count it for its speaker; whether that one had ever been muted before."""
        key = (turn.seed, turn.speaker)
        own = self._speakers.setdefault(key, Spoken(turn.role, turn.at))
        # Reviewers muted before the turn; the message itself mutes after it.
        before = turn.muted.get(turn.speaker, turn.at) < turn.at
        own.mutes += before
        muted_before = bool(own.mutes)
        own.add(turn)
        for name in turn.muted:
            self._speakers[turn.seed, name].mutes += name != turn.speaker or not before
        return muted_before

    def measures(self, cost_per_message: float = 0.0) -> Measures:
        """Everything that is one number."""
        everybody = self._speakers
        hostile = {key: one for key, one in everybody.items() if one.role is Role.HOSTILE}
        rates = {name: share.rate() for name, share in self._shares.items()}
        return Measures(
            leak=rates.get("leak"),
            leak_at_worst=rates.get("worst"),
            unknown=rates.get("unknown"),
            shown_before_mute=mean_of(hostile, lambda one: one.seen_before_mute),
            never_muted=self._of_role(Role.HOSTILE, lambda one: not one.mutes),
            first_action=mean_of(hostile, lambda one: one.first_action),
            never_acted_on=self._of_role(Role.HOSTILE, lambda one: one.first_action is None),
            **{
                f"{role.value}_{what}": found
                for role in HARMLESS
                for what, found in (
                    ("muted", self._of_role(role, lambda one: bool(one.mutes))),
                    ("hidden", rates.get(role.value)),
                )
            },
            reviewed=rates.get("reviewed"),
            review_wait=mean_of(
                everybody, lambda one: one.waited / one.reviewed if one.reviewed else None
            ),
            review_full=self._full,
            review_full_share=rates.get("full"),
            cost_per_1000=1000 * cost_per_message,
            cost_per_1000_tried=self._cost(1000 * cost_per_message, rates.get("posted")),
        )

    def _cost(self, posted: float, share: Rate | None) -> Mean | None:
        """What messages cost of which only a share is posted, and asked about."""
        if share is None:
            return None
        value, low, high = (posted * one for one in (share.value, share.low, share.high))
        return Mean(value=value, n=len(self._speakers), low=low, high=high)

    def groups(self) -> tuple[Group, ...]:
        """Hostile messages that people saw, by what they are like."""
        return self._groups.hostile()

    def harmless(self) -> tuple[HarmlessGroup, ...]:
        """Harmless messages that were hidden, by what they are like."""
        return self._groups.harmless()

    def by_moderator(self, names: Iterable[str]) -> tuple[ModeratorMeasures, ...]:
        """What each moderator alone misses and flags for nothing."""
        return self._alone.measures(names)

    def curve(self) -> tuple[CurvePoint, ...]:
        """What other thresholds would do with the same posted messages."""
        missed = self._levels[True].rates(below=True)
        alarms = self._levels[False].rates(below=False)
        costs = [(a.value, b.value) for a, b in zip(missed, alarms, strict=True) if a and b]
        best: list[bool | None] = [*not_dominated(costs)] or [None for _ in missed]
        return tuple(
            CurvePoint(threshold=threshold, missed=miss, false_alarms=alarm, best=one)
            for threshold, miss, alarm, one in zip(
                self.thresholds, missed, alarms, best, strict=True
            )
        )

    def speakers(self) -> tuple[SpeakerCounts, ...]:
        """What every speaker of every seed said and met."""
        return tuple(
            SpeakerCounts(
                seed=seed,
                speaker=name,
                **{key: value for key, value in vars(one).items() if key != "first"},
            )
            for (seed, name), one in sorted(self._speakers.items())
        )

    def _of_role(self, role: Role, holds: Callable[[Spoken], bool]) -> Rate | None:
        own = grouped(
            (seed, (int(holds(one)), 1))
            for (seed, _), one in self._speakers.items()
            if one.role is role
        )
        return nested_share([*own.values()]) if own else None


def not_dominated(costs: Sequence[tuple[float, float]]) -> list[bool]:
    """Of each pair of costs, whether no other pair is as low in both and lower in one (Pareto)."""
    return [not any(a <= x and b <= y and (a, b) != (x, y) for a, b in costs) for x, y in costs]
