"""Context scored three ways: the text alone, the context alone, and both."""

from collections.abc import Sequence

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Classifier, Item
from phoque.moderators.scoring import score
from phoque.run.scored import InContext


def in_context(
    classifier: Classifier, items: Sequence[Item], threshold: float, *, may_send_text: bool = False
) -> list[InContext]:
    """Score every item three ways; a hit is a score from the threshold on.

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
        InContext(
            alone=alone,
            context_only=told,
            both=both,
            leaked=both >= threshold > alone and told >= threshold,
        )
        for alone, told, both in zip(found[:n], found[n : 2 * n], found[2 * n :], strict=True)
    ]


def _flat(item: Item) -> Item:
    turns = [turn.content for turn in item.context if turn.role != "system"]
    return Item("\n".join([*turns, item.text]))
