"""Services are asked ahead along the most likely course of the whole command, without a gap.

A twin of the channel goes ahead of it. Where all moderators have answered, it follows their decisions;
elsewhere it takes the last decision about a message of that role and style for granted. What it meets is
asked in its order, on into the next seeds and policies. As soon as a decision is another than foreseen, a
new twin starts. Nothing that is decided depends on what was foreseen. A text is asked about only if its
speaker would say it on that course; where a tenth of those would not be said any more, fewer are asked ahead.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from phoque.moderators.classifier import Item
from phoque.run.pressure import Decision, Role, Turn
from phoque.stages.pressure.channel import AHEAD, Channel, Message
from phoque.stages.pressure.deciding import Decider, Remote, Verdict
from phoque.stages.pressure.traffic import Planned

Course = list[tuple[Decision | None, Item | None]]
PART = 64
"""Turns of later seeds and policies that are looked at in one go."""
NEAR = 128
"""Messages that are asked about ahead where too much was asked for nothing."""
LOCAL = 64
"""Items that moderators on this machine read before answers of services are taken."""


@dataclass(frozen=True)
class Leg:
    """One seed under one policy."""

    channel: Callable[[], Channel]
    turns: Callable[[], Iterable[Planned]]


@dataclass
class Foresight:
    """Everything the command goes through, in its order."""

    legs: Sequence[Leg]
    _last: dict[tuple[str, Role, str], Decision] = field(default_factory=dict)
    """The last decision by policy, role and style."""

    def rows(self, place: int) -> Iterator[Turn]:
        """What becomes of the turns of a leg."""
        leg = self.legs[place]
        channel, coming = leg.channel(), iter(leg.turns())
        if not channel.decider.remote:
            yield from channel.run(coming)
            return
        ahead = deque(islice(coming, AHEAD))
        foreseen: deque[Decision | None] = deque()
        while ahead:
            if len(foreseen) < min(AHEAD // 2, len(ahead)):
                foreseen = self._look(channel, ahead, place)
            for one in channel.decider.remote:
                one.hear()
            row = channel.turn(ahead.popleft())
            ahead.extend(islice(coming, 1))
            if row.decision is not None:
                self._last[row.policy, row.role, row.style] = row.decision
            if row.decision is not foreseen.popleft():
                foreseen.clear()
            yield row

    def first(self) -> Iterator[tuple[Remote, list[Item]]]:
        """Every service, and what it is asked first, if nothing is known; most urgent first."""
        seen: set[Remote] = set()
        for leg in self.legs:
            channel = leg.channel()
            if new := [one for one in channel.decider.remote if one not in seen]:
                _, course = self._follow(channel, [*islice(leg.turns(), AHEAD)])
                items = [item for _, item in course if item]
                yield from ((one, items) for one in new)
                seen |= {*new}

    def prove(self) -> None:
        """Have every service answer once, so that none is found broken after the others have worked."""
        for one, items in self.first():
            one.prove(items)

    def _look(
        self, channel: Channel, ahead: Collection[Planned], place: int
    ) -> deque[Decision | None]:
        """What is foreseen for the next turns; what that takes is asked about."""
        _, own = self._follow(channel, ahead)
        items = [item for _, item in own if item]
        course = {one: [*items] for one in channel.decider.remote}
        for later in self.legs[place + 1 :]:
            if all(map(Remote.has_enough, course, course.values())):
                break
            self._look_on(course, later)
        for one, texts in course.items():
            one.want(items[:NEAR] if one.wastes(texts) else texts)
        _read_here(channel.decider, items)
        return deque(decision for decision, _ in own)

    def _look_on(self, course: dict[Remote, list[Item]], leg: Leg) -> None:
        """Add what a later leg takes, until that is enough for the services it asks."""
        channel, turns = leg.channel(), iter(leg.turns())
        while part := [*islice(turns, PART)]:
            channel, found = self._follow(channel, part)
            items = [item for _, item in found if item]
            for one in channel.decider.remote:
                course.setdefault(one, []).extend(items)
            if all(one.has_enough(course[one]) for one in channel.decider.remote):
                return

    def _follow(self, channel: Channel, turns: Collection[Planned]) -> tuple[Channel, Course]:
        """The course of the next turns, with what services said before; and the twin that went along it."""
        while True:
            twin = channel.twin()
            course = [*self._course(twin, turns)]
            items = [item for _, item in course if item]
            # Not any(): every service is to recall what it can.
            if not sum(one.recall(items) for one in channel.decider.remote):
                return twin, course

    def _course(
        self, twin: Channel, turns: Iterable[Planned]
    ) -> Iterator[tuple[Decision | None, Item | None]]:
        """What is foreseen for each turn, and what is asked about it; None for those of muted speakers."""
        for turn in turns:
            message, item = twin.posted(turn)
            if item is None:
                yield None, None
                continue
            verdict = self._expected(twin.decider, message, item)
            twin.act(turn, message, verdict)
            yield verdict.decision, item

    def _expected(self, decider: Decider, message: Message, item: Item) -> Verdict:
        if decider.knows(item):
            return decider.verdict(item)
        key = (decider.policy.name, message.origin.role, message.style)
        decision = self._last.get(key, Decision.PASSES)
        return Verdict(decision, 0.0, {})


def _read_here(decider: Decider, items: Sequence[Item]) -> None:
    """Have moderators on this machine read ahead, without a gap in what services are asked."""
    for one in decider.moderators:
        if isinstance(one, Remote):
            continue
        new = one.new(items)
        for start in range(0, len(new), LOCAL):
            one.prepare(new[start : start + LOCAL])
            for service in decider.remote:
                service.hear()
