"""Context scored three ways: the text alone, the context alone, and both."""

from collections.abc import Sequence
from dataclasses import dataclass

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Classifier, Item
from phoque.moderators.scoring import score


@dataclass(frozen=True, kw_only=True)
class InContext:
    """Harm scores of one text with and without what was said before."""

    alone: float
    context_only: float
    """Of the turns before the text, without it."""
    both: float

    @property
    def added(self) -> float:
        """What only the combination shows: both, minus the higher of the two parts."""
        return self.both - max(self.alone, self.context_only)

    def leaked(self, threshold: float) -> bool:
        """Whether a hit on both is the context's own: the text needs no context to be innocent."""
        return self.both >= threshold > self.alone and self.context_only >= threshold


def in_context(
    classifier: Classifier, items: Sequence[Item], *, may_send_text: bool = False
) -> list[InContext]:
    """Score every item three ways.

    A classifier that takes no context reads the turns before the text as more text, which raises
    flags on harmless replies too: `context_only` is the control for that.

    Raises:
        PhoqueError: an item has no context, or the classifier failed on it.
    """
    if not all(item.context for item in items):
        raise PhoqueError("Context can be scored only where there is some: an item has none.")
    whole = [item if classifier.info.takes_context else _flat(item) for item in items]
    before = [Item(item.context[-1].content, item.context[:-1]) for item in items]
    before = before if classifier.info.takes_context else [_flat(item) for item in before]
    asked = [*(Item(item.text) for item in items), *before, *whole]
    found = [
        one.harm_score(classifier.info)
        for one in score(classifier, asked, may_send_text=may_send_text)
    ]
    n = len(items)
    return [
        InContext(alone=found[i], context_only=found[n + i], both=found[2 * n + i])
        for i in range(n)
    ]


def _flat(item: Item) -> Item:
    turns = [turn.content for turn in item.context if turn.role != "system"]
    return Item("\n".join([*turns, item.text]))
