"""From scores to a decision: moderators are asked once about a text, in batches, and combined."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from phoque.conversation import Message
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier, Item
from phoque.moderators.scoring import score
from phoque.run.pressure import Decision
from phoque.stages.pressure.policy import Policy, Source

MOST_KEPT = 100_000
"""Answers of a moderator that are kept in memory; the oldest are forgotten first."""
_canonical = lru_cache(maxsize=50_000)(canonicalise)
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
        new = [one for one in dict.fromkeys(map(self.asked, items)) if one not in self._known]
        if not new:
            return
        found = score(self.classifier, new, may_send_text=self._may_send_text)
        for item, one in zip(new, found, strict=True):
            known = one.error is None
            self._known[item] = one.harm_score(self.classifier.info) if known else None
        if (surplus := len(self._known) - max(MOST_KEPT, len(new))) > 0:
            for item in list(islice(self._known, surplus)):
                del self._known[item]

    def score(self, item: Item) -> float | None:
        """Its score from 0 to 1; None where it gave no answer."""
        asked = self.asked(item)
        if asked not in self._known:
            self.prepare([item])
        return self._known[asked]


@dataclass(frozen=True)
class Verdict:
    decision: Decision
    level: float | None
    scores: dict[str, float | None]


class Decider:
    """The moderators of one policy."""

    def __init__(self, policy: Policy, moderators: Sequence[Moderator]) -> None:
        self.policy, self.moderators = policy, moderators
        self._sources: dict[str, Source] = {
            one.name: source for one, source in zip(moderators, policy.moderators, strict=True)
        }

    def item(self, text: str, context: Sequence[str]) -> Item:
        """What the moderators are asked about a message and the messages before it."""
        read = _canonical if self.policy.canonical else str
        turns = tuple(Message("user", read(one)) for one in context) if context else ()
        return Item(read(text), turns)

    def prepare(self, items: Sequence[Item]) -> None:
        """Ask about many items at once."""
        for one in self.moderators:
            one.prepare(items)

    def verdict(self, item: Item) -> Verdict:
        """The decision about one item."""
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
