"""The measures of one policy, from its trace row by row, in memory that does not grow with the rows."""

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
    Kind,
    Mean,
    Measures,
    ModeratorMeasures,
    Outcome,
    Role,
    SpeakerCounts,
    Turn,
)
from phoque.stages.pressure.policy import Policy
from phoque.stages.pressure.shares import Names, Share, Spoken, Steps, clusters, mean, mean_of
from phoque.stats.rates import Rate, grouped, nested_share

STEPS = tuple(step / 20 for step in range(1, 20))
BY = {"persona": "persona", "register": "in_register"}
"""What posted messages are grouped by, and its field of a row."""
HOSTILE_BY = {**BY, "kind": "kind", "style": "style"}
"""The same of hostile ones; harmless ones have no kind and one style."""
Speaker = tuple[int, str]
"""A speaker of one seed."""


@dataclass
class Tally:
    """Counts of the rows of one policy's trace."""

    policy: Policy
    posted: int = 0
    _speakers: dict[Speaker, Spoken] = field(default_factory=dict)
    _shares: defaultdict[tuple[str, ...], Share] = field(default_factory=lambda: defaultdict(Share))
    """By what is counted: `all` with the measure, `hostile` and `harmless` with a group, `unknown` and `wrong`
    with a moderator."""
    _in_group: defaultdict[tuple[str, ...], dict[Speaker, Spoken]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """What hostile speakers said and met in one group of messages."""
    _first_flag: defaultdict[str, dict[Speaker, float]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By moderator, seconds from a hostile speaker's first message to the first that it flags."""

    def __post_init__(self) -> None:
        self.thresholds = tuple(sorted({*STEPS, self.policy.threshold}))
        self._levels = {hostile: Steps(self.thresholds) for hostile in (True, False)}

    def add(self, turn: Turn) -> None:
        """Count one turn of the channel."""
        names, muted_before = clusters(turn), self._spoken(turn)
        unknown, seen = turn.outcome is Outcome.UNKNOWN, turn.outcome in SEEN
        if turn.hostile:
            self._shares["all", "worst"].add(names, unknown or seen)
        if turn.hostile and not unknown:
            self._shares["all", "leak"].add(names, seen)
        self._shares["all", "posted"].add(names, turn.outcome is not Outcome.MUTED)
        if turn.outcome is Outcome.MUTED:
            return
        self.posted += 1
        self._shares["all", "unknown"].add(names, unknown)
        self._shares["all", "reviewed"].add(names, turn.waited is not None)
        self._shares["all", "full"].add(names, turn.reviewed and turn.waited is None)
        self._add_to_moderators(names, turn)
        self._add_to_groups(names, turn, muted_before=muted_before)
        if turn.outcome in POSTED:
            self._levels[turn.hostile].add(names, turn.level or 0.0)
            self._shares["all", turn.role.value].add(names, turn.outcome is Outcome.HIDDEN)

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

    def _add_to_moderators(self, names: Names, turn: Turn) -> None:
        """What each moderator says of a posted message, alone and at its own threshold."""
        speaker = (turn.seed, turn.speaker)
        for (name, value), source in zip(turn.scores.items(), self.policy.moderators, strict=True):
            self._shares["unknown", name].add(names, value is None)
            if value is None:
                continue
            flags = value >= source.threshold
            if flags and turn.hostile:
                since = self._speakers[speaker].first
                self._first_flag[name].setdefault(speaker, turn.at - since)
            side = ("hostile", turn.kind or "") if turn.hostile else ("harmless", turn.role.value)
            for group in filter(None, side):
                self._shares["wrong", name, group].add(names, flags != turn.hostile)

    def _add_to_groups(self, names: Names, turn: Turn, *, muted_before: bool) -> None:
        """What people saw of a hostile message, or whether a harmless one was hidden, by what it is like."""
        for by, field_ in (HOSTILE_BY if turn.hostile else BY).items():
            key = by, str(getattr(turn, field_))
            if turn.hostile:
                speakers = self._in_group[key]
                own = speakers.setdefault((turn.seed, turn.speaker), Spoken(turn.role, turn.at))
                own.mutes = int(muted_before)
                own.add(turn)
            if turn.outcome in POSTED and turn.hostile:
                self._shares["hostile", *key].add(names, turn.outcome in SEEN)
            elif turn.outcome in POSTED:
                self._shares["harmless", *key].add(names, turn.outcome is Outcome.HIDDEN)

    def _rates(self, *kind: str) -> dict[tuple[str, ...], Rate]:
        """Shares whose keys begin so, by the rest of their keys, in order; those that have rows."""
        own = sorted(key for key in self._shares if key[: len(kind)] == kind)
        rates = ((key[len(kind) :], self._shares[key].rate()) for key in own)
        return {key: rate for key, rate in rates if rate}

    def measures(self, cost_per_message: float = 0.0) -> Measures:
        """Everything that is one number."""
        everybody = self._speakers
        hostile = {key: one for key, one in everybody.items() if one.role is Role.HOSTILE}
        rates = {name: rate for (name,), rate in self._rates("all").items()}
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
            review_full=self._shares["all", "full"].hits,
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
        """What people saw of hostile messages, by what they are like, and when anything was done about them."""
        return tuple(
            Group.model_validate(
                {
                    "by": key[0],
                    "name": key[1],
                    "shown": rate,
                    "seen_before_mute": mean_of(own, lambda one: one.seen_before_mute),
                    "first_action": mean_of(own, lambda one: one.first_action),
                }
            )
            for key, rate in self._rates("hostile").items()
            for own in (self._in_group[key],)
        )

    def harmless(self) -> tuple[HarmlessGroup, ...]:
        """Harmless messages that were hidden, by what they are like."""
        return tuple(
            HarmlessGroup.model_validate({"by": by, "name": name, "hidden": rate})
            for (by, name), rate in self._rates("harmless").items()
        )

    def by_moderator(self, names: Iterable[str]) -> tuple[ModeratorMeasures, ...]:
        """What each moderator alone misses, flags for nothing and does not know."""
        return tuple(map(self._of_moderator, names))

    def _of_moderator(self, name: str) -> ModeratorMeasures:
        wrong = {group: rate for (group,), rate in self._rates("wrong", name).items()}
        first = self._first_flag[name].items()
        return ModeratorMeasures(
            name=name,
            missed=wrong.get("hostile"),
            false_alarms=wrong.get("harmless"),
            unknown=self._shares["unknown", name].hits,
            unknown_share=self._shares["unknown", name].rate(),
            first_flag=mean([(seed, after) for (seed, _), after in first]),
            missed_by_kind={kind: wrong[kind] for kind in Kind if kind in wrong},
            false_alarms_by_role={role: wrong[role] for role in HARMLESS if role in wrong},
        )

    def curve(self) -> tuple[CurvePoint, ...]:
        """What other thresholds would do with the same posted messages."""
        missed = self._levels[True].rates(below=True)
        alarms = self._levels[False].rates(below=False)
        costs = [(a.value, b.value) for a, b in zip(missed, alarms, strict=True) if a and b]
        best: list[bool | None] = [*not_dominated(costs)] or [None for _ in missed]
        points = zip(self.thresholds, missed, alarms, best, strict=True)
        return tuple(
            CurvePoint(threshold=threshold, missed=miss, false_alarms=alarm, best=one)
            for threshold, miss, alarm, one in points
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
