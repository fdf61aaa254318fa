"""From scores to a decision: moderators are asked once about a text, in batches, and combined."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from phoque.conversation import Message
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier, Item, Score
from phoque.moderators.endpoint.line import Desk, Line
from phoque.moderators.endpoint.service import Service
from phoque.moderators.scoring import score
from phoque.run.pressure import Decision
from phoque.stages.pressure.policy import Policy, Source

MOST_KEPT = 100_000
"""Answers of a moderator that are kept in memory; the oldest are forgotten first."""
_canonical = lru_cache(maxsize=50_000)(canonicalise)
MOST_ASTRAY = 0.1
"""Share of the texts asked about that nobody would say any more, above which fewer are asked ahead."""
MIDDLE = 0.5
"""The level of a score that equals the moderator's own threshold."""


class Moderator:
    """A loaded moderator that is asked about each text once."""

    def __init__(self, name: str, classifier: Classifier, *, may_send_text: bool = False) -> None:
        self.name, self.classifier = name, classifier
        self._may_send_text = may_send_text
        self._known: dict[Item, float | None] = {}

    def asked(self, item: Item) -> Item:
        """What it reads of an item."""
        return item if self.classifier.info.takes_context else Item(item.text)

    def prepare(self, items: Iterable[Item]) -> None:
        """Ask about those that are new, all at once."""
        if new := self.new(items):
            found = score(self.classifier, new, may_send_text=self._may_send_text)
            self.learn(dict(zip(new, found, strict=True)))

    def new(self, items: Iterable[Item]) -> list[Item]:
        """What it would read of those without an answer, in their order."""
        asked = dict.fromkeys(map(self.asked, items))
        return [one for one in asked if one not in self._known]

    def learn(self, found: Mapping[Item, Score]) -> None:
        """Keep answers, and forget the oldest where there are too many."""
        for item, one in found.items():
            known = one.error is None
            self._known[item] = one.harm_score(self.classifier.info) if known else None
        if (surplus := len(self._known) - max(MOST_KEPT, len(found))) > 0:
            for item in list(islice(self._known, surplus)):
                del self._known[item]

    def knows(self, item: Item) -> bool:
        """Whether there is an answer, which may be that there is none."""
        return self.asked(item) in self._known

    def score(self, item: Item) -> float | None:
        """Its score from 0 to 1; None where it gave no answer."""
        if not self.knows(item):
            self.prepare([item])
        return self._known[self.asked(item)]


class Remote(Moderator):
    """A service, which is asked while the channel goes on."""

    def __init__(self, name: str, service: Service, desk: Desk) -> None:
        super().__init__(name, service, may_send_text=True)  # who loads it has checked that
        self.classifier: Service = service
        self.line = Line(service, desk)
        self._looked: set[Item] = set()
        """Looked for among answers that are kept from before."""

    def recall(self, items: Iterable[Item]) -> bool:
        """Learn answers that are kept from before; returns whether there were some."""
        new = [one for one in self.new(items) if one not in self._looked]
        self._looked = self._looked if len(self._looked) < MOST_KEPT else set()
        self._looked.update(new)
        found = self.classifier.kept(new) if new else {}
        # Those may be forgotten, and are there to be found again.
        self._looked.difference_update(found)
        self.learn(found)
        return bool(found)

    def want(self, items: Iterable[Item]) -> None:
        """Ask ahead about these, most urgent first, in place of those of before."""
        self.hear()
        self.line.want(self.new(items))

    def has_enough(self, course: Iterable[Item]) -> bool:
        """Whether so many texts of a course are new that it cannot run short of requests."""
        return len(self.new(course)) >= self.line.enough

    def said(self, item: Item) -> None:
        """Note that a message was posted: its answer was needed."""
        self.line.unsaid.discard(self.asked(item))

    def wastes(self, course: Iterable[Item]) -> bool:
        """Whether too much was asked that is not on the course of a channel any more."""
        astray = self.line.unsaid.difference(map(self.asked, course))
        return len(astray) > MOST_ASTRAY * self.line.sent

    def hear(self) -> None:
        """Take the answers that came meanwhile."""
        self.learn(self.line.answers())

    def prove(self, items: Iterable[Item]) -> None:
        """Ask about the first of these, until an answer can be read; raises where none can."""
        while not self.classifier.proven and (first := self.line.first(self.new(items))):
            self.line.want(first)
            self.learn(self.line.wait(first[0]))

    def shown(self, items: Sequence[Item]) -> str:
        """The first request about these for people; nothing is sent."""
        new = self.new(items) or map(self.asked, items)
        return self.classifier.ready.shown(self.line.first(new))

    def prepare(self, items: Iterable[Item]) -> None:
        """Wait for the answers about those that are new."""
        new = self.new(items)
        self.recall(new)
        for one in self.new(new):
            self.learn(self.line.wait(one))


@dataclass(frozen=True)
class Verdict:
    decision: Decision
    level: float | None
    scores: dict[str, float | None]


class Decider:
    """The moderators of one policy."""

    def __init__(self, policy: Policy, moderators: Sequence[Moderator]) -> None:
        self.policy, self.moderators = policy, moderators
        self.remote = [one for one in moderators if isinstance(one, Remote)]
        """Those of the moderators that are services."""
        self._sources: dict[str, Source] = {
            one.name: source for one, source in zip(moderators, policy.moderators, strict=True)
        }

    def item(self, text: str, context: Sequence[str]) -> Item:
        """What the moderators are asked about a message and the messages before it."""
        read = _canonical if self.policy.canonical else str
        turns = tuple(Message("user", read(one)) for one in context) if context else ()
        return Item(read(text), turns)

    def knows(self, item: Item) -> bool:
        """Whether every moderator has answered about an item."""
        return all(one.knows(item) for one in self.moderators)

    def prepare(self, items: Sequence[Item]) -> None:
        """Ask about many items at once."""
        for one in self.moderators:
            one.prepare(items)

    def decide(self, item: Item) -> Verdict:
        """The decision about an item that was posted."""
        for one in self.remote:
            one.said(item)
        return self.verdict(item)

    def verdict(self, item: Item) -> Verdict:
        """The decision about one item, which may be foreseen only."""
        scores = {one.name: one.score(item) for one in self.moderators}
        level = self.level(scores)
        if level is None:
            return Verdict(Decision.UNKNOWN, None, scores)
        flagged = level >= self.policy.threshold
        return Verdict(Decision.FLAGGED if flagged else Decision.PASSES, level, scores)

    def level(self, scores: dict[str, float | None]) -> float | None:
        """One number from the scores; None where what is missing could change the decision."""
        levels = [
            None if value is None else rescaled(value, self._sources[name].threshold)
            for name, value in scores.items()
        ]
        known = [one for one in levels if one is not None]
        if self.policy.combine == "weighted":
            weights = [self._sources[name].weight for name in scores]
            pairs = zip(known, weights, strict=False)
            total = sum(level * weight for level, weight in pairs) / sum(weights)
            return total if len(known) == len(levels) else None
        worst = max if self.policy.combine == "any" else min
        decided = worst(known) if known else None
        if len(known) == len(levels) or decided is None:
            return decided
        # One that flags decides "any" whatever the others would have said; one that passes, "all".
        flagged = decided >= self.policy.threshold
        return decided if flagged == (self.policy.combine == "any") else None


def rescaled(value: float, threshold: float) -> float:
    """A score so that the moderator's own threshold is 0.5, in a straight line on either side."""
    if value < threshold:
        return MIDDLE * value / threshold
    if threshold == 1:
        return 1.0
    return MIDDLE + (1 - MIDDLE) * (value - threshold) / (1 - threshold)
