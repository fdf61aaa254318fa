"""The measures of one policy, from its trace row by row."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from phoque.run.pressure import (
    HARMLESS,
    POSTED,
    SEEN,
    CurvePoint,
    Group,
    Kind,
    Measures,
    ModeratorMeasures,
    Outcome,
    Role,
    SpeakerCounts,
    Turn,
)
from phoque.stages.pressure.policy import Policy
from phoque.stages.pressure.shares import Share, Steps, clusters, mean
from phoque.stats.rates import Rate, wilson

STEPS = tuple(step / 20 for step in range(1, 20))
GROUPED = {"kind": "kind", "persona": "persona", "register": "in_register", "style": "style"}
"""What messages are grouped by, and its field of a row."""


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


@dataclass
class Tally:
    """Counts of the rows of one policy's trace."""

    policy: Policy
    posted: int = 0
    _speakers: dict[tuple[int, str], Spoken] = field(default_factory=dict)
    _shares: defaultdict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    _groups: defaultdict[tuple[str, str], Share] = field(default_factory=lambda: defaultdict(Share))
    _alone: defaultdict[tuple[str, str], Share] = field(default_factory=lambda: defaultdict(Share))
    _unknown: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _full: int = 0

    def __post_init__(self) -> None:
        self.thresholds = tuple(sorted({*STEPS, self.policy.threshold}))
        self._levels = {hostile: Steps(self.thresholds) for hostile in (True, False)}

    def add(self, turn: Turn) -> None:
        """Count one turn of the channel."""
        names = clusters(turn)
        self._spoken(turn)
        unknown, seen = turn.outcome is Outcome.UNKNOWN, turn.outcome in SEEN
        if turn.hostile:
            self._shares["worst"].add(names, unknown or seen)
        if turn.hostile and not unknown:
            self._shares["leak"].add(names, seen)
        if turn.outcome is Outcome.MUTED:
            return
        self.posted += 1
        self._shares["unknown"].add(names, unknown)
        self._shares["reviewed"].add(names, turn.waited is not None)
        self._full += turn.reviewed and turn.waited is None
        self._one_by_one(names, turn)
        if turn.outcome not in POSTED:
            return
        self._levels[turn.hostile].add(names, turn.level or 0.0)
        self._shares[turn.role.value].add(names, turn.outcome is Outcome.HIDDEN)
        if turn.hostile:
            for by, field_name in GROUPED.items():
                self._groups[by, str(getattr(turn, field_name))].add(names, seen)

    def _spoken(self, turn: Turn) -> None:
        key = (turn.seed, turn.speaker)
        own = self._speakers.setdefault(key, Spoken(turn.role, turn.at))
        # Reviewers muted before the turn; the message itself mutes after it.
        before = turn.muted.get(turn.speaker, turn.at) < turn.at
        own.mutes += before
        own.add(turn)
        for name in turn.muted:
            self._speakers[turn.seed, name].mutes += name != turn.speaker or not before

    def _one_by_one(self, names: tuple[str, str], turn: Turn) -> None:
        for (name, value), source in zip(turn.scores.items(), self.policy.moderators, strict=True):
            if value is None:
                self._unknown[name] += 1
                continue
            flags = value >= source.threshold
            wrong = flags != turn.hostile
            self._alone[name, "hostile" if turn.hostile else "harmless"].add(names, wrong)
            if turn.kind:
                self._alone[name, turn.kind.value].add(names, wrong)

    def measures(self, cost_per_message: float = 0.0) -> Measures:
        """Everything that is one number."""
        everybody = self._speakers.values()
        hostile = [one for one in everybody if one.role is Role.HOSTILE]
        actions = [one.first_action for one in hostile if one.first_action is not None]
        rates = {name: share.rate() for name, share in self._shares.items()}
        return Measures(
            leak=rates.get("leak"),
            leak_at_worst=rates.get("worst"),
            unknown=rates.get("unknown"),
            shown_before_mute=mean([one.seen_before_mute for one in hostile]),
            never_muted=self._of_role(Role.HOSTILE, lambda one: not one.mutes),
            first_action=mean(actions),
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
            review_wait=mean([one.waited / one.reviewed for one in everybody if one.reviewed]),
            review_full=self._full,
            cost_per_1000=1000 * cost_per_message,
        )

    def groups(self) -> tuple[Group, ...]:
        """Hostile messages that people saw, by what they are like."""
        return tuple(
            Group.model_validate({"by": by, "name": name, "shown": rate})
            for (by, name), share in sorted(self._groups.items())
            if (rate := share.rate())
        )

    def by_moderator(self, names: Iterable[str]) -> tuple[ModeratorMeasures, ...]:
        """What each moderator alone misses and flags for nothing."""
        rates = {key: share.rate() for key, share in self._alone.items()}
        return tuple(
            ModeratorMeasures(
                name=name,
                missed=rates.get((name, "hostile")),
                false_alarms=rates.get((name, "harmless")),
                unknown=self._unknown[name],
                missed_by_kind={
                    kind: rate for kind in Kind if (rate := rates.get((name, kind.value)))
                },
            )
            for name in names
        )

    def curve(self) -> tuple[CurvePoint, ...]:
        """What other thresholds would do with the same posted messages."""
        missed = self._levels[True].rates(below=True)
        alarms = self._levels[False].rates(below=False)
        return tuple(
            CurvePoint(threshold=threshold, missed=miss, false_alarms=alarm)
            for threshold, miss, alarm in zip(self.thresholds, missed, alarms, strict=True)
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
        own = [holds(one) for one in self._speakers.values() if one.role is role]
        return wilson(sum(own), len(own)) if own else None
